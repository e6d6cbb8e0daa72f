/* One synthetic study on paper, and its pictures. */
#ifndef AXNODE_PHANTOM_PICTURE_H
#define AXNODE_PHANTOM_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/calibration.h"
#include "image/image.h"
#include "phantom/outcome.h"
#include "phantom/shape.h"
#include "phantom/speckle.h"
#include "phantom/tissue.h"

enum { PICTURES_MAX = 4 };

/* How the pictures of a study say what they show. */
enum wording {
    WORDING_CODED,    /* anatomic region code, laterality, body part */
    WORDING_SERIES,   /* a series for each place, named in its description */
    WORDING_COMMENTS, /* one series; Image Comments alone */
};

struct machine {
    int columns, rows; /* of the screen */
    bool colour;
    int text_scale;
    float dynamic_range_db;
    float axial_sigma_mm, lateral_sigma_mm;
    int looks;
    bool bar_left;
};

struct study_plan {
    uint64_t seed;
    int number; /* from 1 */
    struct latents latents;
    char side; /* 'L' or 'R' */
    struct machine machine;
    enum wording wording;
    int picture_count;
    struct picture_plan {
        enum view view;
        bool principal; /* the tumour's largest section; the most suspicious node */
        double size;    /* longest diameter relative to the principal one */
        bool callipers;
    } pictures[PICTURES_MAX]; /* in the order they were taken */
};

void study_plan_draw(uint64_t seed, int number, struct study_plan *ret_plan);

/* What a picture is made of, before it is one. */
struct scene {
    struct us_region region; /* calibrated tissue region on the screen */
    double spacing_mm;
    struct tissue tissue; /* of the region: its origin is the region's corner */
    struct beam beam;
};

/* Picture `index` (from 0) of a plan. */
void scene_draw(const struct study_plan *plan, int index, struct scene *ret_scene);
/* Words, depth ruler and grey bar around the tissue; `screen` of the machine's size. */
void scene_screen(const struct study_plan *plan, int index, const struct scene *scene,
                  struct image *screen);

struct picture {
    struct image image;
    struct us_region region; /* calibrated tissue region */
    double spacing_mm;
    struct mask lesion, hilum;        /* of the picture's size; hilum empty where there is none */
    double long_mm, short_mm;         /* of the lesion's outline in this section */
    double cortex_mm, hilum_fraction; /* nodes; hilum_fraction from the masks */
};

/* Picture `index` (from 0) of a plan; released by the caller. */
int picture_render(const struct study_plan *plan, int index, struct picture *ret_picture,
                   struct error *err);
void picture_release(struct picture *picture);

#endif
