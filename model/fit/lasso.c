#include "model/fit/lasso.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/fit/lasso_fold.h"
#include "model/logistic.h"

enum { ITERATIONS_MAX = 200, SWEEPS_MAX = 100000, SHORTEST_PATH = 5 };
static const double DEVIANCE_ENOUGH = 0.999, DEVIANCE_STEP = 1e-5, ALPHA_LEAST = 1e-3;
static const double PROBABILITY_LEAST = 1e-9; /* of fitted probabilities, from 0 and 1 */

/* One descent along a path. Arrays are in the arena; those over rows have `stride` places, zeros
 * behind the last row, so that sums need no remainders. */
struct descent {
    const struct fit_matrix *x;
    const double *outcome;
    const struct lasso_options *options;
    double *weight;      /* per row: 1/n, 0 for rows left out */
    double *curvature;   /* weight × p × (1 − p) */
    double *residual;    /* of the weighted regression on the working response, times curvature */
    double *predictor;   /* of every row, those left out too */
    double *scale;       /* per column: its standard deviation within the rows used */
    double *coefficient; /* for the columns as they are */
    double *before;      /* the coefficients that the current quadratic was made at */
    double *gradient;    /* per column: x · residual */
    double *square;      /* per column: x² · curvature; NaN: not computed for this quadratic */
    double intercept, intercept_square;
    double null_deviance; /* half of it, per row */
    size_t *strong, strong_count; /* columns looked at */
    bool *is_strong;
    size_t *active, active_count; /* columns that changed under the current quadratic */
    size_t *place;                /* of a column in `active`; SIZE_MAX: not there */
    double *gram;                 /* of the active columns and the intercept, gram_side a row */
    size_t gram_side, gram_count;
};

static double soft(double value, double by)
{
    return value > by ? value - by : value < -by ? value + by : 0;
}

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for a penalised regression");
}

static const double *column(const struct descent *d, size_t j)
{
    return fit_matrix_column(d->x, j);
}

/* ---- the quadratic around the current coefficients ---- */

/* Linear predictor, curvature and residual; half the deviance per row that is used. */
static double update_quadratic(struct descent *d)
{
    size_t n = d->x->stride, p = d->x->columns;
    double deviance = 0;
    for (size_t i = 0; i < n; i++)
        d->predictor[i] = d->intercept;
    for (size_t k = 0; k < d->strong_count; k++) {
        size_t j = d->strong[k];
        double b = d->coefficient[j];
        const double *x = column(d, j);
        if (b != 0)
            for (size_t i = 0; i < n; i++)
                d->predictor[i] += b * x[i];
    }
    d->intercept_square = 0;
    for (size_t i = 0; i < d->x->rows; i++) {
        double t = d->predictor[i], probability = logistic(t);
        double held = fmin(fmax(probability, PROBABILITY_LEAST), 1 - PROBABILITY_LEAST);
        d->curvature[i] = d->weight[i] * held * (1 - held);
        d->residual[i] = d->weight[i] * (d->outcome[i] - probability);
        d->intercept_square += d->curvature[i];
        if (d->weight[i] > 0)
            deviance -= d->weight[i] * log(d->outcome[i] > 0.5 ? held : 1 - held);
    }
    for (size_t j = 0; j < p; j++)
        d->square[j] = NAN;
    for (size_t a = 0; a < d->active_count; a++)
        d->place[d->active[a]] = SIZE_MAX;
    d->active_count = d->gram_count = 0;
    memcpy(d->before, d->coefficient, p * sizeof *d->before);
    return deviance;
}

/* The best coefficient of one column while the others stay. */
static double best(const struct descent *d, size_t j, double gradient, double lambda)
{
    double s = d->scale[j], alpha = d->options->alpha;
    return soft(gradient + d->square[j] * d->coefficient[j], lambda * alpha * s) /
           (d->square[j] + lambda * (1 - alpha) * s * s);
}

