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
    return (struct net_shape){4, {1, channels, network->input_rows, network->input_columns}};
}

int outline_check(const struct net *net, const struct outline_network *network,
                  struct error *err)
{
    struct net_shape input = network_shape(network, network->callipers ? 2 : 1);
    struct net_shape output = network_shape(network, network->channels);
    return net_check(net, network->input, &input, network->output, &output, err);
}

static int plane_mean(const struct plane *const *planes, int count, struct plane *ret_mean,
                      struct error *err)
{
    struct plane mean;
    int status = plane_init(&mean, planes[0]->rows, planes[0]->columns, err);
    if (status < 0)
        return status;
    size_t n = (size_t)mean.rows * (size_t)mean.columns;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int k = 0; k < count; k++)
            sum += planes[k]->values[i];
        mean.values[i] = sum / (float)count;
    }
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

/* Everything one outline is made of. Planes have the size of the box. */
struct work {
    const struct net *net;
    const struct outline_network *network;
    const struct image *grey;
    struct window box;   /* of the picture */
    struct marks marks;  /* in the box */
    struct pass passes[OUTLINE_PASSES_MAX];
    int count;
    struct pass first;   /* mean of the passes over the whole box */
};

static void work_release(struct work *work)
{
    for (int i = 0; i < OUTLINE_PASSES_MAX; i++)
        pass_release(&work->passes[i]);
    pass_release(&work->first);
}

/* The mean of all passes so far. */
static int mean_pass(const struct work *work, struct pass *ret_mean, struct error *err)
{
    const struct plane *regions[OUTLINE_PASSES_MAX], *hila[OUTLINE_PASSES_MAX];
    struct pass mean = {0};
    for (int i = 0; i < work->count; i++) {
        regions[i] = &work->passes[i].region;
        hila[i] = &work->passes[i].hilum;
    }
    int status = plane_mean(regions, work->count, &mean.region, err);
    if (status == 0 && work->network->hilum_channel >= 0)
        status = plane_mean(hila, work->count, &mean.hilum, err);
    if (status < 0) {
        pass_release(&mean);
        return status;
    }
    *ret_mean = mean;
    return 0;
}

/* The region of a mean; no mask when it is too small. */
static int mean_mask(const struct outline_network *network, const struct pass *mean,
                     struct mask *ret_mask, struct error *err)
{
    struct mask mask;
    int status = region_mask(&mean->region, network->threshold, &mask, err);
    if (status < 0)
        return status;
    size_t area = mask_count(&mask);
    if (area == 0 || (double)area < network->min_area_fraction * (double)mask.rows * mask.columns)
        mask_release(&mask);
    *ret_mask = mask;
    return 0;
}

/* The square around what was found, clipped; false when it is no closer look. */
static bool zoom_window(const struct mask *mask, double zoom, struct window *ret_window)
{
    struct bounds box;
    if (!mask_bounds(mask, &box))
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

/* A plane of the window becomes one of the box, `around` standing around it. */
static int plane_unfold(struct plane *plane, const struct window *window,
                        const struct plane *around, struct error *err)
{
    struct plane whole;
    int status = plane_init(&whole, around->rows, around->columns, err);
    if (status < 0)
        return status;
    size_t columns = (size_t)around->columns;
    memcpy(whole.values, around->values, (size_t)around->rows * columns * sizeof *whole.values);
    for (int y = 0; y < window->rows; y++)
        memcpy(whole.values + (size_t)(window->y0 + y) * columns + window->x0,
               plane->values + (size_t)y * (size_t)window->columns,
               (size_t)window->columns * sizeof *whole.values);
    plane_release(plane);
    *plane = whole;
    return 0;
}

static int crop_passes(struct work *work, const struct window *window, struct error *err)
{
    struct plane picture;
    int status = plane_from_image(work->grey, work->box.x0 + window->x0, work->box.y0 + window->y0,
                                  window->rows, window->columns, &picture, err);
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
        status = plane_unfold(&pair[i].region, window, &work->first.region, err);
        if (status == 0 && pair[i].hilum.values)
            status = plane_unfold(&pair[i].hilum, window, &work->first.hilum, err);
    }
    return status;
}

