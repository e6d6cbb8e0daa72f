#include "phantom/random.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct random random_stream(uint64_t seed, uint64_t study, enum random_purpose purpose,
                            uint64_t picture)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t state = mix(seed + golden);
    state = mix(state ^ (study * golden + 1));
    state = mix(state ^ (((uint64_t)purpose << 32 | picture) * golden + 2));
    return (struct random){.state = state};
}

uint64_t random_bits(struct random *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(r->state);
}

static double unit(struct random *r)
{
    return (double)(random_bits(r) >> 11) * 0x1p-53;
}

double random_uniform(struct random *r, double low, double high)
{
    return low + (high - low) * unit(r);
}

int random_below(struct random *r, int n)
{
    return (int)((random_bits(r) >> 32) * (uint64_t)n >> 32);
}

bool random_chance(struct random *r, double probability)
{
    return unit(r) < probability;
}

double random_normal(struct random *r)
{
    double radius = sqrt(-2 * log(1 - unit(r)));
    return radius * cos(2 * M_PI * unit(r));
}

float random_rough_normal(struct random *r)
{
    uint64_t bits = random_bits(r);
    int32_t sum = (int32_t)(bits & 0xffff) + (int32_t)(bits >> 16 & 0xffff) +
                  (int32_t)(bits >> 32 & 0xffff) + (int32_t)(bits >> 48);
    /* Each term is uniform on 0…65535: mean 32767.5, standard deviation 18918.6. */
    return ((float)sum - 131070.0F) * (1.0F / 37837.2F);
}
