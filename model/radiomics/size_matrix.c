/* Counts by grey level and size, and the features that runs, zones and dependences share. */
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>

int size_matrix_init(struct size_matrix *ret_matrix, int rows, int columns, const int *grey,
                     struct error *err)
{
    struct size_matrix m = {.rows = rows, .columns = columns, .grey = grey};
    m.sizes = malloc((size_t)columns * sizeof *m.sizes);
    m.counts = calloc((size_t)rows * (size_t)columns, sizeof *m.counts);
    if (!m.sizes || !m.counts) {
        size_matrix_release(&m);
        return error_set(err, STATUS_NOMEM, "no memory for a texture matrix");
    }
    for (int j = 0; j < columns; j++)
        m.sizes[j] = j + 1;
    *ret_matrix = m;
    return 0;
}

void size_matrix_release(struct size_matrix *m)
{
    free(m->sizes);
    free(m->counts);
    *m = (struct size_matrix){0};
}

/* Sums over one row of n/j², n j², n, entropy; adds the row to the sums per size. */
struct row {
    double small, large, count, entropy;
};

static struct row sum_row(const struct size_matrix *m, int i, double total, double *per_size)
{
    struct row r = {0};
    const double *counts = m->counts + (size_t)i * (size_t)m->columns;
    for (int j = 0; j < m->columns; j++) {
        double n = counts[j];
        if (n == 0)
            continue;
        double size2 = (double)m->sizes[j] * m->sizes[j], p = n / total;
        r.small += n / size2;
        r.large += n * size2;
        r.count += n;
        r.entropy -= p * log2(p + RADIOMICS_EPSILON);
        per_size[j] += n;
    }
    return r;
}

static double variance(const double *counts, const int *at, int n, double total)
{
    double mean = 0, variance = 0;
    for (int k = 0; k < n; k++)
        mean += counts[k] / total * at[k];
    for (int k = 0; k < n; k++)
        variance += counts[k] / total * (at[k] - mean) * (at[k] - mean);
    return variance;
}

static double squares(const double *counts, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += counts[k] * counts[k];
    return sum;
}

static void combine(const struct size_matrix *m, const struct row *rows, double total,
                    struct emphasis *e)
{
    for (int i = 0; i < m->rows; i++) {
        const struct row *r = &rows[i];
        double grey2 = (double)m->grey[i] * m->grey[i];
        e->small += r->small / total;
        e->large += r->large / total;
        e->low_grey += r->count / grey2 / total;
        e->high_grey += r->count * grey2 / total;
        e->small_low += r->small / grey2 / total;
        e->small_high += r->small * grey2 / total;
        e->large_low += r->large / grey2 / total;
        e->large_high += r->large * grey2 / total;
        e->entropy += r->entropy;
    }
}

int emphasis_compute(const struct size_matrix *m, struct emphasis *ret_emphasis,
                     struct error *err)
{
    struct emphasis e = {0};
    for (size_t k = 0, n = (size_t)m->rows * (size_t)m->columns; k < n; k++)
        e.total += m->counts[k];
    struct row *rows = calloc((size_t)m->rows, sizeof *rows);
    double *per_size = calloc((size_t)m->columns + (size_t)m->rows, sizeof *per_size);
    if (!rows || !per_size) {
        free(rows);
        free(per_size);
        return error_set(err, STATUS_NOMEM, "no memory for texture features");
    }
    double *per_grey = per_size + m->columns;
    for (int i = 0; i < m->rows; i++) {
        rows[i] = sum_row(m, i, e.total, per_size);
        per_grey[i] = rows[i].count;
    }
    combine(m, rows, e.total, &e);
    e.grey_nonuniformity = squares(per_grey, m->rows) / e.total;
    e.grey_nonuniformity_normalised = e.grey_nonuniformity / e.total;
    e.size_nonuniformity = squares(per_size, m->columns) / e.total;
    e.size_nonuniformity_normalised = e.size_nonuniformity / e.total;
    e.grey_variance = variance(per_grey, m->grey, m->rows, e.total);
    e.size_variance = variance(per_size, m->sizes, m->columns, e.total);
    for (int j = 0; j < m->columns; j++)
        e.voxels += per_size[j] * m->sizes[j];
    free(rows);
    free(per_size);
    *ret_emphasis = e;
    return 0;
}
