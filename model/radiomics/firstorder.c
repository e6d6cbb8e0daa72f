/* First-order statistics; definitions of PyRadiomics' class firstorder. */
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    P10, P90, ENERGY, ENTROPY, INTERQUARTILE_RANGE, KURTOSIS, MAXIMUM, MEAN_ABSOLUTE_DEVIATION,
    MEAN, MEDIAN, MINIMUM, RANGE, ROBUST_MEAN_ABSOLUTE_DEVIATION, ROOT_MEAN_SQUARED, SKEWNESS,
    TOTAL_ENERGY, UNIFORMITY, VARIANCE, STANDARD_DEVIATION, EXCESS_KURTOSIS,
};

/* Four running sums: as accurate as numpy's pairwise sum here, and fit for vector units. */
struct sum {
    double part[4];
};

static double sum_total(const struct sum *s)
{
    return (s->part[0] + s->part[1]) + (s->part[2] + s->part[3]);
}

static double mean_of(const double *x, size_t n)
{
    struct sum s = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int lane = 0; lane < 4; lane++)
            s.part[lane] += x[i + (size_t)lane];
    for (; i < n; i++)
        s.part[i & 3] += x[i];
    return sum_total(&s) / (double)n;
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* The value of a rank (Hoare's quickselect); the values are moved about. */
static double select_rank(double *x, size_t n, size_t rank)
{
    while (n > 1) {
        size_t mid = n / 2;
        if (x[mid] < x[0])
            swap(&x[mid], &x[0]);
        if (x[n - 1] < x[0])
            swap(&x[n - 1], &x[0]);
        if (x[n - 1] < x[mid])
            swap(&x[n - 1], &x[mid]);
        double pivot = x[mid];
        size_t i = 0, j = n; /* x[0, i) <= pivot <= x[j, n) */
        while (i < j) {
            while (x[i] < pivot)
                i++;
            while (x[j - 1] > pivot)
                j--;
            if (i < j) {
                swap(&x[i++], &x[j - 1]);
                j--;
            }
        }
        if (rank < j) {
            n = j;
        } else if (rank >= i) {
            x += i;
            n -= i;
            rank -= i;
        } else {
            return pivot; /* between the two parts everything equals it */
        }
    }
    return x[0];
}

static const double shares[5] = {0.1, 0.25, 0.5, 0.75, 0.9};

enum { BUCKETS = 1024 };

/* Values sorted into buckets of equal width, so that a rank need only be looked for in its own. */
struct buckets {
    size_t start[BUCKETS + 1]; /* rank of each bucket's first value */
    double *values;            /* bucket after bucket; owned */
};

static int buckets_init(struct buckets *b, const double *x, size_t n, double min, double max,
                        struct error *err)
{
    uint16_t *bucket = malloc(n * sizeof *bucket);
    b->values = malloc(n * sizeof *b->values);
    if (!bucket || !b->values) {
        free(bucket);
        free(b->values);
        return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    }
    double scale = max > min ? (BUCKETS - 1) / (max - min) : 0;
    scale = isfinite(scale) ? scale : 0;
    for (size_t i = 0; i < n; i++)
        bucket[i] = (uint16_t)(int)((x[i] - min) * scale);
    memset(b->start, 0, sizeof b->start);
    for (size_t i = 0; i < n; i++)
        b->start[bucket[i] + 1]++;
    for (int k = 0; k < BUCKETS; k++)
        b->start[k + 1] += b->start[k];
    size_t next[BUCKETS];
    memcpy(next, b->start, sizeof next);
    for (size_t i = 0; i < n; i++)
        b->values[next[bucket[i]]++] = x[i];
    free(bucket);
    return 0;
}

static double value_of_rank(const struct buckets *b, size_t rank)
{
    int k = 0;
    while (b->start[k + 1] <= rank)
        k++;
    return select_rank(b->values + b->start[k], b->start[k + 1] - b->start[k],
                       rank - b->start[k]);
}

/* numpy.percentile with linear interpolation. */
static int percentiles(const double *x, size_t n, double min, double max, double ret_values[5],
                       struct error *err)
{
    struct buckets b;
    int r = buckets_init(&b, x, n, min, max, err);
    if (r < 0)
        return r;
    for (int i = 0; i < 5; i++) {
        double at = shares[i] * (double)(n - 1);
        size_t rank = (size_t)at;
        double low = value_of_rank(&b, rank);
        double high = rank + 1 < n ? value_of_rank(&b, rank + 1) : low;
        double t = at - (double)rank, step = high - low;
        ret_values[i] = t >= 0.5 ? high - step * (1 - t) : low + step * t;
    }
    free(b.values);
    return 0;
}

static void range(const double *x, size_t n, double *v)
{
    double min = x[0], max = x[0];
    for (size_t i = 1; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    v[MINIMUM] = min;
    v[MAXIMUM] = max;
    v[RANGE] = max - min;
}

/* Sums about the mean of up to four values. */
struct moments {
    struct sum energy, absolute, m2, m3, m4;
};

static inline void add_moments(struct moments *m, int lane, double x, double mean, double shift)
{
    double s = x + shift, d = x - mean, d2 = d * d;
    m->energy.part[lane] += s * s;
    m->absolute.part[lane] += fabs(d);
    m->m2.part[lane] += d2;
    m->m3.part[lane] += d2 * d;
    m->m4.part[lane] += d2 * d2;
}

static void moments(const double *x, size_t n, double shift, double *v)
{
    double mean = mean_of(x, n);
    struct moments m = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int lane = 0; lane < 4; lane++)
            add_moments(&m, lane, x[i + (size_t)lane], mean, shift);
    for (; i < n; i++)
        add_moments(&m, (int)(i & 3), x[i], mean, shift);
    double count = (double)n, variance = sum_total(&m.m2) / count;
    v[MEAN] = mean;
    v[ENERGY] = sum_total(&m.energy);
    v[ROOT_MEAN_SQUARED] = sqrt(v[ENERGY] / count);
    v[MEAN_ABSOLUTE_DEVIATION] = sum_total(&m.absolute) / count;
    v[VARIANCE] = variance;
    v[STANDARD_DEVIATION] = sqrt(variance);
    v[SKEWNESS] = variance == 0 ? 0 : sum_total(&m.m3) / count / pow(variance, 1.5);
    v[KURTOSIS] = variance == 0 ? 0 : sum_total(&m.m4) / count / (variance * variance);
    v[EXCESS_KURTOSIS] = v[KURTOSIS] - 3;
}

static double robust_deviation(const double *x, size_t n, double low, double high)
{
    struct sum s = {0}, absolute = {0};
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i] >= low && x[i] <= high) {
            s.part[i & 3] += x[i];
            count++;
        }
    if (count == 0) /* rounded bounds of a region with very few values */
        return 0;
    double mean = sum_total(&s) / (double)count;
    for (size_t i = 0; i < n; i++)
        if (x[i] >= low && x[i] <= high)
            absolute.part[i & 3] += fabs(x[i] - mean);
    return sum_total(&absolute) / (double)count;
}

