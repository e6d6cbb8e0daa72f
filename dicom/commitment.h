/* Storage commitment, push model (PS3.4 annex J), both ways. Who stored objects asks the other side to
 * commit to them (N-ACTION), which answers when it likes (N-EVENT-REPORT), on the same association or
 * on one that it opens. Needs dicom_setup. */
#ifndef AXNODE_DICOM_COMMITMENT_H
#define AXNODE_DICOM_COMMITMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uid.h"
#include "dicom/sender.h"

enum { DICOM_COMMITMENT_OBJECTS_MAX = 4096, DICOM_COMMITMENT_BYTES_MAX = 1 << 20 };

struct dicom_reference {
    char sop_class_uid[UID_SIZE], sop_instance_uid[UID_SIZE];
};

/* One object of an answer. */
struct dicom_committed {
    char sop_instance_uid[UID_SIZE];
    bool committed;
    int reason; /* of a refusal: PS3.3 table C.14-1; -1: none was given */
};

struct dicom_commitment {
    char transaction_uid[UID_SIZE];
    char calling_ae[17]; /* who answered */
    struct dicom_committed *objects; /* owned */
    size_t count;
};
void dicom_commitment_release(struct dicom_commitment *commitment);

/* Keeps answers. 0: it is durable, and the peer hears 'success'; else 'processing failure'. The file
 * at `path` can be read during the call alone: a DICOM file as dicom_commitment_read takes it, of
 * which `answer` is the content. */
struct dicom_commitment_sink {
    void *context;
    int (*answer)(void *context, const struct dicom_commitment *answer, const char *path,
                  struct error *err);
    /* May be NULL: an answer was refused, with the DIMSE status and the reason. For the log. */
    void (*refused)(void *context, uint16_t dimse_status, const struct error *reason);
};

/* A file that a sink was shown. STATUS_INVALID: something else; STATUS_LIMIT: too large. The caller
 * releases `ret_commitment`. */
int dicom_commitment_read(const char *path, struct dicom_commitment *ret_commitment,
                          struct error *err);

/* Ask for `count` objects, at most DICOM_COMMITMENT_OBJECTS_MAX, on an association whose peer was
 * proposed it (dicom_peer.commitment). 0: the peer took the request, the answer follows.
 * STATUS_UNSUPPORTED: it does not know this service; STATUS_CONFLICT: it refused, the message says
 * with which status; STATUS_UNAVAILABLE: no answer, and the association is useless from then on. */
int dicom_sender_commit(struct dicom_sender *sender, const char *transaction_uid,
                        const struct dicom_reference *objects, size_t count, struct error *err);
/* Wait up to `wait_s` for the answer on this association. *ret_answered false: none came, the peer
 * may open another association; then it is released as usual. */
int dicom_sender_await(struct dicom_sender *sender, int wait_s,
                       const struct dicom_commitment_sink *sink, bool *ret_answered,
                       struct error *err);

/* ---- what peers ask of us ---------------------------------------------------------------- */

struct dicom_commitment_request {
    char transaction_uid[UID_SIZE];
    char calling_ae[17];             /* who asks */
    struct dicom_reference *objects; /* owned; valid UIDs, 1 to DICOM_COMMITMENT_OBJECTS_MAX */
    size_t count;
};
void dicom_commitment_request_release(struct dicom_commitment_request *request);

/* Keeps requests, as dicom_commitment_sink keeps answers: 0 and the peer hears 'success', else
 * 'processing failure'. The file at `path` is one for dicom_commitment_request_read. */
struct dicom_request_sink {
    void *context;
    int (*request)(void *context, const struct dicom_commitment_request *request, const char *path,
                   struct error *err);
    void (*refused)(void *context, uint16_t dimse_status, const struct error *reason);
};

/* A file that a sink was shown; errors and ownership as of dicom_commitment_read. */
int dicom_commitment_request_read(const char *path, struct dicom_commitment_request *ret_request,
                                  struct error *err);

/* PS3.3 table C.14-1 */
enum {
    DICOM_PROCESSING_FAILURE = 0x0110,
    DICOM_NO_SUCH_INSTANCE = 0x0112,
    DICOM_CLASS_CONFLICT = 0x0119,
};
struct dicom_commitment_report {
    const char *transaction_uid, *retrieve_ae;
    const struct dicom_reference *objects; /* `count` of them, as they were asked for */
    const uint16_t *failures;              /* of each: 0 committed, else why not */
    size_t count;
};
/* Answer a request on an association whose peer was proposed it (dicom_peer.commitment_scp). 0: the
 * peer took the answer. Errors as of dicom_sender_commit. */
int dicom_sender_report(struct dicom_sender *sender, const struct dicom_commitment_report *report,
                        struct error *err);

#endif
