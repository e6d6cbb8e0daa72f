/* How a model is to be fitted: a YAML file of steps. Its keys are described in docs/fit.md. */
#ifndef AXNODE_MODEL_FIT_RECIPE_H
#define AXNODE_MODEL_FIT_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/yaml.h"
#include "model/fit/filter.h"
#include "model/fit/lasso.h"

enum fit_missing { FIT_DROP_ROWS, FIT_DROP_COLUMNS, FIT_MEDIAN };
enum fit_step_kind {
    FIT_STEP_ICC,
    FIT_STEP_ZSCORE,
    FIT_STEP_T_TEST,
    FIT_STEP_MANN_WHITNEY,
    FIT_STEP_REDUNDANCY,
    FIT_STEP_FOREST,
    FIT_STEP_LASSO,
    FIT_STEP_STEPWISE,
    FIT_STEP_LOGISTIC,
};
/* "icc", "zscore", … as recipes write it. Static storage. */
const char *fit_step_name(enum fit_step_kind kind);

struct fit_step {
    enum fit_step_kind kind;
    enum fit_icc icc;      /* icc */
    double least;          /* icc: keep above this */
    double p_max;          /* t_test, mann_whitney: keep below; stepwise by p */
    double most;           /* redundancy: normalised mutual information above this is redundant */
    int bins;              /* redundancy */
    double keep, drop;     /* forest: part (below 1) or number of columns to end with; part to drop
                              each round */
    int trees;             /* forest */
    double alpha;          /* lasso */
    double threshold;      /* lasso */
    int folds;             /* lasso */
    bool one_se;           /* lasso: else the minimum */
    enum lasso_measure measure; /* lasso */
    bool by_p;             /* stepwise: else by AIC */
};

enum fit_cutoff { FIT_CUTOFF_NONE, FIT_CUTOFF_YOUDEN, FIT_CUTOFF_SENSITIVITY, FIT_CUTOFF_FIXED };
enum fit_update { FIT_UPDATE_NONE, FIT_UPDATE_INTERCEPT, FIT_UPDATE_INTERCEPT_SLOPE };

enum { FIT_STEPS_MAX = 32, FIT_FOLDS_MAX = 100, FIT_REPEATS_MAX = 100 };
/* What a package may hold. */
enum { FIT_BOOTSTRAP_MIN = 100, FIT_BOOTSTRAP_MAX = 2000 };

struct fit_recipe {
    struct arena arena;           /* owns the texts */
    struct yaml *yaml;            /* owned; `package` below points into it */
    const struct yaml_node *package; /* mapping; NULL when left out */
    const char **include, **exclude; /* names of columns, '*' stands for anything */
    size_t include_count, exclude_count;
    enum fit_missing missing;
    struct fit_step steps[FIT_STEPS_MAX]; /* the last one fits the model */
    size_t step_count;
    enum fit_update update; /* then there are no steps: an existing package is recalibrated */
    enum fit_cutoff cutoff;
    double cutoff_value;
    int bootstrap;      /* sets of coefficients from resampled patients; 0: none */
    int folds, repeats; /* of the outer cross-validation; folds 0: none */
};

/* Unknown keys, wrong types and values, steps in an impossible order: STATUS_INVALID with file and
 * line. */
int fit_recipe_read(const char *path, struct fit_recipe **ret_recipe, struct error *err);
void fit_recipe_free(struct fit_recipe *recipe);
/* Whether a column may be used: it matches `include` (when given) and nothing of `exclude`. */
bool fit_recipe_takes(const struct fit_recipe *recipe, const char *column);

#endif
