#include "model/deep_loop.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model/deep_parts.h"

int deep_loop_levels(const struct deep_network *network, const struct image *grey,
                     struct bounds box, struct image *ret_levels, struct error *err)
{
    struct placement placement;
    struct plane plane = {0};
    struct image levels = {0};
    int status = deep_place(network, box, &placement, err);
    if (status == 0)
        status = deep_look(network, grey, NULL, &placement, &plane, err);
    if (status == 0)
        status = image_init(&levels, network->input_rows, network->input_columns, 1, err);
    uint8_t *to = levels.pixels;
    for (int y = 0; y < levels.rows && status == 0; y++)
        for (int x = 0; x < levels.columns; x++)
            *to++ = (uint8_t)deep_level(&plane, placement.top + y, placement.left + x);
    plane_release(&plane);
    if (status == 0)
        *ret_levels = levels;
    return status;
}

/* [channel][frame][row][column] */
static void normalise(const struct deep_network *network, const struct loop_finding *loop,
                      float *values)
{
    const size_t n = (size_t)network->input_rows * (size_t)network->input_columns;
    for (int c = 0; c < network->channels; c++)
        for (int f = 0; f < network->frames; f++) {
            const uint8_t *levels = loop->samples[f].levels.pixels;
            for (size_t i = 0; i < n; i++)
                *values++ = (float)((levels[i] * network->scale - network->mean[c]) /
                                    network->std[c]);
        }
}

/* ---- where it comes from ---- */

/* Activation times gradient: a row for each time, all places one after another in it. */
struct map {
    struct plane cells; /* times × (rows · columns) */
    int rows, columns;
};

static int make_map(const struct deep_network *network, const struct net_tensor *activations,
                    const double *weights, struct map *ret_map, struct error *err)
{
    const int64_t *sides = activations->shape.sides;
    struct map map = {.rows = (int)sides[3], .columns = (int)sides[4]};
    int status = plane_init(&map.cells, (int)sides[2], map.rows * map.columns, err);
    if (status < 0)
        return status;
    deep_weigh(network, activations->values, weights, &map.cells);
    *ret_map = map;
    return 0;
}

/* The share of a sample, into `ret_cells` of rows × columns. */
static void cells_at(const struct map *map, int sample, int samples, struct plane *ret_cells)
{
    const int times = map->cells.rows;
    const size_t n = (size_t)map->cells.columns;
    const double share = (double)times / samples;
    const double at = fmin(fmax((sample + 0.5) * share - 0.5, 0), times - 1);
    const int before = (int)at, after = before + 1 < times ? before + 1 : before;
    const double part = at - before;
    const float *a = map->cells.values + (size_t)before * n;
    const float *b = map->cells.values + (size_t)after * n;
    for (size_t i = 0; i < n; i++)
        ret_cells->values[i] = (float)(share * ((1 - part) * a[i] + part * b[i]));
}

static double sum(const struct plane *plane)
{
    double total = 0;
    for (size_t i = 0; i < (size_t)plane->rows * (size_t)plane->columns; i++)
        total += plane->values[i];
    return total;
}

/* The middle one of those that are greatest, but for rounding. */
static int find_key(const struct loop_finding *loop)
{
    double most = loop->samples[0].contribution, size = 0;
    int first = -1, last = 0;
    for (int i = 0; i < loop->count; i++) {
        most = fmax(most, loop->samples[i].contribution);
        size += fabs(loop->samples[i].contribution);
    }
    for (int i = 0; i < loop->count; i++)
        if (loop->samples[i].contribution >= most - 1e-6 * size && (first < 0 || i == last + 1)) {
            first = first < 0 ? i : first;
            last = i;
        }
    return (first + last) / 2;
}

static int explain(const struct deep_network *network, const struct deep_loop_place *place,
                   const struct net_tensor *activations, const double *weights,
                   struct loop_finding *loop, struct error *err)
{
    struct map map = {0};
    struct plane cells = {0};
    struct placement placement;
    struct heat_map heat = {0};
    int status = make_map(network, activations, weights, &map, err);
    if (status == 0)
        status = plane_init(&cells, map.rows, map.columns, err);
    if (status == 0)
        status = deep_place(network, place->box, &placement, err);
    if (status == 0)
        status = plane_init(&heat.plane, place->rows, place->columns, err);
    for (int i = 0; i < loop->count && status == 0; i++) {
        cells_at(&map, i, loop->count, &cells);
        loop->samples[i].contribution = sum(&cells);
    }
    if (status == 0) {
        loop->key = find_key(loop);
        cells_at(&map, loop->key, loop->count, &cells);
        deep_spread(network, &placement, &cells, &heat);
        loop->heat = heat;
    }
    plane_release(&map.cells);
    plane_release(&cells);
    return status;
}

int deep_loop_run(const struct net *net, const struct deep_network *network,
                  const struct deep_loop_place *place, const double *weights,
                  struct loop_finding *loop, float *values, struct error *err)
{
    struct net_tensor activations = {0};
    const size_t count = (size_t)network->channels * (size_t)network->frames *
                         (size_t)network->input_rows * (size_t)network->input_columns;
    assert(loop->count == network->frames && (!weights || network->activations));
    float *input = calloc(count, sizeof *input);
    if (!input)
        return error_set(err, STATUS_NOMEM, "out of memory for a loop");
    normalise(network, loop, input);
    int status = deep_feed(net, network, input, values, weights ? &activations : NULL, err);
    free(input);
    if (status == 0 && weights)
        status = explain(network, place, &activations, weights, loop, err);
    free(activations.values);
    return status;
}
