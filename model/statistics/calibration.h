/* Calibration: whether risks of x % come true in x % of patients. Samples here hold probabilities
 * (0 to 1); others are STATUS_INVALID. */
#ifndef AXNODE_MODEL_STATISTICS_CALIBRATION_H
#define AXNODE_MODEL_STATISTICS_CALIBRATION_H

#include "model/statistics/operating.h"
#include "model/statistics/sample.h"

/* 'How much do risks have to be moved and stretched' (Cox, Biometrika 1958;45:562; Steyerberg,
 * Clinical Prediction Models, chapter 15), by maximum likelihood with Wald intervals:
 * - in the large: a of logit P(outcome) = a + logit(risk), the slope held at 1. Ideal 0; above 0:
 *   risks are too low.
 * - slope and intercept: b and a of logit P(outcome) = a + b logit(risk). Ideal 1 and 0; a slope
 *   below 1: risks are too extreme. */
struct recalibration {
    double in_the_large, in_the_large_se;
    struct interval in_the_large_ci95;
    double slope, slope_se;
    struct interval slope_ci95;
    double intercept, intercept_se; /* beside the slope */
    struct interval intercept_ci95;
};
/* STATUS_INVALID, too: a risk is exactly 0 or 1 (its logit is infinite), all risks are equal (no
 * slope), or they separate the outcomes completely (no maximum). */
int calibration_fit(const struct sample *sample, struct recalibration *ret_fit,
                    struct error *err);

/* Mean squared difference of risk and outcome (Brier 1950): 0 is perfect; and scaled by that of the
 * sample's own share for everybody, 1 − brier / (share (1 − share)): 1 is perfect, 0 is no use. */
struct brier {
    double score, scaled;
};
int calibration_brier(const struct sample *sample, struct brier *ret_brier, struct error *err);

/* Patients in groups of ascending risk, cut at the deciles of risk (R: cut(p, unique(quantile(p,
 * 0:10 / 10)), include.lowest = TRUE)): equal risks stay together, and groups may be fewer. */
enum { CALIBRATION_GROUPS_MAX = 10 };
struct calibration_group {
    double risk_low, risk_high, risk_mean;
    struct proportion observed;
};
struct calibration_groups {
    struct calibration_group groups[CALIBRATION_GROUPS_MAX];
    size_t count;
};
int calibration_groups(const struct sample *sample, struct calibration_groups *ret_groups,
                       struct error *err);

/* Hosmer and Lemeshow (Applied Logistic Regression): chi² = Σ (O − E)² / (E (1 − E / n)) over the
 * groups. Groups − 2 degrees of freedom for patients that the model was fitted on (as R's
 * ResourceSelection::hoslem.test always takes), as many as groups for other patients. A p below
 * 0.05 speaks against calibration; one above proves nothing in a small cohort. NaN: a group's risks
 * are all 0 or 1 and wrong, or too few groups. */
struct hosmer_lemeshow {
    double chi2;
    size_t groups;
    double p_same_patients, p_other_patients;
};
struct hosmer_lemeshow calibration_hosmer_lemeshow(const struct calibration_groups *groups);

#endif