static int histogram_features(const struct levels *l, double *v, struct error *err)
{
    size_t *count = calloc((size_t)l->count + 1, sizeof *count);
    if (!count)
        return error_set(err, STATUS_NOMEM, "no memory for a histogram");
    for (size_t i = 0; i < l->voxels; i++)
        count[l->level[l->at[i]]]++;
    double entropy = 0, uniformity = 0;
    for (int k = 1; k <= l->count; k++) {
        double p = (double)count[k] / (double)l->voxels;
        entropy -= p * log2(p + RADIOMICS_EPSILON);
        uniformity += p * p;
    }
    v[ENTROPY] = entropy;
    v[UNIFORMITY] = uniformity;
    free(count);
    return 0;
}

int firstorder_compute(const double *values, size_t n, double voxel_volume_mm3,
                       const struct levels *levels, double shift, double *ret_values,
                       uint32_t *ret_meaningless, struct error *err)
{
    double v[EXCESS_KURTOSIS + 1], p[5];
    range(values, n, v);
    int r = percentiles(values, n, v[MINIMUM], v[MAXIMUM], p, err);
    if (r == 0)
        r = histogram_features(levels, v, err);
    if (r < 0)
        return r;
    moments(values, n, shift, v);
    v[P10] = p[0];
    v[MEDIAN] = p[2];
    v[P90] = p[4];
    v[INTERQUARTILE_RANGE] = p[3] - p[1];
    v[ROBUST_MEAN_ABSOLUTE_DEVIATION] = robust_deviation(values, n, p[0], p[4]);
    v[TOTAL_ENERGY] = v[ENERGY] * voxel_volume_mm3;
    memcpy(ret_values, v, sizeof v);
    /* Neither is defined without variation; PyRadiomics says 0. */
    *ret_meaningless = v[VARIANCE] == 0
                           ? 1u << SKEWNESS | 1u << KURTOSIS | 1u << EXCESS_KURTOSIS
                           : 0;
    return 0;
}
