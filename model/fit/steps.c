#include "model/fit/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/fit/forest.h"
#include "model/fit/work.h"

enum { CHUNK = 32 }; /* columns that one task of a redundancy filter compares */

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for a step of the recipe");
}

/* ---- one column at a time ---- */

struct testing {
    const struct training *training;
    const struct fit_step *step;
    double *p;
};

static int test_column(void *context, size_t j, struct error *err)
{
    const struct testing *t = context;
    const double *values = fit_matrix_column(&t->training->x, j);
    size_t rows = t->training->x.rows;
    if (t->step->kind == FIT_STEP_MANN_WHITNEY)
        return fit_mann_whitney(values, t->training->outcome, rows, &t->p[j], err);
    t->p[j] = fit_t_test(values, t->training->outcome, rows);
    return 0;
}

static int select_by_test(const struct training *training, const struct fit_step *step,
                          int threads, size_t *keep, size_t *ret_count, struct error *err)
{
    size_t p = training->x.columns, count = 0;
    struct testing testing = {training, step, calloc(p + 1, sizeof *testing.p)};
    if (!testing.p)
        return out_of_memory(err);
    int status = fit_work(threads, p, test_column, &testing, err);
    for (size_t j = 0; j < p && status == 0; j++)
        if (testing.p[j] < step->p_max)
            keep[count++] = j;
    *ret_count = count;
    free(testing.p);
    return status;
}

static int select_by_icc(const struct training *training, const struct fit_step *step,
                         size_t *keep, size_t *ret_count, struct error *err)
{
    size_t count = 0;
    if (!training->icc)
        return error_set(err, STATUS_INVALID,
                         "the recipe has an icc step, which needs a table of repeated outlines");
    for (size_t j = 0; j < training->x.columns; j++)
        if (training->icc[training->column[j]] > step->least)
            keep[count++] = j;
    *ret_count = count;
    return 0;
}

/* ---- order by a number ---- */

struct ranked {
    double value;
    size_t column;
};