/* Move one coefficient to its best, residuals kept up to date; returns what that was worth. */
static double move(struct descent *d, size_t j, double lambda)
{
    const double *x = column(d, j);
    double change = best(d, j, fit_dot(x, d->residual, d->x->stride), lambda) - d->coefficient[j];
    if (change == 0)
        return 0;
    d->coefficient[j] += change;
    fit_add(d->residual, -change, d->curvature, x, d->x->stride);
    return d->square[j] * change * change;
}

static double move_intercept(struct descent *d)
{
    double sum = 0;
    for (size_t i = 0; i < d->x->stride; i++)
        sum += d->residual[i];
    double change = sum / d->intercept_square;
    d->intercept += change;
    for (size_t i = 0; i < d->x->stride; i++)
        d->residual[i] -= change * d->curvature[i];
    return d->intercept_square * change * change;
}

/* One pass over the columns looked at; returns the largest change. */
static double sweep(struct descent *d, double lambda)
{
    double largest = 0;
    for (size_t k = 0; k < d->strong_count; k++) {
        size_t j = d->strong[k];
        if (isnan(d->square[j]))
            d->square[j] = fit_dot_weighted(column(d, j), column(d, j), d->curvature,
                                            d->x->stride);
        if (!(d->square[j] > 0))
            continue;
        double worth = move(d, j, lambda);
        if (d->place[j] == SIZE_MAX && (worth > 0 || d->coefficient[j] != 0)) {
            d->place[j] = d->active_count;
            d->active[d->active_count++] = j;
        }
        largest = fmax(largest, worth);
    }
    return fmax(largest, move_intercept(d));
}

/* Passes over the active columns alone, `most` at most; whether they settled. */
static bool sweep_active(struct descent *d, double lambda, double limit, size_t most)
{
    double largest = INFINITY;
    for (size_t sweeps = 0; largest > limit && sweeps < most; sweeps++) {
        largest = 0;
        for (size_t a = 0; a < d->active_count; a++)
            largest = fmax(largest, move(d, d->active[a], lambda));
        largest = fmax(largest, move_intercept(d));
    }
    return largest <= limit;
}

/* Rows of the Gram matrix for active columns that have none; row 0 is the intercept's. */
static int extend_gram(struct descent *d, struct error *err)
{
    size_t n = d->x->stride, need = d->active_count + 1;
    if (need > d->gram_side) {
        size_t side = need + need / 2 + 16;
        double *longer = calloc(side * side, sizeof *longer);
        if (!longer)
            return out_of_memory(err);
        for (size_t a = 0; a < d->gram_count; a++)
            memcpy(longer + a * side, d->gram + a * d->gram_side, d->gram_count * sizeof *longer);
        free(d->gram);
        d->gram = longer;
        d->gram_side = side;
    }
    size_t side = d->gram_side;
    if (d->gram_count == 0) {
        d->gram[0] = d->intercept_square;
        d->gram_count = 1;
    }
    for (size_t a = d->gram_count; a < need; a++) {
        const double *x = column(d, d->active[a - 1]);
        double *weighted = d->predictor; /* free until the next quadratic */
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += weighted[i] = x[i] * d->curvature[i];
        d->gram[a * side] = d->gram[a] = sum;
        for (size_t b = 1; b <= a; b++)
            d->gram[a * side + b] = d->gram[b * side + a] =
                fit_dot(weighted, column(d, d->active[b - 1]), n);
    }
    d->gram_count = need;
    return 0;
}

static void shift_gradients(const struct descent *d, size_t row, double change, double *gradient)
{
    const double *gram = d->gram + row * d->gram_side;
    for (size_t b = 0; b < d->gram_count; b++)
        gradient[b] -= change * gram[b];
}

/* Descend over the active columns and the intercept until nothing changes: by the Gram matrix;
 * then bring the residuals up to date. */
