#include "model/outline.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/geometry.h"
#include "image/resize.h"
#include "model/outline_pass.h"
#include "model/window.h"

static struct net_shape network_shape(const struct outline_network *network, int channels)
{
    return (struct net_shape){4, {1, channels, network->input_size, network->input_size}};
}

int outline_check(const struct net *net, const struct outline_network *network,
                  struct error *err)
{
    struct net_shape input = network_shape(network, network->callipers ? 2 : 1);
    struct net_shape output = network_shape(network, network->channels);
    return net_check(net, network->input, &input, network->output, &output, err);
}

static int average(const struct plane *a, const struct plane *b, struct plane *ret_mean,
                   struct error *err)
{
    struct plane mean;
    int status = plane_init(&mean, a->rows, a->columns, err);
    if (status < 0)
        return status;
    size_t n = (size_t)a->rows * (size_t)a->columns;
    for (size_t i = 0; i < n; i++)
        mean.values[i] = (a->values[i] + b->values[i]) / 2;
    *ret_mean = mean;
    return 0;
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

/* Two empty masks agree on nothing. */
static double mask_agreement(const struct mask *a, const struct mask *b)
{
    return mask_count(a) + mask_count(b) > 0 ? mask_dice(a, b) : 0;
}

static int passes_agreement(const struct pass *passes, int count, double threshold,
                            double *ret_agreement, struct error *err)
{
    struct mask masks[OUTLINE_PASSES_MAX] = {0};
    int status = 0, pairs = 0;
    double sum = 0;
    for (int i = 0; i < count && status == 0; i++)
        status = region_mask(&passes[i].region, threshold, &masks[i], err);
    for (int i = 0; i < count && status == 0; i++)
        for (int k = 0; k < i; k++, pairs++)
            sum += mask_agreement(&masks[i], &masks[k]);
    for (int i = 0; i < count; i++)
        mask_release(&masks[i]);
    if (status == 0)
        *ret_agreement = sum / pairs;
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
static int mask_unfold(struct mask *mask, const struct window *box, int rows, int columns,
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

/* Everything one outline is made of. */
struct work {
    const struct net *net;
    const struct outline_network *network;
    struct marks marks; /* in the box */
    struct pass passes[OUTLINE_PASSES_MAX]; /* at the box's size */
    int count;
};

static void work_release(struct work *work)
{
    for (int i = 0; i < OUTLINE_PASSES_MAX; i++)
        pass_release(&work->passes[i]);
}

/* The mean of two passes and its mask; no mask when that is too small. */
static int mean_mask(const struct outline_network *network, const struct pass *pair,
                     struct plane *ret_mean, struct mask *ret_mask, struct error *err)
{
    struct plane mean;
    struct mask mask;
    int status = average(&pair[0].region, &pair[1].region, &mean, err);
    if (status < 0)
        return status;
    status = region_mask(&mean, network->threshold, &mask, err);
    if (status < 0) {
        plane_release(&mean);
        return status;
    }
    size_t area = mask_count(&mask);
    if (area == 0 || (double)area < network->min_area_fraction * (double)mean.rows * mean.columns)
        mask_release(&mask);
    *ret_mean = mean;
    *ret_mask = mask;
    return 0;
}

/* The square around what was found, clipped; false when it is no closer look. */
static bool zoom_window(const struct mask *mask, double zoom, struct window *ret_window)
{
    struct bounds box;
    if (!mask->pixels || !mask_bounds(mask, &box))
        return false;
    int width = box.x1 - box.x0 + 1, height = box.y1 - box.y0 + 1;
    double side = round(zoom * (width > height ? width : height));
    if (side >= (mask->rows > mask->columns ? mask->rows : mask->columns))
        return false;
    int x0 = (int)floor((box.x0 + box.x1 + 1 - side) / 2);
    int y0 = (int)floor((box.y0 + box.y1 + 1 - side) / 2);
    int x1 = x0 + (int)side < mask->columns ? x0 + (int)side : mask->columns;
    int y1 = y0 + (int)side < mask->rows ? y0 + (int)side : mask->rows;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    *ret_window = (struct window){x0, y0, y1 - y0, x1 - x0};
    return true;
}

/* A plane of the window becomes one of the box, 0 around it. */
static int plane_unfold(struct plane *plane, const struct window *window, int rows, int columns,
                        struct error *err)
{
    struct plane whole;
    int status = plane_init(&whole, rows, columns, err);
    if (status < 0)
        return status;
    for (int y = 0; y < window->rows; y++)
        memcpy(whole.values + (size_t)(window->y0 + y) * (size_t)columns + window->x0,
               plane->values + (size_t)y * (size_t)window->columns,
               (size_t)window->columns * sizeof *whole.values);
    plane_release(plane);
    *plane = whole;
    return 0;
}

static int crop_passes(struct work *work, const struct image *grey, const struct window *box,
                       const struct window *window, struct error *err)
{
    struct plane picture;
    int status = plane_from_image(grey, box->x0 + window->x0, box->y0 + window->y0, window->rows,
                                  window->columns, &picture, err);
    if (status < 0)
        return status;
    struct marks marks = work->marks;
    marks.x0 += window->x0;
    marks.y0 += window->y0;
    struct pass *pair = &work->passes[work->count];
    status = pass_both(work->net, work->network, &picture, &marks, &pair[0], &pair[1], err);
    plane_release(&picture);
    if (status == 0)
        work->count += 2;
    for (int i = 0; i < 2 && status == 0; i++) {
        status = plane_unfold(&pair[i].region, window, box->rows, box->columns, err);
        if (status == 0 && pair[i].hilum.values)
            status = plane_unfold(&pair[i].hilum, window, box->rows, box->columns, err);
    }
    return status;
}

/* From a pair of passes to the region, in the box's coordinates. */
static int describe(const struct outline_network *network, const struct pass *pair,
                    const struct plane *mean, struct region_finding *region, struct error *err)
{
    const struct mask *mask = &region->mask;
    struct plane hilum;
    region->probability = mean_inside(mean, mask);
    region->touches_border = mask_touches_box(mask, 0, 0, mask->columns - 1, mask->rows - 1);
    if (network->hilum_channel < 0)
        return 0;
    int status = average(&pair[0].hilum, &pair[1].hilum, &hilum, err);
    if (status < 0)
        return status;
    status = hilum_mask(&hilum, network->threshold, mask, &region->hilum, err);
    plane_release(&hilum);
    return status;
}

/* The picture of the box comes back mirrored. */
static int outline_box(struct work *work, const struct image *grey, const struct window *box,
                       struct plane *picture, struct region_finding *region, struct error *err)
{
    const struct outline_network *network = work->network;
    struct plane mean = {0}, closer = {0};
    struct mask mask = {0};
    struct window window;
    int chosen = 0;
    int status = pass_both(work->net, network, picture, &work->marks, &work->passes[0],
                           &work->passes[1], err);
    if (status < 0)
        return status;
    work->count = 2;
    status = mean_mask(network, work->passes, &mean, &region->mask, err);
    if (status == 0 && network->zoom > 0 && zoom_window(&region->mask, network->zoom, &window)) {
        status = crop_passes(work, grey, box, &window, err);
        if (status == 0)
            status = mean_mask(network, work->passes + 2, &closer, &mask, err);
        chosen = mask.pixels ? 2 : 0;
    }
    if (chosen) {
        mask_release(&region->mask);
        region->mask = mask;
    }
    region->found = region->mask.pixels != NULL;
    region->passes = work->count;
    if (status == 0 && region->found)
        status = passes_agreement(work->passes, work->count, network->threshold,
                                  &region->agreement, err);
    if (status == 0 && region->found)
        status = describe(network, work->passes + chosen, chosen ? &closer : &mean, region, err);
    plane_release(&mean);
    plane_release(&closer);
    return status;
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

static int marks_inside(const struct outline_input *input, const struct window *box)
{
    int count = 0;
    for (size_t i = 0; i < input->mark_count; i++) {
        double x = input->marks[i].x - box->x0, y = input->marks[i].y - box->y0;
        count += x >= 0 && y >= 0 && x <= box->columns - 1 && y <= box->rows - 1;
    }
    return count;
}

int outline_run(const struct net *net, const struct outline_network *network,
                const struct outline_input *input, struct region_finding *ret_region,
                struct error *err)
{
    const struct image *grey = input->grey;
    assert(grey->channels == 1);
    struct window box = window_of_tissue(grey, input->tissue);
    struct region_finding region = {.image = -1};
    struct plane picture;
    int status = plane_from_image(grey, box.x0, box.y0, box.rows, box.columns, &picture, err);
    if (status < 0)
        return status;
    if (!blank(&picture)) {
        struct work work = {.net = net,
                            .network = network,
                            .marks = {input->marks, input->mark_count, box.x0, box.y0}};
        status = outline_box(&work, grey, &box, &picture, &region, err);
        work_release(&work);
        region.callipers = network->callipers ? marks_inside(input, &box) : 0;
    }
    plane_release(&picture);
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
        status = pass_square(net, network, &square, NULL, &values, err);
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
