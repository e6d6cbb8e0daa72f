/* Convex hulls and diameters of points on an integer grid, in time linear in the grid's lines.
 * The hull and the pairs of opposite vertices do not change when the axes are scaled, so both
 * are found in exact integer arithmetic; only distances are real numbers. */
#ifndef AXNODE_MODEL_RADIOMICS_HULL_H
#define AXNODE_MODEL_RADIOMICS_HULL_H

/* First and last point of one line; empty when low > high. */
struct extent {
    int low, high;
};

struct hull_point {
    int line, place;
};

/* Vertices of the hull in circular order; `ret_points` has room for 2 × count + 2. Returns their
 * number. */
int hull_of_extents(const struct extent *lines, int count, struct hull_point *ret_points);
/* Square of the largest distance between two vertices, for the given steps of both axes. */
double hull_diameter2(const struct hull_point *points, int n, double line_step,
                      double place_step);

#endif
