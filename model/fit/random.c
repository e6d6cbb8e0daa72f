#include "model/fit/random.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

struct fit_random fit_random_new(uint64_t seed, uint64_t stream)
{
    struct fit_random random;
    uint64_t state = seed, other = stream;
    state ^= splitmix(&other);
    for (int i = 0; i < 4; i++)
        random.state[i] = splitmix(&state);
    return random;
}

uint64_t fit_random_next(struct fit_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

size_t fit_random_below(struct fit_random *random, size_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, value;
    do
        value = fit_random_next(random);
    while (value >= limit);
    return (size_t)(value % bound);
}

void fit_random_choose(struct fit_random *random, size_t *places, size_t n, size_t count)
{
    for (size_t i = 0; i < n; i++)
        places[i] = i;
    for (size_t i = 0; i < count && i + 1 < n; i++) {
        size_t k = i + fit_random_below(random, n - i), kept = places[i];
        places[i] = places[k];
        places[k] = kept;
    }
}

void fit_folds(const double *outcome, size_t rows, int count, uint64_t seed, int *ret_folds,
               size_t *scratch)
{
    struct fit_random random = fit_random_new(seed, 0);
    size_t next = 0;
    fit_random_choose(&random, scratch, rows, rows);
    /* Dealt out one by one, positives first: class sizes differ by one at most. */
    for (int wanted = 1; wanted >= 0; wanted--)
        for (size_t i = 0; i < rows; i++)
            if ((outcome[scratch[i]] > 0.5) == (wanted == 1))
                ret_folds[scratch[i]] = (int)(next++ % (size_t)count);
}
