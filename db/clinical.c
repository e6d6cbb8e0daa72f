#include "db/clinical.h"

#include <string.h>

#include "db/generation.h"
#include "db/query.h"

const char *db_clinical_outcome_name(enum db_clinical_outcome outcome)
{
    static const char *const names[] = {
        "new",
        "changed",
        "unchanged",
        "withdrawn",
        "nothing to withdraw",
        "no study of that UID or accession number is known",
        "the study belongs to another patient",
        "the date lies in the future",
    };
    return names[outcome];
}

bool db_clinical_refused(enum db_clinical_outcome outcome)
{
    return outcome >= DB_CLINICAL_NOT_THERE;
}

/* ---- one row ------------------------------------------------------------------------------ */

/* The images of study s name the patient ($1, $2 of a row, or columns). */
#define OF_PATIENT(id, issuer) \
    "EXISTS (SELECT 1 FROM instance i JOIN patient p ON p.id = i.patient WHERE i.study = s.id" \
    " AND i.role = 'input' AND p.patient_id = " id " AND p.issuer = " issuer ")"

/* Every study that the row names must be its patient's. */
static int check(struct db *db, const struct db_clinical_row *row,
                 enum db_clinical_outcome *ret_outcome, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT $5::date > current_date + 1, count(*),"
        " coalesce(bool_and(" OF_PATIENT("$1", "$2") "), false) FROM study s"
        " WHERE ($3 = '' OR s.study_uid = $3) AND ($4 = '' OR s.accession_number = $4)"
        " AND ($3 <> '' OR $4 <> '')",
        DB_VALUES(db_text(row->patient_id), db_text(row->issuer), db_text(row->study_uid),
                  db_text(row->accession_number), db_text(row->observed)),
        &rows, err);
    if (status < 0)
        return status;
    const bool named = *row->study_uid || *row->accession_number;
    if (db_get_bool(rows, 0, 0))
        *ret_outcome = DB_CLINICAL_FUTURE;
    else if (named && db_get_int(rows, 0, 1) == 0)
        *ret_outcome = DB_CLINICAL_NO_STUDY;
    else if (named && !db_get_bool(rows, 0, 2))
        *ret_outcome = DB_CLINICAL_OTHER_PATIENT;
    return 0;
}

#define KEY(row) \
    db_text((row)->patient_id), db_text((row)->issuer), db_text((row)->name), \
        db_text((row)->side), db_text((row)->observed), db_text((row)->study_uid), \
        db_text((row)->accession_number)
#define WHERE_KEY \
    " WHERE patient_id = $1 AND issuer = $2 AND name = $3 AND side = $4 AND observed = $5::date" \
    " AND study_uid = $6 AND accession_number = $7"

static int withdraw(struct db *db, const struct db_clinical_row *row,
                    enum db_clinical_outcome *ret_outcome, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, "DELETE FROM clinical" WHERE_KEY, DB_VALUES(KEY(row)), &rows, err);
    if (status == 0)
        *ret_outcome = db_changed(rows) > 0 ? DB_CLINICAL_WITHDRAWN : DB_CLINICAL_NOT_THERE;
    return status;
}

static int put(struct db *db, const struct db_clinical_row *row,
               enum db_clinical_outcome *ret_outcome, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *before = NULL;
    int status = db_query(db, "SELECT value, source FROM clinical" WHERE_KEY " FOR UPDATE",
                          DB_VALUES(KEY(row)), &before, err);
    if (status < 0)
        return status;
    *ret_outcome = db_row_count(before) == 0                      ? DB_CLINICAL_NEW
                   : strcmp(db_get(before, 0, 0), row->value) == 0 &&
                             strcmp(db_get(before, 0, 1), row->source) == 0
                       ? DB_CLINICAL_SAME
                       : DB_CLINICAL_CHANGED;
    if (*ret_outcome == DB_CLINICAL_SAME)
        return 0;
    return db_query(db,
        "INSERT INTO clinical (patient_id, issuer, name, side, observed, study_uid,"
        " accession_number, value, source) VALUES ($1, $2, $3, $4, $5::date, $6, $7, $8, $9)"
        " ON CONFLICT (patient_id, issuer, name, side, observed, study_uid, accession_number)"
        " DO UPDATE SET value = EXCLUDED.value, source = EXCLUDED.source,"
        " changed_at = clock_timestamp()",
        DB_VALUES(KEY(row), db_text(row->value), db_text(row->source)), NULL, err);
}

static int import_row(struct db *db, const struct db_clinical_row *row,
                      enum db_clinical_outcome *ret_outcome, struct error *err)
{
    enum db_clinical_outcome outcome = DB_CLINICAL_NEW;
    int status = check(db, row, &outcome, err);
    if (status == 0 && !db_clinical_refused(outcome))
        status = row->value ? put(db, row, &outcome, err) : withdraw(db, row, &outcome, err);
    if (status == 0)
        *ret_outcome = outcome;
    return status;
}

/* ---- scoring again ------------------------------------------------------------------------ */

