/* A score with a cut-off as a test: 'score >= cutoff' is called positive. */
#ifndef AXNODE_MODEL_STATISTICS_OPERATING_H
#define AXNODE_MODEL_STATISTICS_OPERATING_H

#include "model/statistics/sample.h"

/* count of total, with the exact interval of Clopper and Pearson (Biometrika 1934;26:404): the
 * 2.5 % quantile of Beta(count, total − count + 1) to the 97.5 % quantile of Beta(count + 1,
 * total − count); 0 and 1 at the ends. With a total of 0 all is NaN. */
struct proportion {
    size_t count, total;
    double value;
    struct interval ci95;
};
struct proportion proportion_of(size_t count, size_t total);

struct operating_point {
    double cutoff;
    size_t true_positive, false_positive, true_negative, false_negative;
    struct proportion sensitivity, specificity;
    struct proportion ppv, npv; /* for the part of patients with the outcome that this sample has */
    struct proportion accuracy;
};
/* Any sample of finite scores; a class without patients gives NaN where it is divided by. */
struct operating_point operating_point(const struct sample *sample, double cutoff);

#endif
