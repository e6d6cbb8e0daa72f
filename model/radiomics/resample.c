/* Resampling as ITK's ResampleImageFilter does it: cubic B-splines with mirrored borders
 * (Unser 1999), linear, or nearest neighbour; values go back into the image's own type. */
#include "model/radiomics/preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Output voxel i of an axis lies at first + i × step, in input voxels. */
struct axis_grid {
    int size;
    double first, step;
};

/* A grid aligned to the image's border, around the region with a margin: PyRadiomics'
 * resampleImage. */
static void make_grid(const struct region *region, const struct volume *image,
                      const double wanted[3], int pad, struct axis_grid grid[3],
                      double spacing_mm[3])
{
    for (int d = 0; d < 3; d++) {
        double old = image->spacing_mm[d];
        int start = region->box.start[d], size = region->box.size[d];
        spacing_mm[d] = size == 1 || wanted[d] == 0 ? old : wanted[d];
        double ratio = old / spacing_mm[d];
        double low = floor((start - 0.5) * ratio - pad);
        double high = ceil((start + size - 0.5) * ratio + pad);
        double end = ceil(image->size[d] * ratio) - 1;
        low = low < 0 ? 0 : low;
        high = high > end ? end : high;
        grid[d].size = (int)fmin(high - low + 1, VOLUME_VOXELS_MAX);
        grid[d].step = spacing_mm[d] / old;
        grid[d].first = 0.5 * (spacing_mm[d] - old) / old + low / ratio;
    }
}

/* In-place cubic B-spline coefficients of one line of n values, `stride` apart. */
static void spline_line(double *c, int n, size_t stride)
{
    if (n == 1)
        return;
    const double pole = sqrt(3.0) - 2, gain = (1 - pole) * (1 - 1 / pole);
    for (int i = 0; i < n; i++)
        c[(size_t)i * stride] *= gain;
    /* The causal filter's start: the mirrored signal summed until it does not count. */
    double power = pole, sum = c[0];
    int horizon = (int)ceil(log(1e-10) / log(fabs(pole)));
    if (horizon < n) {
        for (int i = 1; i < horizon; i++) {
            sum += power * c[(size_t)i * stride];
            power *= pole;
        }
    } else {
        double back = pow(pole, n - 1);
        sum += back * c[(size_t)(n - 1) * stride];
        back = back * back / pole;
        for (int i = 1; i < n - 1; i++) {
            sum += (power + back) * c[(size_t)i * stride];
            power *= pole;
            back /= pole;
        }
        sum /= 1 - power * power;
    }
    c[0] = sum;
    for (int i = 1; i < n; i++)
        c[(size_t)i * stride] += pole * c[(size_t)(i - 1) * stride];
    double last = c[(size_t)(n - 1) * stride], before = c[(size_t)(n - 2) * stride];
    c[(size_t)(n - 1) * stride] = pole / (pole * pole - 1) * (pole * before + last);
    for (int i = n - 2; i >= 0; i--) {
        double *at = &c[(size_t)i * stride];
        *at = pole * (at[stride] - *at);
    }
}

static void spline_coefficients(struct volume *v)
{
    size_t step[3] = {(size_t)v->size[1] * (size_t)v->size[2], (size_t)v->size[2], 1};
    for (int d = 0; d < 3; d++) {
        int a = d == 0 ? 1 : 0, b = d == 2 ? 1 : 2;
        for (int i = 0; i < v->size[a]; i++)
            for (int j = 0; j < v->size[b]; j++)
                spline_line(v->values + (size_t)i * step[a] + (size_t)j * step[b], v->size[d],
                            step[d]);
    }
}

static int mirror(int i, int n)
{
    if (n == 1)
        return 0;
    int period = 2 * (n - 1);
    i = abs(i) % period;
    return i < n ? i : period - i;
}

enum { SUPPORT = 4 };

/* What one output position of an axis takes from where. */
struct weights {
    int count;
    int at[SUPPORT];
    double weight[SUPPORT];
    bool inside; /* the image covers the position */
};

static struct weights weights_at(double x, int n, enum radiomics_interpolator kind)
{
    struct weights w = {.count = 1, .weight = {1}};
    /* ITK: inside is half a voxel around the outer centres. */
    w.inside = x >= -0.5 && x < n - 0.5;
    if (!w.inside)
        return w;
    if (kind == INTERPOLATOR_NEAREST || (kind == INTERPOLATOR_LINEAR && n == 1)) {
        int i = (int)floor(x + 0.5);
        w.at[0] = i < 0 ? 0 : i > n - 1 ? n - 1 : i;
        return w;
    }
    int base = (int)floor(x);
    double t = x - base;
    if (kind == INTERPOLATOR_LINEAR) {
        w.count = 2;
        for (int k = 0; k < 2; k++) {
            int i = base + k;
            w.at[k] = i < 0 ? 0 : i > n - 1 ? n - 1 : i;
            w.weight[k] = k ? t : 1 - t;
        }
        return w;
    }
    w.count = SUPPORT;
    w.weight[3] = t * t * t / 6;
    w.weight[0] = 1.0 / 6 + 0.5 * t * (t - 1) - w.weight[3];
    w.weight[2] = t + w.weight[0] - 2 * w.weight[3];
    w.weight[1] = 1 - w.weight[0] - w.weight[2] - w.weight[3];
    for (int k = 0; k < SUPPORT; k++)
        w.at[k] = mirror(base - 1 + k, n);
    return w;
}

