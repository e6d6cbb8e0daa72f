#include "image/colour.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BRIGHT_MIN = 48,      /* largest sample of a pixel that is asked for its hue */
    TINT_CHROMA_MIN = 8,  /* of a tinted pixel */
    TINT_BINS = 36,       /* of ten degrees */
    TINT_REACH = 4,       /* bins that one tint may fill */
    TINT_DEGREES = 50,    /* hues nearer than this are the tint's */
    CHROMA_MIN = 48,      /* of a coloured pixel */
    TINTED_CHROMA_MIN = 72,
};

static int max3(const uint8_t *v)
{
    int m = v[0] > v[1] ? v[0] : v[1];
    return m > v[2] ? m : v[2];
}

int colour_chroma(const uint8_t rgb[3])
{
    int least = rgb[0] < rgb[1] ? rgb[0] : rgb[1];
    return max3(rgb) - (least < rgb[2] ? least : rgb[2]);
}

int colour_degrees(const uint8_t rgb[3])
{
    int chroma = colour_chroma(rgb), most = max3(rgb);
    if (chroma == 0)
        return 0;
    int degrees;
    if (rgb[0] == most)
        degrees = 60 * (rgb[1] - rgb[2]) / chroma;
    else if (rgb[1] == most)
        degrees = 120 + 60 * (rgb[2] - rgb[0]) / chroma;
    else
        degrees = 240 + 60 * (rgb[0] - rgb[1]) / chroma;
    return (degrees + 360) % 360;
}

enum hue colour_hue(const uint8_t rgb[3])
{
    return (enum hue)((colour_degrees(rgb) + 30) / 60 % HUE_COUNT);
}

struct tint tint_of(const struct image *picture)
{
    assert(picture->channels == 3);
    size_t bins[TINT_BINS] = {0}, bright = 0, tinted = 0;
    size_t pixels = (size_t)picture->rows * (size_t)picture->columns;
    for (size_t i = 0; i < pixels; i += 3) {
        const uint8_t *rgb = picture->pixels + 3 * i;
        if (max3(rgb) < BRIGHT_MIN)
            continue;
        bright++;
        int chroma = colour_chroma(rgb);
        if (chroma < TINT_CHROMA_MIN || chroma * 10 > max3(rgb) * 6)
            continue;
        tinted++;
        bins[colour_degrees(rgb) * TINT_BINS / 360]++;
    }
    struct tint tint = {0};
    if (tinted < 100 || tinted * 10 < bright * 7)
        return tint;
    for (int first = 0; first < TINT_BINS; first++) {
        size_t sum = 0;
        for (int k = 0; k < TINT_REACH; k++)
            sum += bins[(first + k) % TINT_BINS];
        if (sum * 10 >= tinted * 8)
            tint = (struct tint){true, ((first * 2 + TINT_REACH) * 360 / TINT_BINS / 2) % 360};
    }
    return tint;
}

bool colour_is_set(const uint8_t rgb[3], const struct tint *tint)
{
    int chroma = colour_chroma(rgb);
    if (chroma < CHROMA_MIN || chroma * 4 < max3(rgb))
        return false;
    if (!tint->tinted)
        return true;
    int apart = abs(colour_degrees(rgb) - tint->degrees);
    return chroma >= TINTED_CHROMA_MIN && (apart > 180 ? 360 - apart : apart) > TINT_DEGREES;
}
