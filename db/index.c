#include "db/index.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "db/query.h"

const char *index_outcome_name(enum index_outcome outcome)
{
    static const char *const names[] = {"new", "identical", "variant", "own", "mixed", "refused"};
    return names[outcome];
}

/* ---- the study -------------------------------------------------------------------------- */

struct study {
    int64_t id;
    char state[16];
    bool held;
    int64_t generation;
    struct pg_result *row; /* owned: id, state, held, generation, then the patient or NULLs */
};
enum { PATIENT_ID = 5, PATIENT_ISSUER, PATIENT_NAME, PATIENT_BIRTH_DATE };

/* The study's row, made when missing, and locked. A new one has nothing to analyse until its
 * first newcomer starts it. */
static int study_lock(struct db *db, const struct index_object *o, struct study *ret_study,
                      struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    struct study study = {0};
    digest_bytes(o->study_instance_uid, strlen(o->study_instance_uid), digest);
    digest_format(digest, hex);
    int status = db_query(db,
        "INSERT INTO study (study_uid, uid_digest, state, reason)"
        " VALUES ($1, $2, 'not_applicable',"
        " 'only objects that axnode made or knows from elsewhere')"
        " ON CONFLICT (study_uid) DO NOTHING",
        DB_VALUES(db_text(o->study_instance_uid), db_text(hex)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "SELECT s.id, s.state, s.held, s.generation, p.id, p.patient_id, p.issuer, p.name,"
            " p.birth_date FROM study s LEFT JOIN patient p ON p.id = s.patient"
            " WHERE s.study_uid = $1 FOR UPDATE OF s",
            DB_VALUES(db_text(o->study_instance_uid)), &study.row, err);
    if (status < 0)
        return status;
    study.id = db_get_int(study.row, 0, 0);
    db_get_text(study.row, 0, 1, study.state, sizeof study.state);
    study.held = db_get_bool(study.row, 0, 2);
    study.generation = db_get_int(study.row, 0, 3);
    *ret_study = study;
    return 0;
}

/* Both given and different. */
static bool differ(const char *a, const char *b)
{
    return a && *a && *b && strcmp(a, b) != 0;
}

/* Two objects of one study name one patient unless an identifier says otherwise. What is left
 * empty contradicts nothing; names count only where there is no identifier, since one person's
 * name is spelled in many ways. */
static bool other_patient(const struct study *study, const struct index_object *o)
{
    if (db_is_null(study->row, 0, 4))
        return false;
    const char *id = db_get(study->row, 0, PATIENT_ID);
    bool without_id = !*id || !o->patient_id || !*o->patient_id;
    return differ(o->patient_id, id) ||
           differ(o->patient_id_issuer, db_get(study->row, 0, PATIENT_ISSUER)) ||
           differ(o->patient_birth_date, db_get(study->row, 0, PATIENT_BIRTH_DATE)) ||
           (without_id && differ(o->patient_name, db_get(study->row, 0, PATIENT_NAME)));
}

/* Time of receipt, but never later than now: a sender's or receiver's clock that is ahead must
 * not keep a study waiting. */
#define RECEIVED(parameter) "least(" parameter "::timestamptz, clock_timestamp())"

static int study_receive(struct db *db, const struct study *study, const struct index_object *o,
                         int64_t patient, bool reopen, struct error *err)
{
    return db_query(db,
        "UPDATE study SET"
        " patient = coalesce(patient, $2::bigint),"
        " accession_number = CASE WHEN patient IS NULL THEN $3 ELSE accession_number END,"
        " study_date = CASE WHEN patient IS NULL THEN $4 ELSE study_date END,"
        " study_time = CASE WHEN patient IS NULL THEN $5 ELSE study_time END,"
        " study_description = CASE WHEN patient IS NULL THEN $6 ELSE study_description END,"
        " first_received_at = least(first_received_at, " RECEIVED("$7") "),"
        " last_received_at = greatest(last_received_at, " RECEIVED("$7") "),"
        " whole_at = NULL,"
        " state = CASE WHEN $8 THEN 'receiving' ELSE state END,"
        " reason = CASE WHEN $8 THEN '' ELSE reason END"
        " WHERE id = $1",
        DB_VALUES(db_int(study->id), db_int(patient), db_text(o->accession_number),
                  db_text(o->study_date), db_text(o->study_time), db_text(o->study_description),
                  db_time(o->received_us), db_bool(reopen)),
        NULL, err);
}

static int study_hold(struct db *db, const struct study *study, const struct index_object *o,
                      struct error *err)
{
    char text[160];
    int status = db_query(db,
        "UPDATE study SET state = 'failed', held = true,"
        " reason = 'objects of two patients under one study UID' WHERE id = $1",
        DB_VALUES(db_int(study->id)), NULL, err);
    if (status < 0)
        return status;
    snprintf(text, sizeof text, "object %.82s names another patient", o->key);
    return db_event(db, study->id, 0, "two patients", text, err);
}

/* ---- the object's rows ------------------------------------------------------------------- */

/* The id in the one row of a statement. */
static int id_query(struct db *db, const char *sql, size_t count, const struct db_value *values,
                    int64_t *ret_id, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, sql, count, values, &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) != 1)
        return error_set(err, STATUS_UNAVAILABLE, "another session changed the same object");
    *ret_id = db_get_int(rows, 0, 0);
    return 0;
}

