/* Shapes in masks: connected parts, holes, distances. Contours are in image/contour.h. */
#ifndef AXNODE_IMAGE_GEOMETRY_H
#define AXNODE_IMAGE_GEOMETRY_H

#include <stdbool.h>

#include "base/error.h"
#include "image/image.h"

/* Which neighbours belong together: those that share an edge (4), or a corner too (8). */
enum connectivity { CONNECTIVITY_4 = 4, CONNECTIVITY_8 = 8 };

/* Number of connected parts. */
int mask_count_parts(const struct mask *mask, enum connectivity connectivity, int *ret_count,
                     struct error *err);
/* Keep the part with the most pixels (of equal ones the first in reading order), clear the rest.
 * An empty mask stays empty. */
int mask_keep_largest(struct mask *mask, enum connectivity connectivity, struct error *err);
/* Set every pixel that no path of edge neighbours joins to the border. */
int mask_fill_holes(struct mask *mask, struct error *err);
struct bounds {
    int x0, y0, x1, y1; /* inclusive */
};
/* The smallest box around the set pixels; false when there are none. */
bool mask_bounds(const struct mask *mask, struct bounds *ret_bounds);
/* The part of the mask inside bounds that lie in it. */
int mask_crop(const struct mask *mask, const struct bounds *bounds, struct mask *ret_part,
              struct error *err);
/* Whether a set pixel lies in the first or last row or column of the box x0..x1, y0..y1
 * (inclusive, clipped to the mask). */
bool mask_touches_box(const struct mask *mask, int x0, int y0, int x1, int y1);
/* A set pixel with an edge neighbour that is clear or outside the mask. */
bool mask_is_boundary(const struct mask *mask, int row, int column);

/* Exact Euclidean distance from each pixel's centre to the nearest set pixel's centre, in the
 * unit of the spacings (Felzenszwalb, Huttenlocher, Theory of Computing 8, 2012); infinite where
 * the mask is empty. The caller releases the plane. */
int mask_distance(const struct mask *mask, double spacing_row, double spacing_column,
                  struct plane *ret_distance, struct error *err);

#endif
