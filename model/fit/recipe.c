#include "model/fit/recipe.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char *const step_words[] = {"icc", "zscore", "t_test", "mann_whitney", "redundancy",
                                         "forest", "lasso", "stepwise", "logistic", NULL};

const char *fit_step_name(enum fit_step_kind kind)
{
    return step_words[kind];
}

bool fit_recipe_takes(const struct fit_recipe *recipe, const char *column)
{
    bool taken = recipe->include_count == 0;
    for (size_t i = 0; i < recipe->include_count; i++)
        taken |= fnmatch(recipe->include[i], column, 0) == 0;
    for (size_t i = 0; i < recipe->exclude_count; i++)
        taken &= fnmatch(recipe->exclude[i], column, 0) != 0;
    return taken;
}

/* ---- values with a default ---- */

static int read_number(const struct yaml *y, const struct yaml_node *map, const char *key,
                       double min, double max, double otherwise, double *ret_value,
                       struct error *err)
{
    const struct yaml_node *node = yaml_get(map, key);
    *ret_value = otherwise;
    if (!node)
        return 0;
    int status = yaml_double(y, node, ret_value, err);
    if (status == 0 && !(*ret_value >= min && *ret_value <= max))
        return yaml_error(y, node, err, "must lie between %g and %g", min, max);
    return status;
}

static int read_whole(const struct yaml *y, const struct yaml_node *map, const char *key, int min,
                      int max, int otherwise, int *ret_value, struct error *err)
{
    const struct yaml_node *node = yaml_get(map, key);
    int64_t value = otherwise;
    int status = node ? yaml_int(y, node, min, max, &value, err) : 0;
    *ret_value = (int)value;
    return status;
}

static int read_word(const struct yaml *y, const struct yaml_node *map, const char *key,
                     const char *const *words, int otherwise, int *ret_index, struct error *err)
{
    const struct yaml_node *node = yaml_get(map, key);
    const char *text;
    *ret_index = otherwise;
    if (!node)
        return 0;
    int status = yaml_text(y, node, &text, err);
    if (status < 0)
        return status;
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
    return yaml_error(y, node, err, "'%s' is not known here", text);
}

/* ---- steps ---- */

static int read_icc(const struct yaml *y, const struct yaml_node *map, struct fit_step *step,
                    struct error *err)
{
    static const char *const keys[] = {"form", "min", NULL};
    static const char *const forms[] = {"2,1", "3,1", NULL};
    int form = 0, status = map ? yaml_check_keys(y, map, keys, err) : 0;
    if (status == 0)
        status = read_word(y, map, "form", forms, 0, &form, err);
    step->icc = form == 0 ? FIT_ICC_2_1 : FIT_ICC_3_1;
    return status < 0 ? status : read_number(y, map, "min", 0, 1, 0.80, &step->least, err);
}

static int read_zscore(const struct yaml *y, const struct yaml_node *map, struct fit_step *step,
                       struct error *err)
{
    static const char *const keys[] = {NULL};
    (void)step;
    return map ? yaml_check_keys(y, map, keys, err) : 0;
}

static int read_test(const struct yaml *y, const struct yaml_node *map, struct fit_step *step,
                     struct error *err)
{
    static const char *const keys[] = {"p_max", NULL};
    int status = map ? yaml_check_keys(y, map, keys, err) : 0;
    return status < 0 ? status : read_number(y, map, "p_max", 0, 1, 0.05, &step->p_max, err);
}

static int read_redundancy(const struct yaml *y, const struct yaml_node *map,
                           struct fit_step *step, struct error *err)
{
    static const char *const keys[] = {"bins", "max", NULL};
    int status = map ? yaml_check_keys(y, map, keys, err) : 0;
    if (status == 0)
        status = read_whole(y, map, "bins", 2, 64, 8, &step->bins, err);
    return status < 0 ? status : read_number(y, map, "max", 0, 1, 0.5, &step->most, err);
}

static int read_forest(const struct yaml *y, const struct yaml_node *map, struct fit_step *step,
                       struct error *err)
{
    static const char *const keys[] = {"keep", "drop", "trees", NULL};
    int status = map ? yaml_check_keys(y, map, keys, err) : 0;
    if (status == 0)
        status = read_number(y, map, "keep", 0.001, 20000, 0.2, &step->keep, err);
    if (status == 0)
        status = read_number(y, map, "drop", 0.01, 0.9, 0.2, &step->drop, err);
    return status < 0 ? status : read_whole(y, map, "trees", 1, 10000, 300, &step->trees, err);
}

