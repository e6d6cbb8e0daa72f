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

/* Firmness given the outcome: normal around 0.5 - this or 0.5 + this. */
static const double FIRMNESS_APART = 0.18, FIRMNESS_SIGMA = 0.135;

static double probability(double logit)
{
    return 1 / (1 + exp(-logit));
}

static double with_tumour(double logit, const struct latents *l)
{
    return logit + term_of(TUMOUR_SIZE, l->tumour_size_mm) +
           term_of(TUMOUR_IRREGULARITY, l->tumour_irregularity);
}

static double with_node(double logit, const struct latents *l)
{
    return logit + term_of(CORTEX, l->cortex_mm) + term_of(ROUNDNESS, l->node_roundness) +
           term_of(HILUM, l->hilum_fraction);
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
    l.risk = probability(with_node(with_tumour(INTERCEPT, &l), &l));
    struct random coin = random_stream(seed, study, RANDOM_OUTCOME, 0);
    l.outcome = random_chance(&coin, l.risk);
    return l;
}

double firmness_draw(uint64_t seed, uint64_t study, bool outcome)
{
    struct random r = random_stream(seed, study, RANDOM_LOOP, 1);
    return 0.5 + (outcome ? FIRMNESS_APART : -FIRMNESS_APART) + FIRMNESS_SIGMA * random_normal(&r);
}

double risk_of_still(const struct latents *latents)
{
    enum { NODES = 2000 }; /* drawn nodes: the sum is within 0.01 of the integral */
    double tumour = with_tumour(INTERCEPT, latents), sum = 0;
    for (uint64_t i = 1; i <= NODES; i++) {
        struct latents node = latents_draw(0, i);
        sum += probability(with_node(tumour, &node));
    }
    return sum / NODES;
}

double risk_of_loop(const struct latents *latents, double firmness)
{
    double still = risk_of_still(latents);
    double ratio = 2 * FIRMNESS_APART / (FIRMNESS_SIGMA * FIRMNESS_SIGMA) * (firmness - 0.5);
    return probability(log(still / (1 - still)) + ratio);
}
