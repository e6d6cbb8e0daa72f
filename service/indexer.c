/* Role indexer: received files become rows, quiet studies become jobs. One pass:
 *
 *   database clock, then which studies live associations carry
 *   → every file of incoming/: header read, rows committed, file moved to stored/
 *   → studies that were quiet at that clock and carried by nobody get their job
 *
 * An object that becomes visible after the pass's listing belongs to an association that was in
 * the snapshot, or was received after the clock was read: either keeps its study open.
 *
 * Between passes it removes files whose time is over: the process that puts files into stored/
 * is the one that takes them out, so the two never meet at one file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/index.h"
#include "db/queue.h"
#include "dicom/reader.h"
#include "dicom/reported.h"
#include "dicom/setup.h"
#include "service/database.h"
#include "service/janitor.h"
#include "service/limits.h"
#include "service/role.h"
#include "service/watch.h"
#include "store/store.h"

enum {
    BATCH = 64,
    STUDIES_PER_CALL = 64,
    IDLE_US = 200000,
    /* After files that the operating system would not let us read: look again less often. */
    TROUBLE_US = 5000000,
    STEP_US = 300000000, /* one batch of large objects on a slow disk */
    SWEEP_EVERY_US = 5000000,
};

/* A file read for the index; texts of `object` point into the other members. */
struct reading {
    struct dicom_instance instance;
    char dataset_sha256[DIGEST_TEXT_SIZE], content_sha256[DIGEST_TEXT_SIZE];
    enum index_kind kind;
    bool final;
    struct index_object object;
    const struct store_file *file;
};

struct indexer {
    const struct role *role;
    struct watch *watch;
    struct database database;
    struct store *store;
    struct dicom_limits limits;
    struct store_file *files;   /* owned; BATCH of them, as the next ones */
    struct reading *readings;
    struct index_object *objects;
    struct index_answer *answers;
    struct queue_source *sources; /* owned; one for each peer */
    struct queue_required *required;
    size_t required_count;
    int64_t sweep_us; /* monotonic: when to look next for files whose time is over */
    bool trouble;  /* a file could not be read or moved in this pass */
    bool deferred; /* a file waits for another one to be indexed first */
};

static void reading_describe(struct reading *r)
{
    const struct dicom_instance *i = &r->instance;
    r->object = (struct index_object){
        .key = r->file->key,
        .sop_instance_uid = i->sop_instance_uid,
        .sop_class_uid = i->sop_class_uid,
        .transfer_syntax_uid = i->transfer_syntax_uid,
        .study_instance_uid = i->study_instance_uid,
        .series_instance_uid = i->series_instance_uid,
        .dataset_sha256 = r->dataset_sha256,
        .content_sha256 = r->content_sha256,
        .kind = r->kind,
        .final = r->final,
        .own = i->own,
        .modality = i->modality,
        .patient_id = i->patient_id,
        .patient_id_issuer = i->patient_id_issuer,
        .patient_name = i->patient_name,
        .patient_birth_date = i->patient_birth_date,
        .patient_sex = i->patient_sex,
        .accession_number = i->accession_number,
        .study_date = i->study_date,
        .study_time = i->study_time,
        .study_description = i->study_description,
        .series_description = i->series_description,
        .body_part_examined = i->body_part_examined,
        .series_number = i->series_number,
        .instance_number = i->instance_number,
        .rows = i->rows,
        .columns = i->columns,
        .frames = i->frames,
        .calling_ae = i->calling_ae,
        .called_ae = i->called_ae,
        .peer_address = i->peer_address,
        .association = i->association,
        .received_us = i->received_us,
    };
}

/* A report counts where it states something we know in codes. */
static void reading_judge(const struct indexer *x, struct reading *r)
{
    struct reported reported;
    const struct dicom_instance *i = &r->instance;
    r->kind = i->kind == DICOM_KIND_ULTRASOUND ? INDEX_KIND_INPUT : INDEX_KIND_OTHER;
    r->final = false;
    if (i->own || !reported_class(i->sop_class_uid) ||
        reported_read(r->file->path, &x->limits, &reported, NULL) < 0 || reported.count == 0)
        return;
    r->kind = INDEX_KIND_REPORT;
    r->final = reported.final;
}

static int reading_take(struct indexer *x, const struct store_file *file, struct reading *r,
                        struct error *err)
{
    r->file = file;
    r->content_sha256[0] = '\0';
    int status = dicom_instance_read(file->path, &x->limits, &r->instance, err);
    if (status == 0)
        status = store_dataset_digest(file->path, r->dataset_sha256, err);
    if (status < 0)
        return status;
    /* Tells a re-encoded object from a changed one. One that has none counts as changed. */
    dicom_content_digest(file->path, &x->limits, r->content_sha256, NULL);
    reading_judge(x, r);
    reading_describe(r);
    return 0;
}

