#include "image/geometry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row's stretch of pixels of one value. Stretches that touch are joined (union-find); the
 * root of a part is its first stretch in reading order. */
struct run {
    int row, first, end; /* columns first … end − 1 */
    uint32_t parent;
};

struct runs {
    struct run *items; /* owned, in reading order */
    uint32_t count;
};

/* The next stretch of `value` at or behind column `from`: its first column, and behind its last
 * in ret_end; both are `columns` when there is none. */
static int next_run(const uint8_t *row, int columns, bool value, int from, int *ret_end)
{
    const uint8_t *first = memchr(row + from, value, (size_t)(columns - from));
    if (!first)
        return *ret_end = columns;
    const uint8_t *end = memchr(first, !value, (size_t)(row + columns - first));
    *ret_end = end ? (int)(end - row) : columns;
    return (int)(first - row);
}

static uint32_t run_root(struct runs *runs, uint32_t i)
{
    while (runs->items[i].parent != i) {
        runs->items[i].parent = runs->items[runs->items[i].parent].parent;
        i = runs->items[i].parent;
    }
    return i;
}

static void run_join(struct runs *runs, uint32_t a, uint32_t b)
{
    a = run_root(runs, a);
    b = run_root(runs, b);
    if (a < b)
        runs->items[b].parent = a;
    else
        runs->items[a].parent = b;
}

/* Join the stretches of one row, from `begin` on, with those of the row above,
 * above_begin … begin − 1. */
static void join_rows(struct runs *runs, uint32_t above_begin, uint32_t begin, int reach)
{
    uint32_t a = above_begin, b = begin;
    while (a < begin && b < runs->count) {
        const struct run *above = &runs->items[a], *here = &runs->items[b];
        if (above->first < here->end + reach && here->first < above->end + reach)
            run_join(runs, a, b);
        if (above->end < here->end)
            a++;
        else
            b++;
    }
}

/* Every stretch of `value`, joined into parts. */
static int find_runs(const struct mask *mask, bool value, enum connectivity connectivity,
                     struct runs *ret_runs, struct error *err)
{
    size_t columns = (size_t)mask->columns, count = 0;
    int end;
    for (int y = 0; y < mask->rows; y++)
        for (int x = 0; x < mask->columns; x = end) {
            int first = next_run(mask->pixels + (size_t)y * columns, mask->columns, value, x, &end);
            count += first < end;
        }
    struct runs runs = {.items = malloc((count + 1) * sizeof *runs.items)};
    if (!runs.items)
        return error_set(err, STATUS_NOMEM, "out of memory");
    uint32_t above = 0;
    for (int y = 0; y < mask->rows; y++) {
        uint32_t begin = runs.count;
        for (int x = 0; x < mask->columns; x = end) {
            int first = next_run(mask->pixels + (size_t)y * columns, mask->columns, value, x, &end);
            if (first < end) {
                runs.items[runs.count] = (struct run){y, first, end, runs.count};
                runs.count++;
            }
        }
        join_rows(&runs, above, begin, connectivity == CONNECTIVITY_8 ? 1 : 0);
        above = begin;
    }
    *ret_runs = runs;
    return 0;
}

static void paint_run(struct mask *mask, const struct run *run, uint8_t value)
{
    memset(mask->pixels + (size_t)run->row * (size_t)mask->columns + run->first, value,
           (size_t)(run->end - run->first));
}

int mask_count_parts(const struct mask *mask, enum connectivity connectivity, int *ret_count,
                     struct error *err)
{
    struct runs runs;
    int status = find_runs(mask, true, connectivity, &runs, err);
    if (status < 0)
        return status;
    int count = 0;
    for (uint32_t i = 0; i < runs.count; i++)
        count += runs.items[i].parent == i;
    free(runs.items);
    *ret_count = count;
    return 0;
}

int mask_keep_largest(struct mask *mask, enum connectivity connectivity, struct error *err)
{
    struct runs runs;
    int status = find_runs(mask, true, connectivity, &runs, err);
    if (status < 0)
        return status;
    size_t *areas = calloc((size_t)runs.count + 1, sizeof *areas);
    if (!areas) {
        free(runs.items);
        return error_set(err, STATUS_NOMEM, "out of memory");
    }
    uint32_t largest = 0;
    for (uint32_t i = 0; i < runs.count; i++)
        areas[run_root(&runs, i)] += (size_t)(runs.items[i].end - runs.items[i].first);
    for (uint32_t i = 0; i < runs.count; i++)
        if (areas[i] > areas[largest])
            largest = i;
    for (uint32_t i = 0; i < runs.count; i++)
        if (run_root(&runs, i) != largest)
            paint_run(mask, &runs.items[i], 0);
    free(areas);
    free(runs.items);
    return 0;
}

