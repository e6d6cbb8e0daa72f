/* The accepting side of DICOM: one association on one accepted socket, served in a process of
 * its own. Objects are streamed to a file that the sink opens, bit for bit as they come, and the
 * peer hears 'success' only after the sink's commit returned 0. Needs dicom_setup. */
#ifndef AXNODE_DICOM_RECEIVER_H
#define AXNODE_DICOM_RECEIVER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/uid.h"
#include "dicom/commitment.h"
#include "dicom/reader.h"
#include "dicom/tls.h"

enum { DICOM_PDU_BYTES_MIN = 4096, DICOM_PDU_BYTES_MAX = 131072 };

/* Who asks for an association. */
struct dicom_caller {
    const char *calling_ae, *called_ae;
    bool tls;
    /* Shown and verified: DER; NULL: none was shown. Valid during the call. */
    const uint8_t *certificate;
    size_t certificate_bytes;
};

/* Services that one caller may use. Contexts of others are not accepted. */
struct dicom_permission {
    bool echo, store, commit;
};

/* Why an association was rejected. */
enum dicom_refusal {
    DICOM_ADMITTED,
    DICOM_REFUSED_CALLED_AE,   /* not our AE title */
    DICOM_REFUSED_CALLING_AE,  /* unknown */
    DICOM_REFUSED_ADDRESS,     /* known, but from elsewhere */
    DICOM_REFUSED_WITHOUT_TLS, /* must come by TLS */
    DICOM_REFUSED_CERTIFICATE, /* is another's */
    DICOM_REFUSED_CONTEXTS,    /* nothing to agree on, or nothing allowed */
};
/* A sentence. Static storage. */
const char *dicom_refusal_text(enum dicom_refusal refusal);

/* A-ASSOCIATE-RJ for who comes when there is no room: rejected for the time being, the limit of
 * this node is reached (PS3.8 9.3.4). May be sent once a request has begun to arrive. */
extern const uint8_t dicom_reject_busy[10];

struct dicom_receiver_settings {
    const char *ae_title;
    bool check_called_ae;       /* reject another called AE title */
    const char *peer_address;   /* numeric address, for the file meta information */
    const char *association;    /* id, likewise; no ';' in either */
    uint32_t pdu_bytes_max;     /* DICOM_PDU_BYTES_MIN … _MAX */
    int handshake_timeout_s;    /* until the association request is complete */
    int idle_timeout_s;         /* between two messages */
    int dimse_timeout_s;        /* between two parts of one message */
    struct dicom_limits limits; /* object_bytes: what one object may have */
    const struct clock *clock;  /* NULL: clock_system() */
    /* NULL or a flag that a signal handler sets: the association is aborted at the next pause
     * between two messages. */
    const volatile sig_atomic_t *stop;
    struct dicom_tls *tls; /* NULL: without TLS */
    /* Transfer syntaxes that are chosen first, in this order; others in the peer's order. */
    const char *const *preferred_syntaxes;
    size_t preferred_count;
    /* Who may what, asked once the request is read; NULL: everybody may echo and store. */
    enum dicom_refusal (*admit)(void *context, const struct dicom_caller *caller,
                                struct dicom_permission *ret_permission);
    void *admit_context;
    /* Takes answers to requests of ours for storage commitment; NULL: none are expected. */
    const struct dicom_commitment_sink *commitment;
    /* Takes requests of who may commit; NULL: they hear 'processing failure'. */
    const struct dicom_request_sink *requests;
};

/* One object, as handed to the sink. */
struct dicom_received {
    char sop_class_uid[UID_SIZE], sop_instance_uid[UID_SIZE];
    char study_instance_uid[UID_SIZE], series_instance_uid[UID_SIZE];
    char transfer_syntax_uid[UID_SIZE];
    char calling_ae[17], called_ae[17];
    uint64_t data_set_offset; /* in the file: behind our file meta information */
    uint64_t data_set_bytes;
    int64_t received_us;                    /* 0 in `study`; taken after `study` returned */
};

/* What becomes of objects; implemented by the service. Order for each object: begin, then, when
 * it arrived whole and is valid, study, then commit; abandon instead wherever that breaks off
 * (also after a failed study or commit, not after a failed begin). The time of receipt is
 * written into the file between study and commit, so a study noted as open is never older than
 * its objects.
 * A failure is answered to the peer: STATUS_LIMIT as 0xA700 out of resources, STATUS_INVALID as
 * 0xC000 cannot understand, else 0x0110 processing failure. A full disk met while writing is
 * 0xA700 as well. */
struct dicom_receiver_sink {
    void *context;
    /* A new empty file, open for reading and writing; it stays the sink's, which closes it. */
    int (*begin)(void *context, int *ret_fd, struct error *err);
    /* The study is known: note it as carried by this association. */
    int (*study)(void *context, const struct dicom_received *object, struct error *err);
    /* Make the file durable and visible. 0: the peer is told 'success'. */
    int (*commit)(void *context, const struct dicom_received *object, struct error *err);
    void (*abandon)(void *context);
    /* May be NULL: an object was refused, with the DIMSE status and the reason. For the log. */
    void (*refused)(void *context, uint16_t dimse_status, const struct error *reason);
};

enum dicom_association_end {
    DICOM_END_RELEASED, /* by the peer, in order */
    DICOM_END_ABORTED,  /* by the peer, or the connection broke */
    DICOM_END_TIMEOUT,  /* the peer fell silent: aborted by us */
    DICOM_END_STOPPED,  /* settings.stop was set */
    DICOM_END_REJECTED, /* never established: `refusal` says why */
    DICOM_END_FAILED,   /* protocol or internal failure: aborted by us */
};
/* "released", "aborted", … Static storage. */
const char *dicom_association_end_name(enum dicom_association_end end);

struct dicom_association_result {
    enum dicom_association_end end;
    char calling_ae[17], called_ae[17]; /* "" when none was read */
    uint32_t stored, refused, echoes;
    uint64_t bytes;     /* of data sets stored */
    const char *reason; /* in words, why it ended that way; static storage */
    enum dicom_refusal refusal;
    enum dicom_tls_fault tls_fault; /* why there was no TLS connection */
};

/* Serve one association until its end. `fd` is closed in every case; it must be above 0.
 * `ret_result` is always filled. Returns 0 for a release, an abort by the peer, a stop or a
 * rejection; STATUS_UNAVAILABLE for a silent peer; STATUS_INVALID for a peer that breaks the
 * protocol. One call at a time per process.
 *
 * Accepted: Verification; ultrasound images (current and retired classes), secondary captures,
 * structured reports, key object selections, segmentations and encapsulated PDF, each in the
 * preferred transfer syntax, else in the first of the peer's list that can be decoded, else
 * stored. */
int dicom_association_serve(int fd, const struct dicom_receiver_settings *settings,
                            const struct dicom_receiver_sink *sink,
                            struct dicom_association_result *ret_result, struct error *err);

#endif
