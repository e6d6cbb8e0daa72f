#include "cli/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "dicom/setup.h"
#include "service/call.h"

enum { ECHO_S = 5, EXPIRY_WARN_DAYS = 30 };
static const int64_t day_us = INT64_C(86400000000);

/* --- TLS ---------------------------------------------------------------------------------- */

static void check_key_mode(struct doctor *d)
{
    struct stat info;
    if (stat(d->settings->tls.key, &info) < 0) {
        struct error err = {0};
        error_set_errno(&err, STATUS_IO, errno, "cannot look at %s", d->settings->tls.key);
        doctor_error(d, "tls key", &err, "");
    } else if (info.st_mode & (S_IRWXO | S_IWGRP)) {
        doctor_find(d, "tls key", VERDICT_FAIL, "chmod 0600, owned by the service's user",
                    "%s has mode %04o: others than the service can use the key",
                    d->settings->tls.key, (unsigned)(info.st_mode & 07777));
    } else {
        doctor_find(d, "tls key", VERDICT_OK, "", "mode %04o", (unsigned)(info.st_mode & 07777));
    }
}

static void check_expiry(struct doctor *d, const char *check, const char *path)
{
    struct certificate certificate;
    struct error err = {0};
    int64_t now_us = clock_realtime_us(clock_system());
    if (certificate_read(path, &certificate, &err) < 0) {
        doctor_error(d, check, &err, "");
        return;
    }
    int64_t days = (certificate.ends_us - now_us) / day_us;
    static const char renew[] = "renew it, then systemctl reload axnoded";
    if (now_us < certificate.begins_us)
        doctor_find(d, check, VERDICT_FAIL, "is this machine's clock right?",
                    "%s is not valid yet", path);
    else if (now_us >= certificate.ends_us)
        doctor_find(d, check, VERDICT_FAIL, renew, "%s has expired", path);
    else
        doctor_find(d, check, days < EXPIRY_WARN_DAYS ? VERDICT_WARN : VERDICT_OK,
                    days < EXPIRY_WARN_DAYS ? renew : "", "%s ends in %" PRId64 " days", path,
                    days);
}

static void check_tls(struct doctor *d)
{
    const struct settings *s = d->settings;
    struct error err = {0};
    if (certificate_check(s->tls.certificate, s->tls.key, s->tls.ca, &err) < 0) {
        doctor_error(d, "tls", &err, "tls.certificate, tls.key and tls.ca in the settings");
        return;
    }
    check_key_mode(d);
    check_expiry(d, "tls certificate", s->tls.certificate);
    check_expiry(d, "tls ca", s->tls.ca);
}

/* --- Who answers -------------------------------------------------------------------------- */

static void check_echo(struct doctor *d, const char *check, const struct dicom_peer *peer,
                       const char *advice)
{
    struct error err = {0};
    if (dicom_echo(peer, &err) < 0)
        doctor_error(d, check, &err, advice);
    else
        doctor_find(d, check, VERDICT_OK, "", "%s at %s port %d answers C-ECHO%s", peer->ae_title,
                    peer->host, peer->port, peer->tls ? " by TLS" : "");
}

static void check_receiver(struct doctor *d, const struct dicom_tls_settings *tls)
{
    static const char advice[] = "is the service running? systemctl status axnoded";
    const struct settings *s = d->settings;
    const char *host = s->receiver.address;
    struct certificate ours;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        host = "localhost";
    struct dicom_peer itself =
        call_address(s, s->receiver.ae_title, host, s->receiver.port, ECHO_S);
    check_echo(d, "receiver", &itself, advice);
    if (!s->tls.port || certificate_read(s->tls.certificate, &ours, NULL) < 0)
        return;
    itself.port = s->tls.port;
    itself.tls = tls;
    itself.certificate_sha256 = ours.sha256; /* it need not be made out to this address */
    check_echo(d, "receiver, tls", &itself, advice);
}

void doctor_network(struct doctor *d)
{
    struct error err = {0};
    const struct settings *s = d->settings;
    struct dicom_tls_settings tls = call_tls(s);
    if (s->peer_count == 0)
        doctor_find(d, "peers", VERDICT_WARN, "list under peers who may send",
                    "no peers are listed: everybody who reaches the port may send");
    if (*s->tls.certificate)
        check_tls(d);
    if (dicom_setup(&err) < 0) {
        doctor_error(d, "receiver", &err, "");
        return;
    }
    check_receiver(d, &tls);
    for (size_t i = 0; i < s->destination_count; i++) {
        char check[96];
        struct dicom_peer to = call_destination(s, &s->destinations[i], &tls, ECHO_S);
        snprintf(check, sizeof check, "destination %s", s->destinations[i].name);
        check_echo(d, check, &to,
                   "is it up, does it know our AE title, does a firewall stand between? What "
                   "waits for it is sent when it answers");
    }
}