/* As ITK's cast: clamped to the type's range, the fraction cut off. */
static double into_type(double v, enum voxel_type type)
{
    static const double low[] = {[VOXEL_UINT8] = 0, [VOXEL_INT8] = INT8_MIN, [VOXEL_UINT16] = 0,
                                 [VOXEL_INT16] = INT16_MIN, [VOXEL_UINT32] = 0,
                                 [VOXEL_INT32] = INT32_MIN};
    static const double high[] = {[VOXEL_UINT8] = UINT8_MAX, [VOXEL_INT8] = INT8_MAX,
                                  [VOXEL_UINT16] = UINT16_MAX, [VOXEL_INT16] = INT16_MAX,
                                  [VOXEL_UINT32] = UINT32_MAX, [VOXEL_INT32] = INT32_MAX};
    if (type == VOXEL_FLOAT)
        return (float)v;
    if (type == VOXEL_DOUBLE)
        return v;
    return v < low[type] ? low[type] : v > high[type] ? high[type] : trunc(v);
}

static double interpolate(const struct volume *v, const struct weights *z,
                          const struct weights *y, const struct weights *x)
{
    double sum = 0;
    for (int a = 0; a < z->count; a++)
        for (int b = 0; b < y->count; b++) {
            const double *row = v->values + ((size_t)z->at[a] * (size_t)v->size[1] +
                                             (size_t)y->at[b]) * (size_t)v->size[2];
            double line = 0;
            for (int c = 0; c < x->count; c++)
                line += x->weight[c] * row[x->at[c]];
            sum += z->weight[a] * y->weight[b] * line;
        }
    return sum;
}

/* Weights of every output position, per axis; one allocation behind ret[0]. */
static int all_weights(const struct axis_grid grid[3], const int size[3],
                       enum radiomics_interpolator kind, struct weights *ret[3],
                       struct error *err)
{
    size_t total = (size_t)grid[0].size + (size_t)grid[1].size + (size_t)grid[2].size;
    ret[0] = malloc(total * sizeof *ret[0]);
    if (!ret[0])
        return error_set(err, STATUS_NOMEM, "no memory to resample");
    ret[1] = ret[0] + grid[0].size;
    ret[2] = ret[1] + grid[1].size;
    for (int d = 0; d < 3; d++)
        for (int i = 0; i < grid[d].size; i++)
            ret[d][i] = weights_at(grid[d].first + i * grid[d].step, size[d], kind);
    return 0;
}

/* `from` on the grid; outside of it 0. */
static int sample(const struct volume *from, const struct axis_grid grid[3],
                  enum radiomics_interpolator kind, struct volume *to, struct error *err)
{
    struct weights *w[3];
    int r = all_weights(grid, from->size, kind, w, err);
    if (r < 0)
        return r;
    double *out = to->values;
    for (int z = 0; z < to->size[0]; z++)
        for (int y = 0; y < to->size[1]; y++)
            for (int x = 0; x < to->size[2]; x++, out++)
                if (w[0][z].inside && w[1][y].inside && w[2][x].inside)
                    *out = into_type(interpolate(from, &w[0][z], &w[1][y], &w[2][x]), to->type);
    free(w[0]);
    return 0;
}

static int sample_mask(const uint8_t *from, const int size[3], const struct axis_grid grid[3],
                       uint8_t *to, struct error *err)
{
    struct weights *w[3];
    int r = all_weights(grid, size, INTERPOLATOR_NEAREST, w, err);
    if (r < 0)
        return r;
    for (int z = 0; z < grid[0].size; z++)
        for (int y = 0; y < grid[1].size; y++)
            for (int x = 0; x < grid[2].size; x++, to++)
                *to = w[0][z].inside && w[1][y].inside && w[2][x].inside &&
                      from[((size_t)w[0][z].at[0] * (size_t)size[1] + (size_t)w[1][y].at[0]) *
                               (size_t)size[2] + (size_t)w[2][x].at[0]];
    free(w[0]);
    return 0;
}

int resample(const struct radiomics_settings *settings, const struct region *region,
             struct volume *image, uint8_t **mask, struct error *err)
{
    struct axis_grid grid[3];
    double spacing_mm[3];
    make_grid(region, image, settings->resampled_spacing_mm, settings->pad_distance, grid,
              spacing_mm);
    struct volume out;
    int r = volume_init(&out, (int[3]){grid[0].size, grid[1].size, grid[2].size}, image->type, err);
    if (r < 0)
        return error_prefix(err, "after resampling");
    uint8_t *out_mask = malloc(volume_count(out.size));
    if (!out_mask) {
        r = error_set(err, STATUS_NOMEM, "no memory to resample");
    } else {
        r = sample_mask(*mask, image->size, grid, out_mask, err);
        if (settings->interpolator == INTERPOLATOR_BSPLINE)
            spline_coefficients(image);
        if (r == 0)
            r = sample(image, grid, settings->interpolator, &out, err);
    }
    if (r < 0) {
        free(out_mask);
        volume_release(&out);
        return r;
    }
    memcpy(out.spacing_mm, spacing_mm, sizeof spacing_mm);
    volume_release(image);
    free(*mask);
    *image = out;
    *mask = out_mask;
    return 0;
}
