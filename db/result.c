/* The fenced transaction that ends a job: result, features, outgoing objects, outbox. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "db/delivery.h"
#include "db/generation.h"
#include "db/query.h"
#include "db/queue.h"

const char *queue_committed_name(enum queue_committed committed)
{
    static const char *const names[] = {"delivering", "done", "not applicable", "superseded",
                                        "next generation"};
    return names[committed];
}

/* ---- arrays ------------------------------------------------------------------------------- */

/* One element of an array literal, quoted. */
static int element_add(struct buffer *array, const char *text, struct error *err)
{
    int status = buffer_add(array, array->size ? ",\"" : "{\"", 2, err);
    for (; *text && status == 0; text++) {
        if (*text == '"' || *text == '\\')
            status = buffer_add(array, "\\", 1, err);
        if (status == 0)
            status = buffer_add(array, text, 1, err);
    }
    return status < 0 ? status : buffer_add(array, "\"", 1, err);
}

static int array_end(struct buffer *array, struct error *err)
{
    return array->size ? buffer_add(array, "}", 1, err) : buffer_add(array, "{}", 2, err);
}

static int value_add(struct buffer *array, double value, struct error *err)
{
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    if (isnan(value))
        return element_add(array, "NaN", err);
    if (isinf(value))
        return element_add(array, value > 0 ? "Infinity" : "-Infinity", err);
    return element_add(array, text, err);
}

/* ---- features ----------------------------------------------------------------------------- */

static int set_id(struct db *db, const struct queue_features *features, int64_t *ret_id,
                  struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    BUFFER_AUTO struct buffer names;
    buffer_init(&names);
    uint8_t out[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    int status = 0;
    for (size_t i = 0; i < features->count && status == 0; i++)
        status = element_add(&names, features->names[i], err);
    if (status == 0)
        status = array_end(&names, err);
    if (status < 0)
        return status;
    digest_bytes(names.data, names.size, out);
    digest_format(out, hex);
    status = db_query(db,
        "INSERT INTO feature_set (digest, names) VALUES ($1, $2::text[])"
        " ON CONFLICT (digest) DO NOTHING",
        DB_VALUES(db_text(hex), db_text(buffer_text(&names))), NULL, err);
    if (status == 0)
        status = db_query(db, "SELECT id FROM feature_set WHERE digest = $1",
                          DB_VALUES(db_text(hex)), &rows, err);
    if (status == 0)
        *ret_id = db_get_int(rows, 0, 0);
    return status;
}

static int features_add(struct db *db, int64_t result, const struct queue_features *features,
                        struct error *err)
{
    int64_t set = 0;
    BUFFER_AUTO struct buffer values;
    buffer_init(&values);
    int status = set_id(db, features, &set, err);
    for (size_t i = 0; i < features->count && status == 0; i++)
        status = value_add(&values, features->values[i], err);
    if (status == 0)
        status = array_end(&values, err);
    if (status < 0)
        return status;
    return db_query(db,
        "INSERT INTO feature (result, region, feature_set, values)"
        " VALUES ($1, $2, $3, $4::double precision[])",
        DB_VALUES(db_int(result), db_text(features->region), db_int(set),
                  db_text(buffer_text(&values))),
        NULL, err);
}

static int result_add(struct db *db, int64_t job, const char *kind, const struct queue_result *r,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "INSERT INTO result (job, kind, outcome, risk, reason, package_name, package_version,"
        " package_sha256, software_version, settings_sha256, content_sha256, content)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb) RETURNING id",
        DB_VALUES(db_int(job), db_text(kind), db_text(r->outcome),
                  r->has_risk ? db_double(r->risk) : db_null(), db_text(r->reason),
                  db_text(r->package_name), db_text(r->package_version),
                  db_text(r->package_sha256), db_text(r->software_version),
                  db_text(r->settings_sha256), db_text(r->content_sha256), db_text(r->json)),
        &rows, err);
    for (size_t i = 0; i < r->feature_count && status == 0; i++)
        status = features_add(db, db_get_int(rows, 0, 0), &r->features[i], err);
    return status;
}

/* ---- objects ------------------------------------------------------------------------------ */

