/* A package's score for every row of a feature table, without pictures. */
#ifndef AXNODE_MODEL_SCORE_TABLE_H
#define AXNODE_MODEL_SCORE_TABLE_H

#include "model/cohort.h"
#include "model/package/package.h"

/* What score_table can give of this package: risks of a complete one's model; else the linear
 * predictor alone, which ranks patients but is no probability. `score`: as below. */
bool score_table_gives_risks(const struct package *package, const char *score);

/* Linear predictor and, where the package gives risks, risk of every row. `score`: name of one of
 * the package's scores; "model", or NULL: its model, or where it has none its only score.
 * Columns are found by the names of the terms' features; without "clinical_" in front, and in
 * packages of one region without the region, when there is none of the full name ("f_135" for
 * "tumour_f_135"). Arrays of [table->rows]; NaN where a term's value is missing; `ret_risks` may
 * be NULL, and is filled with NaN when there are none. Whether a risk may be shown for a patient
 * is not asked: this is for checking a package against known outcomes.
 * STATUS_NOT_FOUND: the table lacks columns (the message names the first), or the package has no
 * such score; STATUS_INVALID: a column holds something that is no number, or the package has
 * several scores and no model. */
int score_table(const struct package *package, const char *score, const struct cohort *table,
                double *ret_predictors, double *ret_risks, struct error *err);

#endif
