#include "model/outline.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/geometry.h"
#include "image/resize.h"

struct box {
    int x0, y0, rows, columns;
};

/* What one pass gives, at the box's size; hilum is empty without such a channel. */
struct pass {
    struct plane region, hilum;
};

static void pass_release(struct pass *pass)
{
    plane_release(&pass->region);
    plane_release(&pass->hilum);
}

static struct net_shape network_shape(const struct outline_network *network, int channels)
{
    return (struct net_shape){4, {1, channels, network->input_size, network->input_size}};
}

int outline_check(const struct net *net, const struct outline_network *network,
                  struct error *err)
{
    struct net_shape input = network_shape(network, 1);
    struct net_shape output = network_shape(network, network->channels);
    return net_check(net, network->input, &input, network->output, &output, err);
}

/* All channels for one square of grey values 0 to 255; ret_values is the caller's to free. */
static int run_square(const struct net *net, const struct outline_network *network,
                      struct plane *square, float **ret_values, struct error *err)
{
    size_t n = (size_t)network->input_size * (size_t)network->input_size;
    size_t total = n * (size_t)network->channels;
    for (size_t i = 0; i < n; i++)
        square->values[i] =
            (float)((square->values[i] * network->scale - network->mean) / network->std);
    float *values = malloc(total * sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "out of memory for a network's output");
    struct net_tensor input = {network->input, network_shape(network, 1), square->values};
    struct net_tensor output = {network->output, network_shape(network, network->channels), values};
    int status = net_run(net, &input, 1, &output, 1, err);
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

/* One channel back to the picture's place and orientation. */
static int take_channel(const struct outline_network *network, const struct fit *fit,
                        const float *values, int channel, bool mirrored,
                        struct plane *ret_plane, struct error *err)
{
    struct plane square;
    size_t n = (size_t)network->input_size * (size_t)network->input_size;
    int status = plane_init(&square, network->input_size, network->input_size, err);
    if (status < 0)
        return status;
    memcpy(square.values, values + (size_t)channel * n, n * sizeof *values);
    status = fit_back(fit, &square, ret_plane, err);
    plane_release(&square);
    if (status == 0 && mirrored)
        plane_mirror(ret_plane);
    return status;
}

static int run_pass(const struct net *net, const struct outline_network *network,
                    const struct plane *picture, bool mirrored, struct pass *ret_pass,
                    struct error *err)
{
    struct fit fit = fit_square(picture->rows, picture->columns, network->input_size);
    struct pass pass = {0};
    struct plane square = {0};
    float *values = NULL;
    int status = fit_forward(&fit, picture, 0, &square, err);
    if (status == 0)
        status = run_square(net, network, &square, &values, err);
    if (status == 0)
        status = take_channel(network, &fit, values, network->region_channel, mirrored,
                              &pass.region, err);
    if (status == 0 && network->hilum_channel >= 0)
        status = take_channel(network, &fit, values, network->hilum_channel, mirrored,
                              &pass.hilum, err);
    free(values);
    plane_release(&square);
    if (status < 0) {
        pass_release(&pass);
        return status;
    }
    *ret_pass = pass;
    return 0;
}

/* Both passes. The picture comes back mirrored. */
static int run_both(const struct net *net, const struct outline_network *network,
                    struct plane *picture, struct pass *ret_plain, struct pass *ret_mirrored,
                    struct error *err)
{
    int status = run_pass(net, network, picture, false, ret_plain, err);
    if (status < 0)
        return status;
    plane_mirror(picture);
    status = run_pass(net, network, picture, true, ret_mirrored, err);
    if (status < 0)
        pass_release(ret_plain);
    return status;
}

static void average(struct plane *into, const struct plane *other)
{
    size_t n = (size_t)into->rows * (size_t)into->columns;
    for (size_t i = 0; i < n; i++)
        into->values[i] = (into->values[i] + other->values[i]) / 2;
}

static int plane_threshold(const struct plane *plane, double threshold, struct mask *ret_mask,
                           struct error *err)
{
    struct mask mask;
    int status = mask_init(&mask, plane->rows, plane->columns, err);
    if (status < 0)
        return status;
    size_t n = (size_t)plane->rows * (size_t)plane->columns;
    for (size_t i = 0; i < n; i++)
        mask.pixels[i] = plane->values[i] >= threshold;
    *ret_mask = mask;
    return 0;
}

static int region_mask(const struct plane *plane, double threshold, struct mask *ret_mask,
                       struct error *err)
{
    struct mask mask;
    int status = plane_threshold(plane, threshold, &mask, err);
    if (status < 0)
        return status;
    status = mask_keep_largest(&mask, CONNECTIVITY_4, err);
    if (status == 0)
        status = mask_fill_holes(&mask, err);
    if (status < 0) {
        mask_release(&mask);
        return status;
    }
    *ret_mask = mask;
    return 0;
}

static int pass_agreement(const struct pass *a, const struct pass *b, double threshold,
                          double *ret_agreement, struct error *err)
{
    struct mask first, second;
    int status = region_mask(&a->region, threshold, &first, err);
    if (status < 0)
        return status;
    status = region_mask(&b->region, threshold, &second, err);
    if (status == 0) {
        *ret_agreement = mask_dice(&first, &second);
        mask_release(&second);
    }
    mask_release(&first);
    return status;
}

static double mean_inside(const struct plane *plane, const struct mask *mask)
{
    size_t n = (size_t)mask->rows * (size_t)mask->columns, count = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (mask->pixels[i]) {
            sum += plane->values[i];
            count++;
        }
    double mean = sum / (double)count;
    return mean < 0 ? 0 : mean > 1 ? 1 : mean;
}

static int hilum_mask(const struct plane *plane, double threshold, const struct mask *region,
                      struct mask *ret_hilum, struct error *err)
{
    int status = plane_threshold(plane, threshold, ret_hilum, err);
    if (status < 0)
        return status;
    size_t n = (size_t)region->rows * (size_t)region->columns;
    for (size_t i = 0; i < n; i++)
        ret_hilum->pixels[i] &= region->pixels[i];
    return 0;
}

/* A mask of the box becomes one of the whole picture. */
static int mask_unfold(struct mask *mask, const struct box *box, int rows, int columns,
                       struct error *err)
{
    struct mask whole;
    int status = mask_init(&whole, rows, columns, err);
    if (status < 0)
        return status;
    for (int y = 0; y < box->rows; y++)
        memcpy(whole.pixels + (size_t)(box->y0 + y) * (size_t)columns + box->x0,
               mask->pixels + (size_t)y * (size_t)box->columns, (size_t)box->columns);
    mask_release(mask);
    *mask = whole;
    return 0;
}

/* From both passes to the region, in the box's coordinates. */
static int combine(const struct outline_network *network, struct pass *plain,
                   const struct pass *mirrored, struct region_finding *region, struct error *err)
{
    int status = pass_agreement(plain, mirrored, network->threshold, &region->agreement, err);
    if (status < 0)
        return status;
    average(&plain->region, &mirrored->region);
    status = region_mask(&plain->region, network->threshold, &region->mask, err);
    if (status < 0)
        return status;
    double box_area = (double)plain->region.rows * plain->region.columns;
    size_t area = mask_count(&region->mask);
    region->found = area > 0 && (double)area >= network->min_area_fraction * box_area;
    if (!region->found)
        return 0;
    region->probability = mean_inside(&plain->region, &region->mask);
    region->touches_border = mask_touches_box(&region->mask, 0, 0, region->mask.columns - 1,
                                              region->mask.rows - 1);
    if (network->hilum_channel < 0)
        return 0;
    average(&plain->hilum, &mirrored->hilum);
    return hilum_mask(&plain->hilum, network->threshold, &region->mask, &region->hilum, err);
}

static struct box box_of(const struct image *grey, const struct us_region *tissue)
{
    struct box whole = {0, 0, grey->rows, grey->columns};
    if (!tissue)
        return whole;
    int x0 = tissue->x0 < 0 ? 0 : tissue->x0, y0 = tissue->y0 < 0 ? 0 : tissue->y0;
    int x1 = tissue->x1 >= grey->columns ? grey->columns - 1 : tissue->x1;
    int y1 = tissue->y1 >= grey->rows ? grey->rows - 1 : tissue->y1;
    if (x0 > x1 || y0 > y1)
        return whole;
    return (struct box){x0, y0, y1 - y0 + 1, x1 - x0 + 1};
}

/* A network always answers something: on a picture without contrast it would be made up. */
static bool blank(const struct plane *picture)
{
    enum { GREY_RANGE_MIN = 16 }; /* of 255; speckle of any gain spans far more */
    float low = picture->values[0], high = low;
    size_t count = (size_t)picture->rows * (size_t)picture->columns;
    for (size_t i = 1; i < count; i++) {
        low = picture->values[i] < low ? picture->values[i] : low;
        high = picture->values[i] > high ? picture->values[i] : high;
    }
    return high - low < GREY_RANGE_MIN;
}

int outline_run(const struct net *net, const struct outline_network *network,
                const struct image *grey, const struct us_region *tissue,
                struct region_finding *ret_region, struct error *err)
{
    assert(grey->channels == 1);
    struct box box = box_of(grey, tissue);
    struct region_finding region = {.image = -1};
    struct pass plain = {0}, mirrored = {0};
    struct plane picture;
    int status = plane_from_image(grey, box.x0, box.y0, box.rows, box.columns, &picture, err);
    if (status < 0)
        return status;
    bool nothing = blank(&picture);
    if (!nothing)
        status = run_both(net, network, &picture, &plain, &mirrored, err);
    plane_release(&picture);
    if (status < 0)
        return status;
    if (nothing) {
        *ret_region = region;
        return 0;
    }
    status = combine(network, &plain, &mirrored, &region, err);
    pass_release(&plain);
    pass_release(&mirrored);
    if (status == 0 && region.found)
        status = mask_unfold(&region.mask, &box, grey->rows, grey->columns, err);
    if (status == 0 && region.hilum.pixels)
        status = mask_unfold(&region.hilum, &box, grey->rows, grey->columns, err);
    if (status < 0 || !region.found)
        region_finding_release(&region);
    if (status < 0)
        return status;
    *ret_region = region;
    return 0;
}

int outline_raw(const struct net *net, const struct outline_network *network,
                const struct image *grey, int channel, struct plane *ret_output,
                struct error *err)
{
    assert(channel >= 0 && channel < network->channels);
    struct fit fit = fit_square(grey->rows, grey->columns, network->input_size);
    struct plane picture = {0}, square = {0}, output = {0};
    float *values = NULL;
    int status = plane_from_image(grey, 0, 0, grey->rows, grey->columns, &picture, err);
    if (status == 0)
        status = fit_forward(&fit, &picture, 0, &square, err);
    if (status == 0)
        status = run_square(net, network, &square, &values, err);
    if (status == 0)
        status = plane_init(&output, network->input_size, network->input_size, err);
    if (status == 0) {
        size_t n = (size_t)network->input_size * (size_t)network->input_size;
        memcpy(output.values, values + (size_t)channel * n, n * sizeof *values);
        *ret_output = output;
    }
    free(values);
    plane_release(&picture);
    plane_release(&square);
    return status;
}