/* Of these the same file gives the same again: it is recorded, and kept out of the way. */
static bool is_unreadable(int status)
{
    return status == STATUS_INVALID || status == STATUS_UNSUPPORTED || status == STATUS_LIMIT;
}

static void move_to_stored(struct indexer *x, const char *key)
{
    struct error err = {0};
    if (store_incoming_to_stored(x->store, key, &err) == 0)
        return;
    log_error(LOG_ERROR, "indexed file not moved", &err, "key=%s", key);
    x->trouble = true;
}

static int record_unreadable(struct indexer *x, const struct store_file *file,
                             const struct error *reason, struct error *err)
{
    log_error(LOG_WARNING, "unreadable object", reason, "key=%s", file->key);
    int status = index_unreadable(x->database.db, file->key, reason->message, err);
    if (status < 0)
        return status;
    board_count(x->role->board, BOARD_INDEXED_UNREADABLE, 1);
    move_to_stored(x, file->key);
    return 0;
}

static enum board_counter counter_of(enum index_outcome outcome)
{
    switch (outcome) {
    case INDEX_NEW: return BOARD_INDEXED_NEW;
    case INDEX_IDENTICAL: return BOARD_INDEXED_IDENTICAL;
    case INDEX_VARIANT: return BOARD_INDEXED_VARIANT;
    case INDEX_OWN: return BOARD_INDEXED_OWN;
    case INDEX_MIXED: return BOARD_INDEXED_MIXED;
    case INDEX_REFUSED: break;
    }
    return BOARD_INDEXED_UNREADABLE;
}

static void tell(const struct reading *r, const struct index_answer *answer)
{
    bool notable = answer->outcome == INDEX_VARIANT || answer->outcome == INDEX_MIXED ||
                   answer->outcome == INDEX_REFUSED;
    log_event(notable ? LOG_WARNING : LOG_DEBUG, "object indexed",
              "key=%s assoc=%s outcome=%s reopened=%d reason=%s", r->file->key,
              LOG_QUOTE(r->instance.association), index_outcome_name(answer->outcome),
              answer->reopened, LOG_QUOTE(answer->reason));
}

static int index_batch(struct indexer *x, size_t count, struct error *err)
{
    size_t readable = 0;
    for (size_t i = 0; i < count; i++) {
        struct error reason = {0};
        struct reading *r = &x->readings[readable];
        if (store_first_waits(x->store, x->files[i].key)) { /* the next pass meets it again */
            x->deferred = true;
            continue;
        }
        int status = reading_take(x, &x->files[i], r, &reason);
        if (status == 0) {
            x->objects[readable++] = r->object;
        } else if (is_unreadable(status)) {
            status = record_unreadable(x, &x->files[i], &reason, err);
            if (status < 0)
                return status;
        } else if (status != STATUS_NOT_FOUND) { /* else moved meanwhile */
            log_error(LOG_ERROR, "file not read, trying again later", &reason, "key=%s",
                      x->files[i].key);
            x->trouble = true;
        }
    }
    if (readable == 0)
        return 0;
    int status = index_add(x->database.db, x->objects, readable, x->answers, err);
    for (size_t i = 0; status == 0 && i < readable; i++) {
        tell(&x->readings[i], &x->answers[i]);
        board_count(x->role->board, counter_of(x->answers[i].outcome), 1);
        move_to_stored(x, x->readings[i].file->key);
    }
    return status;
}

static int index_incoming(struct indexer *x, struct error *err)
{
    struct store_scan *scan;
    size_t count = 1;
    int status = store_scan_open(x->store, STORE_INCOMING, &scan, err);
    if (status < 0)
        return status;
    while (status == 0 && count > 0 && !role_stopping(x->role)) {
        watch_allow(x->watch, STEP_US);
        status = store_scan_next(scan, x->files, BATCH, &count, err);
        if (status == 0 && count > 0)
            status = index_batch(x, count, err);
    }
    store_scan_close(scan);
    return status;
}

static int complete_studies(struct indexer *x, int64_t as_of_us,
                            const struct store_studies *open, struct error *err)
{
    const struct settings *settings = x->role->settings;
    struct queue_completion completion = {
        .quiet_us = settings->study.quiet_period_us,
        .sources = x->sources,
        .source_count = settings->peer_count,
        .required = x->required,
        .required_count = x->required_count,
        .age_max_us = settings->study.age_max_us,
        .as_of_us = as_of_us,
        .open_digests = (const char(*)[DIGEST_TEXT_SIZE])open->digests,
        .open_count = open->count,
        .limit = STUDIES_PER_CALL,
    };
    int jobs, studies, status;
    do {
        watch_allow(x->watch, STEP_US);
        status = queue_complete(x->database.db, &completion, &jobs, &studies, err);
        if (status == 0 && studies > 0)
            log_event(LOG_INFO, "studies complete", "studies=%d jobs=%d", studies, jobs);
    } while (status == 0 && studies == STUDIES_PER_CALL && !role_stopping(x->role));
    return status;
}

