/* Local binary patterns slice by slice (Ojala et al. 2002), as scikit-image computes them:
 * neighbours on a circle from the right, counter-clockwise, interpolated bilinearly, 0 outside
 * of the slice. The pattern goes back into the image's own type, as in PyRadiomics. */
#include "model/radiomics/filters.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 24 };

struct pattern {
    enum radiomics_lbp method;
    int samples;
    double row[SAMPLES_MAX], column[SAMPLES_MAX]; /* of the circle's points */
};

/* One slice of a volume: two axes with their steps. */
struct slice {
    const double *values;
    int rows, columns;
    size_t row_step, column_step;
};

static double round5(double v)
{
    return rint(v * 1e5) / 1e5;
}

static void pattern_init(struct pattern *p, const struct radiomics_settings *settings)
{
    p->method = settings->lbp2d_method;
    p->samples = settings->lbp2d_samples;
    double radius = (float)settings->lbp2d_radius; /* single precision there */
    for (int i = 0; i < p->samples; i++) {
        double angle = 2 * M_PI * i / p->samples;
        p->row[i] = round5(-radius * sin(angle));
        p->column[i] = round5(radius * cos(angle));
    }
}

static double pixel(const struct slice *s, double row, double column)
{
    if (row < 0 || row >= s->rows || column < 0 || column >= s->columns)
        return 0;
    return s->values[(size_t)row * s->row_step + (size_t)column * s->column_step];
}

static double bilinear(const struct slice *s, double row, double column)
{
    double r0 = floor(row), c0 = floor(column), r1 = ceil(row), c1 = ceil(column);
    double dr = row - r0, dc = column - c0;
    double top = (1 - dc) * pixel(s, r0, c0) + dc * pixel(s, r0, c1);
    double bottom = (1 - dc) * pixel(s, r1, c0) + dc * pixel(s, r1, c1);
    return (1 - dr) * top + dr * bottom;
}

static double variance(const double *x, int n)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean) / n;
    return squares;
}

/* The smallest value among all rotations. */
static uint32_t rotation_invariant(uint32_t bits, int samples)
{
    uint32_t least = bits;
    for (int i = 1; i < samples; i++) {
        bits = bits >> 1 | (bits & 1) << (samples - 1);
        least = bits < least ? bits : least;
    }
    return least;
}

static double pattern_at(const struct pattern *p, const struct slice *s, int row, int column)
{
    double centre = pixel(s, row, column), texture[SAMPLES_MAX];
    uint32_t bits = 0;
    int ones = 0, changes = 0;
    for (int i = 0; i < p->samples; i++) {
        texture[i] = bilinear(s, row + p->row[i], column + p->column[i]);
        uint32_t bit = texture[i] - centre >= 0;
        changes += i > 0 && bit != (bits >> (i - 1) & 1);
        bits |= bit << i;
        ones += (int)bit;
    }
    if (p->method == LBP_DEFAULT)
        return bits;
    if (p->method == LBP_ROR)
        return rotation_invariant(bits, p->samples);
    if (p->method == LBP_UNIFORM)
        return changes <= 2 ? ones : p->samples + 1;
    double contrast = variance(texture, p->samples);
    return contrast == 0 ? NAN : contrast;
}

int lbp2d_run(const struct volume *image, const struct region *region,
              const struct radiomics_settings *settings, filtered_fn *take, void *context,
              struct error *err)
{
    double *values = malloc(region->voxels * sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "no memory for a region's values");
    struct pattern pattern;
    pattern_init(&pattern, settings);
    int across = settings->force_2d_dimension, a = across == 0 ? 1 : 0, b = across == 2 ? 1 : 2;
    const size_t step[3] = {(size_t)image->size[1] * (size_t)image->size[2],
                            (size_t)image->size[2], 1};
    /* PyRadiomics exchanges the axis across with the first: with columns across, rows and
     * columns of the slice change places. */
    if (across == 2) {
        a = 1;
        b = 0;
    }
    const struct box *box = &region->box;
    const uint8_t *mask = region->mask;
    size_t n = 0;
    for (int z = 0; z < box->size[0]; z++)
        for (int y = 0; y < box->size[1]; y++)
            for (int x = 0; x < box->size[2]; x++) {
                if (!*mask++)
                    continue;
                const int at[3] = {box->start[0] + z, box->start[1] + y, box->start[2] + x};
                struct slice s = {image->values + (size_t)at[across] * step[across],
                                  image->size[a], image->size[b], step[a], step[b]};
                double v = pattern_at(&pattern, &s, at[a], at[b]);
                values[n++] = image->type < VOXEL_FLOAT ? trunc(v) : v;
            }
    struct filtered out = {FILTER_LBP2D, "lbp-2D", region, values, false};
    int r = take(context, &out, err);
    free(values);
    return r;
}
