/* Scores of patients whose outcome is known: what every figure here is computed from. */
#ifndef AXNODE_MODEL_STATISTICS_SAMPLE_H
#define AXNODE_MODEL_STATISTICS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Arrays of n values, borrowed. Scores are finite: rows with missing values are left out by whoever
 * makes the sample. A higher score means a higher risk of the outcome. */
struct sample {
    const double *scores;
    const bool *positive; /* has the outcome */
    size_t n;
};

/* Of 95 %. NaN where it is not defined. */
struct interval {
    double low, high;
};

size_t sample_positives(const struct sample *sample);
/* STATUS_INVALID unless there are patients with and without the outcome, and every score is
 * finite. */
int sample_check(const struct sample *sample, struct error *err);
/* STATUS_INVALID, too, when a score lies outside 0 to 1: it is no probability. */
int sample_check_risks(const struct sample *sample, struct error *err);

/* The value at `part` (0 to 1) of n > 0 sorted numbers, as R's quantile() does by default (type 7:
 * linear between order statistics at 1 + (n − 1) part). */
double sorted_quantile(const double *sorted, size_t n, double part);
/* For qsort: ascending, no NaN. */
int compare_doubles(const void *a, const void *b);

#endif
