#include "service/association.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dicom/receiver.h"
#include "service/answers.h"
#include "service/limits.h"
#include "service/listener.h"
#include "service/requests.h"

/* The sink's side of one association. */
struct session {
    const struct association *association;
    /* Tells the indexer which studies are still coming; NULL before the first object. */
    struct store_association *open;
    struct store_temp temp;
    bool store_failed; /* the store did not take the object at hand */
    bool itself;       /* the peer's address is our own end's, too */
    const char *peer_name; /* "" when nobody is listed, or it was not admitted */
    struct requests requests; /* of the peer, once it is admitted */
    uint32_t identical, variants;
};

static struct board *board_of(const struct session *session)
{
    return session->association->role->board;
}

static void progress(const struct session *session)
{
    atomic_store(&session->association->slot->progress_us, clock_monotonic_us(clock_system()));
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
    int status = store_incoming_commit(&session->temp, object->sop_instance_uid, &committed, err);
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

static enum dicom_refusal admit(void *context, const struct dicom_caller *caller,
                                struct dicom_permission *ret_permission)
{
    struct session *session = context;
    const struct association *a = session->association;
    const struct settings_peer *peer;
    enum dicom_refusal refusal = peers_admit(a->admission->peers, caller, a->peer, session->itself,
                                             ret_permission, &peer);
    if (peer)
        session->peer_name = peer->name;
    session->requests.peer = peer;
    if (refusal == DICOM_ADMITTED) {
        progress(session);
        atomic_store(&a->slot->admitted, 1);
    }
    return refusal;
}

static bool is_itself(int fd, const char *peer)
{
    struct sockaddr_storage ours;
    socklen_t n = sizeof ours;
    char name[INET6_ADDRSTRLEN];
    if (getsockname(fd, (struct sockaddr *)&ours, &n) < 0)
        return false;
    listener_name(&ours, n, name);
    return strcmp(name, peer) == 0;
}

static int serve(struct session *session, int fd, struct dicom_association_result *ret_result,
                 struct error *err)
{
    const struct association *a = session->association;
    const struct settings *settings = a->admission->settings;
    int idle_s = (int)((settings->receiver.idle_timeout_us + 999999) / 1000000);
    struct answers answers = {settings, a->store, a->id};
    const struct dicom_commitment_sink commitment = answers_sink(&answers);
    session->requests = (struct requests){settings, a->store, a->id, NULL};
    const struct dicom_request_sink requests = requests_sink(&session->requests);
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
        .tls = a->tls ? a->admission->tls : NULL,
        .preferred_syntaxes = settings->receiver.transfer_syntaxes,
        .preferred_count = settings->receiver.transfer_syntax_count,
        .admit = admit,
        .admit_context = session,
        .commitment = answers_expected(settings) ? &commitment : NULL,
        .requests = requests_taken(settings) ? &requests : NULL,
    };
    struct dicom_receiver_sink sink = {session, begin, study, commit, abandon, refused};
    session->itself = is_itself(fd, a->peer);
    return dicom_association_serve(fd, &how, &sink, ret_result, err);
}

static enum board_counter counter_of_refusal(enum dicom_refusal refusal)
{
    switch (refusal) {
    case DICOM_REFUSED_CALLED_AE: return BOARD_REJECTED_CALLED_AE;
    case DICOM_REFUSED_CALLING_AE: return BOARD_REJECTED_CALLING_AE;
    case DICOM_REFUSED_ADDRESS: return BOARD_REJECTED_ADDRESS;
    case DICOM_REFUSED_WITHOUT_TLS: return BOARD_REJECTED_WITHOUT_TLS;
    case DICOM_REFUSED_CERTIFICATE: return BOARD_REJECTED_CERTIFICATE;
    default: return BOARD_REJECTED_CONTEXTS;
    }
}

static enum board_counter counter_of_fault(enum dicom_tls_fault fault)
{
    switch (fault) {
    case DICOM_TLS_NO_CERTIFICATE: return BOARD_TLS_NO_CERTIFICATE;
    case DICOM_TLS_EXPIRED: return BOARD_TLS_EXPIRED;
    case DICOM_TLS_UNTRUSTED:
    case DICOM_TLS_OTHER_NAME: return BOARD_TLS_UNTRUSTED;
    case DICOM_TLS_OURS_REFUSED: return BOARD_TLS_OURS_REFUSED;
    case DICOM_TLS_NO_COMMON: return BOARD_TLS_NO_COMMON;
    case DICOM_TLS_NOT_TLS: return BOARD_TLS_NOT_TLS;
    default: return BOARD_TLS_BROKEN;
    }
}

static void count_end(const struct session *session, int status,
                      const struct dicom_association_result *result)
{
    struct board *board = board_of(session);
    if (result->tls_fault != DICOM_TLS_NONE) {
        board_count(board, counter_of_fault(result->tls_fault), 1);
    } else if (result->end == DICOM_END_REJECTED) {
        board_count(board, BOARD_ASSOCIATIONS_REJECTED, 1);
        board_count(board, counter_of_refusal(result->refusal), 1);
    } else if (status < 0) {
        board_count(board, BOARD_ASSOCIATIONS_FAILED, 1);
    }
}

int association_serve(const struct association *association, int fd)
{
    struct session session = {.association = association, .temp = {.fd = -1}, .peer_name = ""};
    struct dicom_association_result result = {0};
    struct error err = {0};
    int64_t started_us = clock_monotonic_us(clock_system());
    int status = serve(&session, fd, &result, &err);
    store_association_close(session.open);
    count_end(&session, status, &result);
    long long ms = (long long)((clock_monotonic_us(clock_system()) - started_us) / 1000);
    bool refused_it = result.end == DICOM_END_REJECTED;
    /* An AE title comes from outside: quoted. */
#define SUMMARY                                                                                   \
    "assoc=%s peer=%s calling_ae=%s called_ae=%s peer_name=%s tls=%s end=%s reason=%s"            \
    " stored=%" PRIu32 " identical=%" PRIu32 " variants=%" PRIu32 " refused=%" PRIu32             \
    " echoes=%" PRIu32 " bytes=%" PRIu64 " ms=%lld",                                              \
        association->id, association->peer, LOG_QUOTE(result.calling_ae),                         \
        LOG_QUOTE(result.called_ae), LOG_QUOTE(session.peer_name),                                \
        association->tls ? "yes" : "no", dicom_association_end_name(result.end),                  \
        LOG_QUOTE(result.reason), result.stored, session.identical, session.variants,             \
        result.refused, result.echoes, result.bytes, ms
    if (status < 0)
        log_error(LOG_WARNING, "association failed", &err, SUMMARY);
    else
        log_event(refused_it ? LOG_WARNING : LOG_INFO,
                  refused_it ? "association rejected" : "association ended", SUMMARY);
#undef SUMMARY
    return status < 0;
}
