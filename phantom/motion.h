/* How probe, patient and tissue move in a loop of the breast. */
#ifndef AXNODE_PHANTOM_MOTION_H
#define AXNODE_PHANTOM_MOTION_H

#include "phantom/random.h"
#include "phantom/shape.h"

/* The plane of one loop: it comes to the lesion, rests on it while the probe is pushed and let go,
 * and leaves it on the other side. */
struct motion {
    double enter, leave;           /* parts of the loop; 0: the loop begins or ends on the lesion */
    double from_mm, to_mm;         /* elevation of the ends, from the lesion's middle */
    double wobble_mm;              /* of the hand, while it rests */
    int pushes;                    /* 1 or 2 */
    double strain;                 /* of the tissue at the peak of a push */
    double slip_mm;                /* sideways, of a lesion of firmness 0, at that peak */
    double breath_mm[2], breath_s; /* amplitude sideways and in depth, period */
    double breath_phase;
};

/* At one moment. */
struct pose {
    double elevation_mm;
    double push; /* 0 … 1 */
    double shift_x_mm, shift_y_mm;
};

/* `reach_mm`: half the lesion's extent in elevation. */
void motion_draw(struct random *r, double reach_mm, struct motion *ret_motion);
/* `part` of the loop, 0 … 1; `seconds` since its beginning. */
struct pose motion_at(const struct motion *m, double part, double seconds);

/* What a push does in the plane. The tissue is pressed against the probe and gives way sideways; a
 * firm lesion keeps its shape instead, a loose one is squeezed with it and slips. */
struct squeeze {
    const struct shape *lesion; /* at rest, in the tissue's plane */
    double middle_mm;           /* of the probe's face, in the tissue's plane */
    double strain;              /* now */
    double shift_x_mm, shift_y_mm;
    double firmness; /* times how much of the lesion lies in the plane */
    double slip_mm;  /* likewise */
};

/* Where the tissue lay at rest that is now at x, y (mm in the plane, x from the same origin). */
void squeeze_source(const struct squeeze *s, double x_mm, double y_mm, double *ret_x_mm,
                    double *ret_y_mm);

#endif
