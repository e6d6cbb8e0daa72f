/* Carry out the steps of a recipe: a table with outcomes in, a linear score out, and an honest
 * estimate of what the whole recipe is worth. */
#ifndef AXNODE_MODEL_FIT_FIT_H
#define AXNODE_MODEL_FIT_FIT_H

#include <stdint.h>

#include "model/cohort.h"
#include "model/fit/recipe.h"
#include "model/statistics/calibration.h"
#include "model/statistics/roc.h"

/* What there is to fit. */
struct fit_data {
    struct arena arena;       /* owns the names */
    struct fit_matrix values; /* owned; NaN: missing */
    const char **names;
    size_t *source_rows;      /* owned; place of each row in the cohort */
    double *outcome;          /* owned; 0 or 1 */
    double *icc;              /* owned; per column, NaN without repeats; NULL: no repeats given */
    size_t dropped_rows;      /* for a missing outcome or value */
    size_t dropped_columns;   /* not numbers, empty, or with missing values under drop_columns */
};

/* Take from a cohort the outcome and every column that the recipe takes and that holds numbers.
 * Rows without an outcome are dropped; missing values as the recipe says. STATUS_INVALID: no such
 * outcome, not 0 and 1, one class only, no column or too few rows (10) left. */
int fit_data_take(const struct cohort *cohort, const char *outcome,
                  const struct fit_recipe *recipe, struct fit_data *ret_data, struct error *err);
/* For a recalibration: the linear predictors of the package, [cohort->rows], as the only column.
 * Rows without outcome or predictor are dropped. */
int fit_data_take_predictor(const struct cohort *cohort, const char *outcome,
                            const double *predictors, struct fit_data *ret_data,
                            struct error *err);
/* ICC of the columns from a table of repeated outlines: a line for each subject and reader, named
 * by the text columns `subject` and `reader`, every subject read once by every reader; the other
 * columns named as the features. Features that it lacks, or with missing values, have no ICC and
 * are not kept by an icc step. */
int fit_data_repeats(struct fit_data *data, const struct cohort *repeats, enum fit_icc form,
                     struct error *err);
void fit_data_release(struct fit_data *data);

struct fit_term {
    size_t column;
    double centre, scale, coefficient; /* coefficient × (value − centre) / scale */
    double median;                     /* of the rows fitted, for rows without a value */
};

struct fit_report {
    enum fit_step_kind kind;
    size_t before, after; /* columns */
};

struct fit_model {
    double intercept;
    struct fit_term *terms; /* owned; may be none */
    size_t term_count;
    double *covariance;     /* owned; (terms + 1)²; NULL: penalised, none known */
    double *bootstrap;      /* owned; bootstrap_count sets of terms + 1 (fit/bootstrap.h); NULL: none */
    size_t bootstrap_count;
    size_t rows, positives; /* fitted on */
    size_t constant, duplicates; /* columns that say nothing, or the same as another, left out */
    bool has_lambda;
    double lambda, lambda_measure, lambda_se;
    struct fit_report reports[FIT_STEPS_MAX];
    size_t report_count;
};
void fit_model_release(struct fit_model *model);

/* Told of every step begun: words for a person, and how much of the whole is done (0 to 1). */
struct fit_progress {
    void (*tell)(void *context, const char *what, double done);
    void *context;
    double from, span; /* of the whole, that what runs now stands for */
};

struct fit_options {
    uint64_t seed;
    int threads;
    struct fit_progress *progress; /* NULL: nobody */
};

/* Fit on all rows of `data` but those whose fold is `left_out` (folds NULL: on all). */
int fit_train(const struct fit_data *data, const struct fit_recipe *recipe,
              const struct fit_options *options, const int *folds, int left_out,
              struct fit_model *ret_model, struct error *err);
double fit_predict(const struct fit_model *model, const struct fit_data *data, size_t row);

/* What the recipe reaches on rows it was not fitted on: nested cross-validation. */
struct fit_validation {
    double *predictor; /* owned; of each row, mean over repeats, from models fitted without it */
    struct auc auc;    /* of those predictors, DeLong */
    double auc_apparent;               /* of the final model on its own rows, for comparison */
    double *apparent;                  /* owned; its linear predictors */
    bool has_calibration;
    struct recalibration calibration;  /* of the risks from `predictor` */
    struct brier brier;
    size_t fewest_terms, most_terms;   /* of the models of the folds */
};
void fit_validation_release(struct fit_validation *validation);

/* Every step of the recipe is repeated in every outer fold, selection and λ included. Folds are
 * stratified by outcome. The ICC filter alone is not: it does not look at outcomes. */
int fit_validate(const struct fit_data *data, const struct fit_recipe *recipe,
                 const struct fit_options *options, const struct fit_model *model,
                 struct fit_validation *ret_validation, struct error *err);

/* Cut-off of the risk by the recipe's rule, from linear predictors. Youden: the largest sensitivity
 * + specificity; sensitivity: the highest cut-off with at least that sensitivity. */
int fit_choose_cutoff(const struct fit_recipe *recipe, const double *predictor,
                      const double *outcome, size_t rows, double *ret_cutoff, struct error *err);

#endif
