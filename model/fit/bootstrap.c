#include "model/fit/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/fit/logistic.h"
#include "model/fit/random.h"
#include "model/fit/work.h"

/* Draws of one place until a regression has finite coefficients. */
enum { TRIES_MAX = 20 };

/* What all draws share; each writes its own row of `sets`. */
struct drawing {
    const struct fit_recipe *recipe;
    const struct fit_model *model;
    struct fit_matrix x; /* the model's terms as it sees them, before their coefficients */
    const double *outcome;
    size_t *classes; /* rows without, then rows with the outcome */
    size_t negatives;
    uint64_t seed;
    double *sets;
};

/* One sample: its terms standardised on it, and what takes that back. */
struct sample_rows {
    struct fit_matrix x;
    double *outcome, *centre, *scale;
};

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for a bootstrap");
}

static void sample_release(struct sample_rows *s)
{
    fit_matrix_release(&s->x);
    free(s->outcome);
}

static int sample_new(const struct drawing *d, struct sample_rows *s, struct error *err)
{
    size_t rows = d->x.rows, terms = d->x.columns;
    *s = (struct sample_rows){0};
    int status = fit_matrix_new(rows, terms, &s->x, err);
    if (status < 0)
        return status;
    s->outcome = calloc(rows + 2 * terms + 1, sizeof *s->outcome);
    s->centre = s->outcome + rows;
    s->scale = s->centre + terms;
    if (s->outcome)
        return 0;
    sample_release(s);
    return out_of_memory(err);
}

/* As many rows of each outcome as there are, drawn with repetition. */
static void sample_fill(const struct drawing *d, struct fit_random *random, struct sample_rows *s)
{
    size_t rows = d->x.rows, positives = rows - d->negatives;
    for (size_t i = 0; i < rows; i++) {
        size_t row = i < d->negatives
                         ? d->classes[fit_random_below(random, d->negatives)]
                         : d->classes[d->negatives + fit_random_below(random, positives)];
        s->outcome[i] = d->outcome[row];
        for (size_t k = 0; k < d->x.columns; k++)
            fit_matrix_column(&s->x, k)[i] = fit_matrix_column(&d->x, k)[row];
    }
    for (size_t k = 0; k < d->x.columns; k++)
        fit_standardise(fit_matrix_column(&s->x, k), rows, &s->centre[k], &s->scale[k]);
}

/* The last step once more: at the same λ where it is penalised. */
static int fit_sample(const struct drawing *d, const struct sample_rows *s, double *set,
                      struct error *err)
{
    const struct fit_step *step = &d->recipe->steps[d->recipe->step_count - 1];
    size_t terms = d->x.columns;
    if (step->kind != FIT_STEP_LASSO) {
        struct logistic fitted;
        int status = logistic_fit(&s->x, s->outcome, NULL, NULL, &fitted, err);
        if (status < 0)
            return status;
        memcpy(set, fitted.coefficients, (terms + 1) * sizeof *set);
        logistic_release(&fitted);
        return 0;
    }
    const struct lasso_options options = {.alpha = step->alpha, .threshold = step->threshold,
                                          .lambda_count = 2, .threads = 1};
    const double lambdas[2] = {2 * d->model->lambda, d->model->lambda};
    struct lasso_path path;
    int status = lasso_fit(&s->x, s->outcome, &options, lambdas, &path, err);
    if (status < 0)
        return status;
    set[0] = path.intercept[1];
    memcpy(set + 1, path.coefficients + terms, terms * sizeof *set);
    lasso_path_release(&path);
    return 0;
}

/* Coefficients of the terms as the model scales them. */
static void unscale(const struct sample_rows *s, size_t terms, double *set)
{
    for (size_t k = 0; k < terms; k++) {
        set[k + 1] = s->scale[k] > 0 ? set[k + 1] / s->scale[k] : 0;
        set[0] -= set[k + 1] * s->centre[k];
    }
}

static int draw(void *context, size_t index, struct error *err)
{
    const struct drawing *d = context;
    struct fit_random random = fit_random_new(d->seed, index);
    struct sample_rows sample;
    double *set = d->sets + index * (d->x.columns + 1);
    int status = sample_new(d, &sample, err);
    if (status < 0)
        return status;
    status = STATUS_INVALID;
    for (int tries = 0; status == STATUS_INVALID && tries < TRIES_MAX; tries++) {
        sample_fill(d, &random, &sample);
        status = fit_sample(d, &sample, set, err);
    }
    if (status == 0)
        unscale(&sample, d->x.columns, set);
    sample_release(&sample);
    return status < 0 ? error_prefix(err, "bootstrap: %d samples in a row gave no model", TRIES_MAX)
                      : 0;
}

/* Values of the terms, centred and scaled, medians for what is missing. */
static int terms_fill(const struct fit_data *data, const struct fit_model *model,
                      struct fit_matrix *ret_x, struct error *err)
{
    size_t rows = data->values.rows;
    int status = fit_matrix_new(rows, model->term_count, ret_x, err);
    for (size_t k = 0; status == 0 && k < model->term_count; k++) {
        const struct fit_term *term = &model->terms[k];
        const double *from = fit_matrix_column(&data->values, term->column);
        double *to = fit_matrix_column(ret_x, k);
        for (size_t i = 0; i < rows; i++)
            to[i] = ((isnan(from[i]) ? term->median : from[i]) - term->centre) / term->scale;
    }
    return status;
}

int fit_bootstrap(const struct fit_data *data, const struct fit_recipe *recipe,
                  const struct fit_options *options, struct fit_model *model, struct error *err)
{
    size_t rows = data->values.rows, draws = (size_t)recipe->bootstrap;
    struct drawing d = {.recipe = recipe, .model = model, .outcome = data->outcome,
                        .seed = options->seed};
    int status = terms_fill(data, model, &d.x, err);
    if (status < 0)
        return status;
    d.classes = calloc(rows + 1, sizeof *d.classes);
    d.sets = calloc(draws * (model->term_count + 1), sizeof *d.sets);
    if (d.classes && d.sets) {
        for (size_t i = 0; i < rows; i++)
            if (!(data->outcome[i] > 0.5))
                d.classes[d.negatives++] = i;
        for (size_t i = 0, to = d.negatives; i < rows; i++)
            if (data->outcome[i] > 0.5)
                d.classes[to++] = i;
        status = fit_work(options->threads, draws, draw, &d, err);
    } else {
        status = out_of_memory(err);
    }
    if (status == 0) {
        model->bootstrap = d.sets;
        model->bootstrap_count = draws;
        d.sets = NULL;
    }
    free(d.sets);
    free(d.classes);
    fit_matrix_release(&d.x);
    return status;
}
