/* Contours: closed polygons in pixel coordinates (a pixel's centre is x, y of image/image.h),
 * the last point joined to the first, clockwise on the screen. */
#ifndef AXNODE_IMAGE_CONTOUR_H
#define AXNODE_IMAGE_CONTOUR_H

#include <stddef.h>

#include "base/error.h"
#include "image/image.h"

enum { CONTOUR_POINTS_MAX = 1 << 20 }; /* longer is STATUS_LIMIT */

struct point {
    double x, y;
};

struct contour {
    struct point *points; /* owned */
    size_t count;
};

struct segment {
    struct point from, to;
    double length; /* in the scaled unit of the function that made it */
};

void contour_release(struct contour *contour);

/* Outer contour of the part (edge neighbours) that holds the first set pixel in reading order;
 * holes are left out. Its points are the middles of the pixel edges between mask and
 * background, in order: the 0.5 level of marching squares. They lie on the border of the mask's
 * area, a half pixel outside the outermost pixel centres. Empty mask: STATUS_NOT_FOUND. */
int contour_trace(const struct mask *mask, struct contour *ret_contour, struct error *err);

/* At most `max_points` (3 or more) of the contour's own points, as few as keep every dropped
 * point within `tolerance` pixels of the polygon (Douglas, Peucker 1973). Where max_points is
 * too few for that the tolerance grows; ret_deviation (may be NULL) is the largest distance of
 * a dropped point. */
int contour_simplify(const struct contour *contour, size_t max_points, double tolerance,
                     struct contour *ret_contour, double *ret_deviation, struct error *err);

/* Convex hull (Andrew 1979), clockwise on the screen, without collinear points. */
int contour_hull(const struct contour *contour, struct contour *ret_hull, struct error *err);

/* Every length below is measured after scaling x by scale_x and y by scale_y, for pixels that
 * are not square; end points are in pixels. */
double contour_perimeter(const struct contour *contour, double scale_x, double scale_y);
double contour_area(const struct contour *contour); /* shoelace, in pixels, never negative */
/* Longest distance of two contour points (rotating calipers over the hull). */
int contour_diameter(const struct contour *contour, double scale_x, double scale_y,
                     struct segment *ret_diameter, struct error *err);
/* Longest extent perpendicular to `axis`: of all lines perpendicular to it the one whose
 * outermost crossings with the contour lie farthest apart; both ends lie on the contour. */
int contour_perpendicular(const struct contour *contour, const struct segment *axis,
                          double scale_x, double scale_y, struct segment *ret_extent,
                          struct error *err);

#endif
