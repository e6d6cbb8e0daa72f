/* What speaks against trusting the figures of an outlined region. */
#ifndef AXNODE_IMAGE_QUALITY_H
#define AXNODE_IMAGE_QUALITY_H

#include <stdbool.h>
#include <stddef.h>

#include "image/calibration.h"
#include "image/image.h"
#include "image/screen.h"

/* Bits of quality.faults, and when each is set. */
enum quality_fault {
    QUALITY_GRAPHICS = 1,      /* more than 1 % of the outline is drawn over */
    QUALITY_CUT_OFF = 2,       /* the outline touches the border of the imaging region */
    QUALITY_DARK = 4,          /* more than 50 % of the outline has grey level 0 */
    QUALITY_BRIGHT = 8,        /* more than 2 % has grey level 255 */
    QUALITY_SMALL = 16,        /* fewer than 400 pixels, or a side of its box under 16 */
    QUALITY_UNCALIBRATED = 32, /* no calibrated region: sizes in pixels */
    QUALITY_NOT_GREY = 64,     /* the region is no B-mode: colour, spectrum … */
    QUALITY_SPLIT = 128,       /* the outline reaches into another region, or outside all */
};
enum { QUALITY_FAULTS = 8 }; /* bits 1 << 0 to 1 << 7 */

struct quality {
    size_t pixels;               /* of the outline */
    double graphics_share;       /* of them, drawn over */
    double black_share, white_share; /* of those not drawn over, at grey level 0 and 255 */
    bool cut_left, cut_right, cut_top, cut_bottom; /* sides of the region that it touches */
    double outside_share;        /* of the outline, outside the region */
    enum screen_kind kind;       /* of the region */
    bool calibrated;
    unsigned faults;             /* enum quality_fault */
};

struct quality_input {
    const struct image *grey;    /* one channel */
    const struct mask *outline;
    const struct mask *graphics; /* NULL: none known */
    const struct screen_region *region; /* NULL: the whole picture, B-mode */
    bool calibrated;
};

/* Sizes must agree (asserted). An empty outline has pixels 0 and QUALITY_SMALL. */
void quality_measure(const struct quality_input *input, struct quality *ret_quality);

/* A word or two ("drawn graphics inside") and a sentence for reports. Static storage. */
const char *quality_fault_name(enum quality_fault fault);
const char *quality_fault_text(enum quality_fault fault);
/* The names of all faults, with ", " between; "" when there are none. Cut to size. */
void quality_words(unsigned faults, char *ret_text, size_t size);

#endif
