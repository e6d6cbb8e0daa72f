#include "model/fit/fit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fit/logistic.h"
#include "model/fit/random.h"
#include "model/fit/steps.h"

/* A recipe at work. */
struct run {
    const struct fit_recipe *recipe;
    const struct fit_options *options;
    struct training training;
    struct fit_model model;
    double *coefficients; /* [0] the intercept; of the standardised columns that are left */
};

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for fitting");
}

void fit_model_release(struct fit_model *model)
{
    free(model->terms);
    free(model->covariance);
    free(model->bootstrap);
    *model = (struct fit_model){0};
}

static void tell(const struct run *run, size_t step)
{
    struct fit_progress *progress = run->options->progress;
    char what[96];
    if (!progress)
        return;
    snprintf(what, sizeof what, "%s, %zu features", fit_step_name(run->recipe->steps[step].kind),
             run->training.x.columns);
    progress->tell(progress->context, what,
                   progress->from + progress->span * (double)step /
                                        (double)run->recipe->step_count);
}

/* Each use of random numbers has its own. */
static uint64_t step_seed(const struct run *run, size_t step)
{
    return run->options->seed + 0x9e3779b97f4a7c15u * (step + 1);
}

/* ---- steps that fit ---- */

static void keep_nonzero(struct run *run, const double *coefficients, size_t *keep,
                         size_t *ret_count)
{
    size_t count = 0;
    for (size_t j = 0; j < run->training.x.columns; j++)
        if (coefficients[j] != 0) {
            run->coefficients[count + 1] = coefficients[j];
            keep[count++] = j;
        }
    *ret_count = count;
}

static int run_lasso(struct run *run, size_t step, size_t *keep, size_t *ret_count,
                     struct error *err)
{
    const struct fit_step *s = &run->recipe->steps[step];
    const struct training *t = &run->training;
    const struct lasso_options options = {.alpha = s->alpha, .threshold = s->threshold,
                                          .lambda_count = 100,
                                          .threads = run->options->threads};
    struct lasso_path path = {0};
    struct lasso_cv cv = {0};
    int *folds = calloc(t->x.rows + 1, sizeof *folds);
    size_t *scratch = calloc(t->x.rows + 1, sizeof *scratch);
    int status = folds && scratch ? 0 : out_of_memory(err);
    if (status == 0) {
        fit_folds(t->outcome, t->x.rows, s->folds, step_seed(run, step), folds, scratch);
        status = lasso_fit(&t->x, t->outcome, &options, NULL, &path, err);
    }
    if (status == 0)
        status = lasso_cross_validate(&t->x, t->outcome, &options, &path, folds, s->folds,
                                      s->measure, &cv, err);
    if (status == 0) {
        size_t k = s->one_se ? cv.one_se : cv.minimum;
        run->model.has_lambda = true;
        run->model.lambda = path.lambda[k];
        run->model.lambda_measure = cv.mean[k];
        run->model.lambda_se = cv.sd[k];
        run->coefficients[0] = path.intercept[k];
        keep_nonzero(run, path.coefficients + k * path.columns, keep, ret_count);
    }
    lasso_path_release(&path);
    lasso_cv_release(&cv);
    free(folds);
    free(scratch);
    return status;
}

static int run_logistic(struct run *run, const struct fit_step *step, size_t *keep,
                        size_t *ret_count, struct error *err)
{
    const struct training *t = &run->training;
    const struct backward_options backward = {step->by_p, step->p_max};
    struct logistic fitted;
    for (size_t j = 0; j < t->x.columns; j++)
        keep[j] = j;
    int status = step->kind == FIT_STEP_LOGISTIC
                     ? logistic_fit(&t->x, t->outcome, NULL, t->names, &fitted, err)
                     : logistic_backward(&t->x, t->outcome, t->names, &backward, keep, &fitted, err);
    if (status < 0)
        return status;
    memcpy(run->coefficients, fitted.coefficients,
           (fitted.terms + 1) * sizeof *run->coefficients);
    free(run->model.covariance);
    run->model.covariance = fitted.covariance;
    fitted.covariance = NULL;
    *ret_count = fitted.terms;
    logistic_release(&fitted);
    return 0;
}