/* The largest first; of equals the first column. */
static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static int by_place(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* ---- redundancy ---- */

struct redundancy {
    const struct training *training;
    const struct fit_step *step;
    unsigned char *bins; /* column by column */
    unsigned char *outcome;
    double *entropy;
    struct ranked *order; /* by information on the outcome */
    bool *struck;         /* by place in `order` */
    size_t kept;          /* place in `order` of the column that strikes others now */
};

static int bin_column(void *context, size_t j, struct error *err)
{
    struct redundancy *r = context;
    size_t rows = r->training->x.rows;
    unsigned char *bins = r->bins + j * rows;
    int status = fit_bins(fit_matrix_column(&r->training->x, j), rows, r->step->bins, bins, err);
    r->entropy[j] = fit_entropy(bins, rows, r->step->bins);
    r->order[j] = (struct ranked){fit_information(bins, r->outcome, rows, r->step->bins), j};
    return status;
}

static int strike_chunk(void *context, size_t chunk, struct error *err)
{
    struct redundancy *r = context;
    size_t rows = r->training->x.rows, a = r->order[r->kept].column;
    size_t from = r->kept + 1 + chunk * CHUNK, to = from + CHUNK;
    (void)err;
    for (size_t i = from; i < to && i < r->training->x.columns; i++) {
        size_t b = r->order[i].column;
        if (r->struck[i])
            continue;
        double shared = fit_information(r->bins + a * rows, r->bins + b * rows, rows,
                                        r->step->bins);
        r->struck[i] = shared > r->step->most * sqrt(r->entropy[a] * r->entropy[b]);
    }
    return 0;
}

/* Columns in the order of their information on the outcome; each that stays strikes out those
 * later ones that share too much with it. */
static int select_by_redundancy(const struct training *training, const struct fit_step *step,
                                int threads, size_t *keep, size_t *ret_count, struct error *err)
{
    size_t p = training->x.columns, rows = training->x.rows, count = 0;
    struct redundancy r = {
        .training = training, .step = step,
        .bins = calloc(p * rows + 1, 1), .outcome = calloc(rows + 1, 1),
        .entropy = calloc(p + 1, sizeof *r.entropy), .order = calloc(p + 1, sizeof *r.order),
        .struck = calloc(p + 1, sizeof *r.struck)};
    int status = r.bins && r.outcome && r.entropy && r.order && r.struck ? 0 : out_of_memory(err);
    for (size_t i = 0; i < rows && status == 0; i++)
        r.outcome[i] = training->outcome[i] > 0.5;
    if (status == 0)
        status = fit_work(threads, p, bin_column, &r, err);
    if (status == 0)
        qsort(r.order, p, sizeof *r.order, by_rank);
    for (r.kept = 0; r.kept < p && status == 0; r.kept++) {
        if (r.struck[r.kept])
            continue;
        keep[count++] = r.order[r.kept].column;
        status = fit_work(threads, (p - r.kept + CHUNK - 1) / CHUNK, strike_chunk, &r, err);
    }
    qsort(keep, count, sizeof *keep, by_place);
    *ret_count = count;
    free(r.bins);
    free(r.outcome);
    free(r.entropy);
    free(r.order);
    free(r.struck);
    return status;
}

/* ---- forest ---- */

static int copy_columns(const struct fit_matrix *x, const size_t *keep, size_t count,
                        struct fit_matrix *ret_part, struct error *err)
{
    int status = fit_matrix_new(x->rows, count, ret_part, err);
    for (size_t i = 0; i < count && status == 0; i++)
        memcpy(fit_matrix_column(ret_part, i), fit_matrix_column(x, keep[i]),
               x->stride * sizeof *x->values);
    return status;
}

/* One round: rank what is kept, drop the least important. */
static int eliminate(const struct training *training, const struct forest_options *options,
                     size_t *keep, size_t count, size_t left, struct error *err)
{
    struct fit_matrix part = {0};
    double *importance = calloc(count + 1, sizeof *importance);
    struct ranked *order = calloc(count + 1, sizeof *order);
    int status = importance && order ? copy_columns(&training->x, keep, count, &part, err)
                                     : out_of_memory(err);
    if (status == 0)
        status = forest_importance(&part, training->outcome, options, importance, err);
    if (status == 0) {
        for (size_t i = 0; i < count; i++)
            order[i] = (struct ranked){importance[i], keep[i]};
        qsort(order, count, sizeof *order, by_rank);
        for (size_t i = 0; i < left; i++)
            keep[i] = order[i].column;
        qsort(keep, left, sizeof *keep, by_place);
    }
    fit_matrix_release(&part);
    free(importance);
    free(order);
    return status;
}

static int select_by_forest(const struct training *training, const struct fit_step *step,
                            uint64_t seed, int threads, size_t *keep, size_t *ret_count,
                            struct error *err)
{
    size_t count = training->x.columns;
    double wanted = step->keep < 1 ? ceil(step->keep * (double)count) : step->keep;
    struct forest_options options = {.trees = step->trees, .leaf_rows = 1, .seed = seed,
                                     .threads = threads};
    int status = 0;
    for (size_t j = 0; j < count; j++)
        keep[j] = j;
    while ((double)count > wanted && status == 0) {
        double left = fmin(floor((1 - step->drop) * (double)count), (double)count - 1);
        size_t next = (size_t)fmax(left, wanted);
        status = eliminate(training, &options, keep, count, next, err);
        count = next;
        options.seed++;
    }
    *ret_count = count;
    return status;
}

int step_select(const struct training *training, const struct fit_step *step, uint64_t seed,
                int threads, size_t *keep, size_t *ret_count, struct error *err)
{
    switch (step->kind) {
    case FIT_STEP_ICC: return select_by_icc(training, step, keep, ret_count, err);
    case FIT_STEP_T_TEST:
    case FIT_STEP_MANN_WHITNEY:
        return select_by_test(training, step, threads, keep, ret_count, err);
    case FIT_STEP_REDUNDANCY:
        return select_by_redundancy(training, step, threads, keep, ret_count, err);
    case FIT_STEP_FOREST:
        return select_by_forest(training, step, seed, threads, keep, ret_count, err);
    default: return error_set(err, STATUS_INTERNAL, "%s selects nothing", fit_step_name(step->kind));
    }
}
