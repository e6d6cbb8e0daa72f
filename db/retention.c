#include "db/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "db/query.h"

/* Any number will do, as long as nobody else's advisory lock has it. */
#define REMOVAL_LOCK "5218007414471236422"

#define SETTLED "('done', 'failed', 'not_applicable')"

/* Every destination has every object that was meant for it, and keeps what it was asked to commit
 * to. Where it never answered the files stay: they may be the only ones. */
#define DELIVERED(study) \
    "(EXISTS (SELECT 1 FROM job j JOIN outgoing g ON g.job = j.id JOIN outbox b" \
    "  ON b.outgoing = g.id WHERE j.study = " study " AND b.state = 'delivered')" \
    " AND NOT EXISTS (SELECT 1 FROM job j JOIN outgoing g ON g.job = j.id JOIN outbox b" \
    "  ON b.outgoing = g.id WHERE j.study = " study " AND (b.state IN ('pending', 'sending')" \
    "   OR b.commitment IN ('wanted', 'asked', 'unconfirmed'))))"

/* Nobody was told that its files are kept (db/pledge.h), or the time is over. */
#define FREE(study) "coalesce(" study ".kept_until < clock_timestamp(), true)"

#define OLDER(column, parameter) \
    column " < clock_timestamp() - " parameter " * interval '1 microsecond'"

/* ---- marks -------------------------------------------------------------------------------- */

/* The study's row must be locked. */
static int study_mark(struct db *db, int64_t study, const char *why, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *received = NULL;
    DB_ROWS_AUTO struct pg_result *own = NULL;
    char text[200];
    int status = db_query(db,
        "UPDATE instance SET removing_at = clock_timestamp() WHERE study = $1"
        " AND removing_at IS NULL", DB_VALUES(db_int(study)), &received, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE outgoing SET removing_at = clock_timestamp() WHERE removing_at IS NULL"
            " AND job IN (SELECT id FROM job WHERE study = $1)", DB_VALUES(db_int(study)), &own,
            err);
    if (status == 0)
        status = db_query(db, "UPDATE study SET files_since = NULL WHERE id = $1",
                          DB_VALUES(db_int(study)), NULL, err);
    if (status < 0)
        return status;
    snprintf(text, sizeof text, "%lld received and %lld own files end: %.120s",
             (long long)db_changed(received), (long long)db_changed(own), why);
    return db_event(db, study, 0, "retention", text, err);
}

static int mark_due(struct db *db, const struct retention_policy *policy, int limit,
                    int *ret_marked, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    DB_ROWS_AUTO struct pg_result *files = NULL;
    int status = db_query(db,
        "SELECT s.id, s.state = 'done' FROM study s WHERE s.files_since IS NOT NULL AND " FREE("s") " AND"
        " (($1::bigint > 0 AND s.state = 'done' AND "
        OLDER("greatest(s.state_since, s.files_since)", "$1::bigint") " AND " DELIVERED("s.id")
        ") OR ($2::bigint > 0 AND s.state = 'not_applicable' AND "
        OLDER("greatest(s.state_since, s.files_since)", "$2::bigint")
        ")) ORDER BY s.state_since LIMIT $3 FOR UPDATE SKIP LOCKED",
        DB_VALUES(db_int(policy->delivered_us), db_int(policy->not_applicable_us), db_int(limit)),
        &rows, err);
    int studies = status == 0 ? db_row_count(rows) : 0;
    for (int i = 0; i < studies && status == 0; i++)
        status = study_mark(db, db_get_int(rows, i, 0),
                            db_get_bool(rows, i, 1) ? "retention.delivered_days is over"
                                                    : "retention.not_applicable_days is over",
                            err);
    if (status == 0 && policy->unreadable_us > 0)
        status = db_query(db,
            "UPDATE unreadable SET removing_at = clock_timestamp() WHERE key IN (SELECT key"
            " FROM unreadable WHERE removing_at IS NULL AND " OLDER("at", "$1::bigint")
            " LIMIT $2)",
            DB_VALUES(db_int(policy->unreadable_us), db_int(limit)), &files, err);
    if (status == 0)
        *ret_marked = studies + (files ? (int)db_changed(files) : 0);
    return status;
}

int retention_mark_due(struct db *db, const struct retention_policy *policy, int limit,
                       int *ret_marked, struct error *err)
{
    int marked = 0;
    int status = db_begin(db, err);
    if (status == 0)
        status = db_end(db, mark_due(db, policy, limit, &marked, err), err);
    if (status == 0)
        *ret_marked = marked;
    return status;
}

/* ---- by a person --------------------------------------------------------------------------- */

