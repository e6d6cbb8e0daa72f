/* Reproducible random numbers: SplitMix64 (Steele, Lea, Flood 2014), one stream for each
 * purpose, so that a change to one part of a picture leaves all others as they were. */
#ifndef AXNODE_PHANTOM_RANDOM_H
#define AXNODE_PHANTOM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* What a stream is for. */
enum random_purpose {
    RANDOM_LATENTS,
    RANDOM_OUTCOME,
    RANDOM_STUDY,   /* machine, side, number and order of pictures */
    RANDOM_PICTURE, /* depth, gain and place of the lesion; and one further for each below */
    RANDOM_TISSUE,
    RANDOM_SHAPE,
    RANDOM_SPECKLE,
    RANDOM_SCREEN,
    RANDOM_LOOP,     /* the loop's own seed, and the tumour's firmness */
    RANDOM_SCATTERER, /* a slice of scatterers, numbered */
};

struct random random_stream(uint64_t seed, uint64_t study, enum random_purpose purpose,
                            uint64_t picture);
uint64_t random_bits(struct random *r);
/* In [low, high). */
double random_uniform(struct random *r, double low, double high);
/* In [0, n). */
int random_below(struct random *r, int n);
bool random_chance(struct random *r, double probability);
/* Standard normal, by Box and Muller. */
double random_normal(struct random *r);
/* Nearly normal (sum of four uniforms), mean 0, variance 1; integer arithmetic, fast. For
 * speckle, where sums of many are taken. */
float random_rough_normal(struct random *r);

#endif