/* With no column left: the intercept alone. */
static void run_without_columns(struct run *run)
{
    double positive = 0, rows = (double)run->training.x.rows;
    for (size_t i = 0; i < run->training.x.rows; i++)
        positive += run->training.outcome[i];
    run->coefficients[0] = log(positive / (rows - positive));
}

static int run_step(struct run *run, size_t step, size_t *keep, struct error *err)
{
    const struct fit_step *s = &run->recipe->steps[step];
    size_t before = run->training.x.columns, count = before;
    int status = 0;
    tell(run, step);
    if (before == 0)
        run_without_columns(run);
    else if (s->kind == FIT_STEP_LASSO)
        status = run_lasso(run, step, keep, &count, err);
    else if (s->kind == FIT_STEP_STEPWISE || s->kind == FIT_STEP_LOGISTIC)
        status = run_logistic(run, s, keep, &count, err);
    else if (s->kind != FIT_STEP_ZSCORE)
        status = step_select(&run->training, s, step_seed(run, step), run->options->threads, keep,
                             &count, err);
    if (status < 0)
        return error_prefix(err, "step %zu, %s", step + 1, fit_step_name(s->kind));
    if (before > 0 && s->kind != FIT_STEP_ZSCORE)
        training_keep(&run->training, keep, count);
    run->model.reports[run->model.report_count++] = (struct fit_report){s->kind, before, count};
    return 0;
}

/* ---- the score ---- */

static bool has_zscore(const struct fit_recipe *recipe)
{
    bool any = false;
    for (size_t i = 0; i < recipe->step_count; i++)
        any |= recipe->steps[i].kind == FIT_STEP_ZSCORE;
    return any;
}

/* Coefficients of the numbers as they are: b / s each, and a − Σ b c / s; the covariance T C Tᵀ by
 * the same linear map. */
static int unscale(struct fit_model *model, struct error *err)
{
    size_t n = model->term_count, side = n + 1;
    double *map = calloc(2 * side * side, sizeof *map);
    if (!map)
        return out_of_memory(err);
    double *half = map + side * side;
    map[0] = 1;
    for (size_t k = 0; k < n; k++) {
        struct fit_term *term = &model->terms[k];
        map[k + 1] = -term->centre / term->scale;
        map[(k + 1) * side + k + 1] = 1 / term->scale;
        model->intercept -= term->coefficient * term->centre / term->scale;
        term->coefficient /= term->scale;
        term->centre = 0;
        term->scale = 1;
    }
    for (size_t i = 0; model->covariance && i < side; i++)
        for (size_t j = 0; j < side; j++)
            for (size_t k = 0; k < side; k++)
                half[i * side + j] += map[i * side + k] * model->covariance[k * side + j];
    for (size_t i = 0; model->covariance && i < side; i++)
        for (size_t j = 0; j < side; j++) {
            model->covariance[i * side + j] = 0;
            for (size_t k = 0; k < side; k++)
                model->covariance[i * side + j] += half[i * side + k] * map[j * side + k];
        }
    free(map);
    return 0;
}

static int make_terms(struct run *run, struct error *err)
{
    const struct training *t = &run->training;
    struct fit_model *m = &run->model;
    bool penalised = run->recipe->steps[run->recipe->step_count - 1].kind == FIT_STEP_LASSO;
    m->terms = calloc(t->x.columns + 1, sizeof *m->terms);
    if (!m->terms)
        return out_of_memory(err);
    m->term_count = t->x.columns;
    m->intercept = run->coefficients[0];
    for (size_t k = 0; k < m->term_count; k++)
        m->terms[k] = (struct fit_term){t->column[k], t->centre[k], t->scale[k],
                                        run->coefficients[k + 1], t->median[k]};
    if (penalised) {
        free(m->covariance);
        m->covariance = NULL;
    }
    return has_zscore(run->recipe) ? 0 : unscale(m, err);
}

