/* Features stored by the service, joined with a table of outcomes that the hospital keeps in the
 * same database. */
#ifndef AXNODE_DB_COHORT_H
#define AXNODE_DB_COHORT_H

#include <stddef.h>
#include <stdio.h>

#include "db/db.h"

struct cohort_query {
    const char *table;   /* as SQL names it: "outcomes", "research.outcomes" */
    const char *outcome; /* its column with 0 or 1; NULL: missing */
    const char *package; /* "NAME@VERSION" whose results count; NULL: all are of one package */
};

/* Write a table as model/cohort.h reads it, a line per study with a reported result and an
 * outcome: the outcome's column, then every feature of either region, then the clinical values that
 * counted for the package ("clinical_age"). The table of outcomes has `study_uid`, or `patient_id`
 * and `issuer`; patients with several such studies are left out then, for nothing says which one
 * the outcome belongs to. No identifier is written. `ret_left_out`: such studies.
 * STATUS_NOT_FOUND: no such table or column, or no study; STATUS_CONFLICT: results of several
 * packages and none is named, or two outcomes of one study. */
int cohort_write(struct db *db, const struct cohort_query *query, FILE *out,
                 size_t *ret_left_out, struct error *err);

#endif
