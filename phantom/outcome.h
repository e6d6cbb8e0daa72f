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

#endif
