#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/fit/lasso.h"
#include "model/fit/lasso_fold.h"
#include "model/fit/rank.h"
#include "model/fit/work.h"
#include "model/logistic.h"

static const double PROBABILITY_LEAST = 1e-5; /* as cv.glmnet */

struct validation {
    const struct fit_matrix *x;
    const double *outcome;
    const struct lasso_options *options;
    const struct lasso_path *path;
    const int *folds;
    int fold_count;
    enum lasso_measure measure;
    double *predictor; /* λ by λ */
    double *measured;  /* fold by fold, path->count each */
    double *size;      /* rows of each fold */
};

/* Mean deviance of the fold's rows under their linear predictors. */
static double deviance_of(const struct validation *v, int fold, const double *predictor)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < v->x->rows; i++) {
        if (v->folds[i] != fold)
            continue;
        double p = logistic(predictor[i]);
        p = fmin(fmax(p, PROBABILITY_LEAST), 1 - PROBABILITY_LEAST);
        sum -= 2 * log(v->outcome[i] > 0.5 ? p : 1 - p);
        count++;
    }
    return sum / count;
}

static int measure_fold(const struct validation *v, int fold, struct error *err)
{
    struct rank_pair *pairs = calloc(v->x->rows + 1, sizeof *pairs);
    if (!pairs)
        return error_set(err, STATUS_NOMEM, "out of memory for a cross-validation");
    for (size_t k = 0; k < v->path->count; k++) {
        const double *predictor = v->predictor + k * v->x->rows;
        double *measured = &v->measured[(size_t)fold * v->path->count + k];
        size_t n = 0;
        if (v->measure == LASSO_DEVIANCE) {
            *measured = deviance_of(v, fold, predictor);
            continue;
        }
        for (size_t i = 0; i < v->x->rows; i++)
            if (v->folds[i] == fold)
                pairs[n++] = (struct rank_pair){predictor[i], v->outcome[i] > 0.5};
        *measured = rank_auc(pairs, n);
        if (isnan(*measured)) {
            free(pairs);
            return error_set(err, STATUS_INVALID, "fold %d of the cross-validation has one "
                             "outcome only and no AUC: take fewer folds", fold + 1);
        }
    }
    free(pairs);
    return 0;
}

static int run_fold(void *context, size_t index, struct error *err)
{
    const struct validation *v = context;
    int fold = (int)index;
    int status = lasso_fit_without(v->x, v->outcome, v->options, v->path, v->folds, fold,
                                   v->predictor, err);
    if (status < 0)
        return error_prefix(err, "cross-validation without fold %d", fold + 1);
    return measure_fold(v, fold, err);
}

/* Means over folds, the best place on the path, and the one within a standard error of it. */
static void choose(const struct validation *v, struct lasso_cv *cv)
{
    size_t count = v->path->count, folds = (size_t)v->fold_count;
    double rows = (double)v->x->rows, sign = v->measure == LASSO_AUC ? -1 : 1;
    for (size_t k = 0; k < count; k++) {
        double sum = 0, squares = 0;
        for (size_t f = 0; f < folds; f++)
            sum += v->size[f] * v->measured[f * count + k];
        cv->mean[k] = sum / rows;
        for (size_t f = 0; f < folds; f++) {
            double off = v->measured[f * count + k] - cv->mean[k];
            squares += v->size[f] * off * off;
        }
        cv->sd[k] = sqrt(squares / rows / (double)(folds - 1));
    }
    cv->minimum = 0;
    for (size_t k = 1; k < count; k++)
        if (sign * cv->mean[k] < sign * cv->mean[cv->minimum])
            cv->minimum = k;
    double limit = sign * cv->mean[cv->minimum] + cv->sd[cv->minimum];
    cv->one_se = 0;
    while (sign * cv->mean[cv->one_se] > limit)
        cv->one_se++;
}

void lasso_cv_release(struct lasso_cv *cv)
{
    free(cv->mean);
    free(cv->sd);
    free(cv->predictor);
    *cv = (struct lasso_cv){0};
}

static int check_folds(const int *folds, size_t rows, int count, double *size, struct error *err)
{
    for (size_t i = 0; i < rows; i++) {
        if (folds[i] < 0 || folds[i] >= count)
            return error_set(err, STATUS_INVALID, "fold %d of row %zu is out of range", folds[i],
                             i + 1);
        size[folds[i]]++;
    }
    for (int f = 0; f < count; f++)
        if (size[f] < 1)
            return error_set(err, STATUS_INVALID, "fold %d has no rows: take fewer folds", f + 1);
    return 0;
}

int lasso_cross_validate(const struct fit_matrix *x, const double *outcome,
                         const struct lasso_options *options, const struct lasso_path *path,
                         const int *folds, int fold_count, enum lasso_measure measure,
                         struct lasso_cv *ret_cv, struct error *err)
{
    size_t count = path->count;
    if (fold_count < 2)
        return error_set(err, STATUS_INVALID, "a cross-validation needs at least 2 folds");
    struct lasso_cv cv = {.mean = calloc(count, sizeof *cv.mean),
                          .sd = calloc(count, sizeof *cv.sd),
                          .predictor = calloc(count * x->rows, sizeof *cv.predictor)};
    double *work = calloc((size_t)fold_count * (count + 1), sizeof *work);
    struct validation v = {.x = x, .outcome = outcome, .options = options, .path = path,
                           .folds = folds, .fold_count = fold_count, .measure = measure,
                           .predictor = cv.predictor, .size = work};
    int status = cv.mean && cv.sd && cv.predictor && work
                     ? check_folds(folds, x->rows, fold_count, work, err)
                     : error_set(err, STATUS_NOMEM, "out of memory for a cross-validation");
    if (status == 0) {
        v.measured = work + fold_count;
        status = fit_work(options->threads, (size_t)fold_count, run_fold, &v, err);
    }
    if (status == 0) {
        choose(&v, &cv);
        *ret_cv = cv;
    } else {
        lasso_cv_release(&cv);
    }
    free(work);
    return status;
}
