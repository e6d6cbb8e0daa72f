#include "model/statistics/calibration.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "model/logistic.h"

enum { STEPS_MAX = 100 };
/* Beyond this a coefficient runs to infinity. */
static const double RUNAWAY = 1e6;

/* First and second derivatives of the log likelihood of P = logistic(a + b x). */
struct slopes {
    double a, b, aa, ab, bb;
};

static struct slopes derivatives(const struct sample *sample, double a, double b)
{
    struct slopes s = {0};
    for (size_t i = 0; i < sample->n; i++) {
        double x = logit(sample->scores[i]), p = logistic(a + b * x);
        double rest = (double)sample->positive[i] - p, weight = p * (1 - p);
        s.a += rest;
        s.b += rest * x;
        s.aa += weight;
        s.ab += weight * x;
        s.bb += weight * x * x;
    }
    return s;
}

static struct interval wald(double value, double se)
{
    double reach = gsl_cdf_ugaussian_Pinv(0.975) * se;
    return (struct interval){value - reach, value + reach};
}

static int no_maximum(struct error *err)
{
    return error_set(err, STATUS_INVALID,
                     "the risks separate the outcomes completely: there is no calibration slope");
}

/* Newton's steps for a alone, b = 1. The likelihood is concave, and steps are kept short, so that
 * it converges from anywhere. */
static int fit_in_the_large(const struct sample *sample, struct recalibration *fit,
                            struct error *err)
{
    double a = 0;
    for (int step = 0; step < STEPS_MAX; step++) {
        struct slopes s = derivatives(sample, a, 1);
        double move = s.aa > 0 ? s.a / s.aa : copysign(1, s.a);
        a += fmax(-2, fmin(2, move));
        if (fabs(move) < 1e-12 * (1 + fabs(a))) {
            fit->in_the_large = a;
            fit->in_the_large_se = 1 / sqrt(derivatives(sample, a, 1).aa);
            fit->in_the_large_ci95 = wald(a, fit->in_the_large_se);
            return 0;
        }
    }
    return error_set(err, STATUS_INVALID, "calibration in the large has no solution");
}

static double log_likelihood(const struct sample *sample, double a, double b)
{
    double sum = 0;
    for (size_t i = 0; i < sample->n; i++) {
        double x = a + b * logit(sample->scores[i]);
        x = sample->positive[i] ? x : -x;
        sum -= x > 0 ? log1p(exp(-x)) : log1p(exp(x)) - x;
    }
    return sum;
}

static int fit_slope(const struct sample *sample, struct recalibration *fit, struct error *err)
{
    double a = 0, b = 0, best = log_likelihood(sample, a, b);
    for (int step = 0; step < STEPS_MAX; step++) {
        struct slopes s = derivatives(sample, a, b);
        double determinant = s.aa * s.bb - s.ab * s.ab;
        if (!(determinant > 1e-14 * s.aa * s.bb) || fabs(b) > RUNAWAY)
            return no_maximum(err);
        double move_a = (s.bb * s.a - s.ab * s.b) / determinant;
        double move_b = (s.aa * s.b - s.ab * s.a) / determinant;
        bool done = fabs(move_a) < 1e-11 * (1 + fabs(a)) && fabs(move_b) < 1e-11 * (1 + fabs(b));
        double now = log_likelihood(sample, a + move_a, b + move_b);
        for (int halving = 0; now < best - 1e-9 && halving < 30; halving++) {
            move_a /= 2;
            move_b /= 2;
            now = log_likelihood(sample, a + move_a, b + move_b);
        }
        best = now;
        a += move_a;
        b += move_b;
        if (!done)
            continue;
        fit->intercept = a;
        fit->slope = b;
        fit->intercept_se = sqrt(s.bb / determinant);
        fit->slope_se = sqrt(s.aa / determinant);
        fit->intercept_ci95 = wald(a, fit->intercept_se);
        fit->slope_ci95 = wald(b, fit->slope_se);
        return 0;
    }
    return no_maximum(err);
}

/* True when one value divides the outcomes: the slope is infinite. */
static bool separated(const struct sample *sample)
{
    double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < sample->n; i++) {
        double x = sample->scores[i];
        int class = sample->positive[i];
        least[class] = fmin(least[class], x);
        most[class] = fmax(most[class], x);
    }
    return most[0] <= least[1] || most[1] <= least[0];
}

