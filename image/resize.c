#include "image/resize.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The weights of one output sample: inputs first … first + count − 1. */
struct taps {
    int first, count;
    double *weights; /* into one shared array */
};

/* Between whole grey levels nothing is lost, or everything as Pillow loses it. */
enum precision { REAL, LEVELS };

static const double LEVEL_STEPS = 1 << 22; /* Pillow's weights for 8 bits have this fraction */

static double stored(double weight, enum precision precision)
{
    return precision == LEVELS ? floor(weight * LEVEL_STEPS + 0.5) / LEVEL_STEPS : weight;
}

static float result(double sum, enum precision precision)
{
    return (float)(precision == LEVELS ? floor(sum + 0.5) : sum);
}

/* Triangle filter around the output sample's place in the input; the pixel-centre convention
 * puts output i at (i + 0.5) × step − 0.5. */
static struct taps *make_taps(int from, int to, enum precision precision, double **ret_weights)
{
    double step = (double)from / to;
    double reach = step > 1.0 ? step : 1.0;
    int most = (int)ceil(reach) * 2 + 1;
    struct taps *taps = calloc((size_t)to, sizeof *taps);
    double *weights = calloc((size_t)to * (size_t)most, sizeof *weights);
    if (!taps || !weights) {
        free(taps);
        free(weights);
        return NULL;
    }
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * step;
        int first = (int)(centre - reach + 0.5), end = (int)(centre + reach + 0.5);
        first = first < 0 ? 0 : first;
        end = end > from ? from : end;
        struct taps *t = &taps[i];
        *t = (struct taps){first, end - first, weights + (size_t)i * (size_t)most};
        assert(t->count >= 1 && t->count <= most);
        double sum = 0;
        for (int k = 0; k < t->count; k++) {
            t->weights[k] = fmax(0, 1.0 - fabs((first + k + 0.5 - centre) / reach));
            sum += t->weights[k];
        }
        for (int k = 0; k < t->count; k++)
            t->weights[k] = stored(t->weights[k] / sum, precision);
    }
    *ret_weights = weights;
    return taps;
}

static int resize_columns(const struct plane *from, int columns, enum precision precision,
                          struct plane *ret_plane, struct error *err)
{
    struct plane to = {0};
    double *weights = NULL;
    int status = plane_init(&to, from->rows, columns, err);
    if (status < 0)
        return status;
    struct taps *taps = make_taps(from->columns, columns, precision, &weights);
    if (!taps) {
        plane_release(&to);
        return error_set(err, STATUS_NOMEM, "out of memory");
    }
    for (int y = 0; y < from->rows; y++) {
        const float *in = from->values + (size_t)y * (size_t)from->columns;
        float *out = to.values + (size_t)y * (size_t)columns;
        for (int x = 0; x < columns; x++) {
            double sum = 0;
            for (int k = 0; k < taps[x].count; k++)
                sum += taps[x].weights[k] * in[taps[x].first + k];
            out[x] = result(sum, precision);
        }
    }
    free(taps);
    free(weights);
    *ret_plane = to;
    return 0;
}

static int resize_rows(const struct plane *from, int rows, enum precision precision,
                       struct plane *ret_plane, struct error *err)
{
    struct plane to = {0};
    double *weights = NULL;
    int status = plane_init(&to, rows, from->columns, err);
    if (status < 0)
        return status;
    const size_t columns = (size_t)from->columns;
    struct taps *taps = make_taps(from->rows, rows, precision, &weights);
    double *sums = calloc(columns, sizeof *sums);
    if (!taps || !sums)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    for (int y = 0; y < rows && status == 0; y++) {
        float *out = to.values + (size_t)y * columns;
        for (size_t x = 0; x < columns; x++)
            sums[x] = 0;
        for (int k = 0; k < taps[y].count; k++) {
            const float *in = from->values + (size_t)(taps[y].first + k) * columns;
            const double weight = taps[y].weights[k];
            for (size_t x = 0; x < columns; x++)
                sums[x] += weight * in[x];
        }
        for (size_t x = 0; x < columns; x++)
            out[x] = result(sums[x], precision);
    }
    free(sums);
    free(taps);
    free(weights);
    if (status == 0)
        *ret_plane = to;
    else
        plane_release(&to);
    return status;
}

static int resize(const struct plane *from, int rows, int columns, enum precision precision,
                  struct plane *ret_plane, struct error *err)
{
    struct plane wide;
    if (rows < 1 || columns < 1)
        return error_set(err, STATUS_INVALID, "a plane of %d × %d pixels is empty", columns, rows);
    int status = resize_columns(from, columns, precision, &wide, err);
    if (status < 0)
        return status;
    status = resize_rows(&wide, rows, precision, ret_plane, err);
    plane_release(&wide);
    return status;
}

