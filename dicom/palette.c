#include "dicom/palette.h"

#include <stdbool.h>
#include <string.h>

enum { OPCODE_DISCRETE = 0, OPCODE_LINEAR = 1, OPCODE_INDIRECT = 2 };

struct expansion {
    const uint16_t *segments;
    size_t n;
    int bits;
    uint16_t *values;
    size_t entries, filled;
};

/* False: the segment does not fit what is left. */
static bool add_discrete(struct expansion *x, size_t at, size_t length)
{
    if (length == 0 || length > x->n - at || length > x->entries - x->filled)
        return false;
    memcpy(x->values + x->filled, x->segments + at, length * sizeof *x->values);
    x->filled += length;
    return true;
}

/* A line from the value before it to its end, which it includes. */
static bool add_linear(struct expansion *x, size_t at, size_t length)
{
    if (x->filled == 0 || length == 0 || at >= x->n || length > x->entries - x->filled)
        return false;
    int64_t from = x->values[x->filled - 1], to = x->segments[at], n = (int64_t)length;
    for (int64_t i = 1; i <= n; i++) {
        int64_t doubled = 2 * (from * (n - i) + to * i); /* rounded half up */
        x->values[x->filled++] = (uint16_t)((doubled + n) / (2 * n));
    }
    return true;
}

/* One direct segment at `*at`, which moves behind it. */
static bool add_segment(struct expansion *x, size_t *at)
{
    if (x->n - *at < 2)
        return false;
    uint16_t opcode = x->segments[*at];
    size_t length = x->segments[*at + 1];
    *at += 2;
    if (opcode == OPCODE_DISCRETE && add_discrete(x, *at, length))
        *at += length;
    else if (opcode == OPCODE_LINEAR && add_linear(x, *at, length))
        *at += 1;
    else
        return false;
    return true;
}

/* Earlier segments once more; none of them may be indirect. */
static bool add_indirect(struct expansion *x, size_t *at)
{
    size_t words = x->bits == 8 ? 4 : 2, offset = 0;
    if (x->n - *at < 2 + words)
        return false;
    size_t count = x->segments[*at + 1];
    for (size_t i = 0; i < words; i++)
        offset |= (size_t)x->segments[*at + 2 + i] << ((size_t)x->bits * i);
    *at += 2 + words;
    if (x->bits == 16 && offset % 2)
        return false;
    offset /= (size_t)x->bits / 8;
    bool sound = offset < x->n;
    for (size_t i = 0; sound && i < count; i++)
        sound = add_segment(x, &offset);
    return sound;
}

int palette_expand(const uint16_t *segments, size_t n, int bits, size_t entries,
                   uint16_t *ret_values, struct error *err)
{
    struct expansion x = {
        .segments = segments, .n = n, .bits = bits, .values = ret_values, .entries = entries};
    size_t at = 0;
    bool sound = true;
    while (sound && x.filled < entries && at < n)
        sound = segments[at] == OPCODE_INDIRECT ? add_indirect(&x, &at) : add_segment(&x, &at);
    if (!sound || x.filled != entries)
        return error_set(err, STATUS_INVALID, "the segmented palette is damaged");
    return 0;
}
