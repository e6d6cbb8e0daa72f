#include "service/pledging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "db/pledge.h"
#include "dicom/commitment.h"
#include "dicom/sender.h"
#include "service/backoff.h"
#include "service/call.h"
#include "service/database.h"
#include "service/requests.h"

enum {
    STEP_S = 120, /* beside what a peer may take */
    BATCH = 64,
    /* An object that is in the store and not in the database yet: looked for again so often, for so
     * long; then it counts as one that cannot be read. */
    INDEXING_POLL_US = 2000000,
    INDEXING_WAIT_US = 120000000,
};

struct pledging {
    const struct role *role;
    struct store *store;
    struct db *db;
    struct dicom_tls_settings tls;
    bool unreachable[SETTINGS_PEERS_MAX]; /* in this run */
    bool failed;                          /* any of them */
};

/* One request at hand; arrays of asked.count, owned. */
struct work {
    const struct store_file *file;
    const struct settings_peer *peer;
    struct pledge pledge;
    struct dicom_commitment_request asked;
    struct pledge_object *objects;
    uint16_t *failures; /* as the answer has them */
    int refused;        /* of them */
};

static void work_release(struct work *w)
{
    dicom_commitment_request_release(&w->asked);
    free(w->objects);
    free(w->failures);
}

static const struct settings_peer *peer_find(const struct settings *settings, const char *ae_title)
{
    for (size_t i = 0; i < settings->peer_count; i++)
        if (requests_peer(&settings->peers[i]) &&
            strcmp(settings->peers[i].ae_title, ae_title) == 0)
            return &settings->peers[i];
    return NULL;
}

/* --- What is stored ------------------------------------------------------------------------ */

/* 0, or why we do not commit to the object. *ret_wait: it is in the store, and may soon be indexed. */
static uint16_t judge(const struct pledging *x, const struct pledge_object *object, bool *ret_wait)
{
    char path[STORE_PATH_SIZE], key[STORE_KEY_SIZE];
    struct error reason = {0};
    switch (object->found) {
    case PLEDGE_INDEXED:
        return store_find(x->store, object->key, path, &reason) == 0 ? 0 : DICOM_PROCESSING_FAILURE;
    case PLEDGE_OTHER_CLASS: return DICOM_CLASS_CONFLICT;
    case PLEDGE_UNKNOWN: break;
    }
    store_key(object->sop_instance_uid, key);
    int status = store_find(x->store, key, path, &reason);
    *ret_wait = *ret_wait || status == 0;
    return status == STATUS_NOT_FOUND ? DICOM_NO_SUCH_INSTANCE : DICOM_PROCESSING_FAILURE;
}

/* Compare; from here on the studies are kept. *ret_wait: to be compared once more. */
static int compare(struct pledging *x, struct work *w, bool *ret_wait, struct error *err)
{
    size_t count = w->asked.count;
    w->objects = calloc(count, sizeof *w->objects);
    w->failures = calloc(count, sizeof *w->failures);
    if (!w->objects || !w->failures)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        w->objects[i].sop_class_uid = w->asked.objects[i].sop_class_uid;
        w->objects[i].sop_instance_uid = w->asked.objects[i].sop_instance_uid;
    }
    int status = pledge_keep(x->db, w->objects, count,
                             x->role->settings->commitment.retention_us, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        w->failures[i] = judge(x, &w->objects[i], ret_wait);
        w->refused += w->failures[i] != 0;
    }
    *ret_wait = *ret_wait && w->pledge.age_us < INDEXING_WAIT_US;
    return status;
}

/* --- The answer ---------------------------------------------------------------------------- */

