/* The requesting side of DICOM: C-STORE and C-ECHO to a peer. Needs dicom_setup. */
#ifndef AXNODE_DICOM_SENDER_H
#define AXNODE_DICOM_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uid.h"
#include "dicom/tls.h"

struct dicom_peer {
    const char *ae_title; /* theirs */
    const char *host;     /* name or IPv4 address */
    int port;
    const char *our_ae;
    int connect_timeout_s;   /* TCP connection; name resolution is the system's */
    int handshake_timeout_s; /* association request to answer, and release */
    int dimse_timeout_s;     /* each message's answer */
    uint32_t pdu_bytes_max;  /* what we accept: 4096 … 131072 */
    /* NULL: without TLS. Else its files are read for each association. */
    const struct dicom_tls_settings *tls;
    const char *certificate_name;   /* that theirs is made out to; NULL or "": `host` */
    const char *certificate_sha256; /* hex digits of theirs, the name then does not count; NULL or
                                       "": any */
    bool commitment; /* also propose storage commitment (dicom/commitment.h) */
    bool commitment_scp; /* likewise, to answer what it asked of us */
};

/* What will be sent: the class and encoding of an object. Repeats are fine. */
struct dicom_context {
    char sop_class_uid[UID_SIZE], transfer_syntax_uid[UID_SIZE];
};
enum { DICOM_CONTEXTS_MAX = 128 };

struct dicom_sender; /* one association */

/* `count` may be 0 with peer->commitment or commitment_scp alone.
 * STATUS_UNAVAILABLE: no connection, no answer in time, or rejected (try later);
 * STATUS_INVALID: the arguments. A context that the peer does not take shows when an object
 * that needs it is stored. */
int dicom_sender_open(const struct dicom_peer *peer, const struct dicom_context *contexts,
                      size_t count, struct dicom_sender **ret_sender, struct error *err);

enum dicom_delivery {
    DICOM_DELIVERED, /* success, a warning (Bxxx, 0001, 0107, 0116), or 0111 'have it already' */
    DICOM_TRY_LATER, /* A7xx out of resources, 0110 processing failure, 0213 limitation */
    DICOM_REFUSED,   /* every other status: the same object will be refused again */
};
const char *dicom_delivery_name(enum dicom_delivery delivery);

struct dicom_store_reply {
    enum dicom_delivery delivery;
    uint16_t status; /* DIMSE status word */
    char text[160];  /* "0xA700 out of resources: …", with the peer's comment when it sent one */
};
/* The status word's class; the rule behind dicom_store_reply.delivery. */
enum dicom_delivery dicom_delivery_of_status(uint16_t status);

/* Send the data set of a DICOM file (with file meta information), its bytes as they are; the
 * file must not change meanwhile. 0: the peer answered, `ret_reply` says what. No answer:
 * STATUS_UNAVAILABLE, and this association is useless from then on (try later on another);
 * STATUS_UNSUPPORTED: the peer did not accept the object's class in its transfer syntax
 * (permanent until its settings change), association still good; STATUS_INVALID, STATUS_IO,
 * STATUS_NOT_FOUND: the file. */
int dicom_sender_store(struct dicom_sender *sender, const char *path,
                       struct dicom_store_reply *ret_reply, struct error *err);
/* Release (after a failure only close the connection) and free; NULL is fine. */
void dicom_sender_close(struct dicom_sender *sender);

/* Class and encoding of a file, for dicom_sender_open. */
int dicom_context_read(const char *path, struct dicom_context *ret_context, struct error *err);

/* C-ECHO on an association of its own: 0 when the peer answered success. */
int dicom_echo(const struct dicom_peer *peer, struct error *err);

#endif
