/* Clinical values that people import: kept with every change of them, handed out with jobs
 * (queue.h). db/ knows no medicine: the caller has checked names, values and dates. */
#ifndef AXNODE_DB_CLINICAL_H
#define AXNODE_DB_CLINICAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"

/* Texts are borrowed, UTF-8. A value is known by all but `value` and `source`: importing the same
 * key again replaces it. */
struct db_clinical_row {
    const char *patient_id, *issuer;
    const char *study_uid, *accession_number; /* "": of every study of the patient */
    const char *name;
    const char *side;     /* "left", "right", "" */
    const char *observed; /* "2026-01-31" */
    const char *value;    /* NULL: the value is withdrawn */
    const char *source;
};

enum db_clinical_outcome {
    DB_CLINICAL_NEW,
    DB_CLINICAL_CHANGED,
    DB_CLINICAL_SAME,
    DB_CLINICAL_WITHDRAWN,
    DB_CLINICAL_NOT_THERE,     /* refused: nothing to withdraw */
    DB_CLINICAL_NO_STUDY,      /* refused: no study of that UID or accession number is known */
    DB_CLINICAL_OTHER_PATIENT, /* refused: the study is another patient's */
    DB_CLINICAL_FUTURE,        /* refused: dated after the database's tomorrow */
    DB_CLINICAL_OUTCOMES,
};
/* "new", "changed", … for people. Static storage. */
const char *db_clinical_outcome_name(enum db_clinical_outcome outcome);
bool db_clinical_refused(enum db_clinical_outcome outcome);

struct db_clinical_options {
    const char *system_user; /* for the audit, beside the database's user */
    bool skip_bad;           /* refused rows do not keep the others out */
    bool dry_run;            /* nothing is kept */
    bool rescore;            /* studies whose patient's values changed are scored again */
};

/* All rows in one transaction. `ret_outcomes`: one for each row; where one is refused without
 * `skip_bad` nothing is kept, and *ret_kept is false. `ret_rescored`: studies that will be scored
 * again, those that wait for their score anyway among them. */
int db_clinical_import(struct db *db, const struct db_clinical_row *rows, size_t count,
                       const struct db_clinical_options *options,
                       enum db_clinical_outcome *ret_outcomes, bool *ret_kept, int *ret_rescored,
                       struct error *err);

/* { "study_uid", "values": [ { "name", "value", "side", "observed", "source", "study_uid",
 *   "accession_number", "changed_at" } ], "history": [ { "at", "database_user", "system_user",
 *   "name", "side", "observed", "old_value", "new_value" } ] } of the study's patient; values that
 * are bound to another study are left out. STATUS_NOT_FOUND: no such study. */
int db_clinical_list(struct db *db, const char *study_instance_uid, cJSON **ret_list,
                     struct error *err);

#endif
