/* Anatomy: how strongly each point of the tissue region scatters, in dB relative to
 * fibroglandular tissue, with what lies above it weakening or strengthening the echo. */
#ifndef AXNODE_PHANTOM_TISSUE_H
#define AXNODE_PHANTOM_TISSUE_H

#include <stdbool.h>

#include "image/image.h"
#include "phantom/random.h"
#include "phantom/shape.h"

enum view { VIEW_BREAST, VIEW_AXILLA };

struct lesion {
    struct shape outline;
    struct shape hilum; /* nodes whose hilum is kept; else radius 0 */
    bool has_hilum;
    float level_db, mottle_db; /* inside: mean, and how uneven */
    float hilum_db;
    float rim_db, rim_mm;   /* echogenic halo or capsule outside the outline */
    float edge_mm;          /* blur of the outline */
    float shadow_db_per_mm; /* of path inside; below 0: enhancement behind */
};

struct tissue {
    enum view view;
    float spacing_mm;      /* of pixels, both ways */
    float slope_db_per_mm; /* what the machine's gain curve leaves of the attenuation */
    float drift_mm;        /* sideways, of all but the lesion: oblique layers as the plane moves */
    struct lesion lesion;
};

/* Fill `ret_echo_db` (initialised by the caller to the region's size), and the masks, likewise;
 * a breast's node masks stay empty and an axilla's tumour mask too. */
int tissue_fill(const struct tissue *tissue, struct random *r, struct plane *ret_echo_db,
                struct mask *ret_lesion, struct mask *ret_hilum, struct error *err);

#endif
