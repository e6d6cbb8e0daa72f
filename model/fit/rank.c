#include "model/fit/rank.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = ((const struct rank_pair *)a)->value, y = ((const struct rank_pair *)b)->value;
    return (x > y) - (x < y);
}

double rank_auc(struct rank_pair *pairs, size_t n)
{
    double positive = 0, sum = 0;
    qsort(pairs, n, sizeof *pairs, by_value);
    for (size_t i = 0, end; i < n; i = end) {
        double here = 0;
        for (end = i; end < n && pairs[end].value == pairs[i].value; end++)
            here += pairs[end].positive;
        sum += here * ((double)(i + 1 + end) / 2); /* mean rank of the tied values */
        positive += here;
    }
    double negative = (double)n - positive;
    if (positive < 1 || negative < 1)
        return NAN;
    return (sum - positive * (positive + 1) / 2) / (positive * negative);
}
