/* The settings file of axnoded and axnode. One table says what every setting is: it reads and
 * checks the file, and writes docs/settings.md and deploy/axnode.yaml. */
#ifndef AXNODE_SERVICE_SETTINGS_H
#define AXNODE_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    SETTINGS_DESTINATIONS_MAX = 16,
    SETTINGS_ROUTES_MAX = 64,
    SETTINGS_PEERS_MAX = 256,
    SETTINGS_SHADOWS_MAX = 4,
    SETTINGS_REPORTED_MAX = 4, /* beside the package that leads */
};

/* A series by its modality and words of its description ("": any). */
struct settings_series {
    const char *modality, *words;
};

/* Another node of the DICOM network: may call us, be called by us, or both. */
struct settings_peer {
    const char *name;
    const char *ae_title;
    const char *address; /* host name or IP address: connects from there, is called there */
    int port;            /* 0: is never called */
    const char **from;   /* more it connects from: host, address or ADDRESS/BITS */
    size_t from_count;
    bool echo, store, commit; /* what it may ask of us */
    int64_t quiet_period_us;  /* of studies that it sends; 0: study.quiet_period_s */
    const struct settings_series *required_series; /* that a study of its must have */
    size_t required_series_count;
    bool tls;                 /* both ways */
    const char *certificate_name;   /* that its certificate is made out to; "": its address */
    const char *certificate_sha256; /* 64 lower case hex digits: this certificate; "": any */
};

/* Kinds of our objects, by the names of report/report.h. */
enum { SETTINGS_OBJECTS = 7 };
extern const char *const settings_object_names[SETTINGS_OBJECTS];

/* Where results go. With a peer, AE title, address, port and TLS are the peer's. */
struct settings_destination {
    const char *name;     /* key of its rows in the outbox */
    const char *peer_name; /* "" when it has an address of its own */
    const struct settings_peer *peer; /* NULL likewise; of the same settings */
    const char *ae_title; /* called AE title */
    const char *address;  /* host name or IP address */
    int port;
    bool objects[SETTINGS_OBJECTS]; /* which it gets, as settings_object_names */
    int associations;       /* open at once */
    int objects_per_minute; /* 0: as fast as it takes them; else over one association */
    int commitment;         /* enum settings_commitment */
};

/* Whose results go where: service/routes.h. */
struct settings_route {
    const char *name;
    const char **from; /* calling AE titles; none: the fallback, for everybody else */
    size_t from_count;
    bool to[SETTINGS_DESTINATIONS_MAX]; /* of settings.destinations */
};

enum settings_commitment { SETTINGS_COMMITMENT_NONE, SETTINGS_COMMITMENT_REQUIRED };

/* TLS 1.2 and 1.3 with perfect forward secrecy (BCP 195), never less. */
enum settings_tls_profile {
    SETTINGS_TLS_BCP195_ND,       /* RSA certificates; TLS 1.2 or 1.3 */
    SETTINGS_TLS_BCP195_EXTENDED, /* RSA or ECDSA certificates; TLS 1.2 alone */
};

/* Everything is owned by the struct and constant until settings_free. Durations are in
 * microseconds, whatever the unit in the file. */
struct settings {
    const char *store;
    const char *database;
    const char *database_password_credential; /* "" when not set */
    struct {
        const char *ae_title;
        const char *address; /* numeric */
        int port;
        int max_associations;
        int associations_per_peer;
        int max_pdu_bytes;
        int64_t idle_timeout_us;
        bool check_called_ae;
        bool check_calling_ae, check_address; /* without a peer in the list: neither */
        const char **transfer_syntaxes; /* UIDs, preferred in this order */
        size_t transfer_syntax_count;
    } receiver;
    struct {
        const char *certificate, *key, *ca; /* PEM files; all "" or none */
        int port;                           /* the receiver's for TLS; 0: off */
        int profile;                        /* enum settings_tls_profile */
        bool require_client_certificate;
    } tls;
    struct settings_peer peers[SETTINGS_PEERS_MAX];
    size_t peer_count;
    struct {
        int object_mib;
        int frames;
        int64_t frame_pixels;
        int images_per_study;
        int store_min_free_mib;
    } limits;
    struct {
        int64_t quiet_period_us;
        int64_t age_max_us; /* 0: none */
    } study;
    struct {
        bool bilateral, multifocal;
    } score;
    struct {
        int count;
        int attempts_max;
        int64_t backoff_first_us, backoff_max_us;
        int64_t lease_us;
        int64_t job_timeout_us;
        int recycle_jobs;
        int memory_max_mib;
    } workers;
    const char *package;     /* folder; "" when not set: program_package */
    const char *onnxruntime; /* library file; "" when not set */
    struct {
        bool allow_unsigned;
        const char **trusted_keys; /* files; trusted_key_count of them */
        size_t trusted_key_count;
        const char *folder;  /* of packages by name and version; "": the shipped ones alone */
        const char **report; /* "NAME@VERSION"; report_count of them */
        size_t report_count;
        const char **shadow; /* likewise */
        size_t shadow_count;
    } packages;
    struct settings_destination destinations[SETTINGS_DESTINATIONS_MAX];
    size_t destination_count;
    struct settings_route routes[SETTINGS_ROUTES_MAX]; /* with any, one is the fallback */
    size_t route_count;
    struct {
        int attempts_max;
        int64_t backoff_first_us, backoff_max_us;
        int64_t timeout_us;
        int association_objects;
        int64_t commitment_timeout_us;
        int commitment_tries;
    } sender;
    struct {
        int64_t delivered_us, not_applicable_us, unreadable_us; /* 0: for ever */
    } retention;
    /* What peers may ask of us; the first two set, or nothing is committed to. */
    struct {
        int64_t retention_us;
        const char *retrieve_ae_title;
        bool completes_study;
    } commitment;
    struct {
        int64_t beat_timeout_us;
        int64_t restart_first_us, restart_max_us;
        int64_t drain_timeout_us;
    } supervisor;
    struct {
        const char *address; /* numeric */
        int port;            /* 0: off */
    } metrics;
    struct {
        int level; /* enum log_level */
    } log;
};

/* Read and check. STATUS_INVALID with "FILE:LINE: NAME: reason" for an unknown key, a wrong
 * type, a value out of range, or a required setting that is missing. */
int settings_load(const char *path, const struct settings **ret_settings, struct error *err);
/* As settings_load, from text; `name` stands for the file in messages. */
int settings_parse(const char *text, size_t n, const char *name,
                   const struct settings **ret_settings, struct error *err);
void settings_free(const struct settings *settings);

/* The name of a setting that differs between the two but cannot change while the service runs;
 * NULL when there is none. */
const char *settings_fixed_difference(const struct settings *a, const struct settings *b);

/* docs/settings.md and deploy/axnode.yaml, as the table has them. */
int settings_print_reference(struct buffer *ret_text, struct error *err);
int settings_print_sample(struct buffer *ret_text, struct error *err);

#endif
