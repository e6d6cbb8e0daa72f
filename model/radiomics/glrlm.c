/* Grey level runs, per direction; definitions of PyRadiomics' class glrlm. Runs have distance 1
 * whatever `distances` says, as there. */
#include <stdlib.h>

#include "model/radiomics/region.h"

enum {
    GREY_NONUNIFORMITY, GREY_NONUNIFORMITY_NORMALISED, GREY_VARIANCE, HIGH_GREY, LONG,
    LONG_HIGH, LONG_LOW, LOW_GREY, ENTROPY, LENGTH_NONUNIFORMITY,
    LENGTH_NONUNIFORMITY_NORMALISED, PERCENTAGE, VARIANCE, SHORT, SHORT_HIGH, SHORT_LOW, COUNT,
};

/* The longest line along a direction. */
static int longest(const struct levels *l, const struct direction *d)
{
    int steps = INT32_MAX;
    for (int a = 0; a < 3; a++)
        if (d->step[a] != 0 && l->size[a] < steps)
            steps = l->size[a];
    return steps;
}

/* Whether no line along the direction holds two voxels of the region. */
static int alone_on_lines(const struct levels *l, const struct direction *d, bool *ret_alone,
                          struct error *err)
{
    size_t cells = volume_count(l->grid);
    uint8_t *seen = calloc(cells, 1);
    if (!seen)
        return error_set(err, STATUS_NOMEM, "no memory for runs");
    bool alone = true;
    for (size_t v = 0; v < l->voxels && alone; v++) {
        int place[3] = {l->at[v] / (l->grid[1] * l->grid[2]),
                        l->at[v] / l->grid[2] % l->grid[1], l->at[v] % l->grid[2]};
        int back = INT32_MAX; /* steps to the line's first cell in the grid */
        for (int a = 0; a < 3; a++) {
            int steps = d->step[a] == 0  ? INT32_MAX
                        : d->step[a] > 0 ? place[a]
                                         : l->grid[a] - 1 - place[a];
            back = steps < back ? steps : back;
        }
        uint8_t *first = &seen[l->at[v] - back * d->offset];
        alone = !*first;
        *first = 1;
    }
    free(seen);
    *ret_alone = alone;
    return 0;
}

/* A run grows from the voxel before, which comes earlier in raster order, and counts where it
 * ends; without branches, since ends cannot be foreseen. `runs` is scratch of the grid, `counts`
 * of the matrix: whole numbers, since a chain of additions to one cell waits less for them. */
static void count_runs(const struct levels *l, const struct direction *d, int *runs,
                       int *counts, struct size_matrix *m)
{
    const int *level = l->level;
    ptrdiff_t offset = d->offset;
    for (size_t v = 0; v < l->voxels; v++) {
        ptrdiff_t at = l->at[v];
        int g = level[at];
        int run = (level[at - offset] == g ? runs[at - offset] : 0) + 1;
        runs[at] = run;
        counts[(size_t)(g - 1) * (size_t)m->columns + (size_t)run - 1] += level[at + offset] != g;
    }
    for (size_t k = 0, n = (size_t)m->rows * (size_t)m->columns; k < n; k++)
        m->counts[k] = counts[k];
}

int glrlm_matrix(const struct levels *l, const struct direction *d,
                 struct size_matrix *ret_matrix, bool *ret_empty, struct error *err)
{
    struct size_matrix m;
    int r = size_matrix_init(&m, l->count, longest(l, d), l->grey, err);
    if (r < 0)
        return r;
    int *runs = malloc(volume_count(l->grid) * sizeof *runs);
    int *counts = calloc((size_t)m.rows * (size_t)m.columns, sizeof *counts);
    if (runs && counts)
        count_runs(l, d, runs, counts, &m);
    else
        r = error_set(err, STATUS_NOMEM, "no memory for runs");
    free(counts);
    free(runs);
    if (r < 0) {
        size_matrix_release(&m);
        return r;
    }
    bool longer = false;
    for (int i = 0; i < m.rows && !longer; i++)
        for (int j = 1; j < m.columns; j++)
            longer |= m.counts[(size_t)i * (size_t)m.columns + (size_t)j] != 0;
    *ret_empty = false;
    if (!longer)
        r = alone_on_lines(l, d, ret_empty, err);
    if (r < 0) {
        size_matrix_release(&m);
        return r;
    }
    *ret_matrix = m;
    return 0;
}

