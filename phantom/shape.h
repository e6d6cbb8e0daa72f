/* Closed outlines around a centre, in millimetres: r(θ) from a table. */
#ifndef AXNODE_PHANTOM_SHAPE_H
#define AXNODE_PHANTOM_SHAPE_H

#include "phantom/random.h"

enum { SHAPE_ANGLES = 360 };

struct shape {
    double x_mm, y_mm;             /* centre, in the tissue region: x right, y down */
    float radius_mm[SHAPE_ANGLES]; /* at angle 2π·i/SHAPE_ANGLES from x towards y */
};

/* Outline of a mass: an ellipse that irregularity (0…1) turns lobed and spiky. Scaled so that
 * its longest diameter is `long_mm`. */
void shape_tumour(struct random *r, double long_mm, double irregularity, struct shape *ret_shape);
/* A nearly elliptic node, longest diameter `long_mm`, tilted by up to 20°. */
void shape_node(struct random *r, double long_mm, double roundness, struct shape *ret_shape);
/* The node's outline moved inwards by `cortex_mm`, in the ellipse's sense. */
void shape_inset(const struct shape *outer, double cortex_mm, struct shape *ret_inner);

/* Distance from the outline to a point along the ray from the centre, above 0 inside. */
float shape_depth_mm(const struct shape *s, float x_mm, float y_mm);
float shape_largest_radius_mm(const struct shape *s);

struct diameter {
    double x0_mm, y0_mm, x1_mm, y1_mm, length_mm;
};
/* Longest distance between two points of the outline. */
struct diameter shape_diameter(const struct shape *s);
/* Extent of the outline across that direction. */
double shape_width_mm(const struct shape *s, const struct diameter *across);

#endif