/* Recalibration: the one column is the linear predictor of the package. */
static int recalibrate(const struct fit_data *data, const int *folds, int left_out,
                       const struct fit_recipe *recipe, struct fit_model *model,
                       struct error *err)
{
    struct fit_matrix x = {0}, none;
    size_t rows = 0, all = data->values.rows;
    struct logistic fitted;
    double *outcome = calloc(all + 1, sizeof *outcome);
    int status = outcome ? fit_matrix_new(all, 1, &x, err) : out_of_memory(err);
    for (size_t i = 0; i < all && status == 0; i++)
        if (!folds || folds[i] != left_out) {
            fit_matrix_column(&x, 0)[rows] = fit_matrix_column(&data->values, 0)[i];
            outcome[rows++] = data->outcome[i];
        }
    x.rows = rows;
    x.stride = (rows + 7) / 8 * 8;
    none = x;
    none.columns = 0;
    bool slope = recipe->update == FIT_UPDATE_INTERCEPT_SLOPE;
    if (status == 0)
        status = logistic_fit(slope ? &x : &none, outcome, slope ? NULL : x.values, data->names,
                              &fitted, err);
    if (status == 0) {
        *model = (struct fit_model){.intercept = fitted.coefficients[0], .term_count = 1,
                                    .terms = calloc(1, sizeof *model->terms), .rows = rows};
        if (model->terms)
            *model->terms = (struct fit_term){0, 0, 1, slope ? fitted.coefficients[1] : 1, 0};
        for (size_t i = 0; i < rows; i++)
            model->positives += outcome[i] > 0.5;
        logistic_release(&fitted);
        status = model->terms ? 0 : out_of_memory(err);
        if (status < 0)
            fit_model_release(model);
    }
    fit_matrix_release(&x);
    free(outcome);
    return status;
}

static int carry_out(struct run *run, struct error *err)
{
    size_t p = run->training.x.columns;
    size_t *keep = calloc(p + 1, sizeof *keep);
    run->coefficients = calloc(p + 1, sizeof *run->coefficients);
    int status = keep && run->coefficients ? 0 : out_of_memory(err);
    for (size_t i = 0; i < run->recipe->step_count && status == 0; i++)
        status = run_step(run, i, keep, err);
    if (status == 0)
        status = make_terms(run, err);
    free(keep);
    free(run->coefficients);
    return status;
}

int fit_train(const struct fit_data *data, const struct fit_recipe *recipe,
              const struct fit_options *options, const int *folds, int left_out,
              struct fit_model *ret_model, struct error *err)
{
    if (recipe->update != FIT_UPDATE_NONE)
        return recalibrate(data, folds, left_out, recipe, ret_model, err);
    struct run run = {.recipe = recipe, .options = options};
    int status = training_start(data, folds, left_out, &run.training, err);
    if (status < 0)
        return status;
    run.model.constant = run.training.constant;
    run.model.duplicates = run.training.duplicates;
    run.model.rows = run.training.x.rows;
    for (size_t i = 0; i < run.model.rows; i++)
        run.model.positives += run.training.outcome[i] > 0.5;
    if (run.model.positives == 0 || run.model.positives == run.model.rows)
        status = error_set(err, STATUS_INVALID, "the rows to fit have one outcome only");
    if (status == 0)
        status = carry_out(&run, err);
    training_release(&run.training);
    if (status == 0)
        *ret_model = run.model;
    else
        fit_model_release(&run.model);
    return status;
}

double fit_predict(const struct fit_model *model, const struct fit_data *data, size_t row)
{
    double sum = model->intercept;
    for (size_t k = 0; k < model->term_count; k++) {
        const struct fit_term *term = &model->terms[k];
        double value = fit_matrix_column(&data->values, term->column)[row];
        sum += term->coefficient * ((isnan(value) ? term->median : value) - term->centre) /
               term->scale;
    }
    return sum;
}