#define STUDY_COLUMNS \
    "s.study_uid, s.state, (SELECT count(*) FROM instance i WHERE i.study = s.id" \
    "  AND i.removing_at IS NULL) + (SELECT count(*) FROM outgoing g JOIN job j ON j.id = g.job" \
    "  WHERE j.study = s.id AND g.removing_at IS NULL)"

static void study_get(const struct pg_result *rows, int row, struct retention_study *ret_study)
{
    db_get_text(rows, row, 0, ret_study->study_instance_uid,
                sizeof ret_study->study_instance_uid);
    db_get_text(rows, row, 1, ret_study->state, sizeof ret_study->state);
    ret_study->files = (int)db_get_int(rows, row, 2);
}

int retention_choose(struct db *db, const struct retention_choice *choice,
                     struct retention_study **ret_studies, size_t *ret_count, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT " STUDY_COLUMNS " FROM study s WHERE s.files_since IS NOT NULL"
        " AND s.state IN " SETTLED " AND (NOT $1::boolean OR s.state = 'failed')"
        " AND " OLDER("s.state_since", "$2::bigint") " ORDER BY s.state_since, s.id",
        DB_VALUES(db_bool(choice->failed), db_int(choice->older_us)), &rows, err);
    if (status < 0)
        return status;
    size_t count = (size_t)db_row_count(rows);
    struct retention_study *studies = calloc(count + 1, sizeof *studies);
    if (!studies)
        return error_set(err, STATUS_NOMEM, "no memory for a list of studies");
    for (size_t i = 0; i < count; i++)
        study_get(rows, (int)i, &studies[i]);
    *ret_studies = studies;
    *ret_count = count;
    return 0;
}

static int under_way(const char *state, struct error *err)
{
    return error_set(err, STATUS_CONFLICT, "the study is under way: it is %s", state);
}

static bool settled(const char *state)
{
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 ||
           strcmp(state, "not_applicable") == 0;
}

int retention_study_read(struct db *db, const char *study_instance_uid,
                         struct retention_study *ret_study, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, "SELECT " STUDY_COLUMNS " FROM study s WHERE s.study_uid = $1",
                          DB_VALUES(db_text(study_instance_uid)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "no such study");
    if (!settled(db_get(rows, 0, 1)))
        return under_way(db_get(rows, 0, 1), err);
    study_get(rows, 0, ret_study);
    return 0;
}

/* What waits will not be sent. The sender claims rows without the study's lock: hold them,
 * then look. */
static int deliveries_end(struct db *db, int64_t study, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT b.state FROM outbox b JOIN outgoing g ON g.id = b.outgoing"
        " JOIN job j ON j.id = g.job WHERE j.study = $1 ORDER BY b.id FOR UPDATE OF b",
        DB_VALUES(db_int(study)), &rows, err);
    for (int i = 0; status == 0 && i < db_row_count(rows); i++)
        if (strcmp(db_get(rows, i, 0), "sending") == 0)
            return error_set(err, STATUS_CONFLICT, "objects of the study are being sent now");
    if (status == 0)
        status = db_query(db,
            "UPDATE outbox b SET state = 'superseded' FROM outgoing g, job j"
            " WHERE g.id = b.outgoing AND j.id = g.job AND j.study = $1"
            " AND b.state IN ('pending', 'failed')", DB_VALUES(db_int(study)), NULL, err);
    return status;
}

static int mark_study(struct db *db, const char *study_instance_uid, const char *why,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT s.id, s.state, " FREE("s") ", " DB_ISO("s.kept_until") " FROM study s"
        " WHERE s.study_uid = $1 FOR UPDATE",
                          DB_VALUES(db_text(study_instance_uid)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "no such study");
    if (!settled(db_get(rows, 0, 1)))
        return under_way(db_get(rows, 0, 1), err);
    if (!db_get_bool(rows, 0, 2))
        return error_set(err, STATUS_CONFLICT, "its sender was told that we keep it until %s",
                         db_get(rows, 0, 3));
    status = deliveries_end(db, db_get_int(rows, 0, 0), err);
    return status < 0 ? status : study_mark(db, db_get_int(rows, 0, 0), why, err);
}

int retention_mark_study(struct db *db, const char *study_instance_uid, const char *why,
                         struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status
                      : db_end(db, mark_study(db, study_instance_uid, why, err), err);
}

static int mark_unreadable(struct db *db, int64_t older_us, const char *why, int *ret_marked,
                           struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    char text[200];
    int status = db_query(db,
        "UPDATE unreadable SET removing_at = clock_timestamp() WHERE removing_at IS NULL AND "
        OLDER("at", "$1::bigint"), DB_VALUES(db_int(older_us)), &rows, err);
    if (status < 0)
        return status;
    *ret_marked = (int)db_changed(rows);
    snprintf(text, sizeof text, "%d unreadable files end: %.120s", *ret_marked, why);
    return *ret_marked ? db_event(db, 0, 0, "retention", text, err) : 0;
}

