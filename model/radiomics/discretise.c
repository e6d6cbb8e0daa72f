/* Grey values to grey levels: numpy.digitize with PyRadiomics' edges. */
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>

enum { GREY_MAX = 1 << 20 }; /* highest grey level; the classes keep arrays over it */

/* Edge i of the bins is low + i × step, except the last of a fixed number of bins. */
struct bins {
    double low, step, per_step, last;
    int last_index; /* INT32_MAX: all edges are regular */
};

/* Python's modulo: the sign of the divisor, which is positive here. */
static double modulo(double a, double b)
{
    double m = fmod(a, b);
    return m < 0 ? m + b : m;
}

static struct bins bins_of_width(double min, double width)
{
    double low = min - modulo(min, width);
    /* numpy.arange steps by the difference of its first two rounded values. */
    double step = low + width - low;
    return (struct bins){low, step, 1 / step, 0, INT32_MAX};
}

static struct bins bins_of_count(double min, double max, int count)
{
    if (min == max) {
        min -= 0.5;
        max += 0.5;
    }
    double step = (max - min) / count;
    return (struct bins){min, step, 1 / step, max + 1, count};
}

static double edge(const struct bins *b, int i)
{
    return i >= b->last_index ? b->last : b->low + i * b->step;
}

/* Number of edges at or below the value. */
static int level_of(const struct bins *b, double value)
{
    int i = (int)((value - b->low) * b->per_step); /* off by one at most */
    i = i > b->last_index ? b->last_index : i;
    while (i > 0 && edge(b, i) > value)
        i--;
    while (i < b->last_index && edge(b, i + 1) <= value)
        i++;
    return i + 1;
}

static int make_bins(const double *values, size_t n, const struct radiomics_texture *t,
                     struct bins *ret_bins, int *ret_highest, struct error *err)
{
    double min = values[0], max = values[0];
    for (size_t i = 1; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    struct bins b = t->bin_count > 0 ? bins_of_count(min, max, t->bin_count)
                                     : bins_of_width(min, t->bin_width);
    if (!((max - b.low) / b.step < GREY_MAX) || !(b.low + b.step > b.low))
        return error_set(err, STATUS_LIMIT,
                         "values from %g to %g give more than %d grey levels: a larger bin width "
                         "is needed", min, max, GREY_MAX);
    *ret_highest = level_of(&b, max);
    *ret_bins = b;
    return 0;
}

/* Number the levels that occur; `place` [highest + 1] comes with a mark for each. */
static int number_levels(struct levels *l, int *place, int highest, struct error *err)
{
    int count = 0;
    for (int g = 1; g <= highest; g++)
        count += place[g] != 0;
    if (count > RADIOMICS_LEVELS_MAX)
        return error_set(err, STATUS_LIMIT,
                         "%d grey levels are more than %d: a larger bin width is needed", count,
                         RADIOMICS_LEVELS_MAX);
    l->grey = malloc((size_t)count * sizeof *l->grey);
    if (!l->grey)
        return error_set(err, STATUS_NOMEM, "no memory for grey levels");
    for (int g = 1; g <= highest; g++)
        if (place[g]) {
            l->grey[l->count++] = g;
            place[g] = l->count;
        }
    l->highest = highest;
    return 0;
}

static int fill(struct levels *l, const struct region *region, const double *values,
                const struct bins *bins, int highest, struct error *err)
{
    int *place = calloc((size_t)highest + 1, sizeof *place);
    if (!place)
        return error_set(err, STATUS_NOMEM, "no memory for grey levels");
    size_t n = 0;
    const uint8_t *mask = region->mask;
    for (int z = 0; z < l->size[0]; z++)
        for (int y = 0; y < l->size[1]; y++) {
            int at = ((z + l->margin[0]) * l->grid[1] + y + l->margin[1]) * l->grid[2] +
                     l->margin[2];
            for (int x = 0; x < l->size[2]; x++, at++)
                if (*mask++) {
                    l->at[n] = at;
                    l->level[at] = level_of(bins, values[n++]);
                    place[l->level[at]] = 1;
                }
        }
    int r = number_levels(l, place, highest, err);
    if (r == 0)
        for (size_t i = 0; i < n; i++)
            l->level[l->at[i]] = place[l->level[l->at[i]]];
    free(place);
    return r;
}

int levels_init(struct levels *ret_levels, const struct region *region, const double *values,
                const struct radiomics_texture *texture, int flat, struct error *err)
{
    int far = 1;
    for (int i = 0; i < texture->distance_count; i++)
        far = texture->distances[i] > far ? texture->distances[i] : far;
    struct levels l = {.voxels = region->voxels};
    uint64_t cells = 1;
    for (int d = 0; d < 3; d++) {
        l.size[d] = region->box.size[d];
        l.spacing_mm[d] = region->spacing_mm[d];
        l.margin[d] = d == flat || l.size[d] == 1 ? 0 : far;
        l.grid[d] = l.size[d] + 2 * l.margin[d];
        cells *= (uint64_t)l.grid[d];
    }
    if (cells > INT32_MAX)
        return error_set(err, STATUS_LIMIT, "the region's box is too large");
    struct bins bins = {0};
    int highest = 0;
    int r = make_bins(values, region->voxels, texture, &bins, &highest, err);
    if (r < 0)
        return r;
    l.level = calloc(cells, sizeof *l.level);
    l.at = malloc(l.voxels * sizeof *l.at);
    if (!l.level || !l.at)
        r = error_set(err, STATUS_NOMEM, "no memory for grey levels");
    else
        r = fill(&l, region, values, &bins, highest, err);
    if (r < 0) {
        levels_release(&l);
        return r;
    }
    *ret_levels = l;
    return 0;
}

void levels_release(struct levels *l)
{
    free(l->level);
    free(l->at);
    free(l->grey);
    *l = (struct levels){0};
}
