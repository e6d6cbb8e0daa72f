/* What is true of a synthetic patient, and the risk that follows from it: the frozen outcome
 * model of docs/phantom.md. */
#ifndef AXNODE_PHANTOM_OUTCOME_H
#define AXNODE_PHANTOM_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

struct latents {
    double tumour_size_mm;      /* longest diameter of the largest section, 6 to 35 */
    double tumour_irregularity; /* 0 smooth oval, 1 spiky */
    double node_long_mm;        /* 7 to 25 */
    double node_roundness;      /* short / long axis, 0.38 to 0.92 */
    double cortex_relative;     /* cortical thickness / half the short axis, 0.2 to 1.05 */
    /* These follow from the three above. */
    double cortex_mm;      /* half the short axis where the hilum is lost */
    double hilum_fraction; /* hilum area / node area; 0 where it is lost */
    double risk;           /* probability of the outcome */
    bool outcome;          /* node metastasis */
};

/* Study `study` (from 1) of a seed. */
struct latents latents_draw(uint64_t seed, uint64_t study);

/* How the tumour behaves under the probe: what a loop shows and no still does. About 0: it is
 * squeezed like the tissue around it and slips away; about 1: it keeps its shape and the tissue
 * moves with it. Drawn given the study's outcome, so that all else stays as it is without loops. */
double firmness_draw(uint64_t seed, uint64_t study, bool outcome);
/* Probability of the outcome given the tumour's size and irregularity alone, the node's part
 * averaged over its distribution: the best that stills of the tumour can tell. */
double risk_of_still(const struct latents *latents);
/* The same given the firmness too: the best that a loop of the tumour can tell. */
double risk_of_loop(const struct latents *latents, double firmness);

#endif
