/* The columns that are left while a recipe is carried out, and the steps that choose among them. */
#ifndef AXNODE_MODEL_FIT_STEPS_H
#define AXNODE_MODEL_FIT_STEPS_H

#include "model/fit/fit.h"

struct training {
    struct fit_matrix x; /* owned; standardised on these rows, nothing missing */
    double *outcome;     /* owned */
    size_t *column;      /* owned; of each column of x, its place in the data */
    double *centre, *scale, *median; /* owned; likewise */
    const char **names;  /* owned array; likewise */
    const double *icc;   /* by place in the data; NULL: none */
    size_t constant, duplicates;
};

/* Take the rows whose fold is not `left_out` (folds NULL: all), fill in medians, standardise; leave
 * out constant columns and exact copies of an earlier one. */
int training_start(const struct fit_data *data, const int *folds, int left_out,
                   struct training *ret_training, struct error *err);
void training_release(struct training *training);
/* Keep these columns of x, ascending. */
void training_keep(struct training *training, const size_t *keep, size_t count);

/* A selecting step: fills `keep` (room for x.columns) with the columns that stay, ascending. */
int step_select(const struct training *training, const struct fit_step *step, uint64_t seed,
                int threads, size_t *keep, size_t *ret_count, struct error *err);

#endif
