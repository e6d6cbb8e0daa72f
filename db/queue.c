#include "db/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "db/delivery.h"
#include "db/generation.h"
#include "db/query.h"

/* ---- generations ------------------------------------------------------------------------ */

int generation_open(struct db *db, int64_t study, int generation, int64_t from_job,
                    struct error *err)
{
    char text[80];
    DB_ROWS_AUTO struct pg_result *job = NULL;
    /* The sender claims rows without the study's lock: hold them, then look. */
    int status = db_query(db,
        "SELECT 1 FROM outbox b JOIN outgoing g ON g.id = b.outgoing JOIN job j ON j.id = g.job"
        " WHERE j.study = $1 FOR UPDATE OF b",
        DB_VALUES(db_int(study)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE job SET state = 'superseded', finished_at = clock_timestamp()"
            " WHERE study = $1 AND generation < $2 AND (state = 'pending' OR (state = 'done'"
            "  AND EXISTS (SELECT 1 FROM outgoing g JOIN outbox b ON b.outgoing = g.id"
            "   WHERE g.job = job.id)"
            "  AND NOT EXISTS (SELECT 1 FROM outgoing g JOIN outbox b ON b.outgoing = g.id"
            "   WHERE g.job = job.id AND " GENERATION_MAY_BE_THERE ")))",
            DB_VALUES(db_int(study), db_int(generation)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE outbox b SET state = 'superseded' FROM outgoing g, job j"
            " WHERE g.id = b.outgoing AND j.id = g.job AND j.study = $1"
            " AND j.state = 'superseded' AND b.state IN ('pending', 'failed')",
            DB_VALUES(db_int(study)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "INSERT INTO job (study, generation, predecessor, created_at)"
            " SELECT $1::bigint, $2::integer,"
            " (SELECT max(j.generation) FROM job j JOIN outgoing g ON g.job = j.id"
            "  JOIN outbox b ON b.outgoing = g.id"
            "  WHERE j.study = $1::bigint AND " GENERATION_MAY_BE_THERE "),"
            " coalesce((SELECT r.created_at FROM recovered_job r JOIN study s"
            "  ON s.study_uid = r.study_uid WHERE s.id = $1::bigint"
            "  AND r.generation = $2::integer), clock_timestamp()) RETURNING id",
            DB_VALUES(db_int(study), db_int(generation)), &job, err);
    if (status < 0)
        return status;
    int64_t id = db_get_int(job, 0, 0);
    status = db_query(db,
        "INSERT INTO job_instance (job, instance) SELECT $1::bigint, i.id FROM instance i"
        " WHERE i.study = $2::bigint AND CASE WHEN $3::bigint = 0"
        "  THEN i.role IN ('input', 'report') ELSE"
        "  i.id IN (SELECT instance FROM job_instance WHERE job = $3::bigint) END",
        DB_VALUES(db_int(id), db_int(study), db_int(from_job)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE study SET state = 'queued', reason = '', generation = $2 WHERE id = $1",
            DB_VALUES(db_int(study), db_int(generation)), NULL, err);
    if (status < 0)
        return status;
    snprintf(text, sizeof text, "generation %d queued", generation);
    return db_event(db, study, id, "queued", text, err);
}

int study_fail(struct db *db, int64_t study, int64_t job, const char *reason, struct error *err)
{
    int status = db_query(db, "UPDATE study SET state = 'failed', reason = $2 WHERE id = $1",
                          DB_VALUES(db_int(study), db_text(reason)), NULL, err);
    return status < 0 ? status : db_event(db, study, job, "failed", reason, err);
}

/* ---- claims ------------------------------------------------------------------------------ */

void queue_job_release(struct queue_job *job)
{
    free(job->instances);
    free(job->predecessors);
    free(job->clinical);
    *job = (struct queue_job){0};
}

static int instances_read(struct db *db, struct queue_job *job, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT i.key, i.sop_uid, i.sop_class, e.series_uid, i.dataset_sha256, i.calling_ae"
        " FROM job_instance x JOIN instance i ON i.id = x.instance JOIN series e ON e.id = i.series"
        " WHERE x.job = $1 ORDER BY i.sop_uid COLLATE \"C\"",
        DB_VALUES(db_int(job->id)), &rows, err);
    if (status < 0)
        return status;
    size_t count = (size_t)db_row_count(rows);
    job->instances = calloc(count ? count : 1, sizeof *job->instances);
    if (!job->instances)
        return error_set(err, STATUS_NOMEM, "no memory for a job's objects");
    job->instance_count = count;
    for (size_t i = 0; i < count; i++) {
        struct queue_instance *to = &job->instances[i];
        int row = (int)i;
        db_get_text(rows, row, 0, to->key, sizeof to->key);
        db_get_text(rows, row, 1, to->sop_instance_uid, sizeof to->sop_instance_uid);
        db_get_text(rows, row, 2, to->sop_class_uid, sizeof to->sop_class_uid);
        db_get_text(rows, row, 3, to->series_instance_uid, sizeof to->series_instance_uid);
        db_get_text(rows, row, 4, to->dataset_sha256, sizeof to->dataset_sha256);
        db_get_text(rows, row, 5, to->calling_ae, sizeof to->calling_ae);
    }
    return 0;
}

static int predecessors_read(struct db *db, int64_t study, struct queue_job *job,
                             struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT g.kind, g.sop_uid, g.sop_class, g.series_uid, g.transfer_syntax, g.key, g.sha256,"
        " g.size FROM outgoing g JOIN job j ON j.id = g.job"
        " WHERE j.study = $1 AND j.generation = $2"
        " AND EXISTS (SELECT 1 FROM outbox b WHERE b.outgoing = g.id AND b.state <> 'superseded')"
        " ORDER BY g.kind, g.sop_uid COLLATE \"C\"",
        DB_VALUES(db_int(study), db_int(job->predecessor_generation)), &rows, err);
    if (status < 0)
        return status;
    size_t count = (size_t)db_row_count(rows);
    job->predecessors = calloc(count ? count : 1, sizeof *job->predecessors);
    if (!job->predecessors)
        return error_set(err, STATUS_NOMEM, "no memory for a job's predecessors");
    job->predecessor_count = count;
    for (size_t i = 0; i < count; i++) {
        struct queue_object *to = &job->predecessors[i];
        int row = (int)i;
        db_get_text(rows, row, 0, to->kind, sizeof to->kind);
        db_get_text(rows, row, 1, to->sop_instance_uid, sizeof to->sop_instance_uid);
        db_get_text(rows, row, 2, to->sop_class_uid, sizeof to->sop_class_uid);
        db_get_text(rows, row, 3, to->series_instance_uid, sizeof to->series_instance_uid);
        db_get_text(rows, row, 4, to->transfer_syntax_uid, sizeof to->transfer_syntax_uid);
        db_get_text(rows, row, 5, to->key, sizeof to->key);
        db_get_text(rows, row, 6, to->sha256, sizeof to->sha256);
        to->size = (uint64_t)db_get_int(rows, row, 7);
    }
    return 0;
}

/* Of the patients that the job's images name: one, or the analysis refuses the study. */
static int clinical_read(struct db *db, struct queue_job *job, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT c.patient_id, c.issuer, c.study_uid, c.accession_number, c.name, c.side,"
        " to_char(c.observed, 'YYYY-MM-DD'), c.value, c.source FROM clinical c"
        " WHERE EXISTS (SELECT 1 FROM job_instance x JOIN instance i ON i.id = x.instance"
        "  JOIN patient p ON p.id = i.patient WHERE x.job = $1 AND i.role = 'input'"
        "  AND p.patient_id = c.patient_id AND p.issuer = c.issuer)"
        " ORDER BY c.id LIMIT $2",
        DB_VALUES(db_int(job->id), db_int(QUEUE_CLINICAL_MAX + 1)), &rows, err);
    if (status < 0)
        return status;
    size_t count = (size_t)db_row_count(rows);
    if (count > QUEUE_CLINICAL_MAX)
        return error_set(err, STATUS_LIMIT, "the patient has more than %d clinical values",
                         QUEUE_CLINICAL_MAX);
    job->clinical = calloc(count ? count : 1, sizeof *job->clinical);
    if (!job->clinical)
        return error_set(err, STATUS_NOMEM, "no memory for a job's clinical values");
    job->clinical_count = count;
    for (size_t i = 0; i < count; i++) {
        struct queue_clinical *to = &job->clinical[i];
        int row = (int)i;
        db_get_text(rows, row, 0, to->patient_id, sizeof to->patient_id);
        db_get_text(rows, row, 1, to->issuer, sizeof to->issuer);
        db_get_text(rows, row, 2, to->study_uid, sizeof to->study_uid);
        db_get_text(rows, row, 3, to->accession_number, sizeof to->accession_number);
        db_get_text(rows, row, 4, to->name, sizeof to->name);
        db_get_text(rows, row, 5, to->side, sizeof to->side);
        db_get_text(rows, row, 6, to->observed, sizeof to->observed);
        db_get_text(rows, row, 7, to->value, sizeof to->value);
        db_get_text(rows, row, 8, to->source, sizeof to->source);
    }
    return 0;
}

static int job_end(struct db *db, int64_t job, const char *state, const char *reason,
                   struct error *err)
{
    return db_query(db,
        "UPDATE job SET state = $2, reason = $3, token = NULL, lease_until = NULL,"
        " finished_at = clock_timestamp() WHERE id = $1",
        DB_VALUES(db_int(job), db_text(state), db_text(reason)), NULL, err);
}

/* The job becomes ours; its row and its study's are locked. */
static int job_take(struct db *db, int64_t study, const char *worker,
                    const struct queue_policy *policy, struct queue_job *job, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE job SET state = 'working', attempt = attempt + 1, token = gen_random_uuid(),"
        " lease_until = clock_timestamp() + $2 * interval '1 microsecond', worker = $3"
        " WHERE id = $1 RETURNING attempt, token",
        DB_VALUES(db_int(job->id), db_int(policy->lease_us), db_text(worker)), &rows, err);
    if (status < 0)
        return status;
    job->attempt = (int)db_get_int(rows, 0, 0);
    db_get_text(rows, 0, 1, job->token, sizeof job->token);
    status = db_query(db, "UPDATE study SET state = 'working' WHERE id = $1",
                      DB_VALUES(db_int(study)), NULL, err);
    if (status == 0)
        status = instances_read(db, job, err);
    if (status == 0)
        status = clinical_read(db, job, err);
    if (status == 0 && job->predecessor_generation > 0)
        status = predecessors_read(db, study, job, err);
    return status;
}