int retention_mark_unreadable(struct db *db, int64_t older_us, const char *why, int *ret_marked,
                              struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status
                      : db_end(db, mark_unreadable(db, older_us, why, ret_marked, err), err);
}

/* ---- removal ------------------------------------------------------------------------------- */

int retention_lock(struct db *db, bool *ret_ours, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, "SELECT pg_try_advisory_lock(" REMOVAL_LOCK ")", 0, NULL, &rows,
                          err);
    if (status == 0)
        *ret_ours = db_get_bool(rows, 0, 0);
    return status;
}

int retention_unlock(struct db *db, struct error *err)
{
    return db_query(db, "SELECT pg_advisory_unlock(" REMOVAL_LOCK ")", 0, NULL, NULL, err);
}

static size_t files_get(const struct pg_result *rows, struct retention_file *files, size_t max)
{
    size_t count = (size_t)db_row_count(rows);
    for (size_t i = 0; i < count && i < max; i++) {
        files[i].kind = (enum retention_kind)db_get_int(rows, (int)i, 0);
        db_get_text(rows, (int)i, 1, files[i].key, sizeof files[i].key);
    }
    return count < max ? count : max;
}

int retention_next(struct db *db, struct retention_file *ret_files, size_t max, size_t *ret_count,
                   struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT 0, key FROM instance WHERE removing_at IS NOT NULL AND removed_at IS NULL"
        " UNION ALL"
        " SELECT 1, key FROM outgoing WHERE removing_at IS NOT NULL AND removed_at IS NULL"
        " UNION ALL"
        " SELECT 2, key FROM unreadable WHERE removing_at IS NOT NULL AND removed_at IS NULL"
        " LIMIT $1",
        DB_VALUES(db_int((int64_t)max)), &rows, err);
    if (status == 0)
        *ret_count = files_get(rows, ret_files, max);
    return status;
}

/* "{key,key}": keys hold hexadecimal digits and '-'. */
static int keys_of(const struct retention_file *files, size_t count, enum retention_kind kind,
                   struct buffer *out, struct error *err)
{
    int status = buffer_add(out, "{", 1, err);
    for (size_t i = 0; i < count && status == 0; i++)
        if (files[i].kind == kind)
            status = buffer_print(out, err, "%s%s", out->size > 1 ? "," : "", files[i].key);
    return status < 0 ? status : buffer_add(out, "}", 1, err);
}

#define GONE \
    "SET removed_at = clock_timestamp() WHERE key = ANY ($1::text[])" \
    " AND removing_at IS NOT NULL AND removed_at IS NULL"

static int removed(struct db *db, const struct retention_file *files, size_t count,
                   struct error *err)
{
    static const char *const statements[] = {
        [RETENTION_RECEIVED] =
            "WITH gone AS (UPDATE instance " GONE " RETURNING study)"
            " INSERT INTO event (study, kind, text)"
            " SELECT study, 'removed', count(*) || ' received files' FROM gone GROUP BY study",
        [RETENTION_OUTGOING] =
            "WITH gone AS (UPDATE outgoing " GONE " RETURNING job)"
            " INSERT INTO event (study, job, kind, text)"
            " SELECT j.study, j.id, 'removed', count(*) || ' own files' FROM gone"
            " JOIN job j ON j.id = gone.job GROUP BY j.id",
        [RETENTION_UNREADABLE] =
            "WITH gone AS (UPDATE unreadable " GONE " RETURNING key)"
            " INSERT INTO event (kind, text) SELECT 'removed', 'unreadable file ' || key"
            " FROM gone",
    };
    int status = 0;
    for (int kind = 0; kind < 3 && status == 0; kind++) {
        BUFFER_AUTO struct buffer keys;
        buffer_init(&keys);
        status = keys_of(files, count, (enum retention_kind)kind, &keys, err);
        if (status == 0 && keys.size > 2)
            status = db_query(db, statements[kind], DB_VALUES(db_text(buffer_text(&keys))), NULL,
                              err);
    }
    return status;
}

int retention_removed(struct db *db, const struct retention_file *files, size_t count,
                      struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, removed(db, files, count, err), err);
}

/* ---- checks of the store -------------------------------------------------------------------- */