static int read_lasso(const struct yaml *y, const struct yaml_node *map, struct fit_step *step,
                      struct error *err)
{
    static const char *const keys[] = {"alpha", "folds", "lambda", "measure", "threshold", NULL};
    static const char *const lambdas[] = {"min", "1se", NULL};
    static const char *const measures[] = {"deviance", "auc", NULL};
    int lambda = 0, measure = 0, status = map ? yaml_check_keys(y, map, keys, err) : 0;
    if (status == 0)
        status = read_number(y, map, "alpha", 0, 1, 1, &step->alpha, err);
    if (status == 0)
        status = read_number(y, map, "threshold", 1e-16, 1e-3, 1e-9, &step->threshold, err);
    if (status == 0)
        status = read_whole(y, map, "folds", 3, FIT_FOLDS_MAX, 10, &step->folds, err);
    if (status == 0)
        status = read_word(y, map, "lambda", lambdas, 0, &lambda, err);
    if (status == 0)
        status = read_word(y, map, "measure", measures, 0, &measure, err);
    step->one_se = lambda == 1;
    step->measure = measure == 0 ? LASSO_DEVIANCE : LASSO_AUC;
    return status;
}

static int read_stepwise(const struct yaml *y, const struct yaml_node *map, struct fit_step *step,
                         struct error *err)
{
    static const char *const keys[] = {"by", "p_max", NULL};
    static const char *const rules[] = {"aic", "p", NULL};
    int rule = 0, status = map ? yaml_check_keys(y, map, keys, err) : 0;
    if (status == 0)
        status = read_word(y, map, "by", rules, 0, &rule, err);
    step->by_p = rule == 1;
    return status < 0 ? status : read_number(y, map, "p_max", 0, 1, 0.05, &step->p_max, err);
}

static int read_step(const struct yaml *y, const struct yaml_node *item, struct fit_step *step,
                     struct error *err)
{
    static int (*const readers[])(const struct yaml *, const struct yaml_node *,
                                  struct fit_step *, struct error *) = {
        read_icc, read_zscore, read_test, read_test, read_redundancy,
        read_forest, read_lasso, read_stepwise, read_zscore};
    const char *name = item->text;
    const struct yaml_node *map = NULL;
    if (item->kind == YAML_MAPPING && item->count == 1) {
        name = item->children[0].key;
        map = yaml_is_null(&item->children[0]) ? NULL : &item->children[0];
    }
    for (int i = 0; name && step_words[i]; i++)
        if (strcmp(step_words[i], name) == 0) {
            step->kind = (enum fit_step_kind)i;
            return readers[i](y, map, step, err);
        }
    return yaml_error(y, item, err, "must be the name of a step (icc, zscore, t_test, "
                      "mann_whitney, redundancy, forest, lasso, stepwise, logistic), with or "
                      "without settings behind ':'");
}

static bool fits_model(enum fit_step_kind kind)
{
    return kind == FIT_STEP_LASSO || kind == FIT_STEP_STEPWISE || kind == FIT_STEP_LOGISTIC;
}

static int read_steps(struct fit_recipe *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *list = yaml_get(root, "steps");
    if (!list)
        return 0;
    if (list->kind != YAML_SEQUENCE || list->count < 1 || list->count > FIT_STEPS_MAX)
        return yaml_error(r->yaml, list, err, "must be a list of 1 to %d steps", FIT_STEPS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        int status = read_step(r->yaml, &list->children[i], &r->steps[i], err);
        if (status < 0)
            return status;
        r->step_count = i + 1;
    }
    if (!fits_model(r->steps[r->step_count - 1].kind))
        return yaml_error(r->yaml, &list->children[list->count - 1], err,
                          "the last step must be lasso, stepwise or logistic");
    return 0;
}

/* ---- the rest ---- */

static int read_names(struct fit_recipe *r, const struct yaml_node *map, const char *key,
                      const char ***ret_names, size_t *ret_count, struct error *err)
{
    const struct yaml_node *list = yaml_get(map, key);
    if (!list)
        return 0;
    if (list->kind != YAML_SEQUENCE)
        return yaml_error(r->yaml, list, err, "must be a list of names");
    const char **names = arena_array(&r->arena, list->count + 1, sizeof *names);
    if (!names)
        return error_set(err, STATUS_NOMEM, "out of memory for a recipe");
    for (size_t i = 0; i < list->count; i++) {
        int status = yaml_text(r->yaml, &list->children[i], &names[i], err);
        if (status < 0)
            return status;
    }
    *ret_names = names;
    *ret_count = list->count;
    return 0;
}

static int read_data(struct fit_recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"include", "exclude", "missing", NULL};
    static const char *const words[] = {"drop_rows", "drop_columns", "median", NULL};
    const struct yaml_node *map = yaml_get(root, "data");
    int missing = 0, status = map ? yaml_check_keys(r->yaml, map, keys, err) : 0;
    if (status == 0)
        status = read_names(r, map, "include", &r->include, &r->include_count, err);
    if (status == 0)
        status = read_names(r, map, "exclude", &r->exclude, &r->exclude_count, err);
    if (status == 0)
        status = read_word(r->yaml, map, "missing", words, 0, &missing, err);
    r->missing = (enum fit_missing)missing;
    return status;
}

