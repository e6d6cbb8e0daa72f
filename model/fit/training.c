#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/fit/steps.h"
#include "model/statistics/sample.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for fitting");
}

void training_release(struct training *training)
{
    fit_matrix_release(&training->x);
    free(training->outcome);
    free(training->column);
    free(training->centre);
    free(training->scale);
    free(training->median);
    free(training->names);
    *training = (struct training){0};
}

void training_keep(struct training *t, const size_t *keep, size_t count)
{
    fit_matrix_keep(&t->x, keep, count);
    for (size_t i = 0; i < count; i++) {
        t->column[i] = t->column[keep[i]];
        t->centre[i] = t->centre[keep[i]];
        t->scale[i] = t->scale[keep[i]];
        t->median[i] = t->median[keep[i]];
        t->names[i] = t->names[keep[i]];
    }
}

/* The median of what is there takes the place of what is missing; 0 when nothing is there. */
static double fill_in(double *values, size_t rows, double *sorted)
{
    size_t n = 0;
    for (size_t i = 0; i < rows; i++)
        if (!isnan(values[i]))
            sorted[n++] = values[i];
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    double median = n > 0 ? sorted_quantile(sorted, n, 0.5) : 0;
    for (size_t i = 0; i < rows; i++)
        if (isnan(values[i]))
            values[i] = median;
    return median;
}

static int allocate(const struct fit_data *data, size_t rows, struct training *t,
                    struct error *err)
{
    size_t p = data->values.columns;
    int status = fit_matrix_new(rows, p, &t->x, err);
    if (status < 0)
        return status;
    t->outcome = calloc(rows + 1, sizeof *t->outcome);
    t->column = calloc(p + 1, sizeof *t->column);
    t->centre = calloc(p + 1, sizeof *t->centre);
    t->scale = calloc(p + 1, sizeof *t->scale);
    t->median = calloc(p + 1, sizeof *t->median);
    t->names = calloc(p + 1, sizeof *t->names);
    return t->outcome && t->column && t->centre && t->scale && t->median && t->names
               ? 0
               : out_of_memory(err);
}

static void copy_rows(const struct fit_data *data, const int *folds, int left_out, size_t j,
                      double *ret_values)
{
    const double *values = j == SIZE_MAX ? data->outcome : fit_matrix_column(&data->values, j);
    for (size_t i = 0, to = 0; i < data->values.rows; i++)
        if (!folds || folds[i] != left_out)
            ret_values[to++] = values[i];
}

/* ---- copies ---- */

struct fingerprint {
    uint64_t hash;
    size_t column;
};

static int by_hash(const void *a, const void *b)
{
    const struct fingerprint *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* FNV-1a over whole numbers. */
static uint64_t hash_of(const double *values, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &values[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash;
}

/* Marks columns that hold the same numbers as an earlier one with scale 0. */
static int mark_copies(struct training *t, struct error *err)
{
    size_t p = t->x.columns;
    struct fingerprint *prints = calloc(p + 1, sizeof *prints);
    if (!prints)
        return out_of_memory(err);
    for (size_t j = 0; j < p; j++)
        prints[j] = (struct fingerprint){hash_of(fit_matrix_column(&t->x, j), t->x.rows), j};
    qsort(prints, p, sizeof *prints, by_hash);
    for (size_t i = 1; i < p; i++) {
        size_t j = prints[i].column;
        for (size_t k = i; t->scale[j] > 0 && k-- > 0 && prints[k].hash == prints[i].hash;)
            if (t->scale[prints[k].column] > 0 &&
                memcmp(fit_matrix_column(&t->x, j), fit_matrix_column(&t->x, prints[k].column),
                       t->x.rows * sizeof(double)) == 0) {
                t->scale[j] = 0;
                t->duplicates++;
            }
    }
    free(prints);
    return 0;
}

static int fill(const struct fit_data *data, const int *folds, int left_out, struct training *t,
                struct error *err)
{
    size_t p = data->values.columns, count = 0, rows = t->x.rows;
    double *sorted = calloc(rows + 1, sizeof *sorted);
    size_t *keep = calloc(p + 1, sizeof *keep);
    int status = sorted && keep ? 0 : out_of_memory(err);
    for (size_t j = 0; j < p && status == 0; j++) {
        double *values = fit_matrix_column(&t->x, j);
        copy_rows(data, folds, left_out, j, values);
        t->column[j] = j;
        t->names[j] = data->names[j];
        t->median[j] = fill_in(values, rows, sorted);
        fit_standardise(values, rows, &t->centre[j], &t->scale[j]);
        t->constant += !(t->scale[j] > 0);
    }
    if (status == 0)
        status = mark_copies(t, err);
    for (size_t j = 0; j < p && status == 0; j++)
        if (t->scale[j] > 0)
            keep[count++] = j;
    if (status == 0)
        training_keep(t, keep, count);
    free(sorted);
    free(keep);
    return status;
}

int training_start(const struct fit_data *data, const int *folds, int left_out,
                   struct training *ret_training, struct error *err)
{
    struct training t = {.icc = data->icc};
    size_t rows = 0;
    for (size_t i = 0; i < data->values.rows; i++)
        rows += !folds || folds[i] != left_out;
    int status = allocate(data, rows, &t, err);
    if (status == 0) {
        copy_rows(data, folds, left_out, SIZE_MAX, t.outcome);
        status = fill(data, folds, left_out, &t, err);
    }
    if (status == 0)
        *ret_training = t;
    else
        training_release(&t);
    return status;
}
