/* The receiver operating characteristic: how well a score ranks patients with the outcome above
 * those without. */
#ifndef AXNODE_MODEL_STATISTICS_ROC_H
#define AXNODE_MODEL_STATISTICS_ROC_H

#include "model/statistics/sample.h"

/* The area under the curve: the probability that a patient with the outcome has the higher score,
 * ties counting half (Mann–Whitney). Its variance by DeLong, DeLong, Clarke-Pearson (Biometrics
 * 1988;44:837), computed from midranks (Sun, Xu, IEEE Signal Processing Letters 2014;21:1389); the
 * interval is area ± 1.96 standard errors, cut to 0 to 1. With one patient in a class variance and
 * interval are NaN. With complete separation the variance is 0 and the interval has no width:
 * DeLong's method does not know how unsure that is. */
struct auc {
    double area, variance;
    struct interval ci95;
};
/* STATUS_INVALID as sample_check; STATUS_NOMEM. */
int roc_auc(const struct sample *sample, struct auc *ret_auc, struct error *err);

/* Two scores of the same patients: DeLong's test of the difference first − second. */
struct auc_comparison {
    struct auc first, second;
    double difference, variance; /* variance of the difference */
    struct interval ci95;        /* of the difference */
    double z, p;                 /* two-sided; 0 and 1 for scores that rank alike; NaN when the
                                    variance is not above 0 and the areas differ */
};
/* Both samples have the same patients in the same order (`positive` and n equal). */
int roc_compare(const struct sample *first, const struct sample *second,
                struct auc_comparison *ret_comparison, struct error *err);

/* One corner of the curve: 'score >= cutoff' is called positive. */
struct roc_point {
    double cutoff; /* half-way between neighbouring scores; −inf: all, +inf: none */
    double sensitivity, specificity;
};
/* All corners, from −inf to +inf: one more than there are different scores. The caller frees the
 * points. STATUS_INVALID as sample_check; STATUS_NOMEM. */
int roc_points(const struct sample *sample, struct roc_point **ret_points, size_t *ret_count,
               struct error *err);
/* The corner with the largest sensitivity + specificity (Youden, Cancer 1950;3:32); of equal ones
 * the most sensitive. */
const struct roc_point *roc_youden(const struct roc_point *points, size_t count);
/* The largest sensitivity among the corners with at least this specificity. */
double roc_sensitivity_at(const struct roc_point *points, size_t count, double specificity);

#endif
