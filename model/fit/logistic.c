#include "model/fit/logistic.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS_MAX = 60 };
static const double STEP_LEAST = 1e-9, PIVOT_LEAST = 1e-11;
static const double STANDING_STILL = 1e-3; /* of coefficient × spread of its column */

/* One regression at work; index 0 of side-long arrays is the intercept. */
struct newton {
    const struct fit_matrix *x;
    const double *outcome, *offset;
    const char *const *names;
    size_t side;
    double *coefficients, *score, *step, *factor; /* factor: side², lower triangle */
    double *predictor, *weight, *weighted;        /* over rows, stride long */
    double *ones;                                 /* the intercept's column */
    double *spread;                               /* standard deviation of each column */
    double deviance;
};

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for a regression");
}

void logistic_release(struct logistic *model)
{
    free(model->coefficients);
    free(model->covariance);
    *model = (struct logistic){0};
}

static const double *column(const struct newton *w, size_t k)
{
    return k == 0 ? w->ones : fit_matrix_column(w->x, k - 1);
}

static int name_term(const struct newton *w, size_t k, struct error *err, const char *what)
{
    if (k > 0 && w->names)
        return error_set(err, STATUS_INVALID, "%s: %s", what, w->names[k - 1]);
    return error_set(err, STATUS_INVALID, "%s: term %zu", what, k);
}

/* Score, information (in `factor`) and deviance at the current coefficients. */
static void evaluate(struct newton *w)
{
    size_t n = w->x->stride;
    for (size_t i = 0; i < w->x->rows; i++)
        w->predictor[i] = w->coefficients[0] + (w->offset ? w->offset[i] : 0);
    for (size_t k = 1; k < w->side; k++) {
        const double *x = column(w, k);
        for (size_t i = 0; i < w->x->rows; i++)
            w->predictor[i] += w->coefficients[k] * x[i];
    }
    w->deviance = 0;
    for (size_t i = 0; i < w->x->rows; i++) {
        double t = w->outcome[i] > 0.5 ? w->predictor[i] : -w->predictor[i];
        double e = exp(-fabs(t)), missed = t >= 0 ? e / (1 + e) : 1 / (1 + e);
        w->weight[i] = e / ((1 + e) * (1 + e));
        w->deviance += 2 * (log1p(e) + fmax(-t, 0));
        /* Now the residual; computed so that it never rounds to 0. */
        w->predictor[i] = w->outcome[i] > 0.5 ? missed : -missed;
    }
    for (size_t k = 0; k < w->side; k++) {
        const double *x = column(w, k);
        w->score[k] = fit_dot(x, w->predictor, n);
        for (size_t i = 0; i < n; i++)
            w->weighted[i] = x[i] * w->weight[i];
        for (size_t l = 0; l <= k; l++)
            w->factor[k * w->side + l] = fit_dot(w->weighted, column(w, l), n);
    }
}

/* Cholesky factor in place; the row of the first pivot that is too small beside its diagonal, or
 * `side` when all are fine. */
static size_t factorise(double *a, size_t side)
{
    for (size_t k = 0; k < side; k++)
        for (size_t l = 0; l <= k; l++) {
            double sum = a[k * side + l], before = sum;
            for (size_t m = 0; m < l; m++)
                sum -= a[k * side + m] * a[l * side + m];
            if (k == l && !(sum > PIVOT_LEAST * before && sum > 1e-300))
                return k;
            a[k * side + l] = k == l ? sqrt(sum) : sum / a[l * side + l];
        }
    return side;
}

/* b becomes A⁻¹ b for the factored A. */
static void substitute(const double *factor, size_t side, double *b)
{
    for (size_t k = 0; k < side; k++) {
        for (size_t m = 0; m < k; m++)
            b[k] -= factor[k * side + m] * b[m];
        b[k] /= factor[k * side + k];
    }
    for (size_t k = side; k-- > 0;) {
        for (size_t m = k + 1; m < side; m++)
            b[k] -= factor[m * side + k] * b[m];
        b[k] /= factor[k * side + k];
    }
}

static void invert(const double *factor, size_t side, double *ret_inverse)
{
    memset(ret_inverse, 0, side * side * sizeof *ret_inverse);
    for (size_t k = 0; k < side; k++) {
        ret_inverse[k * side + k] = 1;
        substitute(factor, side, ret_inverse + k * side);
    }
}

