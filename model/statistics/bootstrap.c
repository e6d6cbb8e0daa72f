#include "model/statistics/bootstrap.h"

#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

struct draws {
    gsl_rng *random;
    size_t *places;   /* those with the outcome, then those without */
    size_t *patients; /* one draw */
    double *figures;  /* [figure][replicate] */
    double *one;      /* figures of one draw */
};

static void draws_release(struct draws *d)
{
    gsl_rng_free(d->random);
    free(d->places);
    free(d->patients);
    free(d->figures);
    free(d->one);
}

static int draws_init(struct draws *d, const bool *positive, size_t n, size_t values,
                      size_t figure_count, uint64_t seed, struct error *err)
{
    *d = (struct draws){.random = gsl_rng_alloc(gsl_rng_mt19937)};
    d->places = calloc(n, sizeof *d->places);
    d->patients = calloc(n, sizeof *d->patients);
    d->figures = calloc(values, sizeof *d->figures);
    d->one = calloc(figure_count, sizeof *d->one);
    if (!d->random || !d->places || !d->patients || !d->figures || !d->one) {
        draws_release(d);
        return error_set(err, STATUS_NOMEM, "out of memory for the bootstrap");
    }
    gsl_rng_set(d->random, (unsigned long)(seed & 0xFFFFFFFF) ^ (unsigned long)(seed >> 32));
    size_t at = 0;
    for (int class = 1; class >= 0; class--)
        for (size_t i = 0; i < n; i++)
            if (positive[i] == (bool)class)
                d->places[at++] = i;
    return 0;
}

static void draw(struct draws *d, size_t positives, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t first = i < positives ? 0 : positives;
        size_t size = i < positives ? positives : n - positives;
        d->patients[i] = d->places[first + gsl_rng_uniform_int(d->random, size)];
    }
}

/* Sorts `values`; those that are NaN are left out. */
static struct interval percentiles(double *values, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[left++] = values[i];
    if (left < (count + 1) / 2)
        return (struct interval){(double)NAN, (double)NAN};
    qsort(values, left, sizeof *values, compare_doubles);
    return (struct interval){sorted_quantile(values, left, 0.025),
                             sorted_quantile(values, left, 0.975)};
}

int bootstrap_intervals(const bool *positive, size_t n, size_t replicates, uint64_t seed,
                        bootstrap_figures *figures, void *context, size_t figure_count,
                        struct interval *ret_intervals, struct error *err)
{
    struct sample sample = {.positive = positive, .n = n};
    size_t positives = sample_positives(&sample);
    struct draws d;
    if (positives == 0 || positives == n)
        return error_set(err, STATUS_INVALID,
                         "a bootstrap needs patients with and without the outcome");
    if (replicates < 10 || replicates > BOOTSTRAP_REPLICATES_MAX || figure_count == 0 ||
        figure_count > BOOTSTRAP_FIGURES_MAX)
        return error_set(err, STATUS_INVALID, "bootstrap replicates must lie between 10 and %d",
                         BOOTSTRAP_REPLICATES_MAX);
    int status = draws_init(&d, positive, n, replicates * figure_count, figure_count, seed, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < replicates && status == 0; i++) {
        draw(&d, positives, n);
        status = figures(context, d.patients, n, d.one, err);
        for (size_t k = 0; k < figure_count; k++)
            d.figures[k * replicates + i] = d.one[k];
    }
    for (size_t k = 0; k < figure_count && status == 0; k++)
        ret_intervals[k] = percentiles(d.figures + k * replicates, replicates);
    draws_release(&d);
    return status;
}