static int tell(struct pledging *x, const struct work *w, struct error *reason)
{
    const struct settings *settings = x->role->settings;
    unsigned timeout_s = (unsigned)((settings->sender.timeout_us + 999999) / 1000000);
    struct dicom_peer to = call_peer(settings, w->peer, &x->tls, (int)timeout_s);
    const struct dicom_commitment_report report = {
        w->asked.transaction_uid, settings->commitment.retrieve_ae_title, w->asked.objects,
        w->failures, w->asked.count};
    struct dicom_sender *association;
    to.commitment_scp = true;
    alarm(STEP_S + 6 * timeout_s);
    int status = dicom_sender_open(&to, NULL, 0, &association, reason);
    if (status == 0) {
        status = dicom_sender_report(association, &report, reason);
        dicom_sender_close(association);
    }
    alarm(STEP_S);
    return status;
}

static int answered(struct pledging *x, const struct work *w, struct error *err)
{
    log_event(w->refused ? LOG_WARNING : LOG_INFO, "request for storage commitment answered",
              "peer_name=%s committed=%zu refused=%d transaction=%s", LOG_QUOTE(w->peer->name),
              w->asked.count - (size_t)w->refused, w->refused, w->asked.transaction_uid);
    int status = pledge_answered(x->db, w->file->key, (int)w->asked.count - w->refused, w->refused,
                                 err);
    return status < 0 ? status : store_remove(x->store, STORE_REQUESTS, w->file->key, err);
}

static int not_answered(struct pledging *x, const struct work *w, const struct error *reason,
                        struct error *err)
{
    const struct settings *settings = x->role->settings;
    int attempt = w->pledge.attempts + 1;
    bool last = attempt >= settings->sender.attempts_max;
    int64_t delay_us =
        backoff_us(settings->sender.backoff_first_us, settings->sender.backoff_max_us, attempt);
    x->unreachable[w->peer - settings->peers] = true;
    x->failed = true;
    log_error(last ? LOG_ERROR : LOG_WARNING, "request for storage commitment not answered", reason,
              "peer_name=%s attempt=%d retry_in_s=%lld transaction=%s", LOG_QUOTE(w->peer->name),
              attempt, last ? -1 : (long long)(delay_us / 1000000), w->asked.transaction_uid);
    if (!last)
        return pledge_deferred(x->db, w->file->key, delay_us, reason->message, err);
    int status = pledge_failed(x->db, w->file->key, reason->message, err);
    return status < 0 ? status : store_remove(x->store, STORE_REQUESTS, w->file->key, err);
}

/* --- Requests ------------------------------------------------------------------------------ */

/* A file that nothing can be made of, or of somebody who may not ask any more. */
static int throw_away(struct pledging *x, const struct store_file *file,
                      const struct error *reason, struct error *err)
{
    log_error(LOG_WARNING, "request for storage commitment thrown away", reason, "key=%s",
              file->key);
    return store_remove(x->store, STORE_REQUESTS, file->key, err);
}

/* A file that the disk does not give. Those behind it need not wait for it; it stays, for later or
 * for a person, however often that has been. */
static int not_read(struct pledging *x, const struct store_file *file, const struct error *reason,
                    struct error *err)
{
    const struct settings *settings = x->role->settings;
    struct pledge pledge;
    int status = pledge_begin(x->db, file->key, "", &pledge, err);
    if (status < 0)
        return status;
    int attempt = pledge.attempts + 1;
    int64_t delay_us =
        backoff_us(settings->sender.backoff_first_us, settings->sender.backoff_max_us, attempt);
    log_error(LOG_ERROR, "request for storage commitment cannot be read, and is kept", reason,
              "key=%s attempt=%d retry_in_s=%lld", file->key, attempt,
              (long long)(delay_us / 1000000));
    return pledge_deferred(x->db, file->key, delay_us, reason->message, err);
}

/* Whoever asks for all of a study has sent all of it. */
static int complete(struct pledging *x, const struct work *w, struct error *err)
{
    int studies = 0;
    if (!x->role->settings->commitment.completes_study || w->refused > 0)
        return 0;
    int status = pledge_whole(x->db, w->objects, w->asked.count, &studies, err);
    if (status == 0 && studies > 0)
        log_event(LOG_INFO, "studies are whole: their quiet period ends",
                  "studies=%d peer_name=%s transaction=%s", studies, LOG_QUOTE(w->peer->name),
                  w->asked.transaction_uid);
    return status;
}

