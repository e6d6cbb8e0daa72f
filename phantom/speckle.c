#include "phantom/speckle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KERNEL_HALF_MAX = 48 };

struct kernel {
    int half;
    float tap[2 * KERNEL_HALF_MAX + 1];
};

/* Unit energy, so that noise keeps its variance. */
static void kernel_gauss(struct kernel *k, float sigma_px)
{
    int half = (int)ceilf(2.5F * sigma_px);
    k->half = half < KERNEL_HALF_MAX ? half : KERNEL_HALF_MAX;
    float energy = 0;
    for (int i = -k->half; i <= k->half; i++) {
        float t = (float)i / fmaxf(sigma_px, 0.1F);
        float tap = expf(-t * t / 2);
        k->tap[i + k->half] = tap;
        energy += tap * tap;
    }
    for (int i = 0; i <= 2 * k->half; i++)
        k->tap[i] /= sqrtf(energy);
}

/* Sums run tap by tap over whole rows: the order of additions, and so every bit of the result,
 * is the same whether the compiler vectorises or not. */
static void add_scaled(float *restrict to, const float *restrict from, float factor, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += factor * from[i];
}

static void smooth_along_row(const float *padded, const struct kernel *k, int n, float *to)
{
    memset(to, 0, (size_t)n * sizeof *to);
    for (int i = 0; i <= 2 * k->half; i++)
        add_scaled(to, padded + KERNEL_HALF_MAX - k->half + i, k->tap[i], n);
}

/* One part (real or imaginary) of the field: scatterers of one row at a time, smeared sideways
 * by the beam's width there; then all rows smeared along the pulse. `sideways`: work of the
 * plane's size; `padded`: a row and KERNEL_HALF_MAX on both sides. */
static void field_fill(const struct plane *strength, const struct beam *beam,
                       const float *scatterers, float *padded, float *sideways, float *ret_field)
{
    int rows = strength->rows, columns = strength->columns;
    struct kernel k;
    for (int row = 0; row < rows; row++) {
        const float *s = strength->values + (size_t)row * columns;
        const float *n = scatterers + (size_t)row * columns;
        memset(padded, 0, ((size_t)columns + 2 * KERNEL_HALF_MAX) * sizeof *padded);
        for (int column = 0; column < columns; column++)
            padded[KERNEL_HALF_MAX + column] = s[column] * n[column];
        float off_focus = fabsf((float)row * beam->spacing_mm - beam->focus_mm);
        float sigma_mm = beam->lateral_sigma_mm + beam->widening * off_focus;
        kernel_gauss(&k, sigma_mm / beam->spacing_mm);
        smooth_along_row(padded, &k, columns, sideways + (size_t)row * columns);
    }
    kernel_gauss(&k, beam->axial_sigma_mm / beam->spacing_mm);
    for (int row = 0; row < rows; row++) {
        float *to = ret_field + (size_t)row * columns;
        memset(to, 0, (size_t)columns * sizeof *to);
        for (int i = -k.half; i <= k.half; i++)
            if (row + i >= 0 && row + i < rows)
                add_scaled(to, sideways + (size_t)(row + i) * columns, k.tap[i + k.half], columns);
    }
}

static void add_power(float *restrict power, const float *restrict field, size_t n)
{
    for (size_t i = 0; i < n; i++)
        power[i] += field[i] * field[i];
}

static uint8_t compress(float power, const struct beam *beam)
{
    float db = 10 * log10f(power + 1e-9F);
    float grey = beam->gland_grey + db * 255 / beam->dynamic_range_db;
    return (uint8_t)(fminf(fmaxf(grey, 0), 255) + 0.5F);
}

/* What the plane scatters: amplitudes, and room for one part of the field. */
struct bench {
    struct plane strength;
    float *scatterers, *sideways, *field, *padded;
};

static int bench_init(struct bench *b, const struct plane *echo_db, struct error *err)
{
    int rows = echo_db->rows, columns = echo_db->columns;
    size_t n = (size_t)rows * columns;
    *b = (struct bench){0};
    int status = plane_init(&b->strength, rows, columns, err);
    if (status != STATUS_OK)
        return status;
    b->scatterers = calloc(3 * n + (size_t)columns + 2 * KERNEL_HALF_MAX, sizeof *b->scatterers);
    if (!b->scatterers) {
        plane_release(&b->strength);
        return error_set(err, STATUS_NOMEM, "no memory for a synthetic picture");
    }
    b->sideways = b->scatterers + n;
    b->field = b->scatterers + 2 * n;
    b->padded = b->scatterers + 3 * n;
    for (size_t i = 0; i < n; i++)
        b->strength.values[i] = expf(echo_db->values[i] * (float)(M_LN10 / 20));
    return STATUS_OK;
}

static void bench_release(struct bench *b)
{
    plane_release(&b->strength);
    free(b->scatterers);
}

