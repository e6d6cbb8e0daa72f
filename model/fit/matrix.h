/* A table of numbers by columns, as the fitting reads it. */
#ifndef AXNODE_MODEL_FIT_MATRIX_H
#define AXNODE_MODEL_FIT_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct fit_matrix {
    size_t rows, columns;
    size_t stride;  /* numbers from one column to the next: rows, rounded up to a multiple of 8 */
    double *values; /* owned; NaN: missing; zeros behind the last row */
};

/* rows × columns zeros; at most 2^31 numbers, else STATUS_LIMIT. */
int fit_matrix_new(size_t rows, size_t columns, struct fit_matrix *ret_matrix, struct error *err);
void fit_matrix_release(struct fit_matrix *matrix);
/* Column j; borrowed. */
double *fit_matrix_column(const struct fit_matrix *matrix, size_t j);
/* Keep the `count` columns of `keep`, ascending; the others are given up in place. */
void fit_matrix_keep(struct fit_matrix *matrix, const size_t *keep, size_t count);

/* Mean and standard deviation (dividing by n) of a column without missing values; its values
 * become (x − centre) / scale. A constant column (spread below 1e-12 of its largest magnitude)
 * becomes zeros, with scale 0. */
void fit_standardise(double *column, size_t rows, double *ret_centre, double *ret_scale);

/* Sums over n numbers, n a multiple of 8, in one fixed order: the same on every processor. */
double fit_dot(const double *a, const double *b, size_t n);
double fit_dot_weighted(const double *a, const double *b, const double *weight, size_t n);
/* to += factor × a × b, number by number. */
void fit_add(double *to, double factor, const double *a, const double *b, size_t n);

#endif
