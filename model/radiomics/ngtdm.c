/* Neighbouring grey tone difference; definitions of PyRadiomics' class ngtdm. */
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUSYNESS, COARSENESS, COMPLEXITY, CONTRAST, STRENGTH };

int ngtdm_matrix(const struct levels *l, const struct radiomics_texture *texture, int flat,
                 double *ret_matrix, struct error *err)
{
    struct direction *list;
    int count;
    int r = directions_list(l, texture->distances, texture->distance_count, flat, &list, &count,
                            err);
    if (r < 0)
        return r;
    int *grey = calloc((size_t)l->count + 1, sizeof *grey); /* grey[0] = 0: outside adds nothing */
    if (!grey) {
        free(list);
        return error_set(err, STATUS_NOMEM, "no memory for grey levels");
    }
    memcpy(grey + 1, l->grey, (size_t)l->count * sizeof *grey);
    memset(ret_matrix, 0, (size_t)l->count * 2 * sizeof *ret_matrix);
    for (size_t v = 0; v < l->voxels; v++) {
        const int *at = l->level + l->at[v];
        int neighbours = 0;
        int64_t sum = 0;
        for (int k = 0; k < count; k++) {
            int ahead = at[list[k].offset], behind = at[-list[k].offset];
            neighbours += (ahead != 0) + (behind != 0);
            sum += grey[ahead] + grey[behind];
        }
        double *row = ret_matrix + 2 * (*at - 1);
        row[0]++;
        if (neighbours > 0)
            row[1] += fabs(grey[*at] - (double)sum / neighbours);
    }
    free(grey);
    free(list);
    return 0;
}

static void compute(const struct levels *l, const double *matrix, double *v)
{
    double n = (double)l->voxels, weighted = 0, differences = 0, contrast = 0, busyness = 0,
           complexity = 0, strength = 0;
    for (int a = 0; a < l->count; a++) {
        double i = l->grey[a], pi = matrix[2 * a] / n, si = matrix[2 * a + 1];
        weighted += pi * si;
        differences += si;
        for (int b = 0; b < l->count; b++) {
            double j = l->grey[b], pj = matrix[2 * b] / n, sj = matrix[2 * b + 1];
            contrast += pi * pj * (i - j) * (i - j);
            busyness += fabs(i * pi - j * pj);
            complexity += fabs(i - j) * (pi * si + pj * sj) / (pi + pj);
            strength += (pi + pj) * (i - j) * (i - j);
        }
    }
    double levels = l->count;
    v[COARSENESS] = weighted == 0 ? 1e6 : 1 / weighted;
    v[CONTRAST] = l->count == 1 ? 0 : contrast * differences / n / (levels * (levels - 1));
    v[BUSYNESS] = busyness == 0 ? 0 : weighted / busyness;
    v[COMPLEXITY] = complexity / n;
    v[STRENGTH] = differences == 0 ? 0 : strength / differences;
}

int ngtdm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                  double *ret_values, uint32_t *ret_meaningless, struct error *err)
{
    double *matrix = malloc((size_t)l->count * 2 * sizeof *matrix);
    if (!matrix)
        return error_set(err, STATUS_NOMEM, "no memory for grey tone differences");
    int r = ngtdm_matrix(l, texture, flat, matrix, err);
    if (r == 0) {
        compute(l, matrix, ret_values);
        /* One grey level has no differences: every value is PyRadiomics' convention. */
        *ret_meaningless = l->count == 1 ? 0x1f : 0;
    }
    free(matrix);
    return r;
}
