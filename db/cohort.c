#include "db/cohort.h"

#include "base/buffer.h"
#include "db/query.h"

/* ---- the table of outcomes ---- */

static int has_column(struct db *db, const char *table, const char *column, bool *ret_has,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1)"
        " AND attname = $2 AND attnum > 0 AND NOT attisdropped)",
        DB_VALUES(db_text(table), db_text(column)), &rows, err);
    if (status == 0)
        *ret_has = db_get_bool(rows, 0, 0);
    return status;
}

/* Its names as SQL takes them, quoted by the server. */
static int quote(struct db *db, const struct cohort_query *query, struct buffer *table,
                 struct buffer *outcome, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, "SELECT to_regclass($1)::text, quote_ident($2)",
                          DB_VALUES(db_text(query->table), db_text(query->outcome)), &rows, err);
    if (status < 0)
        return status;
    if (db_is_null(rows, 0, 0))
        return error_set(err, STATUS_NOT_FOUND, "the database has no table %s", query->table);
    status = buffer_print(table, err, "%s", db_get(rows, 0, 0));
    return status < 0 ? status : buffer_print(outcome, err, "%s", db_get(rows, 0, 1));
}

/* How its rows name studies: the condition on study s and patient p. */
static int join(struct db *db, const struct cohort_query *query, const char **ret_condition,
                struct error *err)
{
    bool outcome = false, study = false, patient = false, issuer = false;
    int status = has_column(db, query->table, query->outcome, &outcome, err);
    if (status == 0)
        status = has_column(db, query->table, "study_uid", &study, err);
    if (status == 0)
        status = has_column(db, query->table, "patient_id", &patient, err);
    if (status == 0)
        status = has_column(db, query->table, "issuer", &issuer, err);
    if (status < 0)
        return status;
    if (!outcome)
        return error_set(err, STATUS_NOT_FOUND, "table %s has no column '%s'", query->table,
                         query->outcome);
    if (!study && !(patient && issuer))
        return error_set(err, STATUS_NOT_FOUND, "table %s has neither a column 'study_uid' nor "
                         "'patient_id' and 'issuer'", query->table);
    *ret_condition = study ? "o.study_uid = s.study_uid"
                           : "o.patient_id = p.patient_id AND coalesce(o.issuer, '') = p.issuer";
    return 0;
}

/* ---- the studies ---- */

/* A temporary table of result, set of features and outcome: gone with the transaction. */
static int choose(struct db *db, const struct cohort_query *query, struct error *err)
{
    struct buffer table BUFFER_AUTO = {0}, outcome BUFFER_AUTO = {0}, sql BUFFER_AUTO = {0};
    const char *condition = NULL;
    int status = quote(db, query, &table, &outcome, err);
    if (status == 0)
        status = join(db, query, &condition, err);
    if (status == 0)
        status = buffer_print(&sql, err,
            "CREATE TEMPORARY TABLE cohort_study ON COMMIT DROP AS"
            " SELECT s.id AS study, s.patient, r.id AS result, o.%s::text AS outcome,"
            " r.package_name || '@' || r.package_version AS package, r.package_sha256"
            " FROM v_newest_result n JOIN result r ON r.id = n.result"
            " JOIN study s ON s.id = n.study LEFT JOIN patient p ON p.id = s.patient"
            " JOIN %s o ON %s WHERE o.%s IS NOT NULL",
            buffer_text(&outcome), buffer_text(&table), condition, buffer_text(&outcome));
    if (status == 0)
        status = db_execute(db, buffer_text(&sql), err);
    if (status == 0 && query->package)
        status = db_query(db, "DELETE FROM cohort_study WHERE package <> $1",
                          DB_VALUES(db_text(query->package)), NULL, err);
    return status;
}

static int count(struct db *db, const char *sql, int64_t *ret_count, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, sql, 0, NULL, &rows, err);
    if (status == 0)
        *ret_count = db_get_int(rows, 0, 0);
    return status;
}