static void measure_spreads(struct newton *w)
{
    double n = (double)w->x->rows;
    for (size_t k = 1; k < w->side; k++) {
        const double *x = column(w, k);
        double mean = fit_dot(x, w->ones, w->x->stride) / n;
        w->spread[k] = sqrt(fmax(fit_dot(x, x, w->x->stride) / n - mean * mean, 0));
    }
}

/* The term that parts its column's rows furthest. */
static size_t furthest(const struct newton *w)
{
    size_t place = w->side > 1;
    for (size_t k = 2; k < w->side; k++)
        if (fabs(w->coefficients[k]) * w->spread[k] >
            fabs(w->coefficients[place]) * w->spread[place])
            place = k;
    return place;
}

static int separated(const struct newton *w, struct error *err)
{
    int status = name_term(w, furthest(w), err, "the outcomes are separated: a combination of the "
                           "terms divides them without error, and the regression has no finite "
                           "coefficients; the term that ran furthest");
    error_hint(err, "take fewer terms, more patients, or a penalised regression (lasso with alpha "
                    "below 1)");
    return status;
}

/* One Newton step; its squared length in standard errors, and how far it moves any row's linear
 * predictor at most, about. */
static void take_step(struct newton *w, double *ret_length, double *ret_reach)
{
    *ret_length = *ret_reach = 0;
    memcpy(w->step, w->score, w->side * sizeof *w->step);
    substitute(w->factor, w->side, w->step);
    for (size_t k = 0; k < w->side; k++) {
        w->coefficients[k] += w->step[k];
        *ret_length += w->step[k] * w->score[k];
        *ret_reach = fmax(*ret_reach, fabs(w->step[k]) * w->spread[k]);
    }
}

/* Where the outcomes are separated the likelihood rises for ever: standard errors grow with the
 * coefficients, and steps that are short beside them still do not end. */
static int climb(struct newton *w, struct error *err)
{
    for (int iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
        double length, reach;
        evaluate(w);
        size_t bad = factorise(w->factor, w->side);
        if (bad < w->side && iteration == 0)
            return name_term(w, bad, err, "the terms are linearly dependent, first seen at");
        if (bad < w->side)
            return separated(w, err);
        take_step(w, &length, &reach);
        if (!isfinite(length))
            return separated(w, err);
        if (length > STEP_LEAST * STEP_LEAST)
            continue;
        if (reach > STANDING_STILL)
            return separated(w, err);
        evaluate(w);
        return factorise(w->factor, w->side) < w->side ? separated(w, err) : 0;
    }
    return error_set(err, STATUS_INVALID, "the regression did not converge");
}

static int newton_new(struct newton *w, struct error *err)
{
    size_t n = w->x->stride, side = w->side;
    double *rows = calloc(4 * n + 4 * side + side * side + 1, sizeof *rows);
    if (!rows)
        return out_of_memory(err);
    w->ones = rows;
    w->predictor = rows + n, w->weight = rows + 2 * n, w->weighted = rows + 3 * n;
    w->coefficients = rows + 4 * n, w->score = w->coefficients + side;
    w->step = w->score + side, w->spread = w->step + side;
    w->factor = w->spread + side;
    for (size_t i = 0; i < w->x->rows; i++)
        w->ones[i] = 1;
    measure_spreads(w);
    return 0;
}

static int take_result(const struct newton *w, double null_deviance, struct logistic *ret_model,
                       struct error *err)
{
    struct logistic model = {
        .terms = w->side - 1,
        .coefficients = calloc(w->side, sizeof *model.coefficients),
        .covariance = calloc(w->side * w->side, sizeof *model.covariance),
        .deviance = w->deviance,
        .null_deviance = null_deviance,
    };
    if (!model.coefficients || !model.covariance) {
        logistic_release(&model);
        return out_of_memory(err);
    }
    memcpy(model.coefficients, w->coefficients, w->side * sizeof *model.coefficients);
    invert(w->factor, w->side, model.covariance);
    *ret_model = model;
    return 0;
}

