/* One or more levels of the undecimated coif1 wavelet transform, periodic, on the whole image,
 * with PyWavelets' order of operations: the bands of a single slice that are high-pass across it
 * hold nothing but rounding noise, and only the same order of additions gives the same noise.
 *
 * y[n] = Σ f[k] x[(n + 3 − k) mod N]; odd sizes are wrap-padded by one and cut afterwards. At
 * the first level only what the region needs is computed. */
#include "model/radiomics/filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAPS = 6 };

/* coif1: (√7 − 3, 1 − √7, 14 − 2√7, 14 + 2√7, 5 + √7, 1 − √7) / 16√2 (Daubechies, Ten Lectures
 * on Wavelets, 8.3.1) and its mirror with alternating signs; rounded as PyWavelets does, which
 * multiplies the thirty-seconds by √2. */
static const double taps[2][TAPS] = {
    {-0.015655728135791993, -0.07273261951252645, 0.3848648468648578, 0.8525720202116004,
     0.3378976624574818, -0.07273261951252645},
    {0.07273261951252645, 0.3378976624574818, -0.8525720202116004, 0.3848648468648578,
     0.07273261951252645, -0.015655728135791993},
};

/* What a level filters: the image, or the approximation of the level before. */
struct source {
    int size[3];
    int length[3]; /* wrap-padded to even along filtered axes */
    const double *values;
};

/* A part of the padded source. Along an axis still to be filtered it may wrap around, and of
 * an axis of one voxel it holds that one, since all padded values are equal. */
struct block {
    int start[3], size[3];
    double *values; /* owned */
};

/* For output n of N: the inputs and taps in PyWavelets' order of addition. Taps that reach past
 * the end come first and backwards, the others in their order. */
static void order_taps(int n, int length, int ret_input[TAPS], int ret_tap[TAPS])
{
    int i = n + TAPS / 2, over = i >= length ? i - length + 1 : 0;
    over = over > TAPS ? TAPS : over;
    for (int j = 0; j < TAPS; j++) {
        int tap = j < over ? over - 1 - j : j;
        ret_tap[j] = tap;
        ret_input[j] = ((i - tap) % length + length) % length;
    }
}

/* Outputs whose inputs all lie one voxel further than the output's before, added in one order. */
struct segment {
    int first, count;
    int at[TAPS]; /* inputs of the first output, in the input block */
    double weight[TAPS];
};

static struct segment segment_at(const struct block *in, const double *f, int axis, int length,
                                 const struct block *out, int n)
{
    struct segment s = {.first = n, .count = 1};
    int input[TAPS], tap[TAPS];
    order_taps(out->start[axis] + n, length, input, tap);
    for (int j = 0; j < TAPS; j++) {
        s.at[j] = (input[j] - in->start[axis] + length) % length % in->size[axis];
        s.weight[j] = f[tap[j]];
    }
    return s;
}

static bool continues(const struct segment *s, const struct segment *next)
{
    for (int j = 0; j < TAPS; j++)
        if (next->at[j] != s->at[j] + s->count || next->weight[j] != s->weight[j])
            return false;
    return true;
}

/* Returns how many there are; `ret_segments` has room for one per output. */
static int find_segments(const struct block *in, const double *f, int axis, int length,
                         const struct block *out, struct segment *ret_segments)
{
    int count = 0;
    for (int n = 0; n < out->size[axis]; n++) {
        struct segment next = segment_at(in, f, axis, length, out, n);
        /* Only the last axis has neighbours side by side in memory. */
        if (axis == 2 && count > 0 && continues(&ret_segments[count - 1], &next))
            ret_segments[count - 1].count++;
        else
            ret_segments[count++] = next;
    }
    return count;
}

/* y[i] = Σ w[j] x[j][i], added in that order: the same numbers on any width of vectors. */
static inline __attribute__((always_inline)) void
weighted_sum(const double *const x[TAPS], const double w[TAPS], double *restrict y, size_t n)
{
    const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
    double w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5];
    for (size_t i = 0; i < n; i++)
        y[i] = ((((w0 * x0[i] + w1 * x1[i]) + w2 * x2[i]) + w3 * x3[i]) + w4 * x4[i]) +
               w5 * x5[i];
}

