/* Largest relative difference per feature class, for the tables of docs/radiomics.md. */
#ifndef AXNODE_TESTS_RADIOMICS_TABLE_H
#define AXNODE_TESTS_RADIOMICS_TABLE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/radiomics/radiomics.h"

struct table {
    double limit;
    double worst;
    double largest[RADIOMICS_CLASS_COUNT];
    int count[RADIOMICS_CLASS_COUNT];
};

static inline double relative_difference(double expected, double value)
{
    if (expected == value)
        return 0;
    /* Not a number differs from everything but itself. */
    if (isnan(expected) || isnan(value))
        return isnan(expected) && isnan(value) ? 0 : INFINITY;
    return fabs(value - expected) / fmax(fabs(expected), 1e-300);
}

/* `name` as PyRadiomics writes it, without prefix. */
static inline void table_add(struct table *t, const char *name, double expected, double value)
{
    double difference = relative_difference(expected, value);
    for (int c = 0; c < RADIOMICS_CLASS_COUNT; c++) {
        char part[32];
        snprintf(part, sizeof part, "_%s_", radiomics_class_name((enum radiomics_class)c));
        if (!strstr(name, part))
            continue;
        t->count[c]++;
        t->largest[c] = fmax(t->largest[c], difference);
    }
    t->worst = fmax(t->worst, difference);
    if (!(difference <= t->limit))
        printf("    %s: expected %.17g, is %.17g (%.2g)\n", name, expected, value, difference);
}

static inline void table_print(const struct table *t, const char *test_case, const char *setting)
{
    for (int c = 0; c < RADIOMICS_CLASS_COUNT; c++)
        if (t->count[c] > 0)
            printf("| %s | %s | %s | %d | %.1e |\n",
                   radiomics_class_name((enum radiomics_class)c), test_case, setting,
                   t->count[c], t->largest[c]);
}

#endif
