/* Which pixels of an RGB picture are coloured, where grey may itself be tinted: many machines show
 * tissue bluish or brownish. Used by image/screen.c and image/graphics.c. */
#ifndef AXNODE_IMAGE_COLOUR_H
#define AXNODE_IMAGE_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

/* The six hues that lie 60 degrees apart. */
enum hue { HUE_RED, HUE_YELLOW, HUE_GREEN, HUE_CYAN, HUE_BLUE, HUE_MAGENTA, HUE_COUNT };

struct tint {
    bool tinted;
    int degrees; /* hue of what passes for grey, when tinted */
};

/* Largest minus smallest sample. */
int colour_chroma(const uint8_t rgb[3]);
/* 0 to 359; 0 for grey. */
int colour_degrees(const uint8_t rgb[3]);
enum hue colour_hue(const uint8_t rgb[3]);

/* One hue on nearly all pixels that are not dark makes it the picture's grey. */
struct tint tint_of(const struct image *picture);
/* Clearly coloured, and not in the tint's hue. */
bool colour_is_set(const uint8_t rgb[3], const struct tint *tint);

#endif
