/* What an ultrasound machine's screen shows: where the imaging regions lie and of which kind each
 * is. A region comes from DICOM's Sequence of Ultrasound Regions where its box agrees with the
 * picture, else it is found in the picture. docs/screen.md says how well. */
#ifndef AXNODE_IMAGE_SCREEN_H
#define AXNODE_IMAGE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "image/calibration.h"
#include "image/geometry.h"
#include "image/image.h"

enum { SCREEN_REGIONS_MAX = 8 };

enum screen_source {
    SCREEN_FROM_SEQUENCE, /* Sequence of Ultrasound Regions, agreeing with the picture */
    SCREEN_FROM_PICTURE,  /* found in the picture */
    SCREEN_WHOLE_PICTURE, /* nothing to tell a region by: a cropped still, or an empty picture */
};

enum screen_kind {
    SCREEN_B_MODE,
    SCREEN_COLOUR_DOPPLER, /* blood flow in colour on grey tissue: colour or power Doppler */
    SCREEN_ELASTOGRAPHY,   /* a large see-through colour box of stiffness */
    SCREEN_SPECTRAL,       /* Doppler spectrum over time */
    SCREEN_M_MODE,
    SCREEN_OTHER,          /* physiological curves, graphs, colour bars */
};

/* Why the sequence was not taken as it stands; bits of screen.doubts. */
enum screen_doubt {
    SCREEN_DOUBT_OUTSIDE = 1,   /* a box reaches beyond the picture (cut) or is no box (left out) */
    SCREEN_DOUBT_WHOLE = 2,     /* a box covers the screen with its margins: found again in it */
    SCREEN_DOUBT_EMPTY = 4,     /* nothing but black in a box */
    SCREEN_DOUBT_ELSEWHERE = 8, /* most of what the picture shows lies outside all boxes */
    SCREEN_DOUBT_TOO_MANY = 16, /* more than SCREEN_REGIONS_MAX: the rest is left out */
};

struct screen_region {
    struct bounds box; /* inside the picture, never empty */
    enum screen_source source;
    enum screen_kind kind;
    enum screen_source kind_source; /* data type of the sequence, or seen in the picture */
    int sequence_index;  /* in the sequence given, or -1; for halves that of the whole */
    double colour_share; /* pixels of saturated colour over pixels that are not black */
    struct bounds colour_box; /* where they lie; {0, 0, -1, -1} when there are none */
};

struct screen {
    struct screen_region regions[SCREEN_REGIONS_MAX]; /* 2-D images first, left to right */
    int count;       /* 1 or more */
    bool dual;       /* two 2-D images side by side: regions 0 and 1 */
    unsigned doubts; /* enum screen_doubt */
};

/* `picture` grey or RGB; `regions` as DICOM has them, NULL when count is 0. Boxes of the sequence
 * that are hostile are safe. STATUS_NOMEM alone fails. Time: 4 ms for 1024 × 768, 10 ms in colour. */
int screen_analyse(const struct image *picture, const struct us_region *regions, size_t count,
                   struct screen *ret_screen, struct error *err);

/* Grey levels of this kind are tissue's: B-mode alone. */
bool screen_kind_is_grey(enum screen_kind kind);
/* Index of the region that networks look at: the largest B-mode image, else the largest 2-D image,
 * else 0. Of dual images the left one where sizes are within a tenth. */
int screen_principal(const struct screen *screen);
/* Index of the region with the most of the mask's pixels; -1 when none has any. */
int screen_region_of(const struct screen *screen, const struct mask *mask);
/* A region for those who work with DICOM's: its box, 2-D tissue, with the units and spacings of
 * the sequence where it has them. */
struct us_region screen_us_region(const struct screen_region *region,
                                  const struct us_region *regions);

/* "B-mode", "colour Doppler" …; "regions sequence" …; a sentence about a doubt. Static. */
const char *screen_kind_name(enum screen_kind kind);
const char *screen_source_name(enum screen_source source);
const char *screen_doubt_text(enum screen_doubt doubt);

#endif
