#include "model/view.h"

#include "image/resize.h"
#include "model/window.h"

static struct net_shape input_shape(const struct view_network *network)
{
    return (struct net_shape){4, {1, 1, network->input_size, network->input_size}};
}

static const struct net_shape OUTPUT_SHAPE = {2, {1, VIEW_COUNT}};

int view_check(const struct net *net, const struct view_network *network, struct error *err)
{
    struct net_shape input = input_shape(network);
    return net_check(net, network->input, &input, network->output, &OUTPUT_SHAPE, err);
}

static int run_square(const struct net *net, const struct view_network *network,
                      struct plane *square, double ret_probability[VIEW_COUNT],
                      struct error *err)
{
    float values[VIEW_COUNT];
    size_t n = (size_t)square->rows * (size_t)square->columns;
    for (size_t i = 0; i < n; i++)
        square->values[i] =
            (float)((square->values[i] * network->scale - network->mean) / network->std);
    struct net_tensor input = {network->input, input_shape(network), square->values};
    struct net_tensor output = {network->output, OUTPUT_SHAPE, values};
    int status = net_run(net, &input, 1, &output, 1, err);
    for (int i = 0; i < VIEW_COUNT && status == 0; i++)
        if (!(values[i] >= -1e-4f && values[i] <= 1.0001f))
            status = error_set(err, STATUS_INVALID,
                               "the network's output '%s' is no probability", network->output);
    for (int i = 0; i < VIEW_COUNT && status == 0; i++)
        ret_probability[i] = values[i] < 0 ? 0 : values[i] > 1 ? 1 : values[i];
    return status;
}

int view_run(const struct net *net, const struct view_network *network, const struct image *grey,
             const struct us_region *tissue, double ret_probability[VIEW_COUNT],
             struct error *err)
{
    struct window w = window_of_tissue(grey, tissue);
    struct fit fit = fit_frame(w.rows, w.columns, network->input_size, network->input_size);
    struct plane picture = {0}, square = {0};
    int status = plane_from_image(grey, w.x0, w.y0, w.rows, w.columns, &picture, err);
    if (status == 0)
        status = fit_forward(&fit, &picture, 0, &square, err);
    if (status == 0)
        status = run_square(net, network, &square, ret_probability, err);
    plane_release(&picture);
    plane_release(&square);
    return status;
}

enum roi view_decide(const struct view_network *network, const double probability[VIEW_COUNT])
{
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (probability[roi] >= network->confidence_min)
            return (enum roi)roi;
    return ROI_COUNT;
}
