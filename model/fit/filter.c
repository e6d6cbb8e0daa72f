#include "model/fit/filter.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_BELOW = 50, LEVELS_MAX = 64 };

double fit_t_test(const double *values, const double *outcome, size_t rows)
{
    double n[2] = {0}, mean[2] = {0}, squares[2] = {0}, error[2];
    for (size_t i = 0; i < rows; i++) {
        int c = outcome[i] > 0.5;
        n[c]++;
        mean[c] += values[i];
    }
    if (n[0] < 2 || n[1] < 2)
        return NAN;
    mean[0] /= n[0];
    mean[1] /= n[1];
    for (size_t i = 0; i < rows; i++) {
        int c = outcome[i] > 0.5;
        squares[c] += (values[i] - mean[c]) * (values[i] - mean[c]);
    }
    for (int c = 0; c < 2; c++)
        error[c] = squares[c] / (n[c] - 1) / n[c]; /* of the mean, squared */
    double sum = error[0] + error[1];
    /* As R: such a spread is rounding, not data. */
    if (!(sqrt(sum) > 10 * 2.220446049250313e-16 * fmax(fabs(mean[0]), fabs(mean[1]))))
        return NAN;
    double freedom = sum * sum / (error[0] * error[0] / (n[0] - 1) +
                                  error[1] * error[1] / (n[1] - 1));
    return 2 * gsl_cdf_tdist_Q(fabs(mean[1] - mean[0]) / sqrt(sum), freedom);
}

/* ---- ranks ---- */

