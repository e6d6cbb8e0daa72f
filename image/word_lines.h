/* Where a picture may hold a line of burned-in text: rows of bright, thin-stroked parts of one
 * height on one baseline. Finds places only; what they say is read in image/words.h. */
#ifndef AXNODE_IMAGE_WORD_LINES_H
#define AXNODE_IMAGE_WORD_LINES_H

#include <stdbool.h>

#include "base/error.h"
#include "image/geometry.h"
#include "image/image.h"

struct word_line {
    struct bounds box;       /* around its letters */
    double height;           /* of a letter, pixels */
    bool flat;               /* found in the flattened picture; the greys below are of that one */
    double ink, paper;       /* mean grey of the letters and of what lies between them */
    double score;            /* how much it looks like text; no unit */
};

/* What stands out of its surroundings: everything wider than a stroke in both directions is
 * taken off (white top-hat). Shows letters over bright tissue. */
int word_lines_flatten(const struct image *grey, struct image *ret_flat, struct error *err);

/* The likeliest lines of a one-channel picture and of the same flattened, at most `most`, best
 * first; none overlaps another by half. Lines with letters below 6 or above 60 pixels are not
 * found. */
int word_lines_find(const struct image *grey, const struct image *flat, int most,
                    struct word_line *lines, int *ret_count, struct error *err);

#endif
