#include "model/statistics/sample.h"

#include <math.h>

size_t sample_positives(const struct sample *sample)
{
    size_t n = 0;
    for (size_t i = 0; i < sample->n; i++)
        n += sample->positive[i];
    return n;
}

int sample_check(const struct sample *sample, struct error *err)
{
    size_t positives = sample_positives(sample);
    if (sample->n == 0)
        return error_set(err, STATUS_INVALID, "no patient has both a score and an outcome");
    if (positives == 0 || positives == sample->n)
        return error_set(err, STATUS_INVALID,
                         "all %zu patients have the same outcome: there is nothing to tell apart",
                         sample->n);
    for (size_t i = 0; i < sample->n; i++)
        if (!isfinite(sample->scores[i]))
            return error_set(err, STATUS_INVALID, "a score is not finite");
    return 0;
}

int sample_check_risks(const struct sample *sample, struct error *err)
{
    int status = sample_check(sample, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < sample->n; i++)
        if (sample->scores[i] < 0 || sample->scores[i] > 1)
            return error_set(err, STATUS_INVALID,
                             "scores lie outside 0 to 1: they are no probabilities");
    return 0;
}

double sorted_quantile(const double *sorted, size_t n, double part)
{
    double at = 1 + (double)(n - 1) * part; /* from 1, in R's own order of operations */
    size_t low = (size_t)floor(at), high = (size_t)ceil(at);
    if (low < 1)
        return sorted[0];
    if (high > n)
        return sorted[n - 1];
    if (low == high || sorted[low - 1] == sorted[high - 1])
        return sorted[low - 1];
    double h = at - (double)low;
    return (1 - h) * sorted[low - 1] + h * sorted[high - 1];
}

int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}