struct ranked {
    double value;
    size_t row;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Mean ranks from 1, and Σ (t³ − t) over groups of t tied values. */
static int make_ranks(const double *values, size_t rows, double *ret_ranks, double *ret_ties,
                      struct error *err)
{
    struct ranked *sorted = calloc(rows + 1, sizeof *sorted);
    if (!sorted)
        return error_set(err, STATUS_NOMEM, "out of memory for ranks");
    for (size_t i = 0; i < rows; i++)
        sorted[i] = (struct ranked){values[i], i};
    qsort(sorted, rows, sizeof *sorted, by_value);
    *ret_ties = 0;
    for (size_t i = 0, end; i < rows; i = end) {
        for (end = i + 1; end < rows && sorted[end].value == sorted[i].value; end++)
            ;
        double tied = (double)(end - i);
        *ret_ties += tied * tied * tied - tied;
        for (size_t k = i; k < end; k++)
            ret_ranks[sorted[k].row] = (double)(i + 1 + end) / 2;
    }
    free(sorted);
    return 0;
}

/* P(U ≤ u) for samples of m and n without ties: ways(u, m, n) = ways(u − n, m − 1, n) +
 * ways(u, m, n − 1), the number of ways to choose m of m + n ranks with statistic u. */
static double exact_lower(long u, size_t m, size_t n)
{
    enum { SIZE = (EXACT_BELOW - 1) * (EXACT_BELOW - 1) + 1 };
    double (*ways)[SIZE] = calloc(EXACT_BELOW, sizeof *ways), sum = 0, all = 0;
    if (!ways)
        return NAN;
    for (size_t a = 0; a <= m; a++)
        ways[a][0] = 1; /* with n = 0 */
    for (size_t b = 1; b <= n; b++)
        for (size_t a = 1; a <= m; a++)
            for (size_t k = a * b; k >= b; k--)
                ways[a][k] += ways[a - 1][k - b];
    for (size_t k = 0; k <= m * n; k++) {
        all += ways[m][k];
        sum += (long)k <= u ? ways[m][k] : 0;
    }
    free(ways);
    return sum / all;
}

int fit_mann_whitney(const double *values, const double *outcome, size_t rows, double *ret_p,
                     struct error *err)
{
    double *ranks = calloc(rows + 1, sizeof *ranks), ties, sum = 0, m = 0;
    if (!ranks)
        return error_set(err, STATUS_NOMEM, "out of memory for ranks");
    int status = make_ranks(values, rows, ranks, &ties, err);
    for (size_t i = 0; i < rows && status == 0; i++)
        if (outcome[i] > 0.5) {
            m++;
            sum += ranks[i];
        }
    free(ranks);
    if (status < 0)
        return status;
    double all = (double)rows, n = all - m, u = sum - m * (m + 1) / 2, middle = m * n / 2;
    if (m < 1 || n < 1) {
        *ret_p = NAN;
    } else if (m < EXACT_BELOW && n < EXACT_BELOW && ties < 1) {
        /* The distribution is symmetric: the upper tail is the lower one of m n − u. */
        double least = u > middle ? m * n - u : u;
        double p = exact_lower(lround(least), (size_t)m, (size_t)n);
        if (isnan(p))
            return error_set(err, STATUS_NOMEM, "out of memory for an exact test");
        *ret_p = fmin(2 * p, 1);
    } else {
        double sigma = sqrt(m * n / 12 * (all + 1 - ties / (all * (all - 1))));
        double z = fabs(u - middle) - (u == middle ? 0 : 0.5);
        *ret_p = sigma > 0 ? fmin(2 * gsl_cdf_ugaussian_Q(z / sigma), 1) : NAN;
    }
    return 0;
}

/* ---- agreement ---- */

double fit_icc(const double *values, size_t subjects, size_t readers, enum fit_icc form)
{
    double n = (double)subjects, k = (double)readers, all = 0;
    if (subjects < 2 || readers < 2)
        return NAN;
    for (size_t i = 0; i < subjects * readers; i++)
        all += values[i];
    all /= n * k;
    double total = 0, between_subjects = 0, between_readers = 0;
    for (size_t s = 0; s < subjects; s++) {
        double mean = 0;
        for (size_t r = 0; r < readers; r++) {
            double value = values[s * readers + r];
            mean += value / k;
            total += (value - all) * (value - all);
        }
        between_subjects += k * (mean - all) * (mean - all);
    }
    for (size_t r = 0; r < readers; r++) {
        double mean = 0;
        for (size_t s = 0; s < subjects; s++)
            mean += values[s * readers + r] / n;
        between_readers += n * (mean - all) * (mean - all);
    }
    if (!(total > 0))
        return NAN;
    double rows = between_subjects / (n - 1), columns = between_readers / (k - 1);
    double error = fmax(total - between_subjects - between_readers, 0) / ((n - 1) * (k - 1));
    double below = rows + (k - 1) * error;
    if (form == FIT_ICC_2_1)
        below += k * (columns - error) / n;
    return (rows - error) / below;
}

/* ---- information ---- */

int fit_bins(const double *values, size_t rows, int bins, unsigned char *ret_bins,
             struct error *err)
{
    double *ranks = calloc(rows + 1, sizeof *ranks), ties;
    if (!ranks)
        return error_set(err, STATUS_NOMEM, "out of memory for ranks");
    int status = make_ranks(values, rows, ranks, &ties, err);
    for (size_t i = 0; i < rows && status == 0; i++)
        ret_bins[i] = (unsigned char)((double)bins * (ranks[i] - 0.5) / (double)rows);
    free(ranks);
    return status;
}

static double minus_p_log_p(double count, double all)
{
    return count > 0 ? -count / all * log(count / all) : 0;
}

double fit_entropy(const unsigned char *a, size_t rows, int levels)
{
    unsigned counts[LEVELS_MAX] = {0};
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        counts[a[i]]++;
    for (int v = 0; v < levels; v++)
        sum += minus_p_log_p(counts[v], (double)rows);
    return sum;
}

double fit_information(const unsigned char *a, const unsigned char *b, size_t rows, int levels)
{
    unsigned counts[LEVELS_MAX * LEVELS_MAX] = {0};
    double joint = 0;
    for (size_t i = 0; i < rows; i++)
        counts[a[i] * levels + b[i]]++;
    for (int v = 0; v < levels * levels; v++)
        joint += minus_p_log_p(counts[v], (double)rows);
    return fmax(fit_entropy(a, rows, levels) + fit_entropy(b, rows, levels) - joint, 0);
}
