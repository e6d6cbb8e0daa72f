/* The plots of an evaluation's page: each appends one picture. */
#ifndef AXNODE_REPORT_EVALUATION_PLOTS_H
#define AXNODE_REPORT_EVALUATION_PLOTS_H

#include "base/buffer.h"
#include "base/error.h"
#include "model/statistics/evaluation.h"

/* STATUS_NOMEM, STATUS_INTERNAL. */
typedef int evaluation_plot(const struct evaluation *e, struct buffer *out, struct error *err);

evaluation_plot plot_roc;          /* curves, the first one's band, cut-offs */
evaluation_plot plot_distribution; /* of the first score, with and without the outcome */
/* For scores that are probabilities; the first such one where there is room for one alone. */
evaluation_plot plot_calibration;
evaluation_plot plot_benefit;
evaluation_plot plot_impact;
evaluation_plot plot_forest; /* areas by subgroup; for evaluations with subgroups */

/* Colours of the first and the second score (told apart with any colour vision). */
extern const uint32_t EVALUATION_COLOURS[EVALUATION_SCORES];

#endif
