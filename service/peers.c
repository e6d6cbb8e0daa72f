#include "service/peers.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/certificate.h"
#include "base/digest.h"
#include "base/number.h"

/* Addresses whose first `bits` are these. IPv4 stands as IPv6 has it (::ffff:a.b.c.d). */
struct network {
    struct in6_addr address;
    int bits;
};

struct known {
    const struct settings_peer *peer;
    struct network *networks;
    size_t count;
};

struct peers {
    const struct settings *settings;
    peers_looked_up *looked_up;
    void *context;
    struct arena arena;
    struct known known[SETTINGS_PEERS_MAX];
};

/* --- Addresses ---------------------------------------------------------------------------- */

static struct in6_addr mapped(const struct in_addr *four)
{
    struct in6_addr six = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(six.s6_addr + 12, four, sizeof *four);
    return six;
}

static bool address_read(const char *text, struct in6_addr *ret_address, bool *ret_four)
{
    struct in_addr four;
    *ret_four = inet_pton(AF_INET, text, &four) == 1;
    if (*ret_four)
        *ret_address = mapped(&four);
    return *ret_four || inet_pton(AF_INET6, text, ret_address) == 1;
}

static bool network_holds(const struct network *network, const struct in6_addr *address)
{
    int whole = network->bits / 8, rest = network->bits % 8;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;
    return memcmp(network->address.s6_addr, address->s6_addr, (size_t)whole) == 0 &&
           (rest == 0 ||
            ((network->address.s6_addr[whole] ^ address->s6_addr[whole]) & mask) == 0);
}

/* --- Loading ------------------------------------------------------------------------------ */

static int network_add(struct peers *peers, struct known *known, const struct in6_addr *address,
                       int bits, struct error *err)
{
    struct network *more =
        arena_array(&peers->arena, known->count + 1, sizeof *more); /* few, and once */
    if (!more)
        return error_set(err, STATUS_NOMEM, "out of memory");
    if (known->count)
        memcpy(more, known->networks, known->count * sizeof *more);
    more[known->count] = (struct network){*address, bits};
    known->networks = more;
    known->count++;
    return 0;
}

/* ADDRESS or ADDRESS/BITS. STATUS_NOT_FOUND: a host name. */
static int numeric_add(struct peers *peers, struct known *known, const char *source,
                       struct error *err)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    size_t n = strcspn(source, "/");
    int64_t bits = 128;
    bool four;
    if (n >= sizeof text)
        return STATUS_NOT_FOUND;
    memcpy(text, source, n);
    text[n] = '\0';
    if (!address_read(text, &address, &four))
        return STATUS_NOT_FOUND;
    if (source[n] && number_parse_int(source + n + 1, 0, four ? 32 : 128, &bits, NULL) < 0)
        return error_set(err, STATUS_INVALID, "'%s' is no network", source);
    return network_add(peers, known, &address, (int)bits + (source[n] && four ? 96 : 0), err);
}

static int host_add(struct peers *peers, struct known *known, const char *host, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int status = 0;
    bool there = getaddrinfo(host, NULL, &hints, &found) == 0;
    peers->looked_up(peers->context, known->peer->name, host, there);
    if (!there)
        return 0;
    for (const struct addrinfo *at = found; at && status == 0; at = at->ai_next) {
        struct in6_addr address;
        if (at->ai_family == AF_INET)
            address = mapped(&((const struct sockaddr_in *)(const void *)at->ai_addr)->sin_addr);
        else if (at->ai_family == AF_INET6)
            address = ((const struct sockaddr_in6 *)(const void *)at->ai_addr)->sin6_addr;
        else
            continue;
        status = network_add(peers, known, &address, 128, err);
    }
    freeaddrinfo(found);
    return status;
}

static int source_add(struct peers *peers, struct known *known, const char *source,
                      struct error *err)
{
    int status = numeric_add(peers, known, source, err);
    return status == STATUS_NOT_FOUND ? host_add(peers, known, source, err) : status;
}

