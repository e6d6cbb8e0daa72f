#include "model/statistics/operating.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* The x at which Beta(a, b) has the given part below it. By bisection on the distribution function,
 * which GSL knows to rounding; its own inverse stops a few digits earlier. */
static double beta_quantile(double part, double a, double b)
{
    double low = 0, high = 1;
    for (;;) {
        double middle = low + (high - low) / 2;
        if (!(middle > low && middle < high))
            return middle;
        if (gsl_cdf_beta_P(middle, a, b) < part)
            low = middle;
        else
            high = middle;
    }
}

struct proportion proportion_of(size_t count, size_t total)
{
    struct proportion p = {count, total, (double)NAN, {(double)NAN, (double)NAN}};
    if (total == 0)
        return p;
    double yes = (double)count, no = (double)(total - count);
    p.value = yes / (double)total;
    p.ci95.low = count == 0 ? 0 : beta_quantile(0.025, yes, no + 1);
    p.ci95.high = count == total ? 1 : beta_quantile(0.975, yes + 1, no);
    return p;
}

struct operating_point operating_point(const struct sample *sample, double cutoff)
{
    struct operating_point o = {.cutoff = cutoff};
    for (size_t i = 0; i < sample->n; i++) {
        bool called = sample->scores[i] >= cutoff;
        o.true_positive += called && sample->positive[i];
        o.false_positive += called && !sample->positive[i];
        o.false_negative += !called && sample->positive[i];
        o.true_negative += !called && !sample->positive[i];
    }
    o.sensitivity = proportion_of(o.true_positive, o.true_positive + o.false_negative);
    o.specificity = proportion_of(o.true_negative, o.true_negative + o.false_positive);
    o.ppv = proportion_of(o.true_positive, o.true_positive + o.false_positive);
    o.npv = proportion_of(o.true_negative, o.true_negative + o.false_negative);
    o.accuracy = proportion_of(o.true_positive + o.true_negative, sample->n);
    return o;
}
