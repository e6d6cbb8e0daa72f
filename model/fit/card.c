#include "model/fit/card.h"

#include <math.h>

#include "model/fit/terms.h"

int fit_print_cutoff_rule(const struct fit_result *result, struct buffer *out, struct error *err)
{
    const char *on = result->validation ? "predictions of the nested cross-validation"
                                        : "the patients it was fitted on";
    switch (result->recipe->cutoff) {
    case FIT_CUTOFF_YOUDEN: return buffer_print(out, err, "Youden index on %s", on);
    case FIT_CUTOFF_SENSITIVITY:
        return buffer_print(out, err, "highest with a sensitivity of at least %.3f on %s",
                            result->recipe->cutoff_value, on);
    default: return buffer_print(out, err, "stated by the recipe");
    }
}

static int print_head(const struct package *p, struct buffer *out, struct error *err)
{
    int status = buffer_print(out, err, "# %s %s\n\n%s\n\n- Outcome: %s\n", p->name, p->version,
                              p->intended_use, p->outcome_text);
    for (size_t i = 0; i < p->population_count && status == 0; i++)
        status = buffer_print(out, err, "- Population: %s\n", p->population[i].text);
    for (size_t i = 0; i < p->incomplete_count && status == 0; i++)
        status = buffer_print(out, err, "- Incomplete, gives no risk: %s\n", p->incomplete[i]);
    return status;
}

static int print_data(const struct fit_result *r, struct buffer *out, struct error *err)
{
    return buffer_print(out, err,
                        "\n## Data\n\n%zu patients, %zu with the outcome (column `%s`); %zu rows "
                        "dropped for a missing outcome or value. %zu columns offered; %zu more "
                        "could not be used. %zu were constant, %zu copies of another.\n"
                        "SHA-256 of the cohort: `%s`.\n",
                        r->model->rows, r->model->positives, r->outcome, r->data->dropped_rows,
                        r->data->values.columns, r->data->dropped_columns, r->model->constant,
                        r->model->duplicates, r->cohort_sha256);
}

static int print_steps(const struct fit_result *r, struct buffer *out, struct error *err)
{
    const struct fit_model *m = r->model;
    int status = buffer_print(out, err, "\n## How it was made\n\n`axnode fit` of axnode "
                              AXNODE_VERSION ", seed %llu, `recipe.yaml`.\n",
                              (unsigned long long)r->seed);
    if (status == 0 && r->recipe->update != FIT_UPDATE_NONE)
        return buffer_print(out, err, "Recalibrated: linear predictor of %s %s × %.6g + %.6g.\n",
                            r->base->name, r->base->version, m->terms[0].coefficient,
                            m->intercept);
    if (status == 0)
        status = buffer_print(out, err, "\n| step | features before | after |\n|---|---|---|\n");
    for (size_t i = 0; i < m->report_count && status == 0; i++)
        status = buffer_print(out, err, "| %s | %zu | %zu |\n", fit_step_name(m->reports[i].kind),
                              m->reports[i].before, m->reports[i].after);
    if (status == 0 && m->has_lambda)
        status = buffer_print(out, err, "\nλ = %.6g; cross-validated measure %.4f, standard error "
                              "%.4f.\n", m->lambda, m->lambda_measure, m->lambda_se);
    return status;
}

static int print_worth(const struct fit_result *r, struct buffer *out, struct error *err)
{
    const struct fit_validation *v = r->validation;
    if (!v)
        return buffer_print(out, err, "\n## What it is worth\n\nNot known: the recipe asked for no "
                            "validation.\n");
    int status = buffer_print(out, err,
                              "\n## What it is worth\n\nNested cross-validation, %d folds, %d "
                              "times: every step was repeated without the patients it was then "
                              "measured on.\n\n| figure | value |\n|---|---|\n"
                              "| AUC | %.3f (%.3f to %.3f) |\n| Brier score | %.3f |\n",
                              r->recipe->folds, r->recipe->repeats, v->auc.area, v->auc.ci95.low,
                              v->auc.ci95.high, v->brier.score);
    if (status == 0 && v->has_calibration)
        status = buffer_print(out, err, "| calibration slope | %.2f (%.2f to %.2f) |\n",
                              v->calibration.slope, v->calibration.slope_ci95.low,
                              v->calibration.slope_ci95.high);
    return status < 0 ? status
                      : buffer_print(out, err, "| terms, fewest to most | %zu to %zu |\n"
                                     "| AUC on its own patients, too good | %.3f |\n\n"
                                     "This is an estimate for patients of the same hospital. Other "
                                     "hospitals: `axnode evaluate` on their own patients first.\n",
                                     v->fewest_terms, v->most_terms, v->auc_apparent);
}

static int print_score(const struct fit_result *r, struct buffer *out, struct error *err)
{
    size_t count = fit_term_count(r), side = count + 1;
    int status = buffer_print(out, err, "\n## Score\n\nlogit risk = %.6g + Σ coefficient × (value "
                              "− centre) / scale\n\n| feature | centre | scale | coefficient | "
                              "standard error |\n|---|---|---|---|---|\n", fit_intercept(r));
    for (size_t k = 0; k < count && status == 0; k++) {
        struct fit_named_term t = fit_term_at(r, k);
        status = buffer_print(out, err, "| %s | %.6g | %.6g | %.6g | ", t.feature, t.centre,
                              t.scale, t.coefficient);
        if (status == 0)
            status = r->model->covariance
                         ? buffer_print(out, err, "%.6g |\n",
                                        sqrt(r->model->covariance[(k + 1) * side + k + 1]))
                         : buffer_print(out, err, "|\n");
    }
    if (status == 0 && r->model->bootstrap)
        status = buffer_print(out, err, "\nIntervals of a risk: from %zu draws of the patients, each "
                              "fitted with these terms; how sure the choice of terms is they do not "
                              "tell.\n", r->model->bootstrap_count);
    if (status == 0 && r->has_cutoff) {
        status = buffer_print(out, err, "\nCut-off of the risk %.3f: ", r->cutoff);
        if (status == 0)
            status = fit_print_cutoff_rule(r, out, err);
        if (status == 0)
            status = buffer_print(out, err, ".\n");
    }
    return status;
}

int fit_print_card(const struct fit_result *result, const struct package *package,
                   struct buffer *out, struct error *err)
{
    int status = print_head(package, out, err);
    if (status == 0)
        status = print_data(result, out, err);
    if (status == 0)
        status = print_steps(result, out, err);
    if (status == 0)
        status = print_worth(result, out, err);
    return status < 0 ? status : print_score(result, out, err);
}
