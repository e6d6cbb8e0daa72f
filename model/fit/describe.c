#include <math.h>
#include <string.h>

#include "model/fit/terms.h"

static const char *const update_words[] = {"none", "intercept", "intercept_slope"};

static cJSON *add_interval(cJSON *to, const char *name, struct interval interval)
{
    cJSON *list = cJSON_AddArrayToObject(to, name);
    cJSON_AddItemToArray(list, cJSON_CreateNumber(interval.low));
    cJSON_AddItemToArray(list, cJSON_CreateNumber(interval.high));
    return list;
}

static void describe_data(const struct fit_result *result, cJSON *to)
{
    const struct fit_data *data = result->data;
    cJSON *json = cJSON_AddObjectToObject(to, "cohort");
    cJSON_AddStringToObject(json, "sha256", result->cohort_sha256);
    if (result->repeats_sha256)
        cJSON_AddStringToObject(json, "repeats_sha256", result->repeats_sha256);
    cJSON_AddStringToObject(json, "outcome", result->outcome);
    cJSON_AddNumberToObject(json, "n", (double)result->model->rows);
    cJSON_AddNumberToObject(json, "positive", (double)result->model->positives);
    cJSON_AddNumberToObject(json, "columns", (double)data->values.columns);
    cJSON_AddNumberToObject(json, "dropped_rows", (double)data->dropped_rows);
    cJSON_AddNumberToObject(json, "dropped_columns", (double)data->dropped_columns);
    cJSON_AddNumberToObject(json, "constant_columns", (double)result->model->constant);
    cJSON_AddNumberToObject(json, "duplicate_columns", (double)result->model->duplicates);
}

static void describe_steps(const struct fit_result *result, cJSON *to)
{
    const struct fit_model *model = result->model;
    cJSON *list = cJSON_AddArrayToObject(to, "steps");
    for (size_t i = 0; i < model->report_count; i++) {
        cJSON *step = cJSON_CreateObject();
        cJSON_AddStringToObject(step, "step", fit_step_name(model->reports[i].kind));
        cJSON_AddNumberToObject(step, "before", (double)model->reports[i].before);
        cJSON_AddNumberToObject(step, "after", (double)model->reports[i].after);
        cJSON_AddItemToArray(list, step);
    }
    if (model->has_lambda) {
        cJSON_AddNumberToObject(to, "lambda", model->lambda);
        cJSON_AddNumberToObject(to, "lambda_measure", model->lambda_measure);
        cJSON_AddNumberToObject(to, "lambda_measure_se", model->lambda_se);
    }
    if (result->recipe->update != FIT_UPDATE_NONE) {
        cJSON *update = cJSON_AddObjectToObject(to, "recalibration");
        cJSON_AddStringToObject(update, "update", update_words[result->recipe->update]);
        cJSON_AddNumberToObject(update, "intercept", model->intercept);
        cJSON_AddNumberToObject(update, "slope", model->terms[0].coefficient);
    }
    if (result->base) {
        cJSON *base = cJSON_AddObjectToObject(to, "base");
        cJSON_AddStringToObject(base, "name", result->base->name);
        cJSON_AddStringToObject(base, "version", result->base->version);
        cJSON_AddStringToObject(base, "sha256", result->base->digest);
    }
}

static void describe_validation(const struct fit_result *result, cJSON *to)
{
    const struct fit_validation *v = result->validation;
    if (!v)
        return;
    cJSON *json = cJSON_AddObjectToObject(to, "nested_cross_validation");
    cJSON_AddNumberToObject(json, "folds", result->recipe->folds);
    cJSON_AddNumberToObject(json, "repeats", result->recipe->repeats);
    cJSON_AddNumberToObject(json, "auc", v->auc.area);
    add_interval(json, "auc_ci95", v->auc.ci95);
    cJSON_AddNumberToObject(json, "brier", v->brier.score);
    if (v->has_calibration) {
        cJSON_AddNumberToObject(json, "calibration_in_the_large", v->calibration.in_the_large);
        cJSON_AddNumberToObject(json, "calibration_slope", v->calibration.slope);
        add_interval(json, "calibration_slope_ci95", v->calibration.slope_ci95);
    }
    cJSON_AddNumberToObject(json, "fewest_terms", (double)v->fewest_terms);
    cJSON_AddNumberToObject(json, "most_terms", (double)v->most_terms);
    cJSON_AddNumberToObject(to, "auc_apparent", v->auc_apparent);
}

static void describe_score(const struct fit_result *result, cJSON *to)
{
    size_t count = fit_term_count(result), side = count + 1;
    const double *covariance = result->model->covariance;
    cJSON_AddNumberToObject(to, "intercept", fit_intercept(result));
    cJSON *terms = cJSON_AddArrayToObject(to, "terms");
    for (size_t k = 0; k < count; k++) {
        struct fit_named_term term = fit_term_at(result, k);
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "feature", term.feature);
        cJSON_AddNumberToObject(json, "centre", term.centre);
        cJSON_AddNumberToObject(json, "scale", term.scale);
        cJSON_AddNumberToObject(json, "coefficient", term.coefficient);
        if (covariance)
            cJSON_AddNumberToObject(json, "standard_error",
                                    sqrt(covariance[(k + 1) * side + k + 1]));
        cJSON_AddItemToArray(terms, json);
    }
    if (result->model->bootstrap)
        cJSON_AddNumberToObject(to, "bootstrap_draws", (double)result->model->bootstrap_count);
    if (result->has_cutoff)
        cJSON_AddNumberToObject(to, "cutoff", result->cutoff);
}

cJSON *fit_describe(const struct fit_result *result)
{
    cJSON *json = cJSON_CreateObject();
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)result->seed);
    cJSON_AddStringToObject(json, "software", "axnode " AXNODE_VERSION);
    cJSON_AddStringToObject(json, "seed", seed);
    describe_data(result, json);
    describe_steps(result, json);
    describe_score(result, json);
    describe_validation(result, json);
    return json;
}