int retention_known(struct db *db, bool outgoing, const char *const *keys, size_t count,
                    enum retention_known *ret_known, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    BUFFER_AUTO struct buffer list;
    buffer_init(&list);
    int status = buffer_add(&list, "{", 1, err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = buffer_print(&list, err, "%s%s", i ? "," : "", keys[i]);
    if (status == 0)
        status = buffer_add(&list, "}", 1, err);
    if (status < 0)
        return status;
    status = db_query(db,
        outgoing ? "SELECT coalesce((SELECT CASE WHEN g.removed_at IS NULL THEN 1 ELSE 2 END"
                   " FROM outgoing g WHERE g.key = k.key), 0)"
                   " FROM unnest($1::text[]) WITH ORDINALITY k (key, n) ORDER BY k.n"
                 : "SELECT coalesce((SELECT CASE WHEN i.removed_at IS NULL THEN 1 ELSE 2 END"
                   " FROM instance i WHERE i.key = k.key), (SELECT CASE WHEN u.removed_at IS NULL"
                   " THEN 1 ELSE 2 END FROM unreadable u WHERE u.key = k.key), 0)"
                   " FROM unnest($1::text[]) WITH ORDINALITY k (key, n) ORDER BY k.n",
        DB_VALUES(db_text(buffer_text(&list))), &rows, err);
    for (size_t i = 0; status == 0 && i < count && (int)i < db_row_count(rows); i++)
        ret_known[i] = (enum retention_known)db_get_int(rows, (int)i, 0);
    return status;
}

int retention_promised(struct db *db, bool outgoing, const char *after_key,
                       struct retention_file *ret_files, size_t max, size_t *ret_count,
                       struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        outgoing ? "SELECT 1, key FROM outgoing WHERE removing_at IS NULL AND key > $1"
                   " ORDER BY key LIMIT $2"
                 : "SELECT kind, key FROM (SELECT 0 AS kind, key FROM instance"
                   "  WHERE removing_at IS NULL UNION ALL SELECT 2, key FROM unreadable"
                   "  WHERE removing_at IS NULL) f WHERE key > $1 ORDER BY key LIMIT $2",
        DB_VALUES(db_text(after_key), db_int((int64_t)max)), &rows, err);
    if (status == 0)
        *ret_count = files_get(rows, ret_files, max);
    return status;
}

int retention_missing(struct db *db, const struct retention_file *file, struct error *err)
{
    static const char *const statements[] = {
        [RETENTION_RECEIVED] =
            "WITH gone AS (UPDATE instance SET removing_at = clock_timestamp(),"
            " removed_at = clock_timestamp() WHERE key = $1 AND removing_at IS NULL"
            " RETURNING study, key) INSERT INTO event (study, kind, text)"
            " SELECT study, 'missing', 'received file ' || key || ' is not in the store' FROM gone",
        [RETENTION_OUTGOING] =
            "WITH gone AS (UPDATE outgoing SET removing_at = clock_timestamp(),"
            " removed_at = clock_timestamp() WHERE key = $1 AND removing_at IS NULL"
            " RETURNING job, key) INSERT INTO event (study, job, kind, text)"
            " SELECT j.study, j.id, 'missing', 'own file ' || key || ' is not in the store'"
            " FROM gone JOIN job j ON j.id = gone.job",
        [RETENTION_UNREADABLE] =
            "WITH gone AS (UPDATE unreadable SET removing_at = clock_timestamp(),"
            " removed_at = clock_timestamp() WHERE key = $1 AND removing_at IS NULL"
            " RETURNING key) INSERT INTO event (kind, text)"
            " SELECT 'missing', 'unreadable file ' || key || ' is not in the store' FROM gone",
    };
    return db_query(db, statements[file->kind], DB_VALUES(db_text(file->key)), NULL, err);
}

int retention_study_settled(struct db *db, const char *study_instance_uid, bool *ret_settled,
                            struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT 1 FROM study s WHERE s.study_uid = $1 AND s.state IN " SETTLED
        " AND NOT EXISTS (SELECT 1 FROM recovered_job r WHERE r.study_uid = s.study_uid"
        "  AND r.generation > s.generation)",
        DB_VALUES(db_text(study_instance_uid)), &rows, err);
    if (status == 0)
        *ret_settled = db_row_count(rows) > 0;
    return status;
}

int retention_recover(struct db *db, const char *study_instance_uid, int generation,
                      int64_t created_us, struct error *err)
{
    return db_query(db,
        "INSERT INTO recovered_job (study_uid, generation, created_at) SELECT $1::text,"
        " $2::integer, $3::timestamptz WHERE NOT EXISTS (SELECT 1 FROM job j JOIN study s"
        "  ON s.id = j.study WHERE s.study_uid = $1::text AND j.generation = $2::integer)"
        " ON CONFLICT (study_uid, generation) DO UPDATE SET created_at = EXCLUDED.created_at",
        DB_VALUES(db_text(study_instance_uid), db_int(generation), db_time(created_us)), NULL,
        err);
}