/* The crops around the region's mask, which becomes that of the mean of all passes. */
static int closer_looks(struct work *work, struct pass *ret_mean, struct region_finding *region,
                        struct error *err)
{
    const struct outline_network *network = work->network;
    struct pass mean = {0};
    struct mask mask = {0};
    struct window window;
    int status = 0;
    for (int i = 0; i < network->zoom_count && status == 0; i++)
        if (zoom_window(&region->mask, network->zooms[i], &window))
            status = crop_passes(work, &window, err);
    if (status == 0)
        status = mean_pass(work, &mean, err);
    if (status == 0)
        status = mean_mask(network, &mean, &mask, err);
    if (status < 0 || !mask.pixels) {
        pass_release(&mean);
        return status;
    }
    mask_release(&region->mask);
    region->mask = mask;
    *ret_mean = mean;
    return 0;
}

/* From the mean of passes to the region, in the box's coordinates. */
static int describe(const struct work *work, const struct pass *mean,
                    struct region_finding *region, struct error *err)
{
    const struct mask *mask = &region->mask;
    const double threshold = work->network->threshold;
    region->found = true;
    region->probability = mean_inside(&mean->region, mask);
    region->touches_border = mask_touches_box(mask, 0, 0, mask->columns - 1, mask->rows - 1);
    int status = passes_agreement(work->passes, work->count, threshold, &region->agreement, err);
    if (status == 0 && mean->hilum.values)
        status = hilum_mask(&mean->hilum, threshold, mask, &region->hilum, err);
    return status;
}

/* The picture of the box comes back mirrored. */
static int outline_box(struct work *work, struct plane *picture, struct region_finding *region,
                       struct error *err)
{
    struct pass mean = {0};
    int status = pass_both(work->net, work->network, picture, &work->marks, &work->passes[0],
                           &work->passes[1], err);
    if (status < 0)
        return status;
    work->count = 2;
    status = mean_pass(work, &work->first, err);
    if (status == 0)
        status = mean_mask(work->network, &work->first, &region->mask, err);
    if (status == 0 && region->mask.pixels)
        status = closer_looks(work, &mean, region, err);
    if (status == 0 && region->mask.pixels)
        status = describe(work, mean.region.values ? &mean : &work->first, region, err);
    region->passes = work->count;
    pass_release(&mean);
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
    struct region_finding region = {
        .image = -1,
        .seen = {box.x0, box.y0, box.x0 + box.columns - 1, box.y0 + box.rows - 1}};
    struct plane picture;
    int status = plane_from_image(grey, box.x0, box.y0, box.rows, box.columns, &picture, err);
    if (status < 0)
        return status;
    if (!blank(&picture)) {
        struct work work = {.net = net,
                            .network = network,
                            .grey = grey,
                            .box = box,
                            .marks = {input->marks, input->mark_count, box.x0, box.y0}};
        status = outline_box(&work, &picture, &region, err);
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
    struct fit fit = fit_frame(grey->rows, grey->columns, network->input_rows,
                               network->input_columns);
    struct plane picture = {0}, frame = {0}, output = {0};
    float *values = NULL;
    int status = plane_from_image(grey, 0, 0, grey->rows, grey->columns, &picture, err);
    if (status == 0)
        status = fit_forward(&fit, &picture, 0, &frame, err);
    if (status == 0)
        status = pass_frame(net, network, &frame, NULL, &values, err);
    if (status == 0)
        status = plane_init(&output, network->input_rows, network->input_columns, err);
    if (status == 0) {
        size_t n = (size_t)network->input_rows * (size_t)network->input_columns;
        memcpy(output.values, values + (size_t)channel * n, n * sizeof *values);
        *ret_output = output;
    }
    free(values);
    plane_release(&picture);
    plane_release(&frame);
    return status;
}
