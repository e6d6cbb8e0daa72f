#include "pipeline/sampling.h"

static const double MOMENT_S = 1e-6;

double sampling_duration(const double *seconds, size_t count)
{
    const double apart = seconds[count - 1] - seconds[0];
    return count < 2 ? 0 : apart + apart / (double)(count - 1);
}

void sampling_pick(const double *seconds, size_t count, size_t wanted, size_t *ret_indices)
{
    const double part = sampling_duration(seconds, count) / (double)wanted;
    size_t shown = 0;
    for (size_t i = 0; i < wanted; i++) {
        const double middle = seconds[0] + ((double)i + 0.5) * part;
        while (shown + 1 < count && seconds[shown + 1] <= middle + MOMENT_S)
            shown++;
        ret_indices[i] = shown;
    }
}

/* The frames from the middle between look `a` - 1 and `a` to that between `b` and `b` + 1. */
static void widen(const double *seconds, size_t count, const size_t *looks, size_t look_count,
                  size_t a, size_t b, size_t *ret_first, size_t *ret_last)
{
    size_t first = looks[a], last = looks[b];
    const double from = a ? (seconds[looks[a - 1]] + seconds[looks[a]]) / 2 : seconds[0];
    const double to = b + 1 < look_count ? (seconds[looks[b]] + seconds[looks[b + 1]]) / 2
                                         : seconds[count - 1];
    while (first > 0 && seconds[first - 1] >= from - MOMENT_S)
        first--;
    while (last + 1 < count && seconds[last + 1] <= to + MOMENT_S)
        last++;
    *ret_first = first;
    *ret_last = last;
}

bool sampling_stretch(const double *seconds, size_t count, const size_t *looks, const bool *seen,
                      size_t look_count, size_t *ret_first, size_t *ret_last)
{
    double longest = -1;
    size_t a = 0, b = 0;
    for (size_t i = 0; i < look_count; i++) {
        size_t last = i;
        if (!seen[i])
            continue;
        for (size_t k = i + 1; k < look_count && k <= last + 2; k++)
            if (seen[k])
                last = k;
        const double lasts = seconds[looks[last]] - seconds[looks[i]];
        if (lasts > longest) {
            longest = lasts;
            a = i;
            b = last;
        }
        i = last;
    }
    if (longest >= 0)
        widen(seconds, count, looks, look_count, a, b, ret_first, ret_last);
    return longest >= 0;
}