static int answer(struct pledging *x, struct work *w, struct error *err)
{
    struct error reason = {0};
    bool wait = false;
    if (x->unreachable[w->peer - x->role->settings->peers])
        return 0;
    int status = pledge_begin(x->db, w->file->key, w->peer->name, &w->pledge, err);
    if (status == 0)
        status = compare(x, w, &wait, err);
    if (status < 0)
        return status;
    if (wait)
        return pledge_deferred(x->db, w->file->key, INDEXING_POLL_US, NULL, err);
    status = complete(x, w, err);
    if (status < 0)
        return status;
    return tell(x, w, &reason) < 0 ? not_answered(x, w, &reason, err) : answered(x, w, err);
}

static int request_take(struct pledging *x, const struct store_file *file, struct error *err)
{
    struct work w = {.file = file};
    struct error reason = {0};
    int status = dicom_commitment_request_read(file->path, &w.asked, &reason);
    if (status == STATUS_INVALID || status == STATUS_LIMIT)
        return throw_away(x, file, &reason, err);
    if (status < 0)
        return not_read(x, file, &reason, err);
    w.peer = peer_find(x->role->settings, w.asked.calling_ae);
    if (w.peer) {
        status = answer(x, &w, err);
    } else {
        error_set(&reason, STATUS_NOT_FOUND, "no peer of that AE title may ask, and has a port");
        status = throw_away(x, file, &reason, err);
    }
    work_release(&w);
    return status;
}

/* The next files of a pass with those of them that are due. */
static int next_due(struct db *db, struct store_scan *scan, struct store_file *files, bool *due,
                    size_t *ret_count, struct error *err)
{
    const char *keys[BATCH];
    int status = store_scan_next(scan, files, BATCH, ret_count, err);
    for (size_t i = 0; status == 0 && i < *ret_count; i++)
        keys[i] = files[i].key;
    return status < 0 || *ret_count == 0 ? status : pledge_due(db, keys, *ret_count, due, err);
}

int pledging_due(struct db *db, struct store *store, bool *ret_due, struct error *err)
{
    struct store_file files[BATCH];
    struct store_scan *scan;
    bool due[BATCH];
    size_t count = 1;
    *ret_due = false;
    int status = store_scan_open(store, STORE_REQUESTS, &scan, err);
    if (status < 0)
        return status;
    while (status == 0 && count > 0 && !*ret_due) {
        status = next_due(db, scan, files, due, &count, err);
        for (size_t i = 0; status == 0 && i < count; i++)
            *ret_due = *ret_due || due[i];
    }
    store_scan_close(scan);
    return status;
}

static int take_all(struct pledging *x, struct error *err)
{
    struct store_file files[BATCH];
    struct store_scan *scan;
    bool due[BATCH];
    size_t count = 1;
    int status = store_scan_open(x->store, STORE_REQUESTS, &scan, err);
    if (status < 0)
        return status;
    while (status == 0 && count > 0 && !role_stopping(x->role)) {
        alarm(STEP_S);
        status = next_due(x->db, scan, files, due, &count, err);
        for (size_t i = 0; status == 0 && i < count && !role_stopping(x->role); i++)
            status = due[i] ? request_take(x, &files[i], err) : 0;
    }
    store_scan_close(scan);
    return status;
}

enum delivery_end pledging_run(const struct role *role, struct store *store)
{
    struct pledging x = {.role = role, .store = store, .tls = call_tls(role->settings)};
    struct error err = {0};
    alarm(STEP_S);
    int status = database_open(role, NULL, &x.db, &err);
    if (status == 0)
        status = take_all(&x, &err);
    if (status < 0)
        log_error(LOG_ERROR, "answers to requests for storage commitment interrupted", &err, NULL);
    db_close(x.db);
    return status < 0 ? DELIVERY_FAILED : x.failed ? DELIVERY_NO_ASSOCIATION : DELIVERY_DONE;
}