static int settle_by_gram(struct descent *d, double lambda, double limit, struct error *err)
{
    size_t n = d->x->stride, count = d->active_count;
    int status = extend_gram(d, err);
    double *work = status == 0 ? calloc(2 * (count + 1), sizeof *work) : NULL;
    if (!work)
        return status < 0 ? status : out_of_memory(err);
    double *gradient = work, *moved = work + count + 1, largest = INFINITY;
    for (size_t i = 0; i < n; i++)
        gradient[0] += d->residual[i];
    for (size_t a = 0; a < count; a++)
        gradient[a + 1] = fit_dot(column(d, d->active[a]), d->residual, n);
    for (int sweeps = 0; largest > limit && sweeps < SWEEPS_MAX; sweeps++) {
        largest = 0;
        for (size_t a = 1; a <= count; a++) {
            size_t j = d->active[a - 1];
            double change = best(d, j, gradient[a], lambda) - d->coefficient[j];
            if (change == 0)
                continue;
            d->coefficient[j] += change;
            moved[a] += change;
            shift_gradients(d, a, change, gradient);
            largest = fmax(largest, d->square[j] * change * change);
        }
        double change = gradient[0] / d->intercept_square;
        d->intercept += change;
        moved[0] += change;
        shift_gradients(d, 0, change, gradient);
        largest = fmax(largest, d->intercept_square * change * change);
    }
    double *shift = d->predictor;
    for (size_t i = 0; i < n; i++)
        shift[i] = moved[0];
    for (size_t a = 1; a <= count; a++) {
        const double *x = column(d, d->active[a - 1]);
        for (size_t i = 0; moved[a] != 0 && i < n; i++)
            shift[i] += moved[a] * x[i];
    }
    for (size_t i = 0; i < n; i++)
        d->residual[i] -= d->curvature[i] * shift[i];
    free(work);
    return 0;
}

/* Either way, the cheaper: `missing` rows of the Gram matrix cost about as much as missing / 4 passes.
 * So many are tried first, which together costs at most twice the better of the two. */
static int settle_active(struct descent *d, double lambda, double limit, struct error *err)
{
    size_t missing = d->active_count + 1 - d->gram_count;
    bool too_large = d->active_count > d->x->rows;
    if (sweep_active(d, lambda, limit, too_large ? SWEEPS_MAX : missing / 4) || too_large)
        return 0;
    return settle_by_gram(d, lambda, limit, err);
}

/* ---- one λ ---- */

/* Converge over the columns looked at. */
static int descend(struct descent *d, double lambda, double *ret_deviance, struct error *err)
{
    double limit = d->options->threshold * d->null_deviance;
    double deviance = update_quadratic(d);
    for (int iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
        double start = d->intercept, change = 0;
        for (int sweeps = 0; sweeps < SWEEPS_MAX && sweep(d, lambda) > limit; sweeps++) {
            int status = settle_active(d, lambda, limit, err);
            if (status < 0)
                return status;
        }
        for (size_t a = 0; a < d->active_count; a++) {
            size_t j = d->active[a];
            double moved = d->coefficient[j] - d->before[j];
            change = fmax(change, d->square[j] * moved * moved);
        }
        change = fmax(change, d->intercept_square * (d->intercept - start) *
                                  (d->intercept - start));
        deviance = update_quadratic(d);
        if (change <= limit)
            break;
    }
    *ret_deviance = deviance;
    return 0;
}

static void look_at(struct descent *d, size_t j)
{
    d->strong[d->strong_count++] = j;
    d->is_strong[j] = true;
}

/* Gradients of the columns not looked at; those that break the optimality conditions at λ are
 * looked at from now on. */
static bool add_violators(struct descent *d, double lambda)
{
    bool any = false;
    for (size_t j = 0; j < d->x->columns; j++) {
        if (d->is_strong[j] || !(d->scale[j] > 0))
            continue;
        d->gradient[j] = fit_dot(column(d, j), d->residual, d->x->stride);
        if (fabs(d->gradient[j]) > lambda * d->options->alpha * d->scale[j]) {
            look_at(d, j);
            any = true;
        }
    }
    return any;
}