/* Studies with images of the row's patient that the row may speak of. */
static int rescore_of(struct db *db, const struct db_clinical_row *row, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "INSERT INTO clinical_rescore SELECT DISTINCT s.id FROM patient p JOIN instance i"
        " ON i.patient = p.id AND i.role = 'input' JOIN study s ON s.id = i.study"
        " WHERE p.patient_id = $1 AND p.issuer = $2 AND ($3 = '' OR s.study_uid = $3)"
        " AND ($4 = '' OR s.accession_number = $4) ON CONFLICT DO NOTHING",
        DB_VALUES(db_text(row->patient_id), db_text(row->issuer), db_text(row->study_uid),
                  db_text(row->accession_number)),
        &rows, err);
    return status;
}

static int rescore(struct db *db, const struct db_clinical_row *rows, size_t count,
                   const enum db_clinical_outcome *outcomes, int *ret_rescored, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *studies = NULL;
    int rescored = 0;
    int status = db_execute(db, "CREATE TEMPORARY TABLE clinical_rescore (study bigint PRIMARY KEY)"
                            " ON COMMIT DROP", err);
    for (size_t i = 0; i < count && status == 0; i++)
        if (outcomes[i] == DB_CLINICAL_NEW || outcomes[i] == DB_CLINICAL_CHANGED ||
            outcomes[i] == DB_CLINICAL_WITHDRAWN)
            status = rescore_of(db, &rows[i], err);
    if (status == 0) /* always in this order: two imports must not wait for each other */
        status = db_query(db, "SELECT study FROM clinical_rescore ORDER BY study", 0, NULL,
                          &studies, err);
    for (int i = 0; status == 0 && i < db_row_count(studies); i++) {
        bool will = false;
        status = study_rescore(db, db_get_int(studies, i, 0), &will, err);
        rescored += will;
    }
    if (status == 0)
        *ret_rescored = rescored;
    return status;
}

/* ---- the transaction ---------------------------------------------------------------------- */

struct import {
    const struct db_clinical_row *rows;
    size_t count;
    const struct db_clinical_options *options;
    enum db_clinical_outcome *outcomes;
    bool keep;
    int rescored;
};

static int import_all(struct db *db, struct import *x, struct error *err)
{
    x->keep = !x->options->dry_run;
    int status = db_query(db, "SELECT set_config('axnode.system_user', $1, true)",
                          DB_VALUES(db_text(x->options->system_user)), NULL, err);
    for (size_t i = 0; i < x->count && status == 0; i++) {
        status = import_row(db, &x->rows[i], &x->outcomes[i], err);
        if (status == 0 && db_clinical_refused(x->outcomes[i]) && !x->options->skip_bad)
            x->keep = false;
    }
    if (status == 0 && x->options->rescore)
        status = rescore(db, x->rows, x->count, x->outcomes, &x->rescored, err);
    return status;
}

int db_clinical_import(struct db *db, const struct db_clinical_row *rows, size_t count,
                       const struct db_clinical_options *options,
                       enum db_clinical_outcome *ret_outcomes, bool *ret_kept, int *ret_rescored,
                       struct error *err)
{
    struct import x = {rows, count, options, ret_outcomes, false, 0};
    int status = db_begin(db, err);
    if (status < 0)
        return status;
    status = import_all(db, &x, err);
    if (status == 0 && !x.keep)
        status = db_execute(db, "ROLLBACK", err);
    else
        status = db_end(db, status, err);
    if (status == 0) {
        *ret_kept = x.keep;
        *ret_rescored = x.rescored;
    }
    return status;
}

/* ---- what is known ------------------------------------------------------------------------ */

#define ISO(column) \
    "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

int db_clinical_list(struct db *db, const char *study_instance_uid, cJSON **ret_list,
                     struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT json_build_object('study_uid', s.study_uid, 'values', (SELECT coalesce(json_agg("
        "  json_build_object('name', c.name, 'value', c.value, 'side', c.side,"
        "   'observed', c.observed, 'source', c.source, 'study_uid', c.study_uid,"
        "   'accession_number', c.accession_number, 'changed_at', " ISO("c.changed_at") ")"
        "  ORDER BY c.name, c.side, c.observed, c.id), '[]') FROM clinical c"
        "  WHERE c.study_uid IN ('', s.study_uid)"
        "  AND c.accession_number IN ('', s.accession_number) AND " OF_PATIENT("c.patient_id", "c.issuer") "),"
        " 'history', (SELECT coalesce(json_agg(json_build_object('at', " ISO("a.at") ","
        "   'database_user', a.database_user, 'system_user', a.system_user, 'name', a.name,"
        "   'side', a.side, 'observed', a.observed, 'old_value', a.old_value,"
        "   'new_value', a.new_value) ORDER BY a.id), '[]') FROM clinical_audit a"
        "  WHERE a.study_uid IN ('', s.study_uid)"
        "  AND a.accession_number IN ('', s.accession_number) AND " OF_PATIENT("a.patient_id", "a.issuer") "))"
        " FROM study s WHERE s.study_uid = $1",
        DB_VALUES(db_text(study_instance_uid)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "no such study");
    cJSON *list = cJSON_Parse(db_get(rows, 0, 0));
    if (!list)
        return error_set(err, STATUS_NOMEM, "out of memory");
    *ret_list = list;
    return 0;
}
