#include "model/statistics/reclassification.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static struct estimate estimate_of(double value, double variance)
{
    struct estimate e = {.value = value, .se = sqrt(variance)};
    double reach = gsl_cdf_ugaussian_Pinv(0.975) * e.se;
    e.ci95 = (struct interval){value - reach, value + reach};
    e.z = e.se > 0 ? value / e.se : (double)NAN;
    e.p = 2 * gsl_cdf_ugaussian_P(-fabs(e.z));
    return e;
}

static int check(const struct sample *first, const struct sample *second, struct error *err)
{
    int status = sample_check_risks(first, err);
    return status < 0 ? status : sample_check_risks(second, err);
}

static size_t category(double risk, const double *cutoffs, size_t count)
{
    size_t reached = 0;
    for (size_t i = 0; i < count; i++)
        reached += risk >= cutoffs[i];
    return reached;
}

/* −1, 0 or 1. */
static int direction(double before, double after, const double *cutoffs, size_t count)
{
    if (count == 0)
        return (after > before) - (after < before);
    size_t from = category(before, cutoffs, count), to = category(after, cutoffs, count);
    return (to > from) - (to < from);
}

/* Variance of (up − down) / n for multinomial counts. */
static double change_variance(double up, double down, double n)
{
    return (up + down) / (n * n) - (up - down) * (up - down) / (n * n * n);
}

int reclassification_nri(const struct sample *first, const struct sample *second,
                         const double *cutoffs, size_t count, struct nri *ret_nri,
                         struct error *err)
{
    int status = check(first, second, err);
    if (status < 0)
        return status;
    double up[2] = {0, 0}, down[2] = {0, 0}, n[2] = {0, 0};
    for (size_t i = 0; i < first->n; i++) {
        int class = first->positive[i];
        int to = direction(first->scores[i], second->scores[i], cutoffs, count);
        up[class] += to > 0;
        down[class] += to < 0;
        n[class]++;
    }
    double event = change_variance(up[1], down[1], n[1]);
    double other = change_variance(up[0], down[0], n[0]);
    *ret_nri = (struct nri){
        .event_up = up[1] / n[1],
        .event_down = down[1] / n[1],
        .other_up = up[0] / n[0],
        .other_down = down[0] / n[0],
        .event = estimate_of((up[1] - down[1]) / n[1], event),
        .other = estimate_of((down[0] - up[0]) / n[0], other),
        .total = estimate_of((up[1] - down[1]) / n[1] + (down[0] - up[0]) / n[0], event + other),
    };
    return 0;
}

int reclassification_idi(const struct sample *first, const struct sample *second,
                         struct estimate *ret_idi, struct error *err)
{
    int status = check(first, second, err);
    if (status < 0)
        return status;
    double n[2] = {0, 0}, mean[2] = {0, 0}, squares[2] = {0, 0};
    for (size_t i = 0; i < first->n; i++) {
        int class = first->positive[i];
        n[class]++;
        mean[class] += second->scores[i] - first->scores[i];
    }
    mean[0] /= n[0];
    mean[1] /= n[1];
    for (size_t i = 0; i < first->n; i++) {
        int class = first->positive[i];
        double off = second->scores[i] - first->scores[i] - mean[class];
        squares[class] += off * off;
    }
    double variance = 0;
    for (int class = 0; class < 2; class++) /* one patient alone has no variance: NaN */
        variance += n[class] > 1 ? squares[class] / (n[class] - 1) / n[class] : (double)NAN;
    *ret_idi = estimate_of(mean[1] - mean[0], variance);
    return 0;
}
