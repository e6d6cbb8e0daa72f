/* Calliper marks: the crosses that a sonographer leaves at the ends of what was measured. They are
 * evidence of where the lesion lies, found by their drawn shape alone. */
#ifndef AXNODE_IMAGE_CALLIPERS_H
#define AXNODE_IMAGE_CALLIPERS_H

#include <stdbool.h>

#include "image/geometry.h"
#include "image/image.h"

enum { CALLIPERS_MAX = 16 };

/* One mark, in pixels of the picture. */
struct calliper {
    int x, y;        /* its middle */
    int arm;         /* pixels from the middle to an arm's end, give or take one */
    bool diagonal;   /* drawn as x; else as + */
    double contrast; /* grey levels of its strokes above what lies beside them */
};

struct callipers {
    struct calliper marks[CALLIPERS_MAX]; /* the highest contrast first */
    int count;
};

/* The marks inside `area` (NULL: the whole picture) of a one-channel picture: four thin bright arms
 * of one length and brightness, or a shape that is known (image/calliper_glyphs.h). Letters that
 * hold such a cross (Q, +) are found too. Areas less than 40 pixels wide may hide marks. */
void callipers_find(const struct image *grey, const struct bounds *area,
                    struct callipers *ret_callipers);

#endif