static int pass(struct indexer *x, struct error *err)
{
    struct store_studies open = {0};
    int64_t as_of_us;
    x->trouble = x->deferred = false;
    int status = db_now(x->database.db, &as_of_us, err);
    if (status == 0)
        status = store_associations_snapshot(x->store, &open, err);
    if (status == 0)
        status = index_incoming(x, err);
    /* Files that were not indexed may belong to any study: none is complete then. */
    if (status == 0 && !x->trouble && !x->deferred && !role_stopping(x->role))
        status = complete_studies(x, as_of_us, &open, err);
    store_studies_release(&open);
    return status;
}

/* One bounded batch, so that a long backlog of removals does not hold up what arrives; neither
 * does a store that lets nothing be removed. */
static int sweep(struct indexer *x, struct error *err)
{
    const struct settings *s = x->role->settings;
    const struct retention_policy policy = {s->retention.delivered_us,
                                            s->retention.not_applicable_us,
                                            s->retention.unreadable_us};
    size_t removed = 0;
    int64_t now_us = clock_monotonic_us(clock_system());
    if (now_us < x->sweep_us)
        return 0;
    x->sweep_us = now_us + SWEEP_EVERY_US;
    watch_allow(x->watch, STEP_US);
    int status = janitor_mark(x->database.db, &policy, err);
    if (status == 0)
        status = janitor_sweep(x->database.db, x->store, &removed, err);
    if (removed > 0)
        log_event(LOG_INFO, "files removed", "files=%zu", removed);
    if (status == 0 && removed == JANITOR_BATCH)
        x->sweep_us = 0;
    if (status == STATUS_IO || status == STATUS_LIMIT) {
        log_error(LOG_ERROR, "old files not removed", err, NULL);
        status = 0;
    }
    return status;
}

static int index_and_sweep(void *context, int64_t *ret_wait_us, struct error *err)
{
    struct indexer *x = context;
    int status = pass(x, err);
    if (status < 0)
        return status;
    *ret_wait_us = x->trouble ? TROUBLE_US : IDLE_US;
    status = sweep(x, err);
    return status < 0 ? error_prefix(err, "removal of old files") : 0;
}

/* What the settings ask of studies, by who sent them. Texts are the settings'. */
static int rules_make(struct indexer *x, struct error *err)
{
    const struct settings *settings = x->role->settings;
    size_t required = 0;
    for (size_t i = 0; i < settings->peer_count; i++)
        required += settings->peers[i].required_series_count;
    x->sources = calloc(settings->peer_count + 1, sizeof *x->sources);
    x->required = calloc(required + 1, sizeof *x->required);
    if (!x->sources || !x->required)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < settings->peer_count; i++) {
        const struct settings_peer *peer = &settings->peers[i];
        x->sources[i] = (struct queue_source){
            peer->ae_title,
            peer->quiet_period_us ? peer->quiet_period_us : settings->study.quiet_period_us};
        for (size_t k = 0; k < peer->required_series_count; k++)
            x->required[x->required_count++] = (struct queue_required){
                peer->ae_title, peer->required_series[k].modality, peer->required_series[k].words};
    }
    return 0;
}

static int indexer_open(struct indexer *x, struct error *err)
{
    x->limits = limits_of_objects(x->role->settings);
    x->files = calloc(BATCH, sizeof *x->files);
    x->readings = calloc(BATCH, sizeof *x->readings);
    x->objects = calloc(BATCH, sizeof *x->objects);
    x->answers = calloc(BATCH, sizeof *x->answers);
    if (!x->files || !x->readings || !x->objects || !x->answers)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = rules_make(x, err);
    if (status == 0)
        status = dicom_setup(err);
    if (status == 0)
        status = store_open(x->role->settings->store, NULL, &x->store, err);
    if (status == 0)
        status = store_settle(x->store, err);
    return status;
}

int axnode_role_main(const struct role *role)
{
    struct indexer x = {.role = role};
    struct error err = {0};
    role_enter(role);
    int status = watch_start(role, NULL, NULL, &x.watch, &err);
    if (status == 0) {
        database_init(&x.database, role, x.watch);
        status = indexer_open(&x, &err);
    }
    if (status == 0)
        database_loop(&x.database, index_and_sweep, &x, "indexing interrupted");
    else
        log_error(LOG_ERROR, "indexer not started", &err, NULL);
    watch_stop(x.watch);
    database_release(&x.database);
    store_close(x.store);
    free(x.sources);
    free(x.required);
    free(x.files);
    free(x.readings);
    free(x.objects);
    free(x.answers);
    return status < 0;
}
