#include "model/statistics/roc.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct ranked {
    double score;
    bool positive;
    size_t place;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    int by_score = (left->score > right->score) - (left->score < right->score);
    return by_score ? by_score : (left->place > right->place) - (left->place < right->place);
}

static int sort_sample(const struct sample *sample, struct ranked **ret_sorted, struct error *err)
{
    struct ranked *sorted = calloc(sample->n, sizeof *sorted);
    if (!sorted)
        return error_set(err, STATUS_NOMEM, "out of memory for %zu scores", sample->n);
    for (size_t i = 0; i < sample->n; i++)
        sorted[i] = (struct ranked){sample->scores[i], sample->positive[i], i};
    qsort(sorted, sample->n, sizeof *sorted, compare_ranked);
    *ret_sorted = sorted;
    return 0;
}

/* DeLong's components: for each patient the part of the other class that it is ranked right
 * against, ties half. With midranks: (rank among all − rank in its class) / size of the other
 * class, or one minus it. Ranks are multiples of a half, so that equal rankings give equal bits. */
static int components(const struct sample *sample, double *ret_component, struct error *err)
{
    struct ranked *sorted = NULL;
    int status = sort_sample(sample, &sorted, err);
    if (status < 0)
        return status;
    size_t positives = sample_positives(sample), below[2] = {0, 0};
    size_t size[2] = {sample->n - positives, positives};
    for (size_t i = 0, end; i < sample->n; i = end) {
        size_t tied[2] = {0, 0};
        for (end = i; end < sample->n && sorted[end].score == sorted[i].score; end++)
            tied[sorted[end].positive]++;
        for (size_t k = i; k < end; k++) {
            int other = !sorted[k].positive;
            double lower = (double)below[other] + 0.5 * (double)tied[other];
            double right = sorted[k].positive ? lower : (double)size[other] - lower;
            ret_component[sorted[k].place] = right / (double)size[other];
        }
        below[0] += tied[0];
        below[1] += tied[1];
    }
    free(sorted);
    return 0;
}

/* Mean of a over one class. */
static double class_mean(const struct sample *sample, const double *a, bool positive, double size)
{
    double sum = 0;
    for (size_t i = 0; i < sample->n; i++)
        sum += sample->positive[i] == positive ? a[i] : 0;
    return sum / size;
}

/* Covariance of two areas: of the components in each class, over its size. */
static double covariance(const struct sample *sample, const double *a, const double *b)
{
    double total = 0, positives = (double)sample_positives(sample);
    for (int positive = 0; positive < 2; positive++) {
        double size = positive ? positives : (double)sample->n - positives;
        if (size < 2)
            return (double)NAN;
        double mean_a = class_mean(sample, a, positive, size);
        double mean_b = class_mean(sample, b, positive, size), sum = 0;
        for (size_t i = 0; i < sample->n; i++)
            if (sample->positive[i] == (bool)positive)
                sum += (a[i] - mean_a) * (b[i] - mean_b);
        total += sum / (size - 1) / size;
    }
    return total;
}

static struct interval around(double value, double variance, double least, double most)
{
    double reach = gsl_cdf_ugaussian_Pinv(0.975) * sqrt(variance);
    if (isnan(reach))
        return (struct interval){(double)NAN, (double)NAN};
    return (struct interval){fmax(value - reach, least), fmin(value + reach, most)};
}

static struct auc auc_of(const struct sample *sample, const double *component)
{
    struct auc auc = {.variance = covariance(sample, component, component)};
    auc.area = class_mean(sample, component, true, (double)sample_positives(sample));
    auc.ci95 = around(auc.area, auc.variance, 0, 1);
    return auc;
}

int roc_auc(const struct sample *sample, struct auc *ret_auc, struct error *err)
{
    int status = sample_check(sample, err);
    if (status < 0)
        return status;
    double *component = calloc(sample->n, sizeof *component);
    if (!component)
        return error_set(err, STATUS_NOMEM, "out of memory for %zu scores", sample->n);
    status = components(sample, component, err);
    if (status == 0)
        *ret_auc = auc_of(sample, component);
    free(component);
    return status;
}

