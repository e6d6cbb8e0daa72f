/* Logistic regression with the elastic-net penalty, by coordinate descent.
 *
 * Minimises, over intercept a and coefficients b of columns standardised to variance 1 (dividing
 * by n) within the rows that are used,
 *   − (1/n) Σ log-likelihood(a + x·b) + λ [ (1 − α)/2 Σ b² + α Σ |b| ],
 * the problem that glmnet solves with family = "binomial", standardize = TRUE (Friedman, Hastie,
 * Tibshirani: Regularization Paths for Generalized Linear Models via Coordinate Descent, J. Stat.
 * Softw. 33, 2010). Strong rules (Tibshirani et al., J. R. Stat. Soc. B 74, 2012) choose the
 * columns to look at; every λ ends with a check of the optimality conditions over all columns.
 * Inside the active set gradients are kept up to date by the weighted Gram matrix ('covariance
 * updates'). */
#ifndef AXNODE_MODEL_FIT_LASSO_H
#define AXNODE_MODEL_FIT_LASSO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/fit/matrix.h"

enum lasso_measure { LASSO_DEVIANCE, LASSO_AUC };

struct lasso_options {
    double alpha;            /* 1: lasso; 0: ridge */
    double threshold;        /* of convergence, of the null deviance; glmnet's default 1e-7 */
    size_t lambda_count;     /* at least 2; glmnet's default 100 */
    double lambda_min_ratio; /* 0: 0.01 with fewer rows than columns, else 0.0001 */
    int threads;
};

/* The coefficients along a path of falling λ. */
struct lasso_path {
    size_t count, columns;
    double *lambda;          /* owned, as the others */
    double *intercept;
    double *coefficients;    /* count × columns, for the columns as they were given */
    double *deviance_ratio;  /* part of the null deviance that is explained */
    size_t *nonzero;
};
void lasso_path_release(struct lasso_path *path);

struct lasso_cv {
    double *mean, *sd;      /* per λ: of the measure, and the standard error of that mean */
    size_t minimum, one_se; /* places on the path */
    double *predictor;      /* rows × count: linear predictor of each row left out, λ by λ */
};
void lasso_cv_release(struct lasso_cv *cv);

/* Columns hold numbers that are centred and scaled over all rows (fit_standardise), nothing
 * missing; outcome 0 or 1, `rows` of them. `lambdas` NULL: a path by glmnet's rules, from the
 * smallest λ without terms (for α below 0.001 as if it were 0.001), equal steps of the logarithm,
 * ended early when more than 0.999 of the deviance is explained or the last step explained less
 * than 1e-5 more. Else `lambda_count` falling numbers, all of which are fitted. STATUS_INVALID:
 * one class only. */
int lasso_fit(const struct fit_matrix *x, const double *outcome,
              const struct lasso_options *options, const double *lambdas,
              struct lasso_path *ret_path, struct error *err);

/* As cv.glmnet when it is given `lambda` (else it interpolates between each fold's own path): for
 * each fold the path is fitted at path->lambda without the fold's rows and measured on them; deviance with probabilities held within 1e-5 … 1 − 1e-5, or AUC; means over
 * folds weighted by their sizes; minimum: the best λ (the largest of equals); one_se: the largest
 * λ within one standard error of it. `folds` holds 0 … fold_count − 1 for each row. STATUS_INVALID
 * when the rows without a fold, or for AUC the fold, have one class only. */
int lasso_cross_validate(const struct fit_matrix *x, const double *outcome,
                         const struct lasso_options *options, const struct lasso_path *path,
                         const int *folds, int fold_count, enum lasso_measure measure,
                         struct lasso_cv *ret_cv, struct error *err);

#endif
