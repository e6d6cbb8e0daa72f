/* Random numbers that depend on a seed alone: xoshiro256** (Blackman, Vigna: Scrambled linear
 * pseudorandom number generators, 2021), its state filled by splitmix64. */
#ifndef AXNODE_MODEL_FIT_RANDOM_H
#define AXNODE_MODEL_FIT_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fit_random {
    uint64_t state[4];
};

/* `stream` tells independent uses of one seed apart (a step, a tree). */
struct fit_random fit_random_new(uint64_t seed, uint64_t stream);
uint64_t fit_random_next(struct fit_random *random);
/* 0 ≤ number < bound, each as likely. */
size_t fit_random_below(struct fit_random *random, size_t bound);
/* The first `count` places of a random order of 0 … n − 1; `places` holds n. */
void fit_random_choose(struct fit_random *random, size_t *places, size_t n, size_t count);

/* Folds 0 … count − 1 over rows, each outcome spread evenly over them (stratified). */
void fit_folds(const double *outcome, size_t rows, int count, uint64_t seed, int *ret_folds,
               size_t *scratch);

#endif
