/* A loop of the tumour: what a still does not show (docs/phantom.md). */
#ifndef AXNODE_PHANTOM_LOOP_H
#define AXNODE_PHANTOM_LOOP_H

#include "phantom/picture.h"

enum { PHANTOM_FRAMES_MAX = 64 };

struct loop {
    struct image frames[PHANTOM_FRAMES_MAX]; /* grey, all of one size */
    int frame_count;                         /* 32 to 64 */
    double frame_time_ms;
    struct us_region region; /* calibrated tissue region, the same in all */
    double spacing_mm;
    double firmness;
    double elevation_mm[PHANTOM_FRAMES_MAX]; /* of the plane, from the tumour's middle */
    double push[PHANTOM_FRAMES_MAX];         /* 0 … 1 */
    bool shows[PHANTOM_FRAMES_MAX];          /* the tumour */
    int largest;                             /* frame nearest to the tumour's middle, from 0 */
    struct mask lesion;                      /* the tumour in that frame, of the frame's size */
};

/* The plan of a study's loop: the same patient, machine of a smaller screen, one picture, which is
 * of the breast; all chance is its own. */
struct study_plan loop_plan(const struct study_plan *study);
/* Of a plan that loop_plan made. Released by the caller. */
int loop_render(const struct study_plan *plan, double firmness, struct loop *ret_loop,
                struct error *err);
void loop_release(struct loop *loop);

#endif
