/* Area under the ROC curve of few numbers, for choosing λ inside a cross-validation. Estimates
 * that are reported come from model/statistics. */
#ifndef AXNODE_MODEL_FIT_RANK_H
#define AXNODE_MODEL_FIT_RANK_H

#include <stdbool.h>
#include <stddef.h>

struct rank_pair {
    double value;
    bool positive;
};

/* Part of the pairs (positive, negative) in which the positive's value is higher, ties counting
 * half (Mann–Whitney); NaN with one class only. Sorts `pairs`. */
double rank_auc(struct rank_pair *pairs, size_t n);

#endif