static int patient_id(struct db *db, const struct index_object *o, int64_t *ret_id,
                      struct error *err)
{
    return id_query(db,
        "WITH found AS (SELECT id FROM patient WHERE patient_id = $1 AND issuer = $2"
        "  AND name = $3 AND birth_date = $4 AND sex = $5),"
        " made AS (INSERT INTO patient (patient_id, issuer, name, birth_date, sex)"
        "  SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM found)"
        "  ON CONFLICT (patient_id, issuer, name, birth_date, sex)"
        "  DO UPDATE SET sex = EXCLUDED.sex RETURNING id)"
        " SELECT id FROM found UNION ALL SELECT id FROM made",
        DB_VALUES(db_text(o->patient_id), db_text(o->patient_id_issuer),
                  db_text(o->patient_name), db_text(o->patient_birth_date),
                  db_text(o->patient_sex)),
        ret_id, err);
}

/* The study's row is locked: nobody else makes the series meanwhile. */
static int series_id(struct db *db, const struct study *study, const struct index_object *o,
                     int64_t *ret_id, struct error *err)
{
    return id_query(db,
        "WITH found AS (SELECT id FROM series WHERE study = $1::bigint AND series_uid = $2),"
        " made AS (INSERT INTO series (study, series_uid, modality, series_number,"
        "  series_description, body_part) SELECT $1::bigint, $2, $3, $4::integer, $5, $6"
        "  WHERE NOT EXISTS (SELECT 1 FROM found) RETURNING id)"
        " SELECT id FROM found UNION ALL SELECT id FROM made",
        DB_VALUES(db_int(study->id), db_text(o->series_instance_uid), db_text(o->modality),
                  db_int(o->series_number), db_text(o->series_description),
                  db_text(o->body_part_examined)),
        ret_id, err);
}

static int instance_add(struct db *db, const struct study *study, const struct index_object *o,
                        const char *role, int64_t *ret_patient, struct error *err)
{
    int64_t patient, series;
    int status = patient_id(db, o, &patient, err);
    if (status == 0)
        status = series_id(db, study, o, &series, err);
    if (status < 0)
        return status;
    status = db_query(db,
        "INSERT INTO instance (study, series, patient, key, sop_uid, sop_class, transfer_syntax,"
        " dataset_sha256, content_sha256, role, instance_number, frames, rows, columns,"
        " calling_ae, called_ae, peer, association, received_at) VALUES"
        " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        DB_VALUES(db_int(study->id), db_int(series), db_int(patient), db_text(o->key),
                  db_text(o->sop_instance_uid), db_text(o->sop_class_uid),
                  db_text(o->transfer_syntax_uid), db_text(o->dataset_sha256),
                  db_text(o->content_sha256), db_text(role), db_int(o->instance_number),
                  db_int(o->frames), db_int(o->rows), db_int(o->columns),
                  db_text(o->calling_ae), db_text(o->called_ae), db_text(o->peer_address),
                  db_text(o->association), db_time(o->received_us)),
        NULL, err);
    if (status == 0)
        *ret_patient = patient;
    return status;
}

/* ---- the decision ------------------------------------------------------------------------- */

