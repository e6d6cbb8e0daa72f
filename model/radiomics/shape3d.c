/* 3-D shape; definitions of PyRadiomics' class shape: a marching cubes mesh around the region,
 * moments of the voxel centres. The mesh is never built: cubes are counted by kind, and
 * diameters come from the convex hulls of its vertices. */
#include "model/radiomics/cubes.h"
#include "model/radiomics/hull.h"
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ELONGATION, FLATNESS, LEAST_AXIS, MAJOR_AXIS, DIAMETER_COLUMN, DIAMETER_ROW, DIAMETER_SLICE,
    DIAMETER, MESH_VOLUME, MINOR_AXIS, SPHERICITY, SURFACE_AREA, SURFACE_VOLUME_RATIO,
    VOXEL_VOLUME, COMPACTNESS1, COMPACTNESS2, SPHERICAL_DISPROPORTION, MAJOR_AXIS_IBSI,
    MINOR_AXIS_IBSI, LEAST_AXIS_IBSI,
};

/* The mask with a margin of one voxel. */
struct padded {
    int size[3];
    size_t step[3];
    uint8_t *mask; /* owned */
};

static int padded_init(struct padded *p, const struct region *region, struct error *err)
{
    const int *box = region->box.size;
    for (int d = 0; d < 3; d++)
        p->size[d] = box[d] + 2;
    p->step[2] = 1;
    p->step[1] = (size_t)p->size[2];
    p->step[0] = p->step[1] * (size_t)p->size[1];
    p->mask = calloc(volume_count(p->size), 1);
    if (!p->mask)
        return error_set(err, STATUS_NOMEM, "no memory for a region's shape");
    for (int z = 0; z < box[0]; z++)
        for (int y = 0; y < box[1]; y++)
            memcpy(p->mask + (size_t)(z + 1) * p->step[0] + (size_t)(y + 1) * p->step[1] + 1,
                   region->mask + ((size_t)z * (size_t)box[1] + (size_t)y) * (size_t)box[2],
                   (size_t)box[2]);
    return 0;
}

/* Cubes of one kind and the sums of their places. */
struct tally {
    int64_t count, at[3];
};

static void count_cubes(const struct padded *p, struct tally tally[CUBE_KINDS])
{
    for (int z = 0; z + 1 < p->size[0]; z++)
        for (int y = 0; y + 1 < p->size[1]; y++) {
            const uint8_t *a = p->mask + (size_t)z * p->step[0] + (size_t)y * p->step[1];
            const uint8_t *b = a + p->step[1], *c = a + p->step[0], *d = b + p->step[0];
            for (int x = 0; x + 1 < p->size[2]; x++) {
                int kind = a[x] | a[x + 1] << 1 | b[x + 1] << 2 | b[x] << 3 | c[x] << 4 |
                           c[x + 1] << 5 | d[x + 1] << 6 | d[x] << 7;
                if (kind == 0 || kind == 255)
                    continue;
                struct tally *t = &tally[kind];
                t->count++;
                t->at[0] += z;
                t->at[1] += y;
                t->at[2] += x;
            }
        }
}

static void mesh(const struct padded *p, const double spacing_mm[3], double *ret_area,
                 double *ret_volume)
{
    struct tally tally[CUBE_KINDS] = {0};
    count_cubes(p, tally);
    double area = 0, volume6 = 0;
    for (int k = 1; k < CUBE_KINDS - 1; k++) {
        if (tally[k].count == 0)
            continue;
        struct cube_surface s = cube_surface((uint8_t)k, spacing_mm);
        area += (double)tally[k].count * s.area;
        volume6 += (double)tally[k].count * s.volume6;
        for (int d = 0; d < 3; d++)
            volume6 += (double)tally[k].at[d] * s.volume6_step[d];
    }
    *ret_area = area;
    *ret_volume = fabs(volume6) / 6;
}

/* The mesh's vertices lie half-way between a voxel of the region and a neighbour outside of it.
 * For each axis: planes across it at doubled coordinates, and per plane its lines' extents. The
 * lines of a plane run along the last of the two other axes. */
struct planes {
    int lines[3];             /* per plane, by the axis across */
    struct extent *extent[3]; /* [plane][line]; owned */
};

static const int line_axis[3] = {1, 0, 0}, place_axis[3] = {2, 2, 1};

static void add_vertex(struct planes *planes, const int at[3])
{
    for (int d = 0; d < 3; d++) {
        struct extent *e =
            &planes->extent[d][(size_t)at[d] * (size_t)planes->lines[d] + (size_t)at[line_axis[d]]];
        int place = at[place_axis[d]];
        e->low = place < e->low ? place : e->low;
        e->high = place > e->high ? place : e->high;
    }
}

