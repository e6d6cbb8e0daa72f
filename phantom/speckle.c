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
 * by the beam's width there; then all rows smeared along the pulse. */
static void field_fill(const struct plane *strength, const struct beam *beam, struct random *r,
                       float *padded, float *sideways, float *ret_field)
{
    int rows = strength->rows, columns = strength->columns;
    struct kernel k;
    for (int row = 0; row < rows; row++) {
        const float *s = strength->values + (size_t)row * columns;
        memset(padded, 0, ((size_t)columns + 2 * KERNEL_HALF_MAX) * sizeof *padded);
        for (int column = 0; column < columns; column++)
            padded[KERNEL_HALF_MAX + column] = s[column] * random_rough_normal(r);
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

int speckle_fill(const struct plane *echo_db, const struct beam *beam, struct random *r,
                 struct image *ret_picture, struct error *err)
{
    int rows = echo_db->rows, columns = echo_db->columns;
    size_t n = (size_t)rows * columns;
    struct plane strength = {0};
    int status = plane_init(&strength, rows, columns, err);
    float *work = calloc(3 * n + (size_t)columns + 2 * KERNEL_HALF_MAX, sizeof *work);
    if (status == STATUS_OK && !work)
        status = error_set(err, STATUS_NOMEM, "no memory for a synthetic picture");
    if (status == STATUS_OK) {
        float *power = work, *sideways = work + n, *field = work + 2 * n, *padded = work + 3 * n;
        for (size_t i = 0; i < n; i++)
            strength.values[i] = expf(echo_db->values[i] * (float)(M_LN10 / 20));
        for (int part = 0; part < 2 * beam->looks; part++) {
            field_fill(&strength, beam, r, padded, sideways, field);
            add_power(power, field, n);
        }
        for (int row = 0; row < rows; row++) {
            float noise_db =
                beam->noise_db + beam->noise_slope_db_per_mm * (float)row * beam->spacing_mm;
            float noise = expf(noise_db * (float)(M_LN10 / 20));
            for (int column = 0; column < columns; column++) {
                size_t i = (size_t)row * columns + column;
                float extra = noise * random_rough_normal(r);
                float mean = power[i] / (float)(2 * beam->looks) + extra * extra;
                ret_picture->pixels[i] = compress(mean, beam);
            }
        }
    }
    plane_release(&strength);
    free(work);
    return status;
}