static void weighted_sum_portable(const double *const x[TAPS], const double w[TAPS], double *y,
                                  size_t n)
{
    weighted_sum(x, w, y, n);
}

#ifdef __x86_64__
__attribute__((target("avx2"), optimize("O3"))) static void
weighted_sum_avx2(const double *const x[TAPS], const double w[TAPS], double *y, size_t n)
{
    weighted_sum(x, w, y, n);
}
#endif

typedef void sum_fn(const double *const x[TAPS], const double w[TAPS], double *y, size_t n);

static sum_fn *choose_sum(bool portable)
{
#ifdef __x86_64__
    if (!portable && __builtin_cpu_supports("avx2"))
        return weighted_sum_avx2;
#endif
    (void)portable;
    return weighted_sum_portable;
}

/* Filter along `axis`; `out` is a smaller block along it, the same along the others. */
static int filter_axis(const struct block *in, const double *f, int axis, int length,
                       sum_fn *sum, struct block *out, struct error *err)
{
    struct segment *segments = malloc((size_t)out->size[axis] * sizeof *segments);
    if (!segments)
        return error_set(err, STATUS_NOMEM, "no memory for a wavelet band");
    int count = find_segments(in, f, axis, length, out, segments);
    size_t inner = 1, outer = 1;
    for (int d = axis + 1; d < 3; d++)
        inner *= (size_t)in->size[d];
    for (int d = 0; d < axis; d++)
        outer *= (size_t)in->size[d];
    for (size_t o = 0; o < outer; o++)
        for (int k = 0; k < count; k++) {
            const struct segment *s = &segments[k];
            const double *x[TAPS];
            for (int j = 0; j < TAPS; j++)
                x[j] = in->values + (o * (size_t)in->size[axis] + (size_t)s->at[j]) * inner;
            double *y = out->values + (o * (size_t)out->size[axis] + (size_t)s->first) * inner;
            sum(x, s->weight, y, inner * (size_t)s->count);
        }
    free(segments);
    return 0;
}

static int block_init(struct block *b, const int start[3], const int size[3], struct error *err)
{
    for (int d = 0; d < 3; d++) {
        b->start[d] = start[d];
        b->size[d] = size[d];
    }
    b->values = malloc(volume_count(size) * sizeof *b->values);
    return b->values ? 0 : error_set(err, STATUS_NOMEM, "no memory for a wavelet band");
}

static int next_axis(int axis, int flat)
{
    axis--;
    return axis == flat ? axis - 1 : axis;
}

/* The values that outputs inside `box` depend on. */
static int load(const struct source *from, const struct box *box, int flat, struct block *ret,
                struct error *err)
{
    int start[3], size[3];
    for (int d = 0; d < 3; d++) {
        start[d] = box->start[d];
        size[d] = box->size[d];
        if (d == flat || from->size[d] == 1)
            continue;
        start[d] -= TAPS / 2 - 1;
        size[d] += TAPS - 1;
        start[d] += start[d] < 0 ? from->length[d] : 0;
        if (size[d] >= from->length[d]) {
            start[d] = 0;
            size[d] = from->length[d];
        }
    }
    int r = block_init(ret, start, size, err);
    if (r < 0)
        return r;
    double *to = ret->values;
    for (int z = 0; z < size[0]; z++)
        for (int y = 0; y < size[1]; y++) {
            size_t iz = (size_t)((start[0] + z) % from->length[0] % from->size[0]);
            size_t iy = (size_t)((start[1] + y) % from->length[1] % from->size[1]);
            const double *row = from->values +
                                (iz * (size_t)from->size[1] + iy) * (size_t)from->size[2];
            for (int x = 0; x < size[2]; x++)
                *to++ = row[(start[2] + x) % from->length[2] % from->size[2]];
        }
    return 0;
}

/* One axis less to filter: the band `pass` (0 low, 1 high) of `in`. */
static int next_block(const struct source *from, const struct block *in, const struct box *box,
                      int axis, int pass, sum_fn *sum, struct block *ret, struct error *err)
{
    int start[3], size[3];
    for (int d = 0; d < 3; d++) {
        start[d] = d == axis ? box->start[d] : in->start[d];
        size[d] = d == axis ? box->size[d] : in->size[d];
    }
    int r = block_init(ret, start, size, err);
    if (r == 0)
        r = filter_axis(in, taps[pass], axis, from->length[axis], sum, ret, err);
    return r;
}

