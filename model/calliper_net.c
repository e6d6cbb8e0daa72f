#include "model/calliper_net.h"

#include <assert.h>
#include <string.h>

#include "model/window.h"

enum { REACH = 4 /* cells in which one mark has one peak */ };

static int even(int n)
{
    return n + n % 2;
}

int calliper_net_check(const struct net *net, const struct calliper_network *network,
                       struct error *err)
{
    /* Two sizes: its sides are free. */
    for (int side = 64; side <= 96; side += 32) {
        struct net_shape input = {4, {1, 1, side, side + 2}};
        struct net_shape output = {4, {1, 1, side / 2, (side + 2) / 2}};
        int status = net_check(net, network->input, &input, network->output, &output, err);
        if (status < 0)
            return status;
    }
    return 0;
}

/* The window's grey values as the network wants them, filled up to even sides. */
static int fed_plane(const struct calliper_network *network, const struct image *grey,
                     const struct window *w, struct plane *ret_fed, struct error *err)
{
    struct plane fed;
    int status = plane_init(&fed, even(w->rows), even(w->columns), err);
    if (status < 0)
        return status;
    for (int y = 0; y < fed.rows; y++)
        for (int x = 0; x < fed.columns; x++) {
            const bool inside = y < w->rows && x < w->columns;
            const double value =
                inside ? grey->pixels[(size_t)(w->y0 + y) * (size_t)grey->columns + w->x0 + x] : 0;
            fed.values[(size_t)y * (size_t)fed.columns + (size_t)x] =
                (float)((value * network->scale - network->mean) / network->std);
        }
    *ret_fed = fed;
    return 0;
}

static int run_window(const struct net *net, const struct calliper_network *network,
                      const struct image *grey, const struct window *w, struct plane *ret_output,
                      struct error *err)
{
    struct plane fed = {0}, output = {0};
    int status = fed_plane(network, grey, w, &fed, err);
    if (status == 0)
        status = plane_init(&output, fed.rows / 2, fed.columns / 2, err);
    if (status == 0) {
        struct net_tensor in = {network->input, {4, {1, 1, fed.rows, fed.columns}}, fed.values};
        struct net_tensor out = {network->output, {4, {1, 1, output.rows, output.columns}},
                                 output.values};
        status = net_run(net, &in, 1, &out, 1, err);
    }
    plane_release(&fed);
    const size_t n = (size_t)output.rows * (size_t)output.columns;
    for (size_t i = 0; status == 0 && i < n; i++)
        if (!(output.values[i] >= -1e-4f && output.values[i] <= 1.0001f))
            status = error_set(err, STATUS_INVALID, "the network's output '%s' is no probability",
                               network->output);
    if (status < 0) {
        plane_release(&output);
        return status;
    }
    *ret_output = output;
    return 0;
}

int calliper_net_raw(const struct net *net, const struct calliper_network *network,
                     const struct image *grey, struct plane *ret_output, struct error *err)
{
    assert(grey->channels == 1);
    const struct window whole = {0, 0, grey->rows, grey->columns};
    return run_window(net, network, grey, &whole, ret_output, err);
}

static float at(const struct plane *p, int y, int x)
{
    return p->values[(size_t)y * (size_t)p->columns + (size_t)x];
}

/* Of equal neighbours the first in reading order is the peak. */
static bool is_peak(const struct plane *p, int y, int x)
{
    const float value = at(p, y, x);
    for (int v = y - REACH; v <= y + REACH; v++)
        for (int u = x - REACH; u <= x + REACH; u++) {
            if (v < 0 || u < 0 || v >= p->rows || u >= p->columns || (v == y && u == x))
                continue;
            const bool before = v < y || (v == y && u < x);
            if (at(p, v, u) > value || (before && at(p, v, u) >= value))
                return false;
        }
    return true;
}

/* In pixels of the window. */
static struct point refined(const struct plane *p, int y, int x)
{
    double sum = 0, sum_x = 0, sum_y = 0;
    for (int v = y - 1; v <= y + 1; v++)
        for (int u = x - 1; u <= x + 1; u++) {
            if (v < 0 || u < 0 || v >= p->rows || u >= p->columns)
                continue;
            const double value = at(p, v, u);
            sum += value;
            sum_x += u * value;
            sum_y += v * value;
        }
    return (struct point){2 * sum_x / sum + 0.5, 2 * sum_y / sum + 0.5};
}

struct found {
    struct point points[CALLIPER_POINTS_MAX];
    float probability[CALLIPER_POINTS_MAX]; /* falling */
    size_t count;
};

static void insert(struct found *found, struct point point, float probability)
{
    size_t to = found->count;
    while (to > 0 && found->probability[to - 1] < probability)
        to--;
    if (to == CALLIPER_POINTS_MAX)
        return;
    if (found->count < CALLIPER_POINTS_MAX)
        found->count++;
    const size_t behind = found->count - 1 - to;
    memmove(&found->points[to + 1], &found->points[to], behind * sizeof *found->points);
    memmove(&found->probability[to + 1], &found->probability[to],
            behind * sizeof *found->probability);
    found->points[to] = point;
    found->probability[to] = probability;
}

int calliper_net_find(const struct net *net, const struct calliper_network *network,
                      const struct image *grey, const struct us_region *tissue,
                      struct point ret_points[CALLIPER_POINTS_MAX], size_t *ret_count,
                      struct error *err)
{
    assert(grey->channels == 1);
    const struct window w = window_of_tissue(grey, tissue);
    struct found found = {.count = 0};
    struct plane output = {0};
    *ret_count = 0;
    if ((size_t)w.rows * (size_t)w.columns > CALLIPER_PIXELS_MAX)
        return 0;
    int status = run_window(net, network, grey, &w, &output, err);
    if (status < 0)
        return status;
    for (int y = 0; y < output.rows; y++)
        for (int x = 0; x < output.columns; x++)
            if (at(&output, y, x) >= network->threshold && is_peak(&output, y, x))
                insert(&found, refined(&output, y, x), at(&output, y, x));
    plane_release(&output);
    for (size_t i = 0; i < found.count; i++)
        ret_points[i] = (struct point){w.x0 + found.points[i].x, w.y0 + found.points[i].y};
    *ret_count = found.count;
    return 0;
}
