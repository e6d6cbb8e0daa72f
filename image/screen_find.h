/* The imaging regions of a screen, found in the picture alone. */
#ifndef AXNODE_IMAGE_SCREEN_FIND_H
#define AXNODE_IMAGE_SCREEN_FIND_H

#include "base/error.h"
#include "image/geometry.h"
#include "image/image.h"

enum { SCREEN_FOUND_MAX = 4 };

struct screen_found {
    struct bounds boxes[SCREEN_FOUND_MAX]; /* left to right; none when count is 0 */
    int count;
    bool whole;            /* the one box is the picture: a cropped still */
    struct bounds below;   /* a wide part under the boxes: what was measured over time */
    bool has_below;
};

/* Tissue differs from pixel to pixel by little nearly everywhere; margins are flat, words and
 * bars are flat with few large steps. */
int screen_find(const struct image *grey, struct screen_found *ret_found, struct error *err);

/* Where two images that share `box` meet: a column near its middle, flat from top to bottom. False:
 * one image. */
bool screen_find_seam(const struct image *grey, const struct bounds *box,
                      struct bounds *ret_left, struct bounds *ret_right);

/* Share of the box's pixels that differ from its commonest level by more than a little. */
double screen_content(const struct image *grey, const struct bounds *box);

#endif
