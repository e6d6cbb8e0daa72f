/* What a second risk adds to a first one for the same patients: net reclassification improvement
 * and integrated discrimination improvement (Pencina et al., Statistics in Medicine 2008;27:157 and
 * 2011;30:11), with the standard errors of R's Hmisc::improveProb. Both are known to favour added
 * noise (Pepe et al., Statistics in Biosciences 2015;7:282): read them beside the difference of the
 * areas and the net benefit, never alone. */
#ifndef AXNODE_MODEL_STATISTICS_RECLASSIFICATION_H
#define AXNODE_MODEL_STATISTICS_RECLASSIFICATION_H

#include "model/statistics/sample.h"

struct estimate {
    double value, se;
    struct interval ci95; /* value ± 1.96 se */
    double z, p;          /* two-sided; NaN when the standard error is not above 0 */
};

struct nri {
    /* Parts of the patients with (event) and without the outcome whose risk goes up and down. */
    double event_up, event_down, other_up, other_down;
    struct estimate event; /* event_up − event_down */
    struct estimate other; /* other_down − other_up */
    struct estimate total; /* their sum, −2 to 2 */
};

/* Risks of the same patients in the same order, first the older one. Categories: a patient goes up
 * when the number of cut-offs that the risk reaches (risk >= cutoff) rises; with no cut-off
 * (count 0) every change of the risk counts (continuous NRI). STATUS_INVALID as
 * sample_check_risks. */
int reclassification_nri(const struct sample *first, const struct sample *second,
                         const double *cutoffs, size_t count, struct nri *ret_nri,
                         struct error *err);
/* Mean change of the risk in patients with the outcome minus that in the others. */
int reclassification_idi(const struct sample *first, const struct sample *second,
                         struct estimate *ret_idi, struct error *err);

#endif
