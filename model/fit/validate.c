#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/fit/fit.h"
#include "model/fit/random.h"
#include "model/logistic.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for a validation");
}

void fit_validation_release(struct fit_validation *validation)
{
    free(validation->predictor);
    free(validation->apparent);
    *validation = (struct fit_validation){0};
}

/* One outer fold: fit without it, predict it. */
static int run_fold(const struct fit_data *data, const struct fit_recipe *recipe,
                    const struct fit_options *options, const int *folds, int fold,
                    struct fit_validation *v, struct error *err)
{
    struct fit_model model;
    int status = fit_train(data, recipe, options, folds, fold, &model, err);
    if (status < 0)
        return error_prefix(err, "validation without fold %d", fold + 1);
    for (size_t i = 0; i < data->values.rows; i++)
        if (folds[i] == fold)
            v->predictor[i] += fit_predict(&model, data, i) / recipe->repeats;
    if (model.term_count < v->fewest_terms)
        v->fewest_terms = model.term_count;
    if (model.term_count > v->most_terms)
        v->most_terms = model.term_count;
    fit_model_release(&model);
    return 0;
}

static int run_folds(const struct fit_data *data, const struct fit_recipe *recipe,
                     const struct fit_options *options, struct fit_validation *v,
                     struct error *err)
{
    size_t rows = data->values.rows;
    int *folds = calloc(rows + 1, sizeof *folds), status = 0;
    size_t *scratch = calloc(rows + 1, sizeof *scratch);
    struct fit_progress *progress = options->progress;
    double from = progress ? progress->from : 0, span = progress ? progress->span : 0;
    double runs = (double)recipe->folds * recipe->repeats, done = 0;
    if (!folds || !scratch)
        status = out_of_memory(err);
    for (int repeat = 0; repeat < recipe->repeats && status == 0; repeat++) {
        fit_folds(data->outcome, rows, recipe->folds, options->seed + (uint64_t)repeat, folds,
                  scratch);
        for (int fold = 0; fold < recipe->folds && status == 0; fold++) {
            if (progress) {
                progress->from = from + span * done / runs;
                progress->span = span / runs;
            }
            status = run_fold(data, recipe, options, folds, fold, v, err);
            done++;
        }
    }
    free(folds);
    free(scratch);
    return status;
}

/* Figures of the predictors; calibration only where it can be had. */
static int measure(const struct fit_data *data, struct fit_validation *v, struct error *err)
{
    size_t rows = data->values.rows;
    struct auc apparent;
    bool *positive = calloc(rows + 1, sizeof *positive);
    double *risk = calloc(rows + 1, sizeof *risk);
    int status = positive && risk ? 0 : out_of_memory(err);
    for (size_t i = 0; i < rows && status == 0; i++) {
        positive[i] = data->outcome[i] > 0.5;
        risk[i] = logistic(v->predictor[i]);
    }
    if (status == 0)
        status = roc_auc(&(struct sample){v->predictor, positive, rows}, &v->auc, err);
    if (status == 0)
        status = roc_auc(&(struct sample){v->apparent, positive, rows}, &apparent, err);
    if (status == 0)
        status = calibration_brier(&(struct sample){risk, positive, rows}, &v->brier, err);
    if (status == 0) {
        v->auc_apparent = apparent.area;
        v->has_calibration =
            calibration_fit(&(struct sample){risk, positive, rows}, &v->calibration, NULL) == 0;
    }
    free(positive);
    free(risk);
    return status;
}

int fit_validate(const struct fit_data *data, const struct fit_recipe *recipe,
                 const struct fit_options *options, const struct fit_model *model,
                 struct fit_validation *ret_validation, struct error *err)
{
    size_t rows = data->values.rows;
    struct fit_validation v = {.predictor = calloc(rows + 1, sizeof *v.predictor),
                               .apparent = calloc(rows + 1, sizeof *v.apparent),
                               .fewest_terms = SIZE_MAX};
    int status = v.predictor && v.apparent ? run_folds(data, recipe, options, &v, err)
                                           : out_of_memory(err);
    for (size_t i = 0; i < rows && status == 0; i++)
        v.apparent[i] = fit_predict(model, data, i);
    if (status == 0)
        status = measure(data, &v, err);
    if (status == 0)
        *ret_validation = v;
    else
        fit_validation_release(&v);
    return status;
}

/* The highest cut-off that still has the sensitivity. */
static double cutoff_for(const struct roc_point *points, size_t count, double sensitivity)
{
    double cutoff = points[0].cutoff;
    for (size_t i = 0; i < count; i++)
        if (points[i].sensitivity >= sensitivity)
            cutoff = points[i].cutoff;
    return cutoff;
}

int fit_choose_cutoff(const struct fit_recipe *recipe, const double *predictor,
                      const double *outcome, size_t rows, double *ret_cutoff, struct error *err)
{
    struct roc_point *points;
    size_t count;
    if (recipe->cutoff == FIT_CUTOFF_FIXED) {
        *ret_cutoff = recipe->cutoff_value;
        return 0;
    }
    bool *positive = calloc(rows + 1, sizeof *positive);
    if (!positive)
        return out_of_memory(err);
    for (size_t i = 0; i < rows; i++)
        positive[i] = outcome[i] > 0.5;
    int status = roc_points(&(struct sample){predictor, positive, rows}, &points, &count, err);
    free(positive);
    if (status < 0)
        return status;
    double cutoff = recipe->cutoff == FIT_CUTOFF_YOUDEN
                        ? roc_youden(points, count)->cutoff
                        : cutoff_for(points, count, recipe->cutoff_value);
    *ret_cutoff = logistic(cutoff);
    free(points);
    return 0;
}
