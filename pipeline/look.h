/* One picture as a sonographer sees it: where the tissue is, what is drawn onto it, what the
 * callipers and the words say. */
#ifndef AXNODE_PIPELINE_LOOK_H
#define AXNODE_PIPELINE_LOOK_H

#include <stdbool.h>

#include "base/error.h"
#include "image/annotation.h"
#include "image/callipers.h"
#include "image/image.h"
#include "image/screen.h"
#include "model/findings.h"
#include "model/outline.h"

/* What is kept of a picture after its pixels are gone. */
struct sight {
    struct screen screen;
    struct callipers callipers; /* in the tissue regions */
    bool words_read;
    struct annotation words;
    bool view_known;
    double view[3]; /* VIEW_COUNT probabilities */
};

struct look_input {
    const struct us_region *regions; /* of the header */
    size_t region_count;
    struct word_reader *words;       /* NULL: words are not read */
    bool paint;                      /* a network wants the picture painted over */
    const char *patient_name, *patient_id; /* to compare words with; NULL or "" */
};

struct look {
    struct image picture; /* as decoded */
    struct image grey;
    struct image painted; /* grey, without what is drawn on tissue; when it was asked for */
    struct mask graphics; /* what is drawn on the tissue regions */
    struct sight sight;
    struct error words_failed; /* status 0: words were read, or were not to be */
};
/* Takes the picture over in any case. The caller releases the look. STATUS_NOMEM. */
int look_init(struct look *ret_look, struct image *picture, const struct look_input *input,
              struct error *err);
void look_release(struct look *look);

/* Places on the screen where a region may be outlined: the B-mode images, or, where there is
 * none, colour and elastography images, whose grey levels mean nothing. Returns how many; indices
 * into screen.regions. */
int look_places(const struct screen *screen, int ret_places[SCREEN_REGIONS_MAX]);

/* How to outline. Everything is borrowed. */
struct look_outliner {
    const struct net *net;
    const struct outline_network *network;
    enum roi roi;
    double agreement_min;            /* below it an outline is unsure */
    const struct us_region *regions; /* of the header */
    size_t region_count;
};

/* Outline, calibrate, measure and judge in every place; the one to be preferred (select.h). The
 * calibration is that of the header's regions, or else, where the words give it, estimated from
 * the callipers' readings. Image and frame of the region are left to the caller. */
int look_outline(const struct look *look, const struct look_outliner *outliner,
                 struct region_finding *ret_region, struct error *err);

#endif