static int solve(struct descent *d, double lambda, double lambda_before, double *ret_deviance,
                 struct error *err)
{
    double strong = d->options->alpha * (2 * lambda - lambda_before);
    for (size_t j = 0; j < d->x->columns; j++)
        if (!d->is_strong[j] && d->scale[j] > 0 && fabs(d->gradient[j]) > strong * d->scale[j])
            look_at(d, j);
    int status;
    do
        status = descend(d, lambda, ret_deviance, err);
    while (status == 0 && add_violators(d, lambda));
    return status;
}

/* ---- the path ---- */

/* Weights, column scales, and the model of the intercept alone. */
static int start(struct descent *d, const int *folds, int left_out, struct error *err)
{
    double used = 0, positive = 0;
    size_t n = d->x->rows;
    for (size_t i = 0; i < n; i++) {
        bool in = !folds || folds[i] != left_out;
        d->weight[i] = in;
        used += in;
        positive += in && d->outcome[i] > 0.5;
    }
    if (positive < 1 || positive > used - 1)
        return error_set(err, STATUS_INVALID,
                         "the rows to fit have one outcome only: %g of %g positive", positive,
                         used);
    for (size_t i = 0; i < n; i++)
        d->weight[i] /= used;
    double rate = positive / used;
    d->intercept = log(rate / (1 - rate));
    d->null_deviance = -(rate * log(rate) + (1 - rate) * log(1 - rate));
    update_quadratic(d);
    for (size_t j = 0; j < d->x->columns; j++) {
        const double *x = column(d, j);
        double mean = fit_dot(x, d->weight, d->x->stride);
        double variance = fit_dot_weighted(x, x, d->weight, d->x->stride) - mean * mean;
        d->scale[j] = variance > 1e-20 ? sqrt(variance) : 0;
        d->gradient[j] = fit_dot(x, d->residual, d->x->stride);
        d->place[j] = SIZE_MAX;
    }
    return 0;
}

static int descent_new(const struct fit_matrix *x, const double *outcome,
                       const struct lasso_options *options, const int *folds, int left_out,
                       struct arena *arena, struct descent *d, struct error *err)
{
    size_t n = x->stride, p = x->columns;
    double *rows = arena_array(arena, 4 * n + 1, sizeof *rows);
    double *columns = arena_array(arena, 5 * p + 1, sizeof *columns);
    size_t *places = arena_array(arena, 3 * p + 1, sizeof *places);
    *d = (struct descent){.x = x, .outcome = outcome, .options = options,
                          .is_strong = arena_array(arena, p + 1, sizeof *d->is_strong)};
    if (!rows || !columns || !places || !d->is_strong)
        return out_of_memory(err);
    d->weight = rows, d->curvature = rows + n, d->residual = rows + 2 * n;
    d->predictor = rows + 3 * n;
    d->scale = columns, d->coefficient = columns + p, d->before = columns + 2 * p;
    d->gradient = columns + 3 * p, d->square = columns + 4 * p;
    d->strong = places, d->active = places + p, d->place = places + 2 * p;
    return start(d, folds, left_out, err);
}

/* The largest λ that matters, and equal steps of its logarithm below it. */
static void make_lambdas(const struct descent *d, double *lambda)
{
    const struct lasso_options *o = d->options;
    double largest = 0, ratio = o->lambda_min_ratio;
    for (size_t j = 0; j < d->x->columns; j++)
        if (d->scale[j] > 0)
            largest = fmax(largest, fabs(d->gradient[j]) / d->scale[j]);
    largest /= fmax(o->alpha, ALPHA_LEAST);
    if (!(ratio > 0))
        ratio = d->x->rows < d->x->columns ? 0.01 : 1e-4;
    for (size_t k = 0; k < o->lambda_count; k++)
        lambda[k] = largest * pow(ratio, (double)k / (double)(o->lambda_count - 1));
}