static int check(struct db *db, const struct cohort_query *query, size_t *ret_left_out,
                 struct error *err)
{
    int64_t packages = 0, twice = 0, before = 0, after = 0;
    bool by_study = false;
    int status = count(db, "SELECT count(*) FROM (SELECT study FROM cohort_study GROUP BY 1"
                       " HAVING count(*) > 1) x", &twice, err);
    if (status == 0 && twice > 0)
        return error_set(err, STATUS_CONFLICT, "table %s has two outcomes of %lld studies",
                         query->table, (long long)twice);
    if (status == 0)
        status = count(db, "SELECT count(DISTINCT package_sha256) FROM cohort_study", &packages,
                       err);
    if (status == 0 && packages > 1) {
        error_set(err, STATUS_CONFLICT, "these studies were scored by %lld different packages",
                  (long long)packages);
        error_hint(err, "name one: --scored-by NAME@VERSION");
        return STATUS_CONFLICT;
    }
    if (status == 0)
        status = has_column(db, query->table, "study_uid", &by_study, err);
    if (status == 0)
        status = count(db, "SELECT count(*) FROM cohort_study", &before, err);
    if (status == 0 && !by_study)
        status = db_execute(db, "DELETE FROM cohort_study WHERE patient IN (SELECT patient"
                            " FROM cohort_study GROUP BY 1 HAVING count(*) > 1)", err);
    if (status == 0)
        status = count(db, "SELECT count(*) FROM cohort_study", &after, err);
    if (status == 0 && after == 0)
        return error_set(err, STATUS_NOT_FOUND,
                         "no study with a result has an outcome in table %s", query->table);
    *ret_left_out = (size_t)(before - after);
    return status;
}

/* ---- the lines ---- */

/* Name and value of all that is known of a study, behind every study's names. */
#define COHORT_VALUES                                                                            \
    "SELECT c.study, u.name, nullif(u.value::text, 'NaN') AS value FROM cohort_study c"          \
    " JOIN feature f ON f.result = c.result JOIN feature_set t ON t.id = f.feature_set,"         \
    " unnest(t.names, f.values) AS u(name, value)"                                               \
    " UNION ALL SELECT c.study, 'clinical_' || (k ->> 'name'), k ->> 'number' FROM cohort_study c" \
    " JOIN result r ON r.id = c.result, jsonb_array_elements(r.content -> 'clinical') k"         \
    " WHERE jsonb_typeof(r.content -> 'clinical') = 'array'"

static int name_columns(struct db *db, struct error *err)
{
    return db_execute(db,
        "CREATE TEMPORARY TABLE cohort_column ON COMMIT DROP AS"
        " SELECT DISTINCT name COLLATE \"C\" AS name FROM (" COHORT_VALUES ") v", err);
}

static int print(FILE *out, const char *text, struct error *err)
{
    return fputs(text, out) < 0 || fputc('\n', out) < 0
               ? error_set(err, STATUS_IO, "the cohort cannot be written")
               : 0;
}

static int write_header(struct db *db, const char *outcome, FILE *out, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT '\"' || replace($1, '\"', '\"\"') || '\",' || string_agg('\"' ||"
        " replace(name, '\"', '\"\"') || '\"', ',' ORDER BY name) FROM cohort_column",
        DB_VALUES(db_text(outcome)), &rows, err);
    return status < 0 ? status : print(out, db_get(rows, 0, 0), err);
}

static int write_line(struct db *db, int64_t study, FILE *out, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT (SELECT '\"' || replace(outcome, '\"', '\"\"') || '\",' FROM cohort_study"
        " WHERE study = $1) ||"
        " string_agg(coalesce(v.value, ''), ',' ORDER BY c.name)"
        " FROM cohort_column c LEFT JOIN (SELECT * FROM (" COHORT_VALUES ") a"
        " WHERE a.study = $1) v ON v.name = c.name",
        DB_VALUES(db_int(study)), &rows, err);
    return status < 0 ? status : print(out, db_get(rows, 0, 0), err);
}

static int write_all(struct db *db, const struct cohort_query *query, FILE *out,
                     size_t *ret_left_out, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *studies = NULL;
    int status = choose(db, query, err);
    if (status == 0)
        status = check(db, query, ret_left_out, err);
    if (status == 0)
        status = name_columns(db, err);
    if (status == 0)
        status = write_header(db, query->outcome, out, err);
    if (status == 0)
        status = db_query(db, "SELECT study FROM cohort_study ORDER BY study", 0, NULL, &studies,
                          err);
    for (int i = 0; status == 0 && i < db_row_count(studies); i++)
        status = write_line(db, db_get_int(studies, i, 0), out, err);
    return status;
}

int cohort_write(struct db *db, const struct cohort_query *query, FILE *out,
                 size_t *ret_left_out, struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, write_all(db, query, out, ret_left_out, err), err);
}
