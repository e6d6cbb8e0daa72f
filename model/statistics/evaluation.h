/* Everything that `axnode evaluate` says of a score, or of two, in a cohort with known outcomes. */
#ifndef AXNODE_MODEL_STATISTICS_EVALUATION_H
#define AXNODE_MODEL_STATISTICS_EVALUATION_H

#include <stdint.h>

#include "base/arena.h"
#include "model/statistics/benefit.h"
#include "model/statistics/calibration.h"
#include "model/statistics/reclassification.h"
#include "model/statistics/roc.h"

enum {
    EVALUATION_SCORES = 2,
    EVALUATION_BAND = 101,       /* specificities 0, 0.01 … 1 */
    EVALUATION_THRESHOLDS = 99,  /* 0.01 … 0.99 */
    EVALUATION_LEVELS_MAX = 20,  /* different values of a column of subgroups */
    EVALUATION_SUBGROUPS_MAX = 100,
    EVALUATION_NOTES_MAX = 16,
};

/* A column that divides patients; texts of [rows], NULL: missing (a subgroup of its own). */
struct evaluation_grouping {
    const char *column;
    const char *const *texts;
};

struct evaluation_input {
    size_t rows;
    const double *outcomes;                  /* 0, 1; NaN: missing */
    const double *scores[EVALUATION_SCORES]; /* NaN: missing; second NULL: one score */
    const char *names[EVALUATION_SCORES];
    bool has_cutoff;
    double cutoff; /* of the first score; of both when both are probabilities */
    const struct evaluation_grouping *groupings;
    size_t grouping_count;
    size_t replicates; /* of the bootstrap; 0: none */
    uint64_t seed;
};

/* What is known of one score. */
struct evaluation_score {
    const char *name;
    struct sample sample; /* of the patients evaluated; its scores are owned by the arena */
    struct auc auc;
    struct roc_point *points;
    size_t point_count;
    struct operating_point youden; /* chosen on these patients: optimistic */
    bool has_cutoff;
    struct operating_point at_cutoff;
    bool all_equal;
    bool is_risk; /* every score lies in 0 to 1 and is read as a probability; else nothing below */
    struct brier brier;
    struct calibration_groups groups;
    struct hosmer_lemeshow hosmer_lemeshow;
    bool has_recalibration; /* else `no_recalibration` says why not */
    struct recalibration recalibration;
    char no_recalibration[160];
    struct benefit benefit[EVALUATION_THRESHOLDS];
    /* From the bootstrap; NaN without. */
    struct interval auc_bootstrap, brier_bootstrap;
    struct interval band[EVALUATION_BAND]; /* of the sensitivity */
};

struct evaluation_subgroup {
    const char *column, *level;
    size_t n, positive;
    bool has_auc; /* both outcomes occur */
    struct auc auc;
    struct operating_point at; /* at the cut-off, or Youden's of all patients */
};

struct evaluation {
    struct arena arena; /* owns what is pointed at, names and texts, too */
    size_t rows, missing_outcome, missing_score; /* left out: no outcome; outcome but a score missing */
    size_t n, positive;                          /* evaluated */
    struct evaluation_score scores[EVALUATION_SCORES];
    size_t score_count;
    struct auc_comparison comparison; /* with two scores: first − second */
    struct interval difference_bootstrap;
    bool has_reclassification;        /* two scores that are risks: from the second to the first */
    struct nri nri;                   /* continuous */
    bool has_nri_at_cutoff;
    struct nri nri_at_cutoff;
    struct estimate idi;
    struct evaluation_subgroup *subgroups; /* of the first score */
    size_t subgroup_count;
    size_t replicates;
    uint64_t seed;
    const char *notes[EVALUATION_NOTES_MAX]; /* what a reader must know, in words */
    size_t note_count;
};

/* STATUS_INVALID: patients with one outcome only, an infinite score, too many levels of a subgroup,
 * a cut-off that is not finite; STATUS_NOMEM. The caller releases the evaluation. */
int evaluation_run(const struct evaluation_input *input, struct evaluation *ret_evaluation,
                   struct error *err);
void evaluation_release(struct evaluation *evaluation);

#endif
