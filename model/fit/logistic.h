/* Logistic regression by maximum likelihood, with covariance, and backward elimination. */
#ifndef AXNODE_MODEL_FIT_LOGISTIC_H
#define AXNODE_MODEL_FIT_LOGISTIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/fit/matrix.h"

struct logistic {
    size_t terms;         /* without the intercept */
    double *coefficients; /* owned; [0] the intercept, then one per column */
    double *covariance;   /* owned; (terms + 1)², inverse of the information Xᵀ W X */
    double deviance;      /* −2 log-likelihood */
    double null_deviance; /* of the intercept (and offset) alone: only without an offset */
};
void logistic_release(struct logistic *model);

/* Newton steps (iteratively reweighted least squares, as R's glm) until a step, measured in standard
 * errors, is shorter than 1e-9. Numbers are best standardised. `offset`
 * (NULL: none) is added to every linear predictor. STATUS_INVALID, each with its reason:
 * - one outcome only;
 * - at least as many terms as rows, or terms that are linearly dependent (names the first one);
 * - separation: a combination of the terms divides the outcomes without error, so that the
 *   likelihood has no maximum (the steps never end; names the term that ran furthest).
 * `names` for the messages; NULL: numbers of columns. */
int logistic_fit(const struct fit_matrix *x, const double *outcome, const double *offset,
                 const char *const *names, struct logistic *ret_model, struct error *err);

struct backward_options {
    bool by_p;    /* else by AIC = deviance + 2 (terms + 1), as R's step(direction = "backward") */
    double p_max; /* by p: drop the term with the largest Wald p while it is above this */
};

/* Drop columns one at a time. On success `ret_keep` (room for x->columns) lists the columns that
 * stay, ascending, and ret_model is their regression; it may have no terms. */
int logistic_backward(const struct fit_matrix *x, const double *outcome,
                      const char *const *names, const struct backward_options *options,
                      size_t *ret_keep, struct logistic *ret_model, struct error *err);

#endif