int mask_fill_holes(struct mask *mask, struct error *err)
{
    struct runs runs;
    int status = find_runs(mask, false, CONNECTIVITY_4, &runs, err);
    if (status < 0)
        return status;
    bool *open = calloc((size_t)runs.count + 1, sizeof *open);
    if (!open) {
        free(runs.items);
        return error_set(err, STATUS_NOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < runs.count; i++) {
        const struct run *r = &runs.items[i];
        if (r->row == 0 || r->row == mask->rows - 1 || r->first == 0 || r->end == mask->columns)
            open[run_root(&runs, i)] = true;
    }
    for (uint32_t i = 0; i < runs.count; i++)
        if (!open[run_root(&runs, i)])
            paint_run(mask, &runs.items[i], 1);
    free(open);
    free(runs.items);
    return 0;
}

static bool is_set(const struct mask *mask, int x, int y)
{
    return x >= 0 && y >= 0 && x < mask->columns && y < mask->rows &&
           mask->pixels[(size_t)y * (size_t)mask->columns + (size_t)x];
}

bool mask_bounds(const struct mask *mask, struct bounds *ret_bounds)
{
    struct bounds b = {mask->columns, mask->rows, -1, -1};
    for (int y = 0; y < mask->rows; y++) {
        const uint8_t *row = mask->pixels + (size_t)y * (size_t)mask->columns;
        const uint8_t *first = memchr(row, 1, (size_t)mask->columns);
        if (!first)
            continue;
        const uint8_t *last = memrchr(first, 1, (size_t)(row + mask->columns - first));
        b.x0 = first - row < b.x0 ? (int)(first - row) : b.x0;
        b.x1 = last - row > b.x1 ? (int)(last - row) : b.x1;
        b.y0 = y < b.y0 ? y : b.y0;
        b.y1 = y;
    }
    if (b.x1 < 0)
        return false;
    *ret_bounds = b;
    return true;
}

int mask_crop(const struct mask *mask, const struct bounds *bounds, struct mask *ret_part,
              struct error *err)
{
    struct mask part;
    int status = mask_init(&part, bounds->y1 - bounds->y0 + 1, bounds->x1 - bounds->x0 + 1, err);
    if (status < 0)
        return status;
    for (int y = 0; y < part.rows; y++)
        memcpy(part.pixels + (size_t)y * (size_t)part.columns,
               mask->pixels + (size_t)(bounds->y0 + y) * (size_t)mask->columns + bounds->x0,
               (size_t)part.columns);
    *ret_part = part;
    return 0;
}

bool mask_touches_box(const struct mask *mask, int x0, int y0, int x1, int y1)
{
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 >= mask->columns ? mask->columns - 1 : x1;
    y1 = y1 >= mask->rows ? mask->rows - 1 : y1;
    for (int x = x0; x <= x1; x++)
        if (is_set(mask, x, y0) || is_set(mask, x, y1))
            return true;
    for (int y = y0; y <= y1; y++)
        if (is_set(mask, x0, y) || is_set(mask, x1, y))
            return true;
    return false;
}

bool mask_is_boundary(const struct mask *mask, int row, int column)
{
    return is_set(mask, column, row) &&
           !(is_set(mask, column - 1, row) && is_set(mask, column + 1, row) &&
             is_set(mask, column, row - 1) && is_set(mask, column, row + 1));
}

/* Squared distances along one line: the lower envelope of parabolas that stand on the finite
 * values of `in`. `places` and `bounds` are scratch for n and n + 1 entries. */
static void transform_line(const double *in, int n, double spacing, double *out, int *places,
                           double *bounds)
{
    int last = -1;
    for (int q = 0; q < n; q++) {
        if (isinf(in[q]))
            continue;
        double at = q * spacing, from = -INFINITY;
        while (last >= 0) {
            double p = places[last] * spacing;
            from = ((in[q] + at * at) - (in[places[last]] + p * p)) / (2 * (at - p));
            if (from > bounds[last])
                break;
            last--;
        }
        last++;
        places[last] = q;
        bounds[last] = last == 0 ? -INFINITY : from;
    }
    for (int q = 0, k = 0; q < n; q++) {
        if (last < 0) {
            out[q] = INFINITY;
            continue;
        }
        while (k < last && bounds[k + 1] < q * spacing)
            k++;
        double d = (q - places[k]) * spacing;
        out[q] = d * d + in[places[k]];
    }
}

int mask_distance(const struct mask *mask, double spacing_row, double spacing_column,
                  struct plane *ret_distance, struct error *err)
{
    struct plane distance = {0};
    int rows = mask->rows, columns = mask->columns;
    size_t longest = (size_t)(rows > columns ? rows : columns), n = (size_t)rows * (size_t)columns;
    int status = plane_init(&distance, rows, columns, err);
    if (status < 0)
        return status;
    double *squared = malloc(n * sizeof *squared);
    double *line = malloc(3 * (longest + 1) * sizeof *line);
    int *places = malloc(longest * sizeof *places);
    if (!squared || !line || !places) {
        plane_release(&distance);
        status = error_set(err, STATUS_NOMEM, "out of memory");
        goto out;
    }
    double *result = line + longest + 1, *bounds = result + longest + 1;
    for (int x = 0; x < columns; x++) {
        for (int y = 0; y < rows; y++)
            line[y] = is_set(mask, x, y) ? 0 : INFINITY;
        transform_line(line, rows, spacing_row, result, places, bounds);
        for (int y = 0; y < rows; y++)
            squared[(size_t)y * (size_t)columns + (size_t)x] = result[y];
    }
    for (int y = 0; y < rows; y++) {
        double *row = squared + (size_t)y * (size_t)columns;
        transform_line(row, columns, spacing_column, result, places, bounds);
        for (int x = 0; x < columns; x++)
            distance.values[(size_t)y * (size_t)columns + (size_t)x] = (float)sqrt(result[x]);
    }
    *ret_distance = distance;
out:
    free(squared);
    free(line);
    free(places);
    return status;
}
