/* First-order statistics; definitions of PyRadiomics' class firstorder. */
#include "model/radiomics/region.h"

#include <math.h>

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
    for (size_t i = 0; i < n; i++)
        s.part[i & 3] += x[i];
    return sum_total(&s) / (double)n;
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Put the values of the ranks `want`, ascending, in their sorted places (quickselect for several
 * ranks; x[0, n) holds ranks base …). */
static void select_ranks(double *x, size_t n, size_t base, const size_t *want, int wants)
{
    while (wants > 0 && n > 1) {
        size_t mid = n / 2;
        if (x[mid] < x[0])
            swap(&x[mid], &x[0]);
        if (x[n - 1] < x[0])
            swap(&x[n - 1], &x[0]);
        if (x[n - 1] < x[mid])
            swap(&x[n - 1], &x[mid]);
        double pivot = x[mid];
        size_t i = 0, j = n - 1;
        while (i <= j) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i <= j) {
                swap(&x[i], &x[j]);
                i++;
                if (j == 0)
                    break;
                j--;
            }
        }
        /* x[0, j] <= pivot <= x[i, n); what lies between equals the pivot. */
        int left = 0, skip;
        while (left < wants && want[left] - base <= j)
            left++;
        for (skip = left; skip < wants && want[skip] - base < i; skip++)
            ;
        select_ranks(x, j + 1, base, want, left);
        x += i;
        n -= i;
        base += i;
        want += skip;
        wants -= skip;
    }
}

/* numpy.percentile with linear interpolation, on values whose two ranks are in place. */
static double percentile(const double *x, size_t n, double share)
{
    double at = share * (double)(n - 1);
    size_t low = (size_t)at;
    size_t high = low + 1 < n ? low + 1 : low;
    double t = at - (double)low, step = x[high] - x[low];
    return t >= 0.5 ? x[high] - step * (1 - t) : x[low] + step * t;
}

static const double shares[5] = {0.1, 0.25, 0.5, 0.75, 0.9};

static int percentiles(const double *values, size_t n, double ret_values[5], struct error *err)
{
    double *x = malloc(n * sizeof *x);
    if (!x)
        return error_set(err, STATUS_NOMEM, "no memory for percentiles");
    memcpy(x, values, n * sizeof *x);
    size_t want[10];
    int wants = 0;
    for (int i = 0; i < 5; i++) {
        size_t low = (size_t)(shares[i] * (double)(n - 1));
        for (size_t k = low; k <= low + 1 && k < n; k++)
            if (wants == 0 || want[wants - 1] < k)
                want[wants++] = k;
    }
    select_ranks(x, n, 0, want, wants);
    for (int i = 0; i < 5; i++)
        ret_values[i] = percentile(x, n, shares[i]);
    free(x);
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

static void moments(const double *x, size_t n, double shift, double *v)
{
    double mean = mean_of(x, n);
    struct sum energy = {0}, absolute = {0}, m2 = {0}, m3 = {0}, m4 = {0};
    for (size_t i = 0; i < n; i++) {
        double s = x[i] + shift, d = x[i] - mean, d2 = d * d;
        energy.part[i & 3] += s * s;
        absolute.part[i & 3] += fabs(d);
        m2.part[i & 3] += d2;
        m3.part[i & 3] += d2 * d;
        m4.part[i & 3] += d2 * d2;
    }
    double count = (double)n, variance = sum_total(&m2) / count;
    v[MEAN] = mean;
    v[ENERGY] = sum_total(&energy);
    v[ROOT_MEAN_SQUARED] = sqrt(v[ENERGY] / count);
    v[MEAN_ABSOLUTE_DEVIATION] = sum_total(&absolute) / count;
    v[VARIANCE] = variance;
    v[STANDARD_DEVIATION] = sqrt(variance);
    v[SKEWNESS] = variance == 0 ? 0 : sum_total(&m3) / count / pow(variance, 1.5);
    v[KURTOSIS] = variance == 0 ? 0 : sum_total(&m4) / count / (variance * variance);
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
    int r = percentiles(values, n, p, err);
    if (r == 0)
        r = histogram_features(levels, v, err);
    if (r < 0)
        return r;
    range(values, n, v);
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