int plane_resize(const struct plane *from, int rows, int columns, struct plane *ret_plane,
                 struct error *err)
{
    return resize(from, rows, columns, REAL, ret_plane, err);
}

int plane_resize_levels(const struct plane *from, int rows, int columns, struct plane *ret_plane,
                        struct error *err)
{
    return resize(from, rows, columns, LEVELS, ret_plane, err);
}

/* The side that follows from the other one's step. */
static int fit_side(int side, int of, int size)
{
    int fitted = (int)floor((double)side * size / of + 0.5);
    return fitted < 1 ? 1 : fitted;
}

struct fit fit_frame(int rows, int columns, int frame_rows, int frame_columns)
{
    assert(rows > 0 && columns > 0 && frame_rows > 0 && frame_columns > 0);
    const bool tall = (int64_t)rows * frame_columns >= (int64_t)columns * frame_rows;
    struct fit fit = {.rows = rows, .columns = columns,
                      .frame_rows = frame_rows, .frame_columns = frame_columns};
    fit.fit_rows = tall ? frame_rows : fit_side(rows, columns, frame_columns);
    fit.fit_columns = tall ? fit_side(columns, rows, frame_rows) : frame_columns;
    fit.top = (frame_rows - fit.fit_rows) / 2;
    fit.left = (frame_columns - fit.fit_columns) / 2;
    return fit;
}

int plane_from_image(const struct image *grey, int x0, int y0, int rows, int columns,
                     struct plane *ret_plane, struct error *err)
{
    assert(grey->channels == 1);
    struct plane plane;
    if (x0 < 0 || y0 < 0 || rows > grey->rows - y0 || columns > grey->columns - x0)
        return error_set(err, STATUS_INVALID, "a box of %d × %d pixels leaves its picture",
                         columns, rows);
    int status = plane_init(&plane, rows, columns, err);
    if (status < 0)
        return status;
    for (int y = 0; y < rows; y++) {
        const uint8_t *in = grey->pixels + (size_t)(y0 + y) * (size_t)grey->columns + x0;
        float *out = plane.values + (size_t)y * (size_t)columns;
        for (int x = 0; x < columns; x++)
            out[x] = in[x];
    }
    *ret_plane = plane;
    return 0;
}

/* Copy a rows × columns box between planes, each box from its own first row and column. */
static void copy_box(const struct plane *from, int from_top, int from_left, struct plane *to,
                     int to_top, int to_left, int rows, int columns)
{
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            to->values[(size_t)(to_top + y) * (size_t)to->columns + (size_t)(to_left + x)] =
                from->values[(size_t)(from_top + y) * (size_t)from->columns +
                             (size_t)(from_left + x)];
}

int fit_forward(const struct fit *fit, const struct plane *picture, float ground,
                struct plane *ret_frame, struct error *err)
{
    assert(picture->rows == fit->rows && picture->columns == fit->columns);
    struct plane small, frame;
    int status = plane_init(&frame, fit->frame_rows, fit->frame_columns, err);
    if (status < 0)
        return status;
    status = plane_resize(picture, fit->fit_rows, fit->fit_columns, &small, err);
    if (status < 0) {
        plane_release(&frame);
        return status;
    }
    for (size_t i = 0; i < (size_t)frame.rows * (size_t)frame.columns; i++)
        frame.values[i] = ground;
    copy_box(&small, 0, 0, &frame, fit->top, fit->left, fit->fit_rows, fit->fit_columns);
    plane_release(&small);
    *ret_frame = frame;
    return 0;
}

int fit_back(const struct fit *fit, const struct plane *frame, struct plane *ret_picture,
             struct error *err)
{
    assert(frame->rows == fit->frame_rows && frame->columns == fit->frame_columns);
    struct plane small;
    int status = plane_init(&small, fit->fit_rows, fit->fit_columns, err);
    if (status < 0)
        return status;
    copy_box(frame, fit->top, fit->left, &small, 0, 0, fit->fit_rows, fit->fit_columns);
    status = plane_resize(&small, fit->rows, fit->columns, ret_picture, err);
    plane_release(&small);
    return status;
}

void plane_mirror(struct plane *plane)
{
    for (int y = 0; y < plane->rows; y++) {
        float *row = plane->values + (size_t)y * (size_t)plane->columns;
        for (int a = 0, b = plane->columns - 1; a < b; a++, b--) {
            float kept = row[a];
            row[a] = row[b];
            row[b] = kept;
        }
    }
}
