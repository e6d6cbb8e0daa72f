/* Zones: connected voxels of one grey level; definitions of PyRadiomics' class glszm. */
#include <stdlib.h>
#include <string.h>

#include "model/radiomics/region.h"

enum {
    GREY_NONUNIFORMITY, GREY_NONUNIFORMITY_NORMALISED, GREY_VARIANCE, HIGH_GREY, LARGE,
    LARGE_HIGH, LARGE_LOW, LOW_GREY, SIZE_NONUNIFORMITY, SIZE_NONUNIFORMITY_NORMALISED, SMALL,
    SMALL_HIGH, SMALL_LOW, ENTROPY, PERCENTAGE, VARIANCE,
};

struct zone {
    int level; /* from 1 */
    int size;
};

struct zones {
    struct zone *items; /* owned */
    size_t count;
};

/* Flood every zone once; a voxel is pushed once, when it is marked. */
static int find_zones(const struct levels *l, int flat, struct zones *ret_zones,
                      struct error *err)
{
    struct direction *list;
    int count;
    int r = directions_list(l, (int[]){1}, 1, flat, &list, &count, err);
    if (r < 0)
        return r;
    size_t cells = volume_count(l->grid);
    int *level = malloc(cells * sizeof *level); /* 0 once a voxel is taken */
    int *stack = malloc(l->voxels * sizeof *stack);
    struct zone *zones = malloc(l->voxels * sizeof *zones);
    if (!level || !stack || !zones) {
        r = error_set(err, STATUS_NOMEM, "no memory for zones");
        goto out;
    }
    memcpy(level, l->level, cells * sizeof *level);
    size_t n = 0;
    for (size_t v = 0; v < l->voxels; v++) {
        int g = level[l->at[v]];
        if (g == 0)
            continue;
        int depth = 0, size = 0;
        stack[depth++] = l->at[v];
        level[l->at[v]] = 0;
        while (depth > 0) {
            int at = stack[--depth];
            size++;
            for (int k = 0; k < count; k++) {
                int ahead = at + (int)list[k].offset, behind = at - (int)list[k].offset;
                if (level[ahead] == g) {
                    level[ahead] = 0;
                    stack[depth++] = ahead;
                }
                if (level[behind] == g) {
                    level[behind] = 0;
                    stack[depth++] = behind;
                }
            }
        }
        zones[n++] = (struct zone){g, size};
    }
    *ret_zones = (struct zones){zones, n};
    zones = NULL;
out:
    free(zones);
    free(stack);
    free(level);
    free(list);
    return r;
}

/* Columns for the sizes that occur: at most the square root of twice the voxels. */
static int size_columns(const struct zones *zones, size_t voxels, int **ret_column,
                        int *ret_count, struct error *err)
{
    int *column = calloc(voxels + 1, sizeof *column);
    if (!column)
        return error_set(err, STATUS_NOMEM, "no memory for zones");
    for (size_t i = 0; i < zones->count; i++)
        column[zones->items[i].size] = 1;
    int count = 0;
    for (size_t s = 1; s <= voxels; s++)
        if (column[s])
            column[s] = ++count;
    *ret_column = column;
    *ret_count = count;
    return 0;
}

int glszm_matrix(const struct levels *l, int flat, struct size_matrix *ret_matrix,
                 struct error *err)
{
    struct zones zones = {0};
    int r = find_zones(l, flat, &zones, err);
    if (r < 0)
        return r;
    int *column = NULL, columns = 0;
    r = size_columns(&zones, l->voxels, &column, &columns, err);
    struct size_matrix m = {0};
    if (r == 0)
        r = size_matrix_init(&m, l->count, columns, l->grey, err);
    if (r == 0) {
        for (size_t i = 0; i < zones.count; i++) {
            int j = column[zones.items[i].size] - 1;
            m.sizes[j] = zones.items[i].size;
            m.counts[(size_t)(zones.items[i].level - 1) * (size_t)columns + (size_t)j]++;
        }
        *ret_matrix = m;
    }
    free(column);
    free(zones.items);
    return r;
}

int glszm_compute(const struct levels *l, int flat, double *ret_values,
                  uint32_t *ret_meaningless, struct error *err)
{
    struct size_matrix m;
    int r = glszm_matrix(l, flat, &m, err);
    if (r < 0)
        return r;
    struct emphasis e;
    r = emphasis_compute(&m, &e, err);
    size_matrix_release(&m);
    if (r < 0)
        return r;
    double *v = ret_values;
    v[GREY_NONUNIFORMITY] = e.grey_nonuniformity;
    v[GREY_NONUNIFORMITY_NORMALISED] = e.grey_nonuniformity_normalised;
    v[GREY_VARIANCE] = e.grey_variance;
    v[HIGH_GREY] = e.high_grey;
    v[LARGE] = e.large;
    v[LARGE_HIGH] = e.large_high;
    v[LARGE_LOW] = e.large_low;
    v[LOW_GREY] = e.low_grey;
    v[SIZE_NONUNIFORMITY] = e.size_nonuniformity;
    v[SIZE_NONUNIFORMITY_NORMALISED] = e.size_nonuniformity_normalised;
    v[SMALL] = e.small;
    v[SMALL_HIGH] = e.small_high;
    v[SMALL_LOW] = e.small_low;
    v[ENTROPY] = e.entropy;
    v[PERCENTAGE] = e.total / e.voxels;
    v[VARIANCE] = e.size_variance;
    *ret_meaningless = 0;
    return 0;
}
