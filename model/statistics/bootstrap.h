/* Bootstrap: how much figures vary when patients are drawn again (Efron, Tibshirani, An
 * Introduction to the Bootstrap, 1993, chapters 6 and 13). */
#ifndef AXNODE_MODEL_STATISTICS_BOOTSTRAP_H
#define AXNODE_MODEL_STATISTICS_BOOTSTRAP_H

#include <stdint.h>

#include "model/statistics/sample.h"

enum { BOOTSTRAP_REPLICATES_MAX = 100000, BOOTSTRAP_FIGURES_MAX = 256 };

/* Compute `figure_count` figures of the patients patients[0 … n−1] (places in the sample, with
 * repetitions); NaN where one is not defined for them. */
typedef int bootstrap_figures(void *context, const size_t *patients, size_t n, double *ret_figures,
                              struct error *err);

/* Percentile intervals of several figures from the same draws. Stratified: each draw has as many
 * patients with and without the outcome as the sample. The same seed gives the same draws (Mersenne
 * Twister of GSL). Draws in which a figure is NaN do not count for it; with fewer than half of the
 * draws left its interval is NaN. STATUS_INVALID: a class has no patient, or counts outside the
 * bounds (at least 10 replicates); else what `figures` returns. */
int bootstrap_intervals(const bool *positive, size_t n, size_t replicates, uint64_t seed,
                        bootstrap_figures *figures, void *context, size_t figure_count,
                        struct interval *ret_intervals, struct error *err);

#endif
