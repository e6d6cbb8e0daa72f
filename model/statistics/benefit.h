/* Decision curve: whether acting on a risk does more good than acting on everybody or nobody
 * (Vickers, Elkin, Medical Decision Making 2006;26:565). Samples hold probabilities (0 to 1). */
#ifndef AXNODE_MODEL_STATISTICS_BENEFIT_H
#define AXNODE_MODEL_STATISTICS_BENEFIT_H

#include "model/statistics/sample.h"

/* At a threshold t between 0 and 1: patients with risk >= t are treated. */
struct benefit {
    double threshold;
    /* Net benefit, in true positives per patient: TP / n − FP / n × t / (1 − t). */
    double model, all; /* of acting on the model, on everybody; on nobody it is 0 */
    /* Clinical impact (Kerr et al., Journal of Clinical Oncology 2016;34:2534): parts of the
     * patients who are treated, and who are treated and have the outcome. */
    double treated, treated_with_outcome;
};
/* For `count` thresholds. STATUS_INVALID as sample_check_risks, or for a threshold that is not
 * between 0 and 1. */
int benefit_curve(const struct sample *sample, const double *thresholds, size_t count,
                  struct benefit *ret_curve, struct error *err);

#endif
