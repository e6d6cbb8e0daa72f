/* Between lasso.c and lasso_cv.c: one fold of a cross-validation. */
#ifndef AXNODE_MODEL_FIT_LASSO_FOLD_H
#define AXNODE_MODEL_FIT_LASSO_FOLD_H

#include "model/fit/lasso.h"

/* Fit path->lambda without the rows of one fold; those rows' linear predictors go to
 * ret_predictor[k × rows + row] for the k-th λ. */
int lasso_fit_without(const struct fit_matrix *x, const double *outcome,
                      const struct lasso_options *options, const struct lasso_path *path,
                      const int *folds, int left_out, double *ret_predictor, struct error *err);

#endif