/* `power`: mean of the parts' squares, of the picture's size. */
static void picture_fill(const struct plane *power, const struct beam *beam, struct random *r,
                         struct image *ret_picture)
{
    for (int row = 0; row < power->rows; row++) {
        float noise_db =
            beam->noise_db + beam->noise_slope_db_per_mm * (float)row * beam->spacing_mm;
        float noise = expf(noise_db * (float)(M_LN10 / 20));
        for (int column = 0; column < power->columns; column++) {
            size_t i = (size_t)row * power->columns + column;
            float extra = noise * random_rough_normal(r);
            ret_picture->pixels[i] = compress(power->values[i] + extra * extra, beam);
        }
    }
}

int speckle_fill(const struct plane *echo_db, const struct beam *beam, struct random *r,
                 struct image *ret_picture, struct error *err)
{
    size_t n = (size_t)echo_db->rows * echo_db->columns;
    struct bench b;
    int status = bench_init(&b, echo_db, err);
    if (status != STATUS_OK)
        return status;
    struct plane power = {0};
    status = plane_init(&power, echo_db->rows, echo_db->columns, err);
    if (status == STATUS_OK) {
        for (int part = 0; part < 2 * beam->looks; part++) {
            for (size_t i = 0; i < n; i++)
                b.scatterers[i] = random_rough_normal(r);
            field_fill(&b.strength, beam, b.scatterers, b.padded, b.sideways, b.field);
            add_power(power.values, b.field, n);
        }
        for (size_t i = 0; i < n; i++)
            power.values[i] /= (float)(2 * beam->looks);
        picture_fill(&power, beam, r, ret_picture);
    }
    plane_release(&power);
    bench_release(&b);
    return status;
}

/* Slices one sigma apart, weighted by the beam's profile around the scan plane; their weighted sum
 * has variance 1. */
static void slab_fill(const struct slab *slab, int part, float *ret_scatterers, size_t n)
{
    enum { REACH = 3, OFFSET = 1 << 20 }; /* slices; numbers above 0 */
    double at = slab->elevation_mm / slab->sigma_mm;
    int middle = (int)lround(at);
    float weight[2 * REACH + 1], energy = 0;
    for (int i = -REACH; i <= REACH; i++) {
        double off = middle + i - at;
        weight[i + REACH] = expf((float)(-off * off / 2));
        energy += weight[i + REACH] * weight[i + REACH];
    }
    memset(ret_scatterers, 0, n * sizeof *ret_scatterers);
    for (int i = -REACH; i <= REACH; i++) {
        struct random r = random_stream(slab->seed, (uint64_t)(OFFSET + middle + i),
                                        RANDOM_SCATTERER, (uint64_t)part);
        float w = weight[i + REACH] / sqrtf(energy);
        for (size_t k = 0; k < n; k++)
            ret_scatterers[k] += w * random_rough_normal(&r);
    }
}

/* Bilinear; what lies outside the plane has its border's values. */
static float value_at(const struct plane *size, const float *values, float x, float y)
{
    x = fminf(fmaxf(x, 0), (float)(size->columns - 1));
    y = fminf(fmaxf(y, 0), (float)(size->rows - 1));
    int left = (int)x, top = (int)y;
    int right = left + 1 < size->columns ? left + 1 : left;
    int bottom = top + 1 < size->rows ? top + 1 : top;
    float tx = x - (float)left, ty = y - (float)top;
    const float *a = values + (size_t)top * size->columns;
    const float *b = values + (size_t)bottom * size->columns;
    float above = a[left] + tx * (a[right] - a[left]);
    float below = b[left] + tx * (b[right] - b[left]);
    return above + ty * (below - above);
}

int speckle_frame(const struct plane *echo_db, const struct beam *beam, const struct slab *slab,
                  const struct warp *warp, struct random *r, struct image *ret_picture,
                  struct error *err)
{
    size_t n = (size_t)echo_db->rows * echo_db->columns;
    size_t seen = (size_t)warp->x.rows * warp->x.columns;
    struct bench b;
    int status = bench_init(&b, echo_db, err);
    if (status != STATUS_OK)
        return status;
    struct plane power = {0};
    status = plane_init(&power, warp->x.rows, warp->x.columns, err);
    if (status == STATUS_OK) {
        for (int part = 0; part < 2; part++) {
            slab_fill(slab, part, b.scatterers, n);
            field_fill(&b.strength, beam, b.scatterers, b.padded, b.sideways, b.field);
            for (size_t i = 0; i < seen; i++) {
                float field = value_at(echo_db, b.field, warp->x.values[i], warp->y.values[i]);
                power.values[i] += field * field / 2;
            }
        }
        picture_fill(&power, beam, r, ret_picture);
    }
    plane_release(&power);
    bench_release(&b);
    return status;
}