/* One look: takes a job, or ends one that must not run and leaves *ret_again true. */
static int claim_one(struct db *db, const char *worker, const struct queue_policy *policy,
                     struct queue_job *job, bool *ret_again, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    char reason[160];
    /* Both rows at once and without waiting: who commits or indexes locks the study first. */
    int status = db_query(db,
        "SELECT j.id, j.study, j.generation, j.attempt, coalesce(j.predecessor, 0), s.study_uid, "
        DB_US("j.created_at") ", s.generation = j.generation AND s.state IN ('queued', 'working'),"
        " j.reason FROM job j JOIN study s ON s.id = j.study"
        " WHERE (j.state = 'pending' AND j.not_before <= clock_timestamp()"
        "  AND s.state IN ('queued', 'working'))"
        " OR (j.state = 'working' AND j.lease_until < clock_timestamp())"
        " ORDER BY j.not_before, j.id LIMIT 1 FOR UPDATE OF j, s SKIP LOCKED",
        0, NULL, &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "no job waits");
    int64_t study = db_get_int(rows, 0, 1), attempt = db_get_int(rows, 0, 3);
    job->id = db_get_int(rows, 0, 0);
    job->generation = (int)db_get_int(rows, 0, 2);
    job->predecessor_generation = (int)db_get_int(rows, 0, 4);
    db_get_text(rows, 0, 5, job->study_instance_uid, sizeof job->study_instance_uid);
    job->created_us = db_get_int(rows, 0, 6);
    *ret_again = true;
    if (!db_get_bool(rows, 0, 7))
        return job_end(db, job->id, "superseded", "newer objects arrived", err);
    if (attempt >= policy->attempts_max) {
        const char *last = db_get(rows, 0, 8);
        snprintf(reason, sizeof reason, "gave up after %lld attempts: %s", (long long)attempt,
                 *last ? last : "the worker stopped without an answer");
        status = job_end(db, job->id, "failed", reason, err);
        return status < 0 ? status : study_fail(db, study, job->id, reason, err);
    }
    *ret_again = false;
    return job_take(db, study, worker, policy, job, err);
}