struct known {
    bool key;      /* this very file has a row */
    bool sop_uid;  /* the UID is known */
    bool same;     /* with the same content, of this very file when it has a row */
    bool own;      /* it is one of ours */
};

static int known_find(struct db *db, const struct index_object *o, struct known *ret_known,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT coalesce(bool_or(key = $2), false), count(*) > 0,"
        " coalesce(bool_or(dataset_sha256 = $3 OR ($4 <> '' AND content_sha256 = $4))"
        "  FILTER (WHERE key = $2), bool_or(dataset_sha256 = $3"
        "  OR ($4 <> '' AND content_sha256 = $4)), false),"
        " EXISTS (SELECT 1 FROM outgoing WHERE sop_uid = $1)"
        " FROM instance WHERE sop_uid = $1",
        DB_VALUES(db_text(o->sop_instance_uid), db_text(o->key), db_text(o->dataset_sha256),
                  db_text(o->content_sha256)),
        &rows, err);
    if (status < 0)
        return status;
    ret_known->key = db_get_bool(rows, 0, 0);
    ret_known->sop_uid = db_get_bool(rows, 0, 1);
    ret_known->same = db_get_bool(rows, 0, 2);
    ret_known->own = o->own || db_get_bool(rows, 0, 3);
    return 0;
}

/* An input or other object that is not known yet. */
static int newcomer_add(struct db *db, const struct study *study, const struct index_object *o,
                        struct index_answer *answer, struct error *err)
{
    int64_t patient;
    bool input = o->kind == INDEX_KIND_INPUT;
    bool mixed = other_patient(study, o);
    bool report = o->kind == INDEX_KIND_REPORT;
    const char *role = mixed ? "other" : input ? "input" : report ? "report" : "other";
    int status = instance_add(db, study, o, role, &patient, err);
    if (status < 0)
        return status;
    if (mixed) {
        answer->outcome = INDEX_MIXED;
        return study_hold(db, study, o, err);
    }
    bool receiving = strcmp(study->state, "receiving") == 0;
    bool started = study->generation > 0 || !db_is_null(study->row, 0, 4);
    bool late = report && o->final && study->generation > 0;
    bool reopen = !study->held && !receiving && (input || !started || late);
    answer->outcome = INDEX_NEW;
    answer->reopened = reopen && study->generation > 0;
    if (!reopen && !receiving && !input)
        return 0; /* kept, of no consequence */
    status = study_receive(db, study, o, patient, reopen, err);
    if (status == 0 && answer->reopened) {
        char text[160];
        snprintf(text, sizeof text, "object %.82s arrived after generation %lld", o->key,
                 (long long)study->generation);
        status = db_event(db, study->id, 0, "reopened", text, err);
    }
    return status;
}

/* Whether the study failed because images that it needs were removed. */
static int waits_for_images(struct db *db, const struct study *study, bool *ret_waits,
                            struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    *ret_waits = false;
    if (study->held || strcmp(study->state, "failed") != 0)
        return 0;
    int status = db_query(db,
        "SELECT EXISTS (SELECT 1 FROM instance i WHERE i.study = $1 AND i.role = 'input'"
        " AND NOT EXISTS (SELECT 1 FROM job_instance x JOIN job j ON j.id = x.job"
        "  WHERE x.instance = i.id AND j.generation = $2))",
        DB_VALUES(db_int(study->id), db_int(study->generation)), &rows, err);
    if (status == 0)
        *ret_waits = db_get_bool(rows, 0, 0);
    return status;
}

/* A file that had been removed is there again: with the same content its row promises it again;
 * other bytes are not what the row speaks of, and end at once. */