int calibration_fit(const struct sample *sample, struct recalibration *ret_fit, struct error *err)
{
    struct recalibration fit = {0};
    bool equal = true;
    int status = sample_check_risks(sample, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < sample->n; i++) {
        equal = equal && sample->scores[i] == sample->scores[0];
        if (sample->scores[i] == 0 || sample->scores[i] == 1)
            return error_set(err, STATUS_INVALID, "a risk is exactly 0 or 1: there is no "
                             "calibration slope");
    }
    if (equal)
        return error_set(err, STATUS_INVALID,
                         "all risks are equal: there is no calibration slope");
    if (separated(sample))
        return no_maximum(err);
    status = fit_in_the_large(sample, &fit, err);
    if (status == 0)
        status = fit_slope(sample, &fit, err);
    if (status == 0)
        *ret_fit = fit;
    return status;
}

int calibration_brier(const struct sample *sample, struct brier *ret_brier, struct error *err)
{
    int status = sample_check_risks(sample, err);
    if (status < 0)
        return status;
    double sum = 0, n = (double)sample->n, share = (double)sample_positives(sample) / n;
    for (size_t i = 0; i < sample->n; i++) {
        double off = sample->scores[i] - (double)sample->positive[i];
        sum += off * off;
    }
    ret_brier->score = sum / n;
    ret_brier->scaled = 1 - ret_brier->score / (share * (1 - share));
    return 0;
}

/* Different values of the deciles; returns how many. */
static size_t breaks_of(const double *sorted, size_t n, double breaks[CALIBRATION_GROUPS_MAX + 1])
{
    size_t count = 0;
    for (int i = 0; i <= CALIBRATION_GROUPS_MAX; i++) {
        double value = sorted_quantile(sorted, n, i / (double)CALIBRATION_GROUPS_MAX);
        if (count == 0 || value > breaks[count - 1])
            breaks[count++] = value;
    }
    return count;
}

int calibration_groups(const struct sample *sample, struct calibration_groups *ret_groups,
                       struct error *err)
{
    double breaks[CALIBRATION_GROUPS_MAX + 1];
    struct calibration_groups groups = {0};
    int status = sample_check_risks(sample, err);
    if (status < 0)
        return status;
    double *sorted = calloc(sample->n, sizeof *sorted);
    if (!sorted)
        return error_set(err, STATUS_NOMEM, "out of memory for %zu risks", sample->n);
    for (size_t i = 0; i < sample->n; i++)
        sorted[i] = sample->scores[i];
    qsort(sorted, sample->n, sizeof *sorted, compare_doubles);
    size_t break_count = breaks_of(sorted, sample->n, breaks);
    free(sorted);
    groups.count = break_count > 1 ? break_count - 1 : 1;
    size_t events[CALIBRATION_GROUPS_MAX] = {0}, sizes[CALIBRATION_GROUPS_MAX] = {0};
    for (size_t i = 0; i < sample->n; i++) {
        size_t g = 0;
        while (g + 1 < groups.count && sample->scores[i] > breaks[g + 1])
            g++;
        struct calibration_group *group = &groups.groups[g];
        double risk = sample->scores[i];
        group->risk_low = sizes[g] ? fmin(group->risk_low, risk) : risk;
        group->risk_high = sizes[g] ? fmax(group->risk_high, risk) : risk;
        group->risk_mean += risk;
        events[g] += sample->positive[i];
        sizes[g]++;
    }
    /* Every group holds the patient at its upper break, so that none is empty, but interpolation
     * may leave one without. */
    size_t kept = 0;
    for (size_t g = 0; g < groups.count; g++) {
        if (sizes[g] == 0)
            continue;
        groups.groups[kept] = groups.groups[g];
        groups.groups[kept].risk_mean /= (double)sizes[g];
        groups.groups[kept++].observed = proportion_of(events[g], sizes[g]);
    }
    groups.count = kept;
    *ret_groups = groups;
    return 0;
}

struct hosmer_lemeshow calibration_hosmer_lemeshow(const struct calibration_groups *groups)
{
    struct hosmer_lemeshow h = {.groups = groups->count,
                                .p_same_patients = (double)NAN,
                                .p_other_patients = (double)NAN};
    for (size_t g = 0; g < groups->count; g++) {
        const struct calibration_group *group = &groups->groups[g];
        double n = (double)group->observed.total, expected = n * group->risk_mean;
        double off = (double)group->observed.count - expected;
        double variance = expected * (1 - group->risk_mean);
        if (variance > 0)
            h.chi2 += off * off / variance;
        else if (off != 0)
            h.chi2 = (double)NAN;
    }
    if (isnan(h.chi2))
        return h;
    h.p_other_patients = gsl_cdf_chisq_Q(h.chi2, (double)h.groups);
    if (h.groups > 2)
        h.p_same_patients = gsl_cdf_chisq_Q(h.chi2, (double)h.groups - 2);
    return h;
}
