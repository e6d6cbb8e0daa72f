#include "model/fit/forest.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"
#include "model/fit/random.h"
#include "model/fit/work.h"

struct sample {
    double value;
    bool positive;
};

/* What is left to split: places from … to of a tree's drawn rows. */
struct span {
    size_t from, to;
};

struct forest {
    const struct fit_matrix *x;
    const double *outcome;
    const struct forest_options *options;
    size_t tried;
    double *importance; /* tree by tree */
};

struct tree {
    const struct forest *forest;
    struct fit_random random;
    size_t *rows;          /* drawn, ordered so that each node's are together */
    struct sample *sample; /* of one node and column */
    size_t *columns;       /* in random order */
    struct span *stack;
    double *importance;
};

struct split {
    size_t column;
    double limit, gain; /* rows with values up to the limit go left; gain 0: none found */
};

static double gini(double positive, double n)
{
    double p = positive / n;
    return 2 * p * (1 - p);
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->value, y = ((const struct sample *)b)->value;
    return (x > y) - (x < y);
}

/* The best limit of one column, if it is better than what was found before. Samples that are equal
 * stay together, so that the order among them does not count. */
static void try_column(struct tree *t, struct span span, size_t column, struct split *split)
{
    const double *values = fit_matrix_column(t->forest->x, column);
    size_t n = span.to - span.from, least = t->forest->options->leaf_rows;
    double positive = 0, left = 0;
    for (size_t i = 0; i < n; i++) {
        size_t row = t->rows[span.from + i];
        t->sample[i] = (struct sample){values[row], t->forest->outcome[row] > 0.5};
        positive += t->sample[i].positive;
    }
    qsort(t->sample, n, sizeof *t->sample, by_value);
    double before = gini(positive, (double)n);
    for (size_t i = 1; i < n; i++) {
        double low = t->sample[i - 1].value, high = t->sample[i].value;
        left += t->sample[i - 1].positive;
        if (low == high || i < least || n - i < least)
            continue;
        double l = (double)i, r = (double)(n - i);
        double gain = before - (l * gini(left, l) + r * gini(positive - left, r)) / (double)n;
        if (gain > split->gain + 1e-15)
            *split = (struct split){column, low + (high - low) / 2 < high ? low + (high - low) / 2
                                                                          : low, gain};
    }
}

static bool pure(const struct tree *t, struct span span)
{
    double first = t->forest->outcome[t->rows[span.from]];
    for (size_t i = span.from + 1; i < span.to; i++)
        if (t->forest->outcome[t->rows[i]] != first)
            return false;
    return true;
}

/* Rows up to the limit first; returns where the others begin. */
static size_t divide(struct tree *t, struct span span, const struct split *split)
{
    const double *values = fit_matrix_column(t->forest->x, split->column);
    size_t middle = span.from;
    for (size_t i = span.from; i < span.to; i++)
        if (values[t->rows[i]] <= split->limit) {
            size_t row = t->rows[i];
            t->rows[i] = t->rows[middle];
            t->rows[middle++] = row;
        }
    return middle;
}

static void grow(struct tree *t)
{
    const struct forest *f = t->forest;
    size_t n = f->x->rows, waiting = 1;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        t->rows[i] = fit_random_below(&t->random, n);
    t->stack[0] = (struct span){0, n};
    while (waiting > 0) {
        struct span span = t->stack[--waiting];
        struct split split = {0};
        if (span.to - span.from < 2 || pure(t, span))
            continue;
        fit_random_choose(&t->random, t->columns, f->x->columns, f->tried);
        for (size_t k = 0; k < f->tried; k++)
            try_column(t, span, t->columns[k], &split);
        if (!(split.gain > 0))
            continue;
        size_t middle = divide(t, span, &split);
        double part = split.gain * (double)(span.to - span.from) / (double)n;
        t->importance[split.column] += part;
        sum += part;
        t->stack[waiting++] = (struct span){span.from, middle};
        t->stack[waiting++] = (struct span){middle, span.to};
    }
    for (size_t j = 0; sum > 0 && j < f->x->columns; j++)
        t->importance[j] /= sum;
}

static int grow_tree(void *context, size_t index, struct error *err)
{
    const struct forest *f = context;
    struct arena arena ARENA_AUTO = {0};
    size_t n = f->x->rows, p = f->x->columns;
    struct tree tree = {
        .forest = f,
        .random = fit_random_new(f->options->seed, index + 1),
        .rows = arena_array(&arena, n, sizeof *tree.rows),
        .sample = arena_array(&arena, n, sizeof *tree.sample),
        .columns = arena_array(&arena, p, sizeof *tree.columns),
        .stack = arena_array(&arena, n + 2, sizeof *tree.stack),
        .importance = f->importance + index * p,
    };
    if (!tree.rows || !tree.sample || !tree.columns || !tree.stack)
        return error_set(err, STATUS_NOMEM, "out of memory for a random forest");
    grow(&tree);
    return 0;
}

int forest_importance(const struct fit_matrix *x, const double *outcome,
                      const struct forest_options *options, double *ret_importance,
                      struct error *err)
{
    size_t trees = (size_t)options->trees, p = x->columns;
    struct forest forest = {.x = x, .outcome = outcome, .options = options,
                            .tried = options->tried ? options->tried
                                                    : (size_t)fmax(sqrt((double)p), 1),
                            .importance = calloc(trees * p + 1, sizeof *forest.importance)};
    if (!forest.importance)
        return error_set(err, STATUS_NOMEM, "out of memory for a random forest");
    if (forest.tried > p)
        forest.tried = p;
    int status = fit_work(options->threads, trees, grow_tree, &forest, err);
    for (size_t j = 0; j < p && status == 0; j++) {
        ret_importance[j] = 0;
        for (size_t t = 0; t < trees; t++)
            ret_importance[j] += forest.importance[t * p + j] / (double)trees;
    }
    free(forest.importance);
    return status;
}