static int returned_add(struct db *db, const struct study *study, const struct index_object *o,
                        const struct known *known, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    char text[160];
    bool waits = false;
    int status = known->same
        ? db_query(db,
              "UPDATE instance SET removing_at = NULL, removed_at = NULL, dataset_sha256 = $2,"
              " transfer_syntax = $3 WHERE key = $1 AND removing_at IS NOT NULL RETURNING patient",
              DB_VALUES(db_text(o->key), db_text(o->dataset_sha256),
                        db_text(o->transfer_syntax_uid)),
              &rows, err)
        : db_query(db,
              "UPDATE instance SET removing_at = clock_timestamp(), removed_at = NULL"
              " WHERE key = $1 AND removing_at IS NOT NULL RETURNING patient",
              DB_VALUES(db_text(o->key)), &rows, err);
    if (status < 0 || db_row_count(rows) == 0)
        return status;
    snprintf(text, sizeof text, "object %.82s %s", o->key,
             known->same ? "whose file was removed was received again"
                         : "has other bytes than the removed file: not kept");
    status = db_event(db, study->id, 0, "returned", text, err);
    if (status == 0 && known->same)
        status = db_query(db, "UPDATE study SET files_since = clock_timestamp() WHERE id = $1",
                          DB_VALUES(db_int(study->id)), NULL, err);
    if (status == 0 && known->same)
        status = waits_for_images(db, study, &waits, err);
    if (status == 0 && waits)
        status = study_receive(db, study, o, db_get_int(rows, 0, 0), true, err);
    return status;
}

/* A second object of a known UID, or one of ours. */
static int bystander_add(struct db *db, const struct study *study, const struct index_object *o,
                         const struct known *known, struct index_answer *answer,
                         struct error *err)
{
    int64_t patient;
    char text[160];
    answer->outcome = known->sop_uid && known->same ? INDEX_IDENTICAL
                      : known->own                  ? INDEX_OWN
                                                    : INDEX_VARIANT;
    int status = 0;
    if (!known->key)
        status = instance_add(db, study, o, known->own ? "own" : "variant", &patient, err);
    else
        status = returned_add(db, study, o, known, err);
    if (status < 0 || known->own || (known->key && known->same))
        return status;
    snprintf(text, sizeof text, "object %.82s: %s", o->key,
             known->same  ? "the same content in another encoding"
             : known->key ? "the file has other bytes than were recorded"
                          : "other bytes under a known UID");
    return db_event(db, study->id, 0, "variant", text, err);
}

static int object_add(struct db *db, const struct index_object *o, struct index_answer *answer,
                      struct error *err)
{
    struct study study = {0};
    struct known known = {0};
    int status = study_lock(db, o, &study, err);
    if (status == 0)
        status = known_find(db, o, &known, err);
    if (status == 0)
        status = known.own || known.sop_uid ? bystander_add(db, &study, o, &known, answer, err)
                                            : newcomer_add(db, &study, o, answer, err);
    db_rows_free(&study.row);
    return status;
}

static int unreadable_add(struct db *db, const char *key, const char *reason, struct error *err)
{
    return db_query(db,
        "INSERT INTO unreadable (key, reason) VALUES ($1, $2)"
        " ON CONFLICT (key) DO UPDATE SET reason = EXCLUDED.reason, removing_at = NULL,"
        " removed_at = NULL, at = CASE WHEN unreadable.removing_at IS NULL THEN unreadable.at"
        "  ELSE clock_timestamp() END",
        DB_VALUES(db_text(key), db_text(reason)), NULL, err);
}

/* One object behind a savepoint (`err` is not NULL): a refused value must not keep the
 * others out for ever. */
static int object_try(struct db *db, const struct index_object *o, struct index_answer *answer,
                      struct error *err)
{
    *answer = (struct index_answer){.outcome = INDEX_NEW};
    int status = db_execute(db, "SAVEPOINT object", err);
    if (status < 0)
        return status;
    status = object_add(db, o, answer, err);
    if (status == 0)
        return db_execute(db, "RELEASE SAVEPOINT object", err);
    if (status != STATUS_INVALID)
        return status;
    *answer = (struct index_answer){.outcome = INDEX_REFUSED};
    snprintf(answer->reason, sizeof answer->reason, "%.150s", err->message);
    status = db_execute(db, "ROLLBACK TO SAVEPOINT object", err);
    return status < 0 ? status : unreadable_add(db, o->key, answer->reason, err);
}

int index_add(struct db *db, const struct index_object *objects, size_t count,
              struct index_answer *ret_answers, struct error *err)
{
    struct error own;
    struct error *reason = err ? err : &own;
    int status = db_begin(db, reason);
    if (status < 0)
        return status;
    for (size_t i = 0; i < count && status == 0; i++)
        status = object_try(db, &objects[i], &ret_answers[i], reason);
    return db_end(db, status, reason);
}

int index_unreadable(struct db *db, const char *key, const char *reason, struct error *err)
{
    return unreadable_add(db, key, reason, err);
}