static int uids_array(const struct queue_result *r, struct buffer *array, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < r->object_count && status == 0; i++)
        status = element_add(array, r->objects[i].sop_instance_uid, err);
    return status < 0 ? status : array_end(array, err);
}

/* Whether a destination may have an object of this job that is not among the new ones. */
static int delivered_other(struct db *db, int64_t job, const char *uids, bool *ret_other,
                           struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT EXISTS (SELECT 1 FROM outgoing g JOIN outbox b ON b.outgoing = g.id"
        " WHERE g.job = $1 AND g.sop_uid <> ALL ($2::text[]) AND " GENERATION_MAY_BE_THERE ")",
        DB_VALUES(db_int(job), db_text(uids)), &rows, err);
    if (status == 0)
        *ret_other = db_get_bool(rows, 0, 0);
    return status;
}

static int object_add(struct db *db, int64_t job, const struct queue_object *o, int64_t *ret_id,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "INSERT INTO outgoing (job, kind, sop_uid, sop_class, series_uid, transfer_syntax, key,"
        " sha256, size) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (sop_uid) DO UPDATE SET removing_at = NULL, removed_at = NULL"
        " WHERE outgoing.job = EXCLUDED.job AND outgoing.sha256 = EXCLUDED.sha256 RETURNING id",
        DB_VALUES(db_int(job), db_text(o->kind), db_text(o->sop_instance_uid),
                  db_text(o->sop_class_uid), db_text(o->series_instance_uid),
                  db_text(o->transfer_syntax_uid), db_text(o->key), db_text(o->sha256),
                  db_int((int64_t)o->size)),
        &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_CONFLICT, "outgoing object %s is known with other bytes",
                         o->key);
    *ret_id = db_get_int(rows, 0, 0);
    return 0;
}

static int outbox_add(struct db *db, int64_t outgoing, const char *destination,
                      struct error *err)
{
    return db_query(db,
        "INSERT INTO outbox AS b (outgoing, destination) VALUES ($1, $2)"
        " ON CONFLICT (outgoing, destination) DO UPDATE SET " OUTBOX_AGAIN
        " WHERE b.state <> 'sending'",
        DB_VALUES(db_int(outgoing), db_text(destination)), NULL, err);
}

static bool wants(const struct queue_result *r, size_t destination, size_t object)
{
    return !r->wanted || r->wanted[destination * r->object_count + object];
}

static bool anything_wanted(const struct queue_result *r)
{
    for (size_t d = 0; d < r->destination_count; d++)
        for (size_t i = 0; i < r->object_count; i++)
            if (wants(r, d, i))
                return true;
    return false;
}

static int objects_add(struct db *db, int64_t job, const struct queue_result *r, const char *uids,
                       bool send, struct error *err)
{
    /* What an earlier attempt with other content had put in line. */
    int status = db_query(db,
        "UPDATE outbox b SET state = 'superseded' FROM outgoing g WHERE g.id = b.outgoing"
        " AND g.job = $1 AND g.sop_uid <> ALL ($2::text[]) AND b.state IN ('pending', 'failed')",
        DB_VALUES(db_int(job), db_text(uids)), NULL, err);
    for (size_t i = 0; i < r->object_count && status == 0; i++) {
        int64_t outgoing = 0;
        status = object_add(db, job, &r->objects[i], &outgoing, err);
        for (size_t d = 0; send && d < r->destination_count && status == 0; d++)
            if (wants(r, d, i))
                status = outbox_add(db, outgoing, r->destinations[d], err);
    }
    return status;
}

/* ---- the transaction ----------------------------------------------------------------------- */

struct fenced {
    int64_t study;
    int generation;
    bool current; /* no newer object arrived since the job was made */
};

