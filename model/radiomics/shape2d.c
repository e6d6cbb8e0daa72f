/* 2-D shape of one slice; definitions of PyRadiomics' class shape2D: marching squares at half
 * height, moments of the pixel centres. */
#include "model/radiomics/hull.h"
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ELONGATION, MAJOR_AXIS, MAXIMUM_DIAMETER, MESH_SURFACE, MINOR_AXIS, PERIMETER,
    PERIMETER_SURFACE_RATIO, PIXEL_SURFACE, SPHERICITY, SPHERICAL_DISPROPORTION,
};

/* The two axes of the slice and its mask with a margin of one pixel. */
struct slice {
    int rows, columns; /* with margins */
    double spacing[2];
    uint8_t *mask; /* owned */
};

static int slice_init(struct slice *s, const struct region *region, int flat, struct error *err)
{
    int axis[2], n = 0;
    for (int d = 0; d < 3; d++)
        if (d != flat)
            axis[n++] = d;
    int rows = region->box.size[axis[0]], columns = region->box.size[axis[1]];
    *s = (struct slice){.rows = rows + 2, .columns = columns + 2,
                        .spacing = {region->spacing_mm[axis[0]], region->spacing_mm[axis[1]]}};
    s->mask = calloc((size_t)s->rows * (size_t)s->columns, 1);
    if (!s->mask)
        return error_set(err, STATUS_NOMEM, "no memory for a slice");
    for (int y = 0; y < rows; y++)
        memcpy(s->mask + (size_t)(y + 1) * (size_t)s->columns + 1,
               region->mask + (size_t)y * (size_t)columns, (size_t)columns);
    return 0;
}

/* Doubled corner coordinates of the outline's ends inside a square of four pixel centres, by
 * which of them are set: 1 top left, 2 top right, 4 bottom right, 8 bottom left. Each pair runs
 * with the region on one side, so that areas add up; both saddles keep the region apart. */
static const int8_t ends[16][2][2][2] = {
    [1] = {{{1, 0}, {0, 1}}},
    [2] = {{{0, 1}, {1, 2}}},
    [3] = {{{1, 0}, {1, 2}}},
    [4] = {{{1, 2}, {2, 1}}},
    [5] = {{{1, 0}, {0, 1}}, {{1, 2}, {2, 1}}},
    [6] = {{{0, 1}, {2, 1}}},
    [7] = {{{1, 0}, {2, 1}}},
    [8] = {{{2, 1}, {1, 0}}},
    [9] = {{{2, 1}, {0, 1}}},
    [10] = {{{0, 1}, {1, 2}}, {{2, 1}, {1, 0}}},
    [11] = {{{2, 1}, {1, 2}}},
    [12] = {{{1, 2}, {1, 0}}},
    [13] = {{{1, 2}, {0, 1}}},
    [14] = {{{0, 1}, {1, 0}}},
};

struct outline {
    double perimeter, area;
    struct extent *lines; /* owned; by doubled row, of doubled columns */
};

static void extend(struct extent *line, int place)
{
    line->low = place < line->low ? place : line->low;
    line->high = place > line->high ? place : line->high;
}

static void trace(const struct slice *s, struct outline *o)
{
    double twice = 0;
    for (int y = 0; y + 1 < s->rows; y++)
        for (int x = 0; x + 1 < s->columns; x++) {
            const uint8_t *p = s->mask + (size_t)y * (size_t)s->columns + x;
            int set = p[0] | p[1] << 1 | p[s->columns + 1] << 2 | p[s->columns] << 3;
            for (int k = 0; set > 0 && set < 15 && k < (set == 5 || set == 10 ? 2 : 1); k++) {
                const int8_t(*e)[2] = ends[set][k];
                double ay = (y + e[0][0] / 2.0) * s->spacing[0];
                double ax = (x + e[0][1] / 2.0) * s->spacing[1];
                double by = (y + e[1][0] / 2.0) * s->spacing[0];
                double bx = (x + e[1][1] / 2.0) * s->spacing[1];
                o->perimeter += hypot(by - ay, bx - ax);
                twice += ax * by - bx * ay;
                extend(&o->lines[2 * y + e[0][0]], 2 * x + e[0][1]);
                extend(&o->lines[2 * y + e[1][0]], 2 * x + e[1][1]);
            }
        }
    o->area = fabs(twice) / 2;
}