static void add_vertices(struct planes *planes, const struct padded *p)
{
    for (int z = 1; z + 1 < p->size[0]; z++)
        for (int y = 1; y + 1 < p->size[1]; y++)
            for (int x = 1; x + 1 < p->size[2]; x++) {
                const uint8_t *voxel = p->mask + (size_t)z * p->step[0] +
                                       (size_t)y * p->step[1] + x;
                if (!*voxel)
                    continue;
                for (int d = 0; d < 3; d++) {
                    int at[3] = {2 * z, 2 * y, 2 * x};
                    if (!*(voxel - p->step[d])) {
                        at[d]--;
                        add_vertex(planes, at);
                        at[d]++;
                    }
                    if (!*(voxel + p->step[d])) {
                        at[d]++;
                        add_vertex(planes, at);
                    }
                }
            }
}

static void planes_release(struct planes *planes)
{
    for (int d = 0; d < 3; d++)
        free(planes->extent[d]);
}

static int planes_init(struct planes *planes, const struct padded *p, struct error *err)
{
    *planes = (struct planes){0};
    for (int d = 0; d < 3; d++) {
        planes->lines[d] = 2 * p->size[line_axis[d]];
        size_t count = 2 * (size_t)p->size[d] * (size_t)planes->lines[d];
        planes->extent[d] = malloc(count * sizeof *planes->extent[d]);
        if (!planes->extent[d]) {
            planes_release(planes);
            return error_set(err, STATUS_NOMEM, "no memory for a region's shape");
        }
        for (size_t i = 0; i < count; i++)
            planes->extent[d][i] = (struct extent){INT32_MAX, INT32_MIN};
    }
    add_vertices(planes, p);
    return 0;
}

/* A hull vertex of some plane across the slices, in mm from the region's middle. */
struct candidate {
    double at[3], radius;
};

struct candidates {
    struct candidate *items; /* owned */
    size_t count, capacity;
};

static int add_candidates(struct candidates *list, int plane, const struct hull_point *points,
                          int n, const double middle[3], const double step[3], struct error *err)
{
    if (list->count + (size_t)n > list->capacity) {
        size_t capacity = 2 * (list->count + (size_t)n);
        struct candidate *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return error_set(err, STATUS_NOMEM, "no memory for a region's shape");
        list->items = items;
        list->capacity = capacity;
    }
    for (int i = 0; i < n; i++) {
        const int at[3] = {plane, points[i].line, points[i].place};
        struct candidate c = {0};
        double r2 = 0;
        for (int d = 0; d < 3; d++) {
            c.at[d] = at[d] * step[d];
            r2 += (c.at[d] - middle[d]) * (c.at[d] - middle[d]);
        }
        c.radius = sqrt(r2);
        list->items[list->count++] = c;
    }
    return 0;
}

static int by_radius_down(const void *a, const void *b)
{
    double x = ((const struct candidate *)a)->radius, y = ((const struct candidate *)b)->radius;
    return (x < y) - (x > y);
}

/* The largest distance of two candidates: those far from the middle first, and no pair whose
 * radii together fall short of the best so far. */
static double widest(struct candidates *list, double best2)
{
    qsort(list->items, list->count, sizeof *list->items, by_radius_down);
    for (size_t i = 1; i < list->count; i++) {
        const struct candidate *a = &list->items[i];
        for (size_t j = 0; j < i; j++) {
            const struct candidate *b = &list->items[j];
            double reach = a->radius + b->radius;
            if (reach * reach * (1 + 1e-12) < best2)
                break;
            double d2 = 0;
            for (int d = 0; d < 3; d++)
                d2 += (a->at[d] - b->at[d]) * (a->at[d] - b->at[d]);
            best2 = d2 > best2 ? d2 : best2;
        }
    }
    return best2;
}