/* Lock the study, then end the job where id and token match. */
static int fence(struct db *db, int64_t job, const char *token, struct fenced *ret_fenced,
                 struct error *err)
{
    DB_ROWS_AUTO struct pg_result *study = NULL;
    DB_ROWS_AUTO struct pg_result *ended = NULL;
    int status = db_query(db,
        "SELECT s.id, s.generation, s.state FROM study s"
        " WHERE s.id = (SELECT study FROM job WHERE id = $1) FOR UPDATE",
        DB_VALUES(db_int(job)), &study, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE job SET state = 'done', token = NULL, lease_until = NULL, reason = '',"
            " finished_at = clock_timestamp()"
            " WHERE id = $1 AND token::text = $2 AND state = 'working' RETURNING generation",
            DB_VALUES(db_int(job), db_text(token)), &ended, err);
    if (status < 0)
        return status;
    if (db_row_count(study) == 0 || db_row_count(ended) == 0)
        return error_set(err, STATUS_CONFLICT, "job %lld is no longer held by this claim",
                         (long long)job);
    ret_fenced->study = db_get_int(study, 0, 0);
    ret_fenced->generation = (int)db_get_int(ended, 0, 0);
    ret_fenced->current = db_get_int(study, 0, 1) == ret_fenced->generation &&
                          strcmp(db_get(study, 0, 2), "working") == 0;
    return 0;
}

static int study_settle(struct db *db, const struct fenced *fenced, int64_t job,
                        const struct queue_result *r, enum queue_committed *ret_committed,
                        struct error *err)
{
    static const char *const states[] = {[QUEUE_DELIVERING] = "delivering", [QUEUE_DONE] = "done",
                                         [QUEUE_NOT_APPLICABLE] = "not_applicable"};
    enum queue_committed committed = r->not_applicable ? QUEUE_NOT_APPLICABLE
                                     : anything_wanted(r) ? QUEUE_DELIVERING
                                                          : QUEUE_DONE;
    int status = db_query(db, "UPDATE study SET state = $2, reason = $3 WHERE id = $1",
                          DB_VALUES(db_int(fenced->study), db_text(states[committed]),
                                    db_text(r->reason)),
                          NULL, err);
    if (status == 0)
        status = db_event(db, fenced->study, job, "result", r->outcome, err);
    if (status == 0)
        *ret_committed = committed;
    return status;
}

static int commit(struct db *db, int64_t job, const char *token, const struct queue_result *r,
                  enum queue_committed *ret_committed, struct error *err)
{
    struct fenced fenced = {0};
    bool other = false;
    BUFFER_AUTO struct buffer uids;
    buffer_init(&uids);
    int status = uids_array(r, &uids, err);
    if (status == 0)
        status = fence(db, job, token, &fenced, err);
    if (status == 0 && fenced.current)
        status = delivered_other(db, job, buffer_text(&uids), &other, err);
    if (status == 0 && other) {
        *ret_committed = QUEUE_NEXT_GENERATION;
        return generation_open(db, fenced.study, fenced.generation + 1, job, err);
    }
    if (status == 0) /* earlier ones: the study was retried */
        status = db_query(db, "DELETE FROM result WHERE job = $1", DB_VALUES(db_int(job)), NULL,
                          err);
    if (status == 0)
        status = result_add(db, job, "report", r, err);
    for (size_t i = 0; i < r->beside_count && status == 0; i++)
        status = result_add(db, job, "beside", &r->beside[i], err);
    if (status == 0)
        status = objects_add(db, job, r, buffer_text(&uids), fenced.current, err);
    if (status < 0)
        return status;
    if (fenced.current)
        return study_settle(db, &fenced, job, r, ret_committed, err);
    *ret_committed = QUEUE_SUPERSEDED;
    return db_query(db, "UPDATE job SET state = 'superseded' WHERE id = $1",
                    DB_VALUES(db_int(job)), NULL, err);
}

int queue_commit(struct db *db, int64_t job, const char *token, const struct queue_result *result,
                 enum queue_committed *ret_committed, struct error *err)
{
    enum queue_committed committed = QUEUE_DONE;
    int status = db_begin(db, err);
    if (status == 0)
        status = db_end(db, commit(db, job, token, result, &committed, err), err);
    if (status == 0)
        *ret_committed = committed;
    return status;
}

static int shadow(struct db *db, int64_t job, const struct queue_result *r, struct error *err)
{
    int status = db_query(db,
        "DELETE FROM result WHERE job = $1 AND kind = 'shadow' AND package_name = $2"
        " AND package_version = $3",
        DB_VALUES(db_int(job), db_text(r->package_name), db_text(r->package_version)), NULL, err);
    return status < 0 ? status : result_add(db, job, "shadow", r, err);
}

int queue_shadow(struct db *db, int64_t job, const struct queue_result *result, struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, shadow(db, job, result, err), err);
}
