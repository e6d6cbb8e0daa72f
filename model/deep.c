#include "model/deep_parts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "image/geometry.h"
#include "image/resize.h"

enum { CELLS_MAX = 1 << 24 /* floats of activations */ };

/* ---- what the network sees ---- */

static int clip(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static struct bounds box_of(const struct deep_network *network, const struct mask *mask,
                            const struct bounds *seen)
{
    const struct bounds whole = {0, 0, mask->columns - 1, mask->rows - 1};
    struct bounds b;
    bool any = mask_bounds(mask, &b);
    assert(any);
    if (network->crop == DEEP_PICTURE)
        return whole;
    if (network->crop == DEEP_SEGMENTED)
        return seen ? *seen : whole;
    int rows = b.y1 - b.y0 + 1, columns = b.x1 - b.x0 + 1;
    int margin = (int)lround(network->margin * (rows > columns ? rows : columns));
    return (struct bounds){clip(b.x0 - margin, 0, whole.x1), clip(b.y0 - margin, 0, whole.y1),
                           clip(b.x1 + margin, 0, whole.x1), clip(b.y1 + margin, 0, whole.y1)};
}

/* Half of what is left around the frame; rint rounds a half to even. */
static int middle(int side, int size)
{
    return (int)rint((side - size) / 2.0);
}

static int place_shorter(const struct deep_network *network, int64_t rows, int64_t columns,
                         struct placement *p, struct error *err)
{
    const int64_t shorter = rows < columns ? rows : columns;
    const int64_t high = rows * network->resize_to / shorter;
    const int64_t wide = columns * network->resize_to / shorter;
    if (high > IMAGE_SIDE_MAX || wide > IMAGE_SIDE_MAX)
        return error_set(err, STATUS_LIMIT, "the %s is too narrow for its network: %d × %d",
                         roi_name(network->roi), (int)columns, (int)rows);
    p->rows = (int)high;
    p->columns = (int)wide;
    p->top = middle(p->rows, network->input_rows);
    p->left = middle(p->columns, network->input_columns);
    return 0;
}

int deep_place(const struct deep_network *network, struct bounds box,
               struct placement *ret_placement, struct error *err)
{
    struct placement p = {box, network->input_rows, network->input_columns, 0, 0};
    const int rows = p.box.y1 - p.box.y0 + 1, columns = p.box.x1 - p.box.x0 + 1;
    int status = 0;
    if (network->resize == DEEP_SHORTER_SIDE) {
        status = place_shorter(network, rows, columns, &p, err);
    } else if (network->resize == DEEP_FIT) {
        const struct fit fit = fit_frame(rows, columns, p.rows, p.columns);
        p = (struct placement){p.box, fit.fit_rows, fit.fit_columns, -fit.top, -fit.left};
    }
    if (status == 0)
        *ret_placement = p;
    return status;
}

static void blacken_outside(struct plane *plane, const struct mask *mask, const struct bounds *box)
{
    for (int y = 0; y < plane->rows; y++)
        for (int x = 0; x < plane->columns; x++)
            if (!mask->pixels[(size_t)(box->y0 + y) * (size_t)mask->columns +
                              (size_t)(box->x0 + x)])
                plane->values[(size_t)y * (size_t)plane->columns + (size_t)x] = 0;
}

static int place(const struct deep_network *network, const struct mask *mask,
                 const struct bounds *seen, struct placement *ret_placement, struct error *err)
{
    return deep_place(network, box_of(network, mask, seen), ret_placement, err);
}

int deep_look(const struct deep_network *network, const struct image *grey,
              const struct mask *mask, const struct placement *p, struct plane *ret_plane,
              struct error *err)
{
    const struct bounds *box = &p->box;
    struct plane plane = {0};
    int status = plane_from_image(grey, box->x0, box->y0, box->y1 - box->y0 + 1,
                                  box->x1 - box->x0 + 1, &plane, err);
    if (status == 0 && (network->crop == DEEP_MASKED || network->crop == DEEP_SEGMENTED))
        blacken_outside(&plane, mask, box);
    if (status == 0)
        status = plane_resize_levels(&plane, p->rows, p->columns, ret_plane, err);
    plane_release(&plane);
    return status;
}

float deep_level(const struct plane *levels, int y, int x)
{
    return y < 0 || x < 0 || y >= levels->rows || x >= levels->columns
               ? 0
               : levels->values[(size_t)y * (size_t)levels->columns + (size_t)x];
}

static void normalise(const struct deep_network *network, const struct plane *levels,
                      const struct placement *p, float *values)
{
    for (int c = 0; c < network->channels; c++)
        for (int y = 0; y < network->input_rows; y++)
            for (int x = 0; x < network->input_columns; x++)
                *values++ = (float)((deep_level(levels, p->top + y, p->left + x) * network->scale -
                                     network->mean[c]) /
                                    network->std[c]);
}

static int make_input(const struct deep_network *network, const struct image *grey,
                      const struct mask *mask, const struct placement *placement,
                      float **ret_values, struct error *err)
{
    struct plane levels;
    assert(grey->rows == mask->rows && grey->columns == mask->columns);
    int status = deep_look(network, grey, mask, placement, &levels, err);
    if (status < 0)
        return status;
    float *values = calloc((size_t)network->channels * (size_t)network->input_rows *
                               (size_t)network->input_columns,
                           sizeof *values);
    if (values) {
        normalise(network, &levels, placement, values);
        *ret_values = values;
    } else {
        status = error_set(err, STATUS_NOMEM, "out of memory");
    }
    plane_release(&levels);
    return status;
}

int deep_input(const struct deep_network *network, const struct image *grey,
               const struct mask *mask, const struct bounds *seen, float **ret_values,
               struct error *err)
{
    struct placement placement;
    int status = place(network, mask, seen, &placement, err);
    return status < 0 ? status
                      : make_input(network, grey, mask, &placement, ret_values, err);
}

/* ---- names and shapes ---- */

static struct net_shape input_shape(const struct deep_network *network)
{
    const int rows = network->input_rows, columns = network->input_columns;
    return network->frames
               ? (struct net_shape){5, {1, network->channels, network->frames, rows, columns}}
               : (struct net_shape){4, {1, network->channels, rows, columns}};
}

static struct net_shape output_shape(const struct deep_network *network)
{
    return (struct net_shape){2, {1, network->count}};
}

/* The activations' shape, of which only times, rows and columns are the file's own choice. */
static int cells_of(const struct net *net, const struct deep_network *network,
                    struct net_shape *ret_cells, struct error *err)
{
    struct net_shape cells;
    int status = net_output_shape(net, network->activations, &cells, err);
    if (status < 0)
        return status;
    const size_t count = net_shape_count(&cells); /* 0 where the file leaves a side open */
    const bool times = !network->frames || (cells.rank == 5 && cells.sides[2] <= network->frames);
    if (cells.rank != (network->frames ? 5 : 4) || cells.sides[0] != 1 ||
        cells.sides[1] != network->count || !times || count == 0 || count > CELLS_MAX)
        return error_set(err, STATUS_INVALID,
                         "the network's output '%s' must be of shape 1 × %d%s × rows × columns",
                         network->activations, network->count,
                         network->frames ? " × times, not above its frames," : "");
    *ret_cells = cells;
    return 0;
}

int deep_check(const struct net *net, const struct deep_network *network, struct error *err)
{
    const struct net_shape input = input_shape(network), output = output_shape(network);
    struct net_shape cells;
    int status = net_check(net, network->input, &input, network->output, &output, err);
    if (status == 0 && network->activations)
        status = cells_of(net, network, &cells, err);
    return status;
}

void deep_feature_name(const struct deep_network *network, int index,
                       char out[sizeof ((struct feature *)0)->name])
{
    snprintf(out, sizeof ((struct feature *)0)->name, "%s_%s%d", roi_name(network->roi),
             network->prefix, network->first + index);
}

int deep_feature_index(const struct deep_network *network, const char *name)
{
    char same[sizeof ((struct feature *)0)->name];
    const char *digits = strrchr(name, '_'); /* prefixes end in '_' */
    int64_t number;
    if (!digits || number_parse_int(digits + 1, network->first,
                                    network->first + network->count - 1, &number, NULL) < 0)
        return -1;
    const int index = (int)number - network->first;
    deep_feature_name(network, index, same);
    return strcmp(same, name) == 0 ? index : -1;
}

/* ---- running ---- */

static int check_finite(const struct net_tensor *tensor, struct error *err)
{
    const size_t n = net_shape_count(&tensor->shape);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(tensor->values[i]))
            return error_set(err, STATUS_INVALID, "the network's output '%s' is not finite",
                             tensor->name);
    return 0;
}