static int add_features(const struct size_matrix *m, double *sums, struct error *err)
{
    struct emphasis e;
    int r = emphasis_compute(m, &e, err);
    if (r < 0)
        return r;
    const double values[COUNT] = {
        [GREY_NONUNIFORMITY] = e.grey_nonuniformity,
        [GREY_NONUNIFORMITY_NORMALISED] = e.grey_nonuniformity_normalised,
        [GREY_VARIANCE] = e.grey_variance,
        [HIGH_GREY] = e.high_grey,
        [LONG] = e.large,
        [LONG_HIGH] = e.large_high,
        [LONG_LOW] = e.large_low,
        [LOW_GREY] = e.low_grey,
        [ENTROPY] = e.entropy,
        [LENGTH_NONUNIFORMITY] = e.size_nonuniformity,
        [LENGTH_NONUNIFORMITY_NORMALISED] = e.size_nonuniformity_normalised,
        [PERCENTAGE] = e.total / e.voxels,
        [VARIANCE] = e.size_variance,
        [SHORT] = e.small,
        [SHORT_HIGH] = e.small_high,
        [SHORT_LOW] = e.small_low,
    };
    for (int k = 0; k < COUNT; k++)
        sums[k] += values[k];
    return 0;
}

/* Add `m`, weighted, to `sum`, whose rows may be longer. */
static void add_weighted(struct size_matrix *sum, const struct size_matrix *m, double weight)
{
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->columns; j++)
            sum->counts[(size_t)i * (size_t)sum->columns + (size_t)j] +=
                weight * m->counts[(size_t)i * (size_t)m->columns + (size_t)j];
}

static int combined(const struct levels *l, enum radiomics_weighting weighting,
                    const struct direction *list, int count, double *sums, int *ret_used,
                    struct error *err)
{
    int widest = 1;
    for (int d = 0; d < 3; d++)
        widest = l->size[d] > widest ? l->size[d] : widest;
    struct size_matrix sum;
    int r = size_matrix_init(&sum, l->count, widest, l->grey, err);
    if (r < 0)
        return r;
    int used = 0;
    for (int k = 0; k < count && r == 0; k++) {
        struct size_matrix m;
        bool empty;
        r = glrlm_matrix(l, &list[k], &m, &empty, err);
        if (r < 0)
            break;
        if (!empty) {
            add_weighted(&sum, &m, direction_weight(&list[k], weighting, l->spacing_mm));
            used = 1;
        }
        size_matrix_release(&m);
    }
    if (r == 0 && used)
        r = add_features(&sum, sums, err);
    size_matrix_release(&sum);
    *ret_used = used;
    return r;
}

static int separate(const struct levels *l, const struct direction *list, int count,
                    double *sums, int *ret_used, struct error *err)
{
    int used = 0, r = 0;
    for (int k = 0; k < count && r == 0; k++) {
        struct size_matrix m;
        bool empty;
        r = glrlm_matrix(l, &list[k], &m, &empty, err);
        if (r < 0)
            break;
        if (!empty) {
            r = add_features(&m, sums, err);
            used++;
        }
        size_matrix_release(&m);
    }
    *ret_used = used;
    return r;
}

int glrlm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                  double *ret_values, uint32_t *ret_meaningless, struct error *err)
{
    struct direction *list;
    int count, used = 0;
    int r = directions_list(l, (int[]){1}, 1, flat, &list, &count, err);
    if (r < 0)
        return r;
    double sums[COUNT] = {0};
    r = texture->weighting == WEIGHTING_NONE
            ? separate(l, list, count, sums, &used, err)
            : combined(l, texture->weighting, list, count, sums, &used, err);
    free(list);
    if (r < 0)
        return r;
    for (int k = 0; k < COUNT; k++)
        ret_values[k] = sums[k] / used; /* no direction: 0 / 0, undefined */
    *ret_meaningless = 0;
    return 0;
}
