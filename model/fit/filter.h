/* Tests of one feature against the outcome, as R computes them. */
#ifndef AXNODE_MODEL_FIT_FILTER_H
#define AXNODE_MODEL_FIT_FILTER_H

#include <stddef.h>

#include "base/error.h"

/* Two-sided p of Welch's t-test (t.test with var.equal = FALSE): t = (m1 − m0) / √(s1²/n1 +
 * s0²/n0), degrees of freedom by Welch and Satterthwaite. Outcome 0 or 1. NaN when a class has
 * fewer than two rows or both are constant. */
double fit_t_test(const double *values, const double *outcome, size_t rows);

/* Two-sided p of the Mann–Whitney (Wilcoxon rank sum) test. As wilcox.test: exact when both
 * classes have fewer than 50 rows and nothing is tied, else the normal approximation with
 * σ² = n1 n0 / 12 · (n + 1 − Σ (t³ − t) / (n (n − 1))) and a continuity correction of 1/2. NaN in
 * *ret_p when a class is empty or all values are equal. */
int fit_mann_whitney(const double *values, const double *outcome, size_t rows, double *ret_p,
                     struct error *err);

enum fit_icc { FIT_ICC_2_1, FIT_ICC_3_1 };

/* Agreement of k readings of n subjects, each by every reader (Shrout and Fleiss, Psychol. Bull.
 * 86, 1979), from the mean squares of subjects R, readers C and error E:
 *   ICC(2,1) = (R − E) / (R + (k − 1) E + k (C − E) / n)   absolute agreement, random readers
 *   ICC(3,1) = (R − E) / (R + (k − 1) E)                   consistency, these readers
 * values[subject × k + reader]. NaN when there is no variation at all. */
double fit_icc(const double *values, size_t subjects, size_t readers, enum fit_icc form);

/* Mutual information, in nats, of two sequences of small numbers (0 … levels − 1, levels ≤ 64),
 * from their joint counts. */
double fit_information(const unsigned char *a, const unsigned char *b, size_t rows, int levels);
double fit_entropy(const unsigned char *a, size_t rows, int levels);
/* Bins of as equal numbers of rows as ties allow: bin = floor(bins × (rank − 1/2) / n), mean ranks
 * for ties. */
int fit_bins(const double *values, size_t rows, int bins, unsigned char *ret_bins,
             struct error *err);

#endif
