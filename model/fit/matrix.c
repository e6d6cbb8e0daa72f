#include "model/fit/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8 };
static const size_t NUMBERS_MAX = (size_t)1 << 31;

int fit_matrix_new(size_t rows, size_t columns, struct fit_matrix *ret_matrix, struct error *err)
{
    size_t stride = (rows + LANES - 1) / LANES * LANES;
    if (rows > NUMBERS_MAX || (columns > 0 && stride > NUMBERS_MAX / columns))
        return error_set(err, STATUS_LIMIT, "a table of %zu × %zu numbers is too large", rows,
                         columns);
    double *values = calloc(stride * columns + 1, sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "out of memory for a table of %zu × %zu numbers",
                         rows, columns);
    *ret_matrix = (struct fit_matrix){rows, columns, stride, values};
    return 0;
}

void fit_matrix_release(struct fit_matrix *matrix)
{
    free(matrix->values);
    *matrix = (struct fit_matrix){0};
}

double *fit_matrix_column(const struct fit_matrix *matrix, size_t j)
{
    return matrix->values + j * matrix->stride;
}

void fit_matrix_keep(struct fit_matrix *matrix, const size_t *keep, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (keep[i] != i)
            memcpy(fit_matrix_column(matrix, i), fit_matrix_column(matrix, keep[i]),
                   matrix->stride * sizeof *matrix->values);
    matrix->columns = count;
}

void fit_standardise(double *column, size_t rows, double *ret_centre, double *ret_scale)
{
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < rows; i++) {
        sum += column[i];
        largest = fmax(largest, fabs(column[i]));
    }
    double centre = sum / (double)rows;
    for (size_t i = 0; i < rows; i++)
        squares += (column[i] - centre) * (column[i] - centre);
    double scale = sqrt(squares / (double)rows);
    bool constant = !(scale > 1e-12 * largest);
    for (size_t i = 0; i < rows; i++)
        column[i] = constant ? 0 : (column[i] - centre) / scale;
    *ret_centre = centre;
    *ret_scale = constant ? 0 : scale;
}

/* Two numbers at once on every x86-64; written so that their order never changes. */
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));

double fit_dot(const double *a, const double *b, size_t n)
{
    const pair *x = (const pair *)a, *y = (const pair *)b;
    pair s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (size_t i = 0; i < n / 2; i += 4) {
        s0 += x[i] * y[i];
        s1 += x[i + 1] * y[i + 1];
        s2 += x[i + 2] * y[i + 2];
        s3 += x[i + 3] * y[i + 3];
    }
    s0 += s2 + (s1 + s3);
    return s0[0] + s0[1];
}

double fit_dot_weighted(const double *a, const double *b, const double *weight, size_t n)
{
    const pair *x = (const pair *)a, *y = (const pair *)b, *w = (const pair *)weight;
    pair s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (size_t i = 0; i < n / 2; i += 4) {
        s0 += x[i] * y[i] * w[i];
        s1 += x[i + 1] * y[i + 1] * w[i + 1];
        s2 += x[i + 2] * y[i + 2] * w[i + 2];
        s3 += x[i + 3] * y[i + 3] * w[i + 3];
    }
    s0 += s2 + (s1 + s3);
    return s0[0] + s0[1];
}
