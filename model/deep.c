#include "model/deep.h"

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

/* A box of the picture, its size after resizing, and where the network's frame lies in that: below
 * 0 where the frame is larger. */
struct placement {
    struct bounds box;
    int rows, columns;
    int top, left;
};

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

static int place(const struct deep_network *network, const struct mask *mask,
                 const struct bounds *seen, struct placement *ret_placement, struct error *err)
{
    struct placement p = {box_of(network, mask, seen), network->input_rows, network->input_columns,
                          0, 0};
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

/* Grey levels 0 to 255 of what the network's frame is cut from. */
static int look(const struct deep_network *network, const struct image *grey,
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

/* Black around what is resized. */
static float level_at(const struct plane *levels, int y, int x)
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
                *values++ = (float)((level_at(levels, p->top + y, p->left + x) * network->scale -
                                     network->mean[c]) /
                                    network->std[c]);
}

static int make_input(const struct deep_network *network, const struct image *grey,
                      const struct mask *mask, const struct placement *placement,
                      float **ret_values, struct error *err)
{
    struct plane levels;
    assert(grey->rows == mask->rows && grey->columns == mask->columns);
    int status = look(network, grey, mask, placement, &levels, err);
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
    return (struct net_shape){
        4, {1, network->channels, network->input_rows, network->input_columns}};
}

static struct net_shape output_shape(const struct deep_network *network)
{
    return (struct net_shape){2, {1, network->count}};
}

/* The activations' shape, of which only rows and columns are the file's own choice. */
static int cells_of(const struct net *net, const struct deep_network *network,
                    struct net_shape *ret_cells, struct error *err)
{
    struct net_shape cells;
    int status = net_output_shape(net, network->activations, &cells, err);
    if (status < 0)
        return status;
    const size_t count = net_shape_count(&cells); /* 0 where the file leaves a side open */
    if (cells.rank != 4 || cells.sides[0] != 1 || cells.sides[1] != network->count ||
        count == 0 || count > CELLS_MAX)
        return error_set(err, STATUS_INVALID,
                         "the network's output '%s' must be of shape 1 × %d × rows × columns",
                         network->activations, network->count);
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

/* ---- where it comes from ---- */

static size_t greatest(const float *values, size_t n)
{
    size_t at = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] > values[at])
            at = i;
    return at;
}

/* Activation times gradient in each cell, summed over the channels, into zeroed `cells`. */
static void add_channels(const struct deep_network *network, const float *activations,
                         const double *weights, struct plane *cells)
{
    const size_t n = (size_t)cells->rows * (size_t)cells->columns;
    for (int k = 0; k < network->count; k++, activations += n) {
        if (network->pooling == DEEP_MAX) {
            const size_t at = greatest(activations, n);
            cells->values[at] += (float)(weights[k] * activations[at]);
            continue;
        }
        const float weight = (float)(weights[k] / (double)n);
        for (size_t i = 0; i < n; i++)
            cells->values[i] += weight * activations[i];
    }
}

/* Bilinear between the cells' middles; the outermost reach to the border. */
static float cell_at(const struct plane *cells, double y, double x)
{
    y = fmin(fmax(y, 0), cells->rows - 1);
    x = fmin(fmax(x, 0), cells->columns - 1);
    const int y0 = (int)y, x0 = (int)x;
    const int y1 = y0 + 1 < cells->rows ? y0 + 1 : y0;
    const int x1 = x0 + 1 < cells->columns ? x0 + 1 : x0;
    const double dy = y - y0, dx = x - x0;
    const float *up = cells->values + (size_t)y0 * (size_t)cells->columns;
    const float *down = cells->values + (size_t)y1 * (size_t)cells->columns;
    return (float)((1 - dy) * ((1 - dx) * up[x0] + dx * up[x1]) +
                   dy * ((1 - dx) * down[x0] + dx * down[x1]));
}

/* The part of the box that lies in the network's frame, and each of its pixels. */
static void spread(const struct deep_network *network, const struct placement *p,
                   const struct plane *cells, struct heat_map *heat)
{
    const double high = network->input_rows, wide = network->input_columns;
    const double step_y = (double)p->rows / (p->box.y1 - p->box.y0 + 1);
    const double step_x = (double)p->columns / (p->box.x1 - p->box.x0 + 1);
    heat->seen = (struct bounds){p->box.x1, p->box.y1, p->box.x0, p->box.y0};
    for (int y = p->box.y0; y <= p->box.y1; y++) {
        const double v = (y - p->box.y0 + 0.5) * step_y - p->top;
        for (int x = p->box.x0; x <= p->box.x1; x++) {
            const double u = (x - p->box.x0 + 0.5) * step_x - p->left;
            if (v < 0 || v > high || u < 0 || u > wide)
                continue;
            heat->plane.values[(size_t)y * (size_t)heat->plane.columns + (size_t)x] =
                cell_at(cells, v * cells->rows / high - 0.5, u * cells->columns / wide - 0.5);
            heat->seen.x0 = x < heat->seen.x0 ? x : heat->seen.x0;
            heat->seen.x1 = x > heat->seen.x1 ? x : heat->seen.x1;
            heat->seen.y0 = y < heat->seen.y0 ? y : heat->seen.y0;
            heat->seen.y1 = y > heat->seen.y1 ? y : heat->seen.y1;
        }
    }
}

static int make_heat(const struct deep_network *network, const struct placement *placement,
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
        add_channels(network, activations->values, weights, &cells);
        spread(network, placement, &cells, &heat);
        *ret_heat = heat;
    }
    plane_release(&cells);
    return status;
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

/* With room for the activations where they are asked for; the caller frees that. */
static int run(const struct net *net, const struct deep_network *network, float *input_values,
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
        status = run(net, network, input, values, weights ? &activations : NULL, err);
    if (status == 0 && weights)
        status = make_heat(network, &placement, mask, &activations, weights, ret_heat, err);
    free(activations.values);
    free(input);
    return status;
}