struct bands {
    const struct source *source;
    const struct region *region;
    const int *image_size;
    int level; /* from 1 */
    int flat;
    bool noise_bands;
    sum_fn *sum;
    filtered_fn *take;
    void *context;
};

static int give(const struct bands *b, const char *letters, bool noise, const struct block *block,
                struct error *err)
{
    double *values = malloc(b->region->voxels * sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "no memory for a region's values");
    size_t n = 0;
    for (size_t i = 0, count = volume_count(block->size); i < count; i++)
        if (b->region->mask[i])
            values[n++] = block->values[i];
    char name[32], level[12] = "";
    if (b->level > 1)
        snprintf(level, sizeof level, "%d", b->level);
    snprintf(name, sizeof name, "wavelet%s-%s", level, letters);
    struct filtered out = {FILTER_WAVELET, name, b->region, values, noise};
    int r = b->take(b->context, &out, err);
    free(values);
    return r;
}

/* Every band below `in`, or with `approximation` the low-pass one alone. */
static int descend(const struct bands *b, const struct block *in, int axis, const char *letters,
                   bool noise, bool approximation, struct error *err)
{
    size_t n = strlen(letters);
    if (axis < 0) {
        bool low = strspn(letters, "L") == n;
        return low == approximation ? give(b, letters, noise, in, err) : 0;
    }
    int r = 0;
    for (int pass = 0; pass < (approximation ? 1 : 2) && r == 0; pass++) {
        bool is_noise = noise || (pass == 1 && b->image_size[axis] == 1);
        if (is_noise && !b->noise_bands)
            continue;
        char more[4] = "";
        memcpy(more, letters, n);
        more[n] = pass ? 'H' : 'L';
        struct block block;
        r = next_block(b->source, in, &b->region->box, axis, pass, b->sum, &block, err);
        if (r == 0)
            r = descend(b, &block, next_axis(axis, b->flat), more, is_noise, approximation, err);
        free(block.values);
    }
    return r;
}

static int run_bands(const struct bands *b, bool approximation, struct error *err)
{
    struct block in = {0};
    int r = load(b->source, &b->region->box, b->flat, &in, err);
    if (r == 0)
        r = descend(b, &in, next_axis(3, b->flat), "", false, approximation, err);
    free(in.values);
    return r;
}

/* Replace a source by its approximation, of the padded size. */
static int approximate(struct source *source, double **owned, int flat, sum_fn *sum,
                       struct error *err)
{
    struct box whole = {.size = {source->length[0], source->length[1], source->length[2]}};
    struct block block;
    int r = load(source, &whole, flat, &block, err);
    for (int axis = next_axis(3, flat); axis >= 0 && r == 0; axis = next_axis(axis, flat)) {
        struct block next = {0};
        r = next_block(source, &block, &whole, axis, 0, sum, &next, err);
        free(block.values);
        block = next;
    }
    if (r < 0) {
        free(block.values);
        return r;
    }
    free(*owned);
    *owned = block.values;
    source->values = block.values;
    memcpy(source->size, source->length, sizeof source->size);
    return 0;
}

int wavelet_run(const struct volume *image, const struct region *region,
                const struct radiomics_settings *settings, filtered_fn *take, void *context,
                struct error *err)
{
    int flat = settings->force_2d ? settings->force_2d_dimension : -1;
    struct source source = {.values = image->values};
    for (int d = 0; d < 3; d++) {
        source.size[d] = image->size[d];
        source.length[d] = image->size[d] + (d == flat ? 0 : image->size[d] & 1);
    }
    struct bands b = {&source, region, image->size, 1, flat, settings->noise_bands,
                      choose_sum(settings->portable), take, context};
    double *owned = NULL;
    int r = 0;
    for (int i = 0; i < settings->wavelet_start_level && r == 0; i++)
        r = approximate(&source, &owned, flat, b.sum, err);
    for (; r == 0; b.level++) {
        r = run_bands(&b, false, err);
        if (r < 0 || b.level == settings->wavelet_level)
            break;
        r = approximate(&source, &owned, flat, b.sum, err);
    }
    if (r == 0)
        r = run_bands(&b, true, err);
    free(owned);
    return r;
}
