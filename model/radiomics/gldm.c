/* Dependences: neighbours whose grey level differs by at most gldm_a; definitions of PyRadiomics'
 * class gldm. A voxel counts itself, so that sizes begin at 1. */
#include <stdlib.h>

#include "model/radiomics/region.h"

enum {
    ENTROPY, NONUNIFORMITY, NONUNIFORMITY_NORMALISED, VARIANCE, GREY_NONUNIFORMITY,
    GREY_VARIANCE, HIGH_GREY, LARGE, LARGE_HIGH, LARGE_LOW, LOW_GREY, SMALL, SMALL_HIGH,
    SMALL_LOW,
};

static bool depends(const struct levels *l, int g, int other, double most)
{
    return other != 0 && (g == other || abs(l->grey[g - 1] - l->grey[other - 1]) <= most);
}

int gldm_matrix(const struct levels *l, const struct radiomics_texture *texture, int flat,
                struct size_matrix *ret_matrix, struct error *err)
{
    struct direction *list;
    int count;
    int r = directions_list(l, texture->distances, texture->distance_count, flat, &list, &count,
                            err);
    if (r < 0)
        return r;
    struct size_matrix m;
    r = size_matrix_init(&m, l->count, 2 * count + 1, l->grey, err);
    if (r == 0) {
        for (size_t v = 0; v < l->voxels; v++) {
            const int *at = l->level + l->at[v];
            int g = *at, size = 0;
            if (texture->gldm_a == 0)
                for (int k = 0; k < count; k++)
                    size += (at[list[k].offset] == g) + (at[-list[k].offset] == g);
            else
                for (int k = 0; k < count; k++)
                    size += depends(l, g, at[list[k].offset], texture->gldm_a) +
                            depends(l, g, at[-list[k].offset], texture->gldm_a);
            m.counts[(size_t)(g - 1) * (size_t)m.columns + (size_t)size]++;
        }
        *ret_matrix = m;
    }
    free(list);
    return r;
}

int gldm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                 double *ret_values, uint32_t *ret_meaningless, struct error *err)
{
    struct size_matrix m;
    int r = gldm_matrix(l, texture, flat, &m, err);
    if (r < 0)
        return r;
    struct emphasis e;
    r = emphasis_compute(&m, &e, err);
    size_matrix_release(&m);
    if (r < 0)
        return r;
    double *v = ret_values;
    v[ENTROPY] = e.entropy;
    v[NONUNIFORMITY] = e.size_nonuniformity;
    v[NONUNIFORMITY_NORMALISED] = e.size_nonuniformity_normalised;
    v[VARIANCE] = e.size_variance;
    v[GREY_NONUNIFORMITY] = e.grey_nonuniformity;
    v[GREY_VARIANCE] = e.grey_variance;
    v[HIGH_GREY] = e.high_grey;
    v[LARGE] = e.large;
    v[LARGE_HIGH] = e.large_high;
    v[LARGE_LOW] = e.large_low;
    v[LOW_GREY] = e.low_grey;
    v[SMALL] = e.small;
    v[SMALL_HIGH] = e.small_high;
    v[SMALL_LOW] = e.small_low;
    *ret_meaningless = 0;
    return 0;
}