static void compare(const struct sample *sample, const double *first, const double *second,
                    struct auc_comparison *c)
{
    c->first = auc_of(sample, first);
    c->second = auc_of(sample, second);
    c->difference = c->first.area - c->second.area;
    c->variance = c->first.variance + c->second.variance - 2 * covariance(sample, first, second);
    c->ci95 = around(c->difference, fmax(c->variance, 0), -1, 1);
    if (c->variance > 0) {
        c->z = c->difference / sqrt(c->variance);
        c->p = 2 * gsl_cdf_ugaussian_P(-fabs(c->z));
    } else {
        bool alike = c->variance <= 0 && c->difference == 0;
        c->z = alike ? 0 : (double)NAN;
        c->p = alike ? 1 : (double)NAN;
    }
    if (isnan(c->variance))
        c->ci95 = (struct interval){(double)NAN, (double)NAN};
}

int roc_compare(const struct sample *first, const struct sample *second,
                struct auc_comparison *ret_comparison, struct error *err)
{
    int status = sample_check(first, err);
    if (status == 0)
        status = sample_check(second, err);
    if (status < 0)
        return status;
    double *component = calloc(first->n, 2 * sizeof *component);
    if (!component)
        return error_set(err, STATUS_NOMEM, "out of memory for %zu scores", first->n);
    status = components(first, component, err);
    if (status == 0)
        status = components(second, component + first->n, err);
    if (status == 0)
        compare(first, component, component + first->n, ret_comparison);
    free(component);
    return status;
}

int roc_points(const struct sample *sample, struct roc_point **ret_points, size_t *ret_count,
               struct error *err)
{
    struct ranked *sorted = NULL;
    int status = sample_check(sample, err);
    if (status == 0)
        status = sort_sample(sample, &sorted, err);
    if (status < 0)
        return status;
    struct roc_point *points = calloc(sample->n + 1, sizeof *points);
    if (!points) {
        free(sorted);
        return error_set(err, STATUS_NOMEM, "out of memory for %zu scores", sample->n);
    }
    size_t positives = sample_positives(sample), negatives = sample->n - positives;
    size_t missed = 0, cleared = 0, count = 0; /* patients below the cut-off */
    for (size_t i = 0; i <= sample->n;) {
        double cutoff = i == 0           ? (double)-INFINITY
                        : i == sample->n ? (double)INFINITY
                                         : sorted[i - 1].score / 2 + sorted[i].score / 2;
        if (i > 0 && i < sample->n && !(cutoff > sorted[i - 1].score))
            cutoff = sorted[i].score; /* no number between neighbours */
        points[count++] = (struct roc_point){cutoff,
                                             (double)(positives - missed) / (double)positives,
                                             (double)cleared / (double)negatives};
        if (i == sample->n)
            break;
        for (double score = sorted[i].score; i < sample->n && sorted[i].score == score; i++) {
            missed += sorted[i].positive;
            cleared += !sorted[i].positive;
        }
    }
    free(sorted);
    *ret_points = points;
    *ret_count = count;
    return 0;
}

const struct roc_point *roc_youden(const struct roc_point *points, size_t count)
{
    /* Sums that differ by rounding alone are equal: two steps of the curve differ by far more. */
    static const double rounding = 1e-12;
    const struct roc_point *best = points;
    for (size_t i = 1; i < count; i++)
        if (points[i].sensitivity + points[i].specificity >
            best->sensitivity + best->specificity + rounding)
            best = &points[i];
    return best;
}

double roc_sensitivity_at(const struct roc_point *points, size_t count, double specificity)
{
    for (size_t i = 0; i < count; i++)
        if (points[i].specificity >= specificity)
            return points[i].sensitivity;
    return 0;
}