int deep_feed(const struct net *net, const struct deep_network *network, float *input_values,
              float *values, struct net_tensor *activations, struct error *err)
{
    const struct net_tensor input = {network->input, input_shape(network), input_values};
    struct net_tensor outputs[2] = {{network->output, output_shape(network), values}};
    size_t count = 1;
    int status = 0;
    if (activations) {
        status = cells_of(net, network, &activations->shape, err);
        if (status < 0)
            return status;
        activations->name = network->activations;
        activations->values = calloc(net_shape_count(&activations->shape), sizeof(float));
        if (!activations->values)
            return error_set(err, STATUS_NOMEM, "out of memory for a network's activations");
        outputs[count++] = *activations;
    }
    status = net_run(net, &input, 1, outputs, count, err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = check_finite(&outputs[i], err);
    return status;
}

static int heat_of(const struct deep_network *network, const struct placement *placement,
                     const struct mask *mask, const struct net_tensor *activations,
                     const double *weights, struct heat_map *ret_heat, struct error *err)
{
    struct heat_map heat = {0};
    struct plane cells = {0};
    int status = plane_init(&cells, (int)activations->shape.sides[2],
                            (int)activations->shape.sides[3], err);
    if (status == 0)
        status = plane_init(&heat.plane, mask->rows, mask->columns, err);
    if (status == 0) {
        deep_weigh(network, activations->values, weights, &cells);
        deep_spread(network, placement, &cells, &heat);
        *ret_heat = heat;
    }
    plane_release(&cells);
    return status;
}

int deep_run(const struct net *net, const struct deep_network *network, const struct image *grey,
             const struct mask *mask, const struct bounds *seen, const double *weights,
             float *values, struct heat_map *ret_heat, struct error *err)
{
    struct placement placement;
    struct net_tensor activations = {0};
    float *input = NULL;
    assert(!weights || network->activations);
    int status = place(network, mask, seen, &placement, err);
    if (status == 0)
        status = make_input(network, grey, mask, &placement, &input, err);
    if (status == 0)
        status = deep_feed(net, network, input, values, weights ? &activations : NULL, err);
    if (status == 0 && weights)
        status = heat_of(network, &placement, mask, &activations, weights, ret_heat, err);
    free(activations.values);
    free(input);
    return status;
}