/* What one λ gave. */
static void keep(const struct descent *d, size_t k, double deviance, struct lasso_path *path)
{
    path->intercept[k] = d->intercept;
    path->deviance_ratio[k] = 1 - deviance / d->null_deviance;
    memcpy(path->coefficients + k * path->columns, d->coefficient,
           path->columns * sizeof *d->coefficient);
    path->nonzero[k] = 0;
    for (size_t j = 0; j < path->columns; j++)
        path->nonzero[k] += d->coefficient[j] != 0;
    path->count = k + 1;
}

static bool enough(const struct lasso_path *path)
{
    size_t k = path->count - 1;
    if (path->count < SHORTEST_PATH)
        return false;
    return path->deviance_ratio[k] > DEVIANCE_ENOUGH ||
           path->deviance_ratio[k] - path->deviance_ratio[k - 1] < DEVIANCE_STEP;
}

void lasso_path_release(struct lasso_path *path)
{
    free(path->lambda);
    free(path->intercept);
    free(path->coefficients);
    free(path->deviance_ratio);
    free(path->nonzero);
    *path = (struct lasso_path){0};
}

static int path_new(size_t columns, size_t count, struct lasso_path *path, struct error *err)
{
    *path = (struct lasso_path){
        .columns = columns,
        .lambda = calloc(count, sizeof *path->lambda),
        .intercept = calloc(count, sizeof *path->intercept),
        .coefficients = calloc(count * columns + 1, sizeof *path->coefficients),
        .deviance_ratio = calloc(count, sizeof *path->deviance_ratio),
        .nonzero = calloc(count, sizeof *path->nonzero),
    };
    if (path->lambda && path->intercept && path->coefficients && path->deviance_ratio &&
        path->nonzero)
        return 0;
    lasso_path_release(path);
    return out_of_memory(err);
}

static int follow(struct descent *d, bool given, struct lasso_path *path, struct error *err)
{
    size_t count = d->options->lambda_count;
    int status = 0;
    for (size_t k = 0; k < count && status == 0; k++) {
        double deviance, before = k ? path->lambda[k - 1] : path->lambda[0];
        status = solve(d, path->lambda[k], before, &deviance, err);
        if (status == 0)
            keep(d, k, deviance, path);
        if (status == 0 && !given && enough(path))
            break;
    }
    return status;
}

int lasso_fit(const struct fit_matrix *x, const double *outcome,
              const struct lasso_options *options, const double *lambdas,
              struct lasso_path *ret_path, struct error *err)
{
    struct arena arena ARENA_AUTO = {0};
    struct descent d;
    struct lasso_path path;
    int status = descent_new(x, outcome, options, NULL, 0, &arena, &d, err);
    if (status == 0)
        status = path_new(x->columns, options->lambda_count, &path, err);
    if (status < 0)
        return status;
    if (lambdas)
        memcpy(path.lambda, lambdas, options->lambda_count * sizeof *lambdas);
    else
        make_lambdas(&d, path.lambda);
    status = follow(&d, lambdas != NULL, &path, err);
    free(d.gram);
    if (status == 0)
        *ret_path = path;
    else
        lasso_path_release(&path);
    return status;
}

/* ---- one fold ---- */

int lasso_fit_without(const struct fit_matrix *x, const double *outcome,
                      const struct lasso_options *options, const struct lasso_path *path,
                      const int *folds, int left_out, double *ret_predictor, struct error *err)
{
    struct arena arena ARENA_AUTO = {0};
    struct descent d;
    int status = descent_new(x, outcome, options, folds, left_out, &arena, &d, err);
    for (size_t k = 0; k < path->count && status == 0; k++) {
        double deviance, before = k ? path->lambda[k - 1] : path->lambda[0];
        status = solve(&d, path->lambda[k], before, &deviance, err);
        for (size_t i = 0; i < x->rows && status == 0; i++)
            if (folds[i] == left_out)
                ret_predictor[k * x->rows + i] = d.predictor[i];
    }
    free(d.gram);
    return status;
}