static int read_cutoff(struct fit_recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"rule", "value", NULL};
    static const char *const rules[] = {"none", "youden", "sensitivity", "fixed", NULL};
    const struct yaml_node *map = yaml_get(root, "cutoff");
    int rule = 0, status = map ? yaml_check_keys(r->yaml, map, keys, err) : 0;
    if (status == 0)
        status = read_word(r->yaml, map, "rule", rules, 0, &rule, err);
    if (status == 0)
        status = read_number(r->yaml, map, "value", 0, 1, -1, &r->cutoff_value, err);
    r->cutoff = (enum fit_cutoff)rule;
    if (status == 0 && rule >= FIT_CUTOFF_SENSITIVITY && r->cutoff_value < 0)
        return yaml_error(r->yaml, map, err, "'value' is missing");
    return status;
}

static int read_validation(struct fit_recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"folds", "repeats", NULL};
    const struct yaml_node *map = yaml_get(root, "validation");
    int status = map ? yaml_check_keys(r->yaml, map, keys, err) : 0;
    if (status == 0)
        status = read_whole(r->yaml, map, "folds", 0, FIT_FOLDS_MAX, 5, &r->folds, err);
    if (status == 0 && r->folds == 1)
        return yaml_error(r->yaml, map, err, "folds must be 0 (none) or at least 2");
    return status < 0 ? status : read_whole(r->yaml, map, "repeats", 1, FIT_REPEATS_MAX, 1,
                                            &r->repeats, err);
}

static int read_bootstrap(struct fit_recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"draws", NULL};
    const struct yaml_node *map = yaml_get(root, "bootstrap");
    if (!map)
        return 0;
    int status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0 && r->step_count == 0)
        return yaml_error(r->yaml, map, err, "has no meaning without steps");
    return status < 0 ? status : read_whole(r->yaml, map, "draws", FIT_BOOTSTRAP_MIN,
                                            FIT_BOOTSTRAP_MAX, FIT_BOOTSTRAP_MIN * 2, &r->bootstrap, err);
}

static int read_update(struct fit_recipe *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"update", NULL};
    static const char *const words[] = {"intercept", "intercept_slope", NULL};
    const struct yaml_node *map = yaml_get(root, "recalibrate");
    int update = 0;
    if (!map)
        return 0;
    int status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = read_word(r->yaml, map, "update", words, 0, &update, err);
    r->update = update == 0 ? FIT_UPDATE_INTERCEPT : FIT_UPDATE_INTERCEPT_SLOPE;
    return status;
}

static int read_all(struct fit_recipe *r, struct error *err)
{
    static const char *const keys[] = {"format", "package", "data", "steps", "recalibrate",
                                       "bootstrap", "cutoff", "validation", NULL};
    const struct yaml_node *root = yaml_root(r->yaml);
    int64_t format;
    int status = yaml_check_keys(r->yaml, root, keys, err);
    if (status == 0)
        status = yaml_get(root, "format")
                     ? yaml_int(r->yaml, yaml_get(root, "format"), 1, 1, &format, err)
                     : yaml_error(r->yaml, root, err, "'format' is missing");
    r->package = yaml_get(root, "package");
    if (status == 0)
        status = read_data(r, root, err);
    if (status == 0)
        status = read_steps(r, root, err);
    if (status == 0)
        status = read_bootstrap(r, root, err);
    if (status == 0)
        status = read_update(r, root, err);
    if (status == 0)
        status = read_cutoff(r, root, err);
    if (status == 0)
        status = read_validation(r, root, err);
    if (status == 0 && (r->step_count > 0) == (r->update != FIT_UPDATE_NONE))
        status = yaml_error(r->yaml, root, err, "either 'steps' or 'recalibrate' must be there");
    return status;
}

void fit_recipe_free(struct fit_recipe *recipe)
{
    if (!recipe)
        return;
    yaml_unload(recipe->yaml);
    arena_release(&recipe->arena);
    free(recipe);
}

int fit_recipe_read(const char *path, struct fit_recipe **ret_recipe, struct error *err)
{
    struct fit_recipe *recipe = calloc(1, sizeof *recipe);
    if (!recipe)
        return error_set(err, STATUS_NOMEM, "out of memory for a recipe");
    arena_init(&recipe->arena);
    int status = yaml_load_file(path, &recipe->yaml, err);
    if (status < 0) {
        free(recipe);
        return status;
    }
    status = read_all(recipe, err);
    if (status == 0)
        *ret_recipe = recipe;
    else
        fit_recipe_free(recipe);
    return status;
}
