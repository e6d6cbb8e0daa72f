#include "model/outline_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/resize.h"

enum { MARK_SIGMA = 3, MARK_REACH = 4 * MARK_SIGMA, MARKS_MAX = 64 };

void pass_release(struct pass *pass)
{
    plane_release(&pass->region);
    plane_release(&pass->hilum);
}

/* The greatest of the marks' bells counts where several meet. */
static void draw_mark(float *plane, int rows, int columns, struct point mark)
{
    int x0 = (int)fmax(0, ceil(mark.x - MARK_REACH)), y0 = (int)fmax(0, ceil(mark.y - MARK_REACH));
    int x1 = (int)fmin(columns - 1, mark.x + MARK_REACH);
    int y1 = (int)fmin(rows - 1, mark.y + MARK_REACH);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            double squared = (x - mark.x) * (x - mark.x) + (y - mark.y) * (y - mark.y);
            float value = (float)exp(-squared / (2 * MARK_SIGMA * MARK_SIGMA));
            float *at = &plane[(size_t)y * (size_t)columns + (size_t)x];
            *at = fmaxf(*at, value);
        }
}

int pass_frame(const struct net *net, const struct outline_network *network,
               struct plane *frame, const struct marks *marks, float **ret_values,
               struct error *err)
{
    int rows = network->input_rows, columns = network->input_columns;
    int channels = network->callipers ? 2 : 1;
    size_t n = (size_t)rows * (size_t)columns, total = n * (size_t)network->channels;
    float *values = malloc(total * sizeof *values);
    float *fed = calloc(n * (size_t)channels, sizeof *fed);
    if (!values || !fed) {
        free(values);
        free(fed);
        return error_set(err, STATUS_NOMEM, "out of memory for a network's output");
    }
    for (size_t i = 0; i < n; i++)
        fed[i] = (float)((frame->values[i] * network->scale - network->mean) / network->std);
    for (size_t i = 0; network->callipers && marks && i < marks->count; i++)
        draw_mark(fed + n, rows, columns, marks->points[i]);
    struct net_tensor input = {network->input, {4, {1, channels, rows, columns}}, fed};
    struct net_tensor output = {network->output, {4, {1, network->channels, rows, columns}}, values};
    int status = net_run(net, &input, 1, &output, 1, err);
    free(fed);
    for (size_t i = 0; status == 0 && i < total; i++)
        if (!(values[i] >= -1e-4f && values[i] <= 1.0001f))
            status = error_set(err, STATUS_INVALID,
                               "the network's output '%s' is no probability", network->output);
    if (status < 0) {
        free(values);
        return status;
    }
    *ret_values = values;
    return 0;
}

/* Marks of the window as they lie in the frame. Returns their number. */
static size_t marks_fit(const struct fit *fit, const struct marks *marks, bool mirrored,
                        struct point out[MARKS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < marks->count && count < MARKS_MAX; i++) {
        double x = marks->points[i].x - marks->x0, y = marks->points[i].y - marks->y0;
        if (!(x >= 0 && y >= 0 && x <= fit->columns - 1 && y <= fit->rows - 1))
            continue;
        if (mirrored)
            x = fit->columns - 1 - x;
        out[count++] = (struct point){
            fit->left + (x + 0.5) * fit->fit_columns / fit->columns - 0.5,
            fit->top + (y + 0.5) * fit->fit_rows / fit->rows - 0.5,
        };
    }
    return count;
}

/* One channel back to the window's place and orientation. */
static int take_channel(const struct outline_network *network, const struct fit *fit,
                        const float *values, int channel, bool mirrored,
                        struct plane *ret_plane, struct error *err)
{
    struct plane frame;
    size_t n = (size_t)network->input_rows * (size_t)network->input_columns;
    int status = plane_init(&frame, network->input_rows, network->input_columns, err);
    if (status < 0)
        return status;
    memcpy(frame.values, values + (size_t)channel * n, n * sizeof *values);
    status = fit_back(fit, &frame, ret_plane, err);
    plane_release(&frame);
    if (status == 0 && mirrored)
        plane_mirror(ret_plane);
    return status;
}

static int run_pass(const struct net *net, const struct outline_network *network,
                    const struct plane *window, const struct marks *marks, bool mirrored,
                    struct pass *ret_pass, struct error *err)
{
    struct fit fit = fit_frame(window->rows, window->columns, network->input_rows,
                               network->input_columns);
    struct point points[MARKS_MAX];
    struct marks fitted = {points, marks_fit(&fit, marks, mirrored, points), 0, 0};
    struct pass pass = {0};
    struct plane frame = {0};
    float *values = NULL;
    int status = fit_forward(&fit, window, 0, &frame, err);
    if (status == 0)
        status = pass_frame(net, network, &frame, &fitted, &values, err);
    if (status == 0)
        status = take_channel(network, &fit, values, network->region_channel, mirrored,
                              &pass.region, err);
    if (status == 0 && network->hilum_channel >= 0)
        status = take_channel(network, &fit, values, network->hilum_channel, mirrored,
                              &pass.hilum, err);
    free(values);
    plane_release(&frame);
    if (status < 0) {
        pass_release(&pass);
        return status;
    }
    *ret_pass = pass;
    return 0;
}

int pass_both(const struct net *net, const struct outline_network *network, struct plane *window,
              const struct marks *marks, struct pass *ret_plain, struct pass *ret_mirrored,
              struct error *err)
{
    int status = run_pass(net, network, window, marks, false, ret_plain, err);
    if (status < 0)
        return status;
    plane_mirror(window);
    status = run_pass(net, network, window, marks, true, ret_mirrored, err);
    if (status < 0)
        pass_release(ret_plain);
    return status;
}