int logistic_fit(const struct fit_matrix *x, const double *outcome, const double *offset,
                 const char *const *names, struct logistic *ret_model, struct error *err)
{
    struct newton w = {.x = x, .outcome = outcome, .offset = offset, .names = names,
                       .side = x->columns + 1};
    double positive = 0, n = (double)x->rows;
    for (size_t i = 0; i < x->rows; i++)
        positive += outcome[i] > 0.5;
    if (positive < 1 || positive > n - 1)
        return error_set(err, STATUS_INVALID, "the rows to fit have one outcome only: %g of %zu "
                         "positive", positive, x->rows);
    if (w.side >= x->rows)
        return error_set(err, STATUS_INVALID, "a regression of %zu terms needs more than %zu rows",
                         x->columns, x->rows);
    double rate = positive / n;
    double null_deviance = -2 * (positive * log(rate) + (n - positive) * log(1 - rate));
    int status = newton_new(&w, err);
    if (status < 0)
        return status;
    status = climb(&w, err);
    if (status == 0)
        status = take_result(&w, null_deviance, ret_model, err);
    free(w.ones);
    return status;
}

/* ---- backward elimination ---- */

static int subset(const struct fit_matrix *x, const size_t *keep, size_t count, size_t without,
                  struct fit_matrix *ret_part, struct error *err)
{
    int status = fit_matrix_new(x->rows, count - (without < count), ret_part, err);
    for (size_t k = 0, to = 0; status == 0 && k < count; k++)
        if (k != without)
            memcpy(fit_matrix_column(ret_part, to++), fit_matrix_column(x, keep[k]),
                   x->stride * sizeof *x->values);
    return status;
}

/* The regression of the kept columns but the one at place `without` (count: of all). */
static int fit_subset(const struct fit_matrix *x, const double *outcome, const size_t *keep,
                      size_t count, size_t without, const char *const *names,
                      struct logistic *ret_model, struct error *err)
{
    struct fit_matrix part = {0};
    const char **own = names ? calloc(count + 1, sizeof *own) : NULL;
    int status = names && !own ? out_of_memory(err)
                               : subset(x, keep, count, without, &part, err);
    for (size_t k = 0, to = 0; own && k < count; k++)
        if (k != without)
            own[to++] = names[keep[k]];
    if (status == 0)
        status = logistic_fit(&part, outcome, NULL, own, ret_model, err);
    fit_matrix_release(&part);
    free(own);
    return status;
}

static double wald_p(const struct logistic *model, size_t k)
{
    double variance = model->covariance[k * (model->terms + 1) + k];
    return 2 * gsl_cdf_ugaussian_Q(fabs(model->coefficients[k]) / sqrt(variance));
}

static double aic(const struct logistic *model)
{
    return model->deviance + 2 * (double)(model->terms + 1);
}

/* The place of the term to drop, `count` for none. */
static int choose_by_aic(const struct fit_matrix *x, const double *outcome, const size_t *keep,
                         size_t count, const char *const *names, const struct logistic *now,
                         size_t *ret_place, struct error *err)
{
    double least = aic(now);
    *ret_place = count;
    for (size_t k = 0; k < count; k++) {
        struct logistic without;
        int status = fit_subset(x, outcome, keep, count, k, names, &without, err);
        if (status < 0)
            return status;
        if (aic(&without) < least) {
            least = aic(&without);
            *ret_place = k;
        }
        logistic_release(&without);
    }
    return 0;
}

static size_t choose_by_p(const struct logistic *now, double p_max)
{
    size_t place = now->terms;
    double largest = p_max;
    for (size_t k = 0; k < now->terms; k++)
        if (wald_p(now, k + 1) > largest) {
            largest = wald_p(now, k + 1);
            place = k;
        }
    return place;
}

int logistic_backward(const struct fit_matrix *x, const double *outcome,
                      const char *const *names, const struct backward_options *options,
                      size_t *ret_keep, struct logistic *ret_model, struct error *err)
{
    size_t count = x->columns;
    struct logistic model;
    for (size_t j = 0; j < count; j++)
        ret_keep[j] = j;
    int status = fit_subset(x, outcome, ret_keep, count, count, names, &model, err);
    while (status == 0) {
        size_t place = choose_by_p(&model, options->p_max);
        if (!options->by_p)
            status = choose_by_aic(x, outcome, ret_keep, count, names, &model, &place, err);
        if (status < 0 || place == count)
            break;
        memmove(ret_keep + place, ret_keep + place + 1, (count - place - 1) * sizeof *ret_keep);
        count--;
        logistic_release(&model);
        model = (struct logistic){0};
        status = fit_subset(x, outcome, ret_keep, count, count, names, &model, err);
    }
    if (status == 0)
        *ret_model = model;
    else
        logistic_release(&model);
    return status;
}