static int diameter(const struct slice *s, const struct outline *o, double *ret_diameter,
                    struct error *err)
{
    int lines = 2 * s->rows;
    struct hull_point *points = malloc((2 * (size_t)lines + 2) * sizeof *points);
    if (!points)
        return error_set(err, STATUS_NOMEM, "no memory for an outline");
    int n = hull_of_extents(o->lines, lines, points);
    *ret_diameter = sqrt(hull_diameter2(points, n, s->spacing[0] / 2, s->spacing[1] / 2));
    free(points);
    return 0;
}

/* Lengths of the principal axes of the pixel centres: four standard deviations. */
static void axes(const struct slice *s, size_t pixels, double *ret_major, double *ret_minor)
{
    double n = (double)pixels, my = 0, mx = 0, yy = 0, yx = 0, xx = 0;
    for (int y = 0; y < s->rows; y++)
        for (int x = 0; x < s->columns; x++)
            if (s->mask[(size_t)y * (size_t)s->columns + (size_t)x]) {
                my += y;
                mx += x;
            }
    my /= n;
    mx /= n;
    for (int y = 0; y < s->rows; y++)
        for (int x = 0; x < s->columns; x++)
            if (s->mask[(size_t)y * (size_t)s->columns + (size_t)x]) {
                double dy = (y - my) * s->spacing[0], dx = (x - mx) * s->spacing[1];
                yy += dy * dy / n;
                yx += dy * dx / n;
                xx += dx * dx / n;
            }
    double values[3];
    symmetric_eigenvalues3((double[9]){yy, yx, yx, xx}, 2, values);
    *ret_major = 4 * sqrt(fmax(values[0], 0));
    *ret_minor = 4 * sqrt(fmax(values[1], 0));
}

int shape2d_compute(const struct region *region, int flat, double *ret_values,
                    uint32_t *ret_meaningless, struct error *err)
{
    struct slice s;
    int r = slice_init(&s, region, flat, err);
    if (r < 0)
        return r;
    size_t lines = 2 * (size_t)s.rows;
    struct outline o = {.lines = malloc(lines * sizeof *o.lines)};
    double longest = 0;
    if (o.lines) {
        for (size_t i = 0; i < lines; i++)
            o.lines[i] = (struct extent){INT32_MAX, INT32_MIN};
        trace(&s, &o);
        r = diameter(&s, &o, &longest, err);
    } else {
        r = error_set(err, STATUS_NOMEM, "no memory for an outline");
    }
    if (r == 0) {
        double *v = ret_values;
        axes(&s, region->voxels, &v[MAJOR_AXIS], &v[MINOR_AXIS]);
        v[ELONGATION] = v[MINOR_AXIS] / v[MAJOR_AXIS];
        v[MAXIMUM_DIAMETER] = longest;
        v[MESH_SURFACE] = o.area;
        v[PERIMETER] = o.perimeter;
        v[PERIMETER_SURFACE_RATIO] = o.perimeter / o.area;
        v[PIXEL_SURFACE] = (double)region->voxels * s.spacing[0] * s.spacing[1];
        v[SPHERICITY] = 2 * sqrt(M_PI * o.area) / o.perimeter;
        v[SPHERICAL_DISPROPORTION] = 1 / v[SPHERICITY];
        *ret_meaningless = v[MAJOR_AXIS] == 0 ? 1u << ELONGATION : 0;
    }
    free(o.lines);
    free(s.mask);
    return r;
}
