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

/* Four numbers at once; the order of additions is written out, so that it never changes: with and
 * without AVX2 the same bits. */
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));

#define EVERYWHERE static inline __attribute__((always_inline))
#ifdef __x86_64__
#define AVX2 static __attribute__((target("avx2")))
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#else
#define AVX2 static
#define HAS_AVX2 false
#endif

EVERYWHERE double sum_of(const quad s[4])
{
    const quad sum = (s[0] + s[2]) + (s[1] + s[3]);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

EVERYWHERE double dot(const double *a, const double *b, size_t n)
{
    const quad *x = (const quad *)a, *y = (const quad *)b;
    quad s[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n / 4; i += 4)
        for (size_t k = 0; k < 4; k++)
            s[k] += x[i + k] * y[i + k];
    for (size_t k = 0; i + k < n / 4; k++)
        s[k] += x[i + k] * y[i + k];
    return sum_of(s);
}

EVERYWHERE double dot_weighted(const double *a, const double *b, const double *weight, size_t n)
{
    const quad *x = (const quad *)a, *y = (const quad *)b, *w = (const quad *)weight;
    quad s[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n / 4; i += 4)
        for (size_t k = 0; k < 4; k++)
            s[k] += x[i + k] * y[i + k] * w[i + k];
    for (size_t k = 0; i + k < n / 4; k++)
        s[k] += x[i + k] * y[i + k] * w[i + k];
    return sum_of(s);
}

EVERYWHERE void add(double *to, double factor, const double *a, const double *b, size_t n)
{
    quad *y = (quad *)to;
    const quad *x = (const quad *)a, *w = (const quad *)b;
    for (size_t i = 0; i < n / 4; i++)
        y[i] += factor * x[i] * w[i];
}

AVX2 double dot_avx2(const double *a, const double *b, size_t n)
{
    return dot(a, b, n);
}

AVX2 double dot_weighted_avx2(const double *a, const double *b, const double *weight, size_t n)
{
    return dot_weighted(a, b, weight, n);
}

AVX2 void add_avx2(double *to, double factor, const double *a, const double *b, size_t n)
{
    add(to, factor, a, b, n);
}

double fit_dot(const double *a, const double *b, size_t n)
{
    return HAS_AVX2 ? dot_avx2(a, b, n) : dot(a, b, n);
}

double fit_dot_weighted(const double *a, const double *b, const double *weight, size_t n)
{
    return HAS_AVX2 ? dot_weighted_avx2(a, b, weight, n) : dot_weighted(a, b, weight, n);
}

void fit_add(double *to, double factor, const double *a, const double *b, size_t n)
{
    if (HAS_AVX2)
        add_avx2(to, factor, a, b, n);
    else
        add(to, factor, a, b, n);
}
