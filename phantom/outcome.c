#include "phantom/outcome.h"

#include <math.h>

#include "phantom/random.h"

/* A hilum thinner than this part of the half short axis is taken as lost. */
static const double LOST_FROM = 0.8;

/* Frozen on the day docs/phantom.md was first committed: change neither without the other. */
static const double INTERCEPT = -0.55;
static const struct term {
    double coefficient, mean, scale;
} TUMOUR_SIZE = {0.8, 16.0, 6.0}, TUMOUR_IRREGULARITY = {1.1, 0.5, 0.289}, CORTEX = {0.9, 2.8, 1.2},
  ROUNDNESS = {1.2, 0.65, 0.156}, HILUM = {-1.3, 0.27, 0.22};

static double term_of(struct term t, double value)
{
    return t.coefficient * (value - t.mean) / t.scale;
}

static double clamp(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

struct latents latents_draw(uint64_t seed, uint64_t study)
{
    struct random r = random_stream(seed, study, RANDOM_LATENTS, 0);
    struct latents l = {0};
    l.tumour_size_mm = clamp(15 * exp(0.38 * random_normal(&r)), 6, 35);
    l.tumour_irregularity = random_uniform(&r, 0, 1);
    l.node_long_mm = clamp(14 * exp(0.28 * random_normal(&r)), 7, 25);
    l.node_roundness = random_uniform(&r, 0.38, 0.92);
    l.cortex_relative = random_uniform(&r, 0.2, 1.05);

    double half_long = l.node_long_mm / 2;
    double half_short = half_long * l.node_roundness;
    if (l.cortex_relative > LOST_FROM) {
        l.cortex_mm = half_short;
    } else {
        l.cortex_mm = l.cortex_relative * half_short;
        l.hilum_fraction =
            (half_long - l.cortex_mm) * (half_short - l.cortex_mm) / (half_long * half_short);
    }
    double logit = INTERCEPT + term_of(TUMOUR_SIZE, l.tumour_size_mm) +
                   term_of(TUMOUR_IRREGULARITY, l.tumour_irregularity) +
                   term_of(CORTEX, l.cortex_mm) + term_of(ROUNDNESS, l.node_roundness) +
                   term_of(HILUM, l.hilum_fraction);
    l.risk = 1 / (1 + exp(-logit));
    struct random coin = random_stream(seed, study, RANDOM_OUTCOME, 0);
    l.outcome = random_chance(&coin, l.risk);
    return l;
}