int peers_new(const struct settings *settings, peers_looked_up *looked_up, void *context,
              struct peers **ret_peers, struct error *err)
{
    struct peers *peers = calloc(1, sizeof *peers);
    int status = 0;
    if (!peers)
        return error_set(err, STATUS_NOMEM, "out of memory");
    arena_init(&peers->arena);
    peers->settings = settings;
    peers->looked_up = looked_up;
    peers->context = context;
    for (size_t i = 0; i < settings->peer_count && status == 0; i++) {
        struct known *known = &peers->known[i];
        known->peer = &settings->peers[i];
        status = source_add(peers, known, known->peer->address, err);
        for (size_t k = 0; k < known->peer->from_count && status == 0; k++)
            status = source_add(peers, known, known->peer->from[k], err);
    }
    if (status < 0) {
        peers_free(peers);
        return status;
    }
    *ret_peers = peers;
    return 0;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    arena_release(&peers->arena);
    free(peers);
}

/* --- Admission ---------------------------------------------------------------------------- */

static bool comes_from(const struct known *known, const struct in6_addr *address)
{
    for (size_t i = 0; i < known->count; i++)
        if (network_holds(&known->networks[i], address))
            return true;
    return false;
}

/* The peer that best fits: both checks, then the one that is left. `ret_refusal` when none does. */
static const struct settings_peer *find(const struct peers *peers, const char *calling_ae,
                                        const struct in6_addr *address,
                                        enum dicom_refusal *ret_refusal)
{
    const struct settings *settings = peers->settings;
    const struct settings_peer *by_title = NULL, *by_address = NULL;
    for (size_t i = 0; i < settings->peer_count; i++) {
        const struct settings_peer *peer = peers->known[i].peer;
        bool title = strcmp(peer->ae_title, calling_ae) == 0;
        bool from = comes_from(&peers->known[i], address);
        if (title && from)
            return peer;
        if (title && !by_title)
            by_title = peer;
        if (from && !by_address)
            by_address = peer;
    }
    if (by_title && !settings->receiver.check_address)
        return by_title;
    if (by_address && !settings->receiver.check_calling_ae)
        return by_address;
    if (settings->receiver.check_calling_ae || settings->receiver.check_address)
        *ret_refusal = by_title ? DICOM_REFUSED_ADDRESS : DICOM_REFUSED_CALLING_AE;
    return NULL;
}

static bool certificate_fits(const struct settings *settings, const struct settings_peer *peer,
                             const struct dicom_caller *caller)
{
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_TEXT_SIZE];
    if (!caller->certificate)
        return !settings->tls.require_client_certificate;
    if (!*peer->certificate_sha256)
        return certificate_names(caller->certificate, caller->certificate_bytes,
                                 *peer->certificate_name ? peer->certificate_name : peer->address);
    digest_bytes(caller->certificate, caller->certificate_bytes, digest);
    digest_format(digest, text);
    return strcmp(text, peer->certificate_sha256) == 0;
}

enum dicom_refusal peers_admit(const struct peers *peers, const struct dicom_caller *caller,
                               const char *address, bool itself,
                               struct dicom_permission *ret_permission,
                               const struct settings_peer **ret_peer)
{
    const struct settings *settings = peers->settings;
    enum dicom_refusal refusal = DICOM_ADMITTED;
    struct in6_addr from = {0};
    bool four;
    *ret_peer = NULL;
    *ret_permission = (struct dicom_permission){.echo = true, .store = true};
    if (settings->peer_count == 0)
        return DICOM_ADMITTED;
    address_read(address, &from, &four); /* else ::, which is nobody */
    const struct settings_peer *peer = find(peers, caller->calling_ae, &from, &refusal);
    if (!peer && itself && strcmp(caller->calling_ae, settings->receiver.ae_title) == 0) {
        *ret_permission = (struct dicom_permission){.echo = true};
        return DICOM_ADMITTED;
    }
    if (!peer)
        return refusal;
    if (peer->tls && !caller->tls)
        return DICOM_REFUSED_WITHOUT_TLS;
    if (caller->tls && !certificate_fits(settings, peer, caller))
        return DICOM_REFUSED_CERTIFICATE;
    *ret_peer = peer;
    *ret_permission =
        (struct dicom_permission){.echo = peer->echo, .store = peer->store, .commit = peer->commit};
    return DICOM_ADMITTED;
}
