#include "service/backoff.h"

#include <sys/random.h>

int64_t backoff_us(int64_t first_us, int64_t max_us, int attempt)
{
    int64_t delay_us = first_us;
    uint16_t noise = 0;
    for (int i = 1; i < attempt && delay_us < max_us; i++)
        delay_us *= 2;
    if (delay_us > max_us)
        delay_us = max_us;
    if (getrandom(&noise, sizeof noise, GRND_NONBLOCK) != sizeof noise)
        noise = UINT16_MAX / 2;
    return delay_us - delay_us / 5 + delay_us / 5 * 2 / UINT16_MAX * noise;
}