static int diameters(const struct padded *p, const double spacing_mm[3], double *v,
                     struct error *err)
{
    struct planes planes;
    int r = planes_init(&planes, p, err);
    if (r < 0)
        return r;
    int most = 0;
    double step[3], middle[3], best2[3] = {0};
    for (int d = 0; d < 3; d++) {
        most = p->size[d] > most ? p->size[d] : most;
        step[d] = spacing_mm[d] / 2;
        middle[d] = (p->size[d] - 1) * spacing_mm[d] / 2;
    }
    struct candidates list = {0};
    struct hull_point *points = malloc((4 * (size_t)most + 2) * sizeof *points);
    if (!points)
        r = error_set(err, STATUS_NOMEM, "no memory for a region's shape");
    for (int d = 0; d < 3 && r == 0; d++)
        for (int plane = 0; plane < 2 * p->size[d] && r == 0; plane++) {
            int n = hull_of_extents(
                planes.extent[d] + (size_t)plane * (size_t)planes.lines[d], planes.lines[d],
                points);
            double d2 = hull_diameter2(points, n, step[line_axis[d]], step[place_axis[d]]);
            best2[d] = d2 > best2[d] ? d2 : best2[d];
            if (d == 0)
                r = add_candidates(&list, plane, points, n, middle, step, err);
        }
    if (r == 0) {
        double most2 = fmax(best2[0], fmax(best2[1], best2[2]));
        v[DIAMETER] = sqrt(widest(&list, most2));
        v[DIAMETER_SLICE] = sqrt(best2[0]);
        v[DIAMETER_COLUMN] = sqrt(best2[1]);
        v[DIAMETER_ROW] = sqrt(best2[2]);
    }
    free(points);
    free(list.items);
    planes_release(&planes);
    return r;
}

/* Principal axes of the voxel centres: four standard deviations. */
static void axes(const struct region *region, double ret_axes[3])
{
    const int *size = region->box.size;
    double n = (double)region->voxels, mean[3] = {0}, m[9] = {0};
    for (int pass = 0; pass < 2; pass++) {
        const uint8_t *mask = region->mask;
        for (int z = 0; z < size[0]; z++)
            for (int y = 0; y < size[1]; y++)
                for (int x = 0; x < size[2]; x++) {
                    if (!*mask++)
                        continue;
                    if (pass == 0) {
                        mean[0] += z;
                        mean[1] += y;
                        mean[2] += x;
                        continue;
                    }
                    double a = (z - mean[0]) * region->spacing_mm[0];
                    double b = (y - mean[1]) * region->spacing_mm[1];
                    double c = (x - mean[2]) * region->spacing_mm[2];
                    m[0] += a * a;
                    m[1] += a * b;
                    m[2] += a * c;
                    m[4] += b * b;
                    m[5] += b * c;
                    m[8] += c * c;
                }
        for (int d = 0; d < 3 && pass == 0; d++)
            mean[d] /= n;
    }
    m[3] = m[1];
    m[6] = m[2];
    m[7] = m[5];
    for (int k = 0; k < 9; k++)
        m[k] /= n;
    double values[3];
    symmetric_eigenvalues3(m, 3, values);
    for (int k = 0; k < 3; k++)
        ret_axes[k] = 4 * sqrt(fmax(values[k], 0));
}

int shape3d_compute(const struct region *region, double *ret_values, uint32_t *ret_meaningless,
                    struct error *err)
{
    struct padded p = {0};
    int r = padded_init(&p, region, err);
    if (r < 0)
        return r;
    double *v = ret_values, area, volume, axis[3];
    r = diameters(&p, region->spacing_mm, v, err);
    if (r == 0) {
        mesh(&p, region->spacing_mm, &area, &volume);
        axes(region, axis);
        v[MAJOR_AXIS] = axis[0];
        v[MINOR_AXIS] = axis[1];
        v[LEAST_AXIS] = axis[2];
        /* IBSI's covariance is that of a sample: one voxel fewer in the divisor. */
        double sample = sqrt((double)region->voxels / (double)(region->voxels - 1));
        v[MAJOR_AXIS_IBSI] = axis[0] * sample;
        v[MINOR_AXIS_IBSI] = axis[1] * sample;
        v[LEAST_AXIS_IBSI] = axis[2] * sample;
        v[ELONGATION] = axis[1] / axis[0];
        v[FLATNESS] = axis[2] / axis[0];
        v[MESH_VOLUME] = volume;
        v[SURFACE_AREA] = area;
        v[SURFACE_VOLUME_RATIO] = area / volume;
        v[SPHERICITY] = cbrt(36 * M_PI * volume * volume) / area;
        v[SPHERICAL_DISPROPORTION] = 1 / v[SPHERICITY];
        v[COMPACTNESS1] = volume / sqrt(area * area * area * M_PI);
        v[COMPACTNESS2] = 36 * M_PI * (volume * volume) / (area * area * area);
        v[VOXEL_VOLUME] = (double)region->voxels * region->spacing_mm[0] *
                          region->spacing_mm[1] * region->spacing_mm[2];
        bool slice = region->box.size[0] == 1 || region->box.size[1] == 1 ||
                     region->box.size[2] == 1;
        /* A slice has no third axis: both are 0 whatever is outlined. */
        *ret_meaningless = slice ? 1u << FLATNESS | 1u << LEAST_AXIS : 0;
    }
    free(p.mask);
    return r;
}
