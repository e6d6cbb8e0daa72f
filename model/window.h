/* The part of a picture that a network looks at. */
#ifndef AXNODE_MODEL_WINDOW_H
#define AXNODE_MODEL_WINDOW_H

#include "image/calibration.h"
#include "image/image.h"

struct window {
    int x0, y0, rows, columns; /* inside the picture, at least one pixel */
};

/* The tissue region clipped to the picture; the whole picture without one or when it lies
 * outside. */
struct window window_of_tissue(const struct image *picture, const struct us_region *tissue);

#endif