int queue_claim(struct db *db, const char *worker, const struct queue_policy *policy,
                struct queue_job *ret_job, struct error *err)
{
    struct queue_job job = {0};
    bool again = true;
    int status = 0;
    while (status == 0 && again) {
        status = db_begin(db, err);
        if (status == 0)
            status = db_end(db, claim_one(db, worker, policy, &job, &again, err), err);
    }
    if (status < 0) {
        queue_job_release(&job);
        return status;
    }
    *ret_job = job;
    return 0;
}

static int claim_lost(int64_t job, struct error *err)
{
    return error_set(err, STATUS_CONFLICT, "job %lld is no longer held by this claim",
                     (long long)job);
}

int queue_renew(struct db *db, int64_t job, const char *token, int64_t lease_us,
                struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE job SET lease_until = clock_timestamp() + $3 * interval '1 microsecond'"
        " WHERE id = $1 AND token::text = $2 AND state = 'working'",
        DB_VALUES(db_int(job), db_text(token), db_int(lease_us)), &rows, err);
    if (status < 0)
        return status;
    return db_changed(rows) == 1 ? 0 : claim_lost(job, err);
}

/* ---- failed attempts ---------------------------------------------------------------------- */

static int attempt_failed(struct db *db, int64_t job, const char *token, const char *reason,
                          bool permanent, const struct queue_policy *policy, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    char text[400];
    int status = db_query(db,
        "SELECT s.id, j.attempt, s.generation = j.generation AND s.state = 'working'"
        " FROM study s JOIN job j ON j.study = s.id WHERE j.id = $1 AND j.token::text = $2"
        " AND j.state = 'working' FOR UPDATE OF s",
        DB_VALUES(db_int(job), db_text(token)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return claim_lost(job, err);
    int64_t study = db_get_int(rows, 0, 0), attempt = db_get_int(rows, 0, 1);
    bool current = db_get_bool(rows, 0, 2), last = attempt >= policy->attempts_max;
    if (permanent)
        snprintf(text, sizeof text, "%s", reason);
    else if (last)
        snprintf(text, sizeof text, "gave up after %lld attempts: %s", (long long)attempt, reason);
    else
        snprintf(text, sizeof text, "attempt %lld failed: %s", (long long)attempt, reason);
    DB_ROWS_AUTO struct pg_result *changed = NULL;
    /* Waiting the study's lock may have cost us the claim: look at the token again. */
    status = db_query(db,
        "UPDATE job SET state = $3, reason = $4, token = NULL, lease_until = NULL,"
        " finished_at = CASE WHEN $3 = 'failed' THEN clock_timestamp() END,"
        " not_before = clock_timestamp()"
        "  + least($5 * power(2, least(attempt - 1, 30)), $6) * interval '1 microsecond'"
        " WHERE id = $1 AND token::text = $2 AND state = 'working'",
        DB_VALUES(db_int(job), db_text(token), db_text(permanent || last ? "failed" : "pending"),
                  db_text(text), db_int(policy->backoff_us), db_int(policy->backoff_max_us)),
        &changed, err);
    if (status < 0)
        return status;
    if (db_changed(changed) != 1)
        return claim_lost(job, err);
    if (!current)
        return 0;
    if (permanent || last)
        return study_fail(db, study, job, text, err);
    status = db_query(db, "UPDATE study SET state = 'queued', reason = $2 WHERE id = $1",
                      DB_VALUES(db_int(study), db_text(text)), NULL, err);
    return status < 0 ? status : db_event(db, study, job, "attempt failed", text, err);
}

int queue_fail(struct db *db, int64_t job, const char *token, const char *reason, bool permanent,
               const struct queue_policy *policy, struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status
                      : db_end(db, attempt_failed(db, job, token, reason, permanent, policy, err),
                               err);
}

/* ---- retry by a person -------------------------------------------------------------------- */

/* Failed deliveries of the study wait again; *ret_count says how many rows changed. */
static int deliveries_retry(struct db *db, int64_t study, int64_t *ret_count, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE outbox b SET " OUTBOX_AGAIN " FROM outgoing g, job j"
        " WHERE g.id = b.outgoing AND j.id = g.job AND j.study = $1"
        " AND b.state IN ('failed', 'pending')",
        DB_VALUES(db_int(study)), &rows, err);
    if (status == 0)
        *ret_count = db_changed(rows);
    return status;
}

static int study_set(struct db *db, int64_t study, const char *state, struct error *err)
{
    return db_query(db,
        "UPDATE study SET state = $2, reason = '', held = false,"
        " last_received_at = coalesce(last_received_at, clock_timestamp()) WHERE id = $1",
        DB_VALUES(db_int(study), db_text(state)), NULL, err);
}

static int job_retry(struct db *db, int64_t study, int64_t job, struct error *err)
{
    int status = db_query(db,
        "UPDATE job SET state = 'pending', attempt = 0, reason = '', token = NULL,"
        " lease_until = NULL, finished_at = NULL, not_before = clock_timestamp() WHERE id = $1",
        DB_VALUES(db_int(job)), NULL, err);
    return status < 0 ? status : study_set(db, study, "queued", err);
}

/* The newest job: id, state, whether its set is what the study has now, whether files of that
 * set or of what it made are removed, or are being removed. */
static int newest_job(struct db *db, int64_t study, struct pg_result **ret_rows,
                      struct error *err)
{
    return db_query(db,
        "SELECT j.id, j.state, NOT EXISTS (SELECT 1 FROM instance i WHERE i.study = j.study"
        "  AND i.role IN ('input', 'report')"
        "  AND NOT EXISTS (SELECT 1 FROM job_instance x WHERE x.job = j.id"
        "   AND x.instance = i.id)),"
        " EXISTS (SELECT 1 FROM job_instance x JOIN instance i ON i.id = x.instance"
        "  WHERE x.job = j.id AND i.removing_at IS NOT NULL),"
        " EXISTS (SELECT 1 FROM outgoing g WHERE g.job = j.id AND g.removing_at IS NOT NULL),"
        " EXISTS (SELECT 1 FROM outgoing g WHERE g.job = j.id AND g.removing_at IS NOT NULL"
        "  AND g.removed_at IS NULL)"
        " FROM job j WHERE j.study = $1 ORDER BY j.generation DESC LIMIT 1",
        DB_VALUES(db_int(study)), ret_rows, err);
}

static int images_gone(struct error *err)
{
    error_set(err, STATUS_CONFLICT, "images of the study were removed from the store");
    error_hint(err, "send the whole study again, then retry");
    return STATUS_CONFLICT;
}

static int retry(struct db *db, const char *study_instance_uid, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    DB_ROWS_AUTO struct pg_result *job = NULL;
    int64_t deliveries = 0;
    int status = db_query(db, "SELECT id, state FROM study WHERE study_uid = $1 FOR UPDATE",
                          DB_VALUES(db_text(study_instance_uid)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "no such study");
    int64_t study = db_get_int(rows, 0, 0);
    const char *state = db_get(rows, 0, 1);
    if (strcmp(state, "receiving") == 0 || strcmp(state, "queued") == 0 ||
        strcmp(state, "working") == 0)
        return error_set(err, STATUS_CONFLICT, "the study is under way: it is %s", state);
    status = newest_job(db, study, &job, err);
    if (status < 0)
        return status;
    bool has_job = db_row_count(job) > 0;
    bool same_set = has_job && db_get_bool(job, 0, 2);
    /* Own files that are gone can be made again, but not while someone removes them. */
    if (has_job && db_get_bool(job, 0, 5))
        return error_set(err, STATUS_CONFLICT, "files of the study are being removed");
    if (same_set && strcmp(db_get(job, 0, 1), "done") == 0 && !db_get_bool(job, 0, 4))
        status = deliveries_retry(db, study, &deliveries, err);
    if (status < 0)
        return status;
    if (deliveries > 0 || strcmp(state, "delivering") == 0)
        status = study_set(db, study, "delivering", err);
    else if (same_set && db_get_bool(job, 0, 3))
        return images_gone(err);
    else if (same_set)
        status = job_retry(db, study, db_get_int(job, 0, 0), err);
    else
        status = study_set(db, study, "receiving", err);
    return status < 0 ? status
                      : db_event(db, study, 0, "retry", "asked for by a person", err);
}

/* Of a study that is done: the same set and time once more. The same content gives the same objects;
 * another is noticed when the result is committed, and becomes the next generation. */
static int done_rescore(struct db *db, int64_t study, bool *ret_will, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *job = NULL;
    int status = newest_job(db, study, &job, err);
    if (status < 0 || db_row_count(job) == 0)
        return status;
    *ret_will = !db_get_bool(job, 0, 3) && !db_get_bool(job, 0, 5);
    if (!*ret_will)
        return 0;
    return db_get_bool(job, 0, 2) ? job_retry(db, study, db_get_int(job, 0, 0), err)
                                  : study_set(db, study, "receiving", err);
}

int study_rescore(struct db *db, int64_t study, bool *ret_will, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, "SELECT state FROM study WHERE id = $1 FOR UPDATE",
                          DB_VALUES(db_int(study)), &rows, err);
    if (status < 0 || db_row_count(rows) == 0)
        return status;
    const char *state = db_get(rows, 0, 0);
    *ret_will = strcmp(state, "receiving") == 0 || strcmp(state, "queued") == 0;
    if (*ret_will)
        return 0;
    if (strcmp(state, "done") == 0) {
        status = done_rescore(db, study, ret_will, err);
    } else if (strcmp(state, "working") == 0 || strcmp(state, "delivering") == 0) {
        *ret_will = true;
        status = study_set(db, study, "receiving", err);
    }
    return status < 0 || !*ret_will
               ? status
               : db_event(db, study, 0, "rescore", "clinical values changed", err);
}

int queue_retry(struct db *db, const char *study_instance_uid, struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, retry(db, study_instance_uid, err), err);
}
