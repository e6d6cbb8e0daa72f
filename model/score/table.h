/* A package's score for every row of a feature table, without pictures. */
#ifndef AXNODE_MODEL_SCORE_TABLE_H
#define AXNODE_MODEL_SCORE_TABLE_H

#include "model/cohort.h"
#include "model/package/package.h"

/* What score_table can give of this package: risks of a complete one; of an incomplete one, or one
 * without intercept, the linear predictor alone, which ranks patients but is no probability. */
bool score_table_gives_risks(const struct package *package);

/* Linear predictor and, where the package gives risks, risk of every row; columns are found by the
 * names of the terms' features, in packages of one region also without the region in front
 * ("f_135" for "tumour_f_135"). Arrays of [table->rows]; NaN where a term's value is missing;
 * `ret_risks` may be NULL, and is filled with NaN when there are none. Whether a risk may be shown
 * for a patient is not asked: this is for checking a package against known outcomes.
 * STATUS_NOT_FOUND: the table lacks columns (the message names the first); STATUS_INVALID: a
 * column holds something that is no number, or the package has no model. */
int score_table(const struct package *package, const struct cohort *table,
                double *ret_predictors, double *ret_risks, struct error *err);

#endif
