#include <stdio.h>

#include "base/buffer.h"
#include "db/generation.h"
#include "db/query.h"
#include "db/queue.h"

enum { STUDIES_PER_CALL = 64 };

/* Part of a study is no base for a report on it. */
static int study_incomplete(struct db *db, int64_t study, int64_t gone, int64_t inputs,
                            struct error *err)
{
    char reason[160];
    snprintf(reason, sizeof reason,
             "%lld of the study's %lld images were removed from the store: send the whole study "
             "again", (long long)gone, (long long)inputs);
    return study_fail(db, study, 0, reason, err);
}

static int study_complete(struct db *db, int64_t study, int generation, bool *ret_job,
                          struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT count(*) FILTER (WHERE role = 'input'), count(removing_at) FROM instance"
        " WHERE study = $1 AND role IN ('input', 'report')",
        DB_VALUES(db_int(study)), &rows, err);
    if (status < 0)
        return status;
    int64_t inputs = db_get_int(rows, 0, 0), gone = db_get_int(rows, 0, 1);
    *ret_job = inputs > 0 && gone == 0;
    if (*ret_job)
        return generation_open(db, study, generation + 1, 0, err);
    if (gone > 0)
        return study_incomplete(db, study, gone, inputs, err);
    return db_query(db,
        "UPDATE study SET state = 'not_applicable', reason = 'the study holds no ultrasound images'"
        " WHERE id = $1",
        DB_VALUES(db_int(study)), NULL, err);
}

/* The open studies as an array of the database's. Digests need no quotes. */
static int open_print(const struct queue_completion *c, struct buffer *out, struct error *err)
{
    int status = buffer_add(out, "{", 1, err);
    for (size_t i = 0; i < c->open_count && status == 0; i++)
        status = buffer_print(out, err, "%s%s", i ? "," : "", c->open_digests[i]);
    return status < 0 ? status : buffer_add(out, "}", 1, err);
}

/* Sources or required series as rows for json_to_recordset; NULL: out of memory. */
static char *sources_print(const struct queue_completion *c)
{
    cJSON *rows = cJSON_CreateArray();
    for (size_t i = 0; i < c->source_count; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "ae", c->sources[i].calling_ae);
        cJSON_AddNumberToObject(row, "quiet_s", (double)c->sources[i].quiet_us / 1e6);
        cJSON_AddItemToArray(rows, row);
    }
    char *text = cJSON_PrintUnformatted(rows);
    cJSON_Delete(rows);
    return text;
}

static char *required_print(const struct queue_completion *c)
{
    cJSON *rows = cJSON_CreateArray();
    for (size_t i = 0; i < c->required_count; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "ae", c->required[i].calling_ae);
        cJSON_AddStringToObject(row, "modality", c->required[i].modality);
        cJSON_AddStringToObject(row, "words", c->required[i].words);
        cJSON_AddItemToArray(rows, row);
    }
    char *text = cJSON_PrintUnformatted(rows);
    cJSON_Delete(rows);
    return text;
}

/* The shortest quiet period of any source: what the index on last_received_at can rule out. */
static int64_t quiet_least_us(const struct queue_completion *c)
{
    int64_t least = c->quiet_us;
    for (size_t i = 0; i < c->source_count; i++)
        if (c->sources[i].quiet_us < least)
            least = c->sources[i].quiet_us;
    return least;
}

/* A study that someone holds locked is left for the next call. Its sources are who sent what it
 * is analysed from: the longest of their quiet periods counts, unless it was said to be whole, and
 * every required series. */
static int completed_query(struct db *db, const struct queue_completion *c, const char *open,
                           const char *sources, const char *required,
                           struct pg_result **ret_rows, struct error *err)
{
    return db_query(db,
        "WITH source AS (SELECT * FROM json_to_recordset($4::json)"
        "  AS r(ae text, quiet_s double precision)),"
        " required AS (SELECT * FROM json_to_recordset($5::json)"
        "  AS r(ae text, modality text, words text))"
        " SELECT s.id, s.generation FROM study s WHERE s.state = 'receiving' AND ("
        " s.state_since <= $6::timestamptz OR"
        " ((s.whole_at <= $1::timestamptz OR (s.last_received_at <= $2::timestamptz"
        "   AND s.last_received_at <= $1::timestamptz - make_interval(secs => coalesce("
        "    (SELECT max(coalesce(p.quiet_s, $7::double precision)) FROM instance i"
        "     LEFT JOIN source p ON p.ae = i.calling_ae"
        "     WHERE i.study = s.id AND i.role IN ('input', 'report')), $7::double precision))))"
        "  AND s.uid_digest <> ALL ($3::text[])"
        "  AND NOT EXISTS (SELECT 1 FROM required q"
        "   WHERE EXISTS (SELECT 1 FROM instance i WHERE i.study = s.id AND i.calling_ae = q.ae"
        "    AND i.role IN ('input', 'report'))"
        "   AND NOT EXISTS (SELECT 1 FROM series e WHERE e.study = s.id"
        "    AND e.modality = q.modality"
        "    AND position(lower(q.words) IN lower(e.series_description)) > 0))))"
        " ORDER BY s.last_received_at, s.id LIMIT $8 FOR UPDATE OF s SKIP LOCKED",
        DB_VALUES(db_time(c->as_of_us), db_time(c->as_of_us - quiet_least_us(c)), db_text(open),
                  db_text(sources), db_text(required),
                  c->age_max_us > 0 ? db_time(c->as_of_us - c->age_max_us) : db_null(),
                  db_double((double)c->quiet_us / 1e6),
                  db_int(c->limit ? c->limit : STUDIES_PER_CALL)),
        ret_rows, err);
}

static int completed_find(struct db *db, const struct queue_completion *c,
                          struct pg_result **ret_rows, struct error *err)
{
    struct buffer open BUFFER_AUTO = {0};
    char *sources = sources_print(c), *required = required_print(c);
    int status = sources && required ? open_print(c, &open, err)
                                     : error_set(err, STATUS_NOMEM, "out of memory");
    if (status == 0)
        status = completed_query(db, c, buffer_text(&open), sources, required, ret_rows, err);
    cJSON_free(sources);
    cJSON_free(required);
    return status;
}

int queue_complete(struct db *db, const struct queue_completion *completion, int *ret_jobs,
                   int *ret_studies, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int jobs = 0;
    int status = db_begin(db, err);
    if (status < 0)
        return status;
    status = completed_find(db, completion, &rows, err);
    int studies = status == 0 ? db_row_count(rows) : 0;
    for (int i = 0; i < studies && status == 0; i++) {
        bool made = false;
        status = study_complete(db, db_get_int(rows, i, 0), (int)db_get_int(rows, i, 1), &made,
                                err);
        jobs += made;
    }
    status = db_end(db, status, err);
    if (status == 0) {
        *ret_jobs = jobs;
        *ret_studies = studies;
    }
    return status;
}
