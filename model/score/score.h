/* From findings to a risk, or to the reasons why there is none. */
#ifndef AXNODE_MODEL_SCORE_H
#define AXNODE_MODEL_SCORE_H

#include <stddef.h>

#include "base/error.h"
#include "model/findings.h"
#include "model/package/package.h"

/* A fact about the patient and where it was read. */
struct evidence {
    enum evidence_kind kind;
    char source[CLINICAL_SOURCE_SIZE + 16]; /* "import: pathology"; "": it is not established */
    char why[CLINICAL_REASON_SIZE];    /* … why not; "" when there is nothing to say */
};

struct score_input {
    const struct evidence *evidence;
    size_t evidence_count;
    const struct region_finding *regions[ROI_COUNT]; /* NULL: the study has no such picture */
    enum side sides[ROI_COUNT];                      /* of the pictures */
    const struct clinical_choice *clinical; /* of each of the package's clinical inputs */
    size_t clinical_count;
};

/* The package's scores, its model's linear predictor, the contributions of both, risk by the
 * logistic function, its 95 % interval, group and cut-off from feature values alone; whether a risk may be shown for a patient is not asked. A term whose feature is
 * missing, NaN or meaningless adds a reason and leaves has_risk false, and so does an incomplete
 * package, whose linear predictor is set all the same where its terms allow. The caller releases
 * the score. */
int score_predict(const struct package *package, const struct feature_list *const *features,
                  size_t list_count, struct score *ret_score, struct error *err);

/* The value of one of the package's scores by its name, or the model's linear predictor for
 * "model"; where there is no intercept it counts as 0, and the value only ranks.
 * STATUS_NOT_FOUND: no such score, or a feature has no usable value; the message names it. */
int score_value(const struct package *package, const char *name,
                const struct feature_list *const *features, size_t list_count, double *ret_value,
                struct error *err);

/* All rules: a risk only from a complete package, for a patient whose eligibility is established
 * by sourced evidence, with the clinical values the package needs, with known and equal sides,
 * with every required region found and sure, with a sound loop of the tumour where a network asks
 * for one, and with the calibration its terms need. Else
 * has_risk is false, no number of the score is set, and the reasons say why. Fails for lack of memory alone. */
int score_compute(const struct package *package, const struct score_input *input,
                  struct score *ret_score, struct error *err);

#endif
