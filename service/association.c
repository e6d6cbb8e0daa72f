#include "service/association.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "dicom/receiver.h"
#include "service/limits.h"

/* The sink's side of one association. */
struct session {
    const struct association *association;
    /* Tells the indexer which studies are still coming; NULL before the first object. */
    struct store_association *open;
    struct store_temp temp;
    bool store_failed; /* the store did not take the object at hand */
    uint32_t identical, variants;
};

static struct board *board_of(const struct session *session)
{
    return session->association->role->board;
}

static void progress(const struct session *session)
{
    atomic_store(session->association->progress_us, clock_monotonic_us(clock_system()));
}

static int begin(void *context, int *ret_fd, struct error *err)
{
    struct session *session = context;
    const struct association *association = session->association;
    int status = 0;
    progress(session);
    if (!session->open) /* a disk that is full now refuses this object, and is asked again */
        status = store_association_open(association->store, association->id, &session->open, err);
    if (status == 0)
        status = store_incoming_begin(association->store, &session->temp, err);
    session->store_failed = status < 0;
    if (status == 0)
        *ret_fd = session->temp.fd;
    return status;
}

static int study(void *context, const struct dicom_received *object, struct error *err)
{
    struct session *session = context;
    int status = store_association_add_study(session->open, object->study_instance_uid, err);
    session->store_failed = status < 0;
    return status;
}

static int commit(void *context, const struct dicom_received *object, struct error *err)
{
    struct session *session = context;
    struct store_committed committed;
    progress(session);
    int status = store_incoming_commit(&session->temp, object->sop_instance_uid,
                                       object->data_set_sha256, &committed, err);
    session->store_failed = status < 0;
    if (status < 0)
        return status;
    progress(session);
    board_count(board_of(session), committed.outcome == STORE_NEW         ? BOARD_OBJECTS_NEW
                                   : committed.outcome == STORE_IDENTICAL ? BOARD_OBJECTS_IDENTICAL
                                                                          : BOARD_OBJECTS_VARIANT,
                1);
    board_count(board_of(session), BOARD_BYTES, object->data_set_bytes);
    session->identical += committed.outcome == STORE_IDENTICAL;
    session->variants += committed.outcome == STORE_VARIANT;
    log_event(committed.outcome == STORE_VARIANT ? LOG_WARNING : LOG_DEBUG,
              committed.outcome == STORE_VARIANT
                  ? "object has other bytes than one of the same UID: both are kept"
                  : "object stored",
              "assoc=%s key=%s bytes=%" PRIu64 " outcome=%s", session->association->id,
              committed.key, object->data_set_bytes, store_outcome_name(committed.outcome));
    return 0;
}

static void abandon(void *context)
{
    struct session *session = context;
    store_temp_abandon(&session->temp);
}

/* The status words are those of dicom/receiver.h. */
static enum board_counter refusal(const struct session *session, uint16_t dimse_status,
                                  int reason)
{
    switch (dimse_status) {
    case 0xA700:
        return reason == STATUS_LIMIT && !session->store_failed ? BOARD_REFUSED_TOO_LARGE
                                                                : BOARD_REFUSED_NO_SPACE;
    case 0xA900: return BOARD_REFUSED_MISMATCH;
    case 0xC000: return BOARD_REFUSED_INVALID;
    default: return BOARD_REFUSED_FAILURE;
    }
}

static void refused(void *context, uint16_t dimse_status, const struct error *reason)
{
    struct session *session = context;
    board_count(board_of(session), BOARD_OBJECTS_REFUSED, 1);
    board_count(board_of(session), refusal(session, dimse_status, reason->status), 1);
    log_error(LOG_WARNING, "object refused", reason, "assoc=%s dimse_status=0x%04X",
              session->association->id, dimse_status);
}

static int serve(struct session *session, int fd, struct dicom_association_result *ret_result,
                 struct error *err)
{
    const struct association *a = session->association;
    const struct settings *settings = a->role->settings;
    int idle_s = (int)((settings->receiver.idle_timeout_us + 999999) / 1000000);
    struct dicom_receiver_settings how = {
        .ae_title = settings->receiver.ae_title,
        .check_called_ae = settings->receiver.check_called_ae,
        .peer_address = a->peer,
        .association = a->id,
        .pdu_bytes_max = (uint32_t)settings->receiver.max_pdu_bytes,
        .handshake_timeout_s = idle_s,
        .idle_timeout_s = idle_s,
        .dimse_timeout_s = idle_s,
        .limits = limits_of_objects(settings),
        .stop = a->stop,
    };
    struct dicom_receiver_sink sink = {session, begin, study, commit, abandon, refused};
    return dicom_association_serve(fd, &how, &sink, ret_result, err);
}

int association_serve(const struct association *association, int fd)
{
    struct session session = {.association = association, .temp = {.fd = -1}};
    struct dicom_association_result result = {0};
    struct error err = {0};
    int64_t started_us = clock_monotonic_us(clock_system());
    int status = serve(&session, fd, &result, &err);
    store_association_close(session.open);
    if (status < 0 || result.end == DICOM_END_REJECTED)
        board_count(board_of(&session),
                    status < 0 ? BOARD_ASSOCIATIONS_FAILED : BOARD_ASSOCIATIONS_REJECTED, 1);
    long long ms = (long long)((clock_monotonic_us(clock_system()) - started_us) / 1000);
    /* An AE title comes from outside: quoted. */
#define SUMMARY                                                                                   \
    "assoc=%s peer=%s calling_ae=%s end=%s stored=%" PRIu32 " identical=%" PRIu32                 \
    " variants=%" PRIu32 " refused=%" PRIu32 " echoes=%" PRIu32 " bytes=%" PRIu64 " ms=%lld",     \
        association->id, association->peer, LOG_QUOTE(result.calling_ae),                         \
        dicom_association_end_name(result.end), result.stored, session.identical,                 \
        session.variants, result.refused, result.echoes, result.bytes, ms
    if (status < 0)
        log_error(LOG_WARNING, "association failed", &err, SUMMARY);
    else
        log_event(LOG_INFO, "association ended", SUMMARY);
#undef SUMMARY
    return status < 0;
}
