#include "model/radiomics/preprocess.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/radiomics/filters.h"
#include "model/radiomics/placement.h"

void normalise(struct volume *image, double scale, double outliers)
{
    size_t n = volume_count(image->size);
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += image->values[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (image->values[i] - mean) * (image->values[i] - mean);
    double deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    double factor = deviation > 0 ? 1 / deviation : 0; /* a constant image becomes 0 */
    for (size_t i = 0; i < n; i++) {
        double v = (image->values[i] - mean) * factor;
        if (outliers > 0)
            v = fmax(-outliers, fmin(outliers, v));
        image->values[i] = v * scale;
    }
    image->type = VOXEL_DOUBLE;
}

static int load_image(const struct radiomics_input *input, struct volume *ret_image,
                      struct error *err)
{
    if (input->image)
        return volume_from_image(input->image, input->spacing_row_mm, input->spacing_column_mm,
                                 ret_image, err);
    const struct volume *from = input->volume;
    for (int d = 0; d < 3; d++)
        if (!(from->spacing_mm[d] > 0) || !isfinite(from->spacing_mm[d]))
            return error_set(err, STATUS_INVALID, "voxel spacing is not above 0");
    struct volume v;
    int r = volume_init(&v, from->size, from->type, err);
    if (r < 0)
        return r;
    memcpy(v.spacing_mm, from->spacing_mm, sizeof v.spacing_mm);
    v.placement = from->placement;
    memcpy(v.values, from->values, volume_count(v.size) * sizeof *v.values);
    *ret_image = v;
    return 0;
}

/* "label 3 is not in the mask; it has 1, 2" */
static int no_label(const struct label_volume *labels, int label, struct error *err)
{
    int32_t found[8];
    int count = 0;
    bool more = false;
    for (size_t i = 0, n = volume_count(labels->size); i < n && !more; i++) {
        int k = 0;
        while (k < count && found[k] != labels->labels[i])
            k++;
        if (labels->labels[i] != 0 && k == count) {
            more = count == 8;
            if (!more)
                found[count++] = labels->labels[i];
        }
    }
    if (count == 0)
        return error_set(err, STATUS_INVALID, "the mask is empty");
    char text[128];
    size_t at = 0;
    for (int k = 0; k < count; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRId32, k ? ", " : "",
                               found[k]);
    return error_set(err, STATUS_INVALID, "label %d is not in the mask; it has %s%s", label,
                     text, more ? " and more" : "");
}

static int size_mismatch(const int a[3], const int b[3], struct error *err)
{
    return error_set(err, STATUS_INVALID,
                     "image of %d x %d x %d and mask of %d x %d x %d voxels differ in size",
                     a[2], a[1], a[0], b[2], b[1], b[0]);
}

/* The mask as labels on the image's grid: the input's own, or `ret_own`. */
static int load_labels(const struct radiomics_input *input, const struct radiomics_settings *s,
                       const struct volume *image, struct label_volume *ret_own,
                       const struct label_volume **ret_labels, struct error *err)
{
    *ret_labels = input->labels;
    int r = memcmp(input->labels->size, image->size, sizeof image->size) != 0
                ? size_mismatch(image->size, input->labels->size, err)
                : placement_check(image, input->labels, s->geometry_tolerance, err);
    if (r == STATUS_INVALID && s->correct_mask) {
        r = placement_resample(image, input->labels, s->label, ret_own, err);
        *ret_labels = ret_own;
    }
    return r;
}

static int mask_from_labels(const struct radiomics_input *input,
                            const struct radiomics_settings *s, const struct volume *image,
                            uint8_t *ret_mask, struct error *err)
{
    struct label_volume own = {0};
    const struct label_volume *labels;
    int r = load_labels(input, s, image, &own, &labels, err);
    if (r < 0)
        return r;
    size_t found = 0;
    for (size_t i = 0, n = volume_count(image->size); i < n; i++) {
        ret_mask[i] = labels->labels[i] == s->label;
        found += ret_mask[i];
    }
    if (found == 0)
        r = no_label(labels, s->label, err);
    label_volume_release(&own);
    return r;
}

/* A picture's mask has but one label. */
static int mask_from_picture(const struct mask *picture, const struct volume *image,
                             uint8_t *ret_mask, struct error *err)
{
    const int size[3] = {1, picture->rows, picture->columns};
    if (memcmp(size, image->size, sizeof size) != 0)
        return size_mismatch(image->size, size, err);
    size_t found = 0;
    for (size_t i = 0, n = volume_count(size); i < n; i++) {
        ret_mask[i] = picture->pixels[i] != 0;
        found += ret_mask[i];
    }
    return found ? 0 : error_set(err, STATUS_INVALID, "the mask is empty");
}

static int load_mask(const struct radiomics_input *input, const struct radiomics_settings *s,
                     const struct volume *image, uint8_t **ret_mask, struct error *err)
{
    uint8_t *mask = malloc(volume_count(image->size));
    if (!mask)
        return error_set(err, STATUS_NOMEM, "no memory for a mask");
    int r = input->image ? mask_from_picture(input->mask, image, mask, err)
                         : mask_from_labels(input, s, image, mask, err);
    if (r < 0)
        free(mask);
    else
        *ret_mask = mask;
    return r;
}

static int check_region(const struct region *region, const struct radiomics_settings *settings,
                        struct error *err)
{
    int dimensions = 0;
    for (int d = 0; d < 3; d++)
        dimensions += region->box.size[d] > 1;
    if (dimensions == 0)
        return error_set(err, STATUS_INVALID, "the region is a single voxel");
    if (dimensions < settings->minimum_dimensions)
        return error_set(err, STATUS_INVALID, "the region has %d of %d required dimensions",
                         dimensions, settings->minimum_dimensions);
    if (settings->minimum_voxels > 0 && region->voxels <= (size_t)settings->minimum_voxels)
        return error_set(err, STATUS_INVALID, "the region has %zu voxels, not more than %d",
                         region->voxels, settings->minimum_voxels);
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void statistics(const struct volume *image, const uint8_t *mask, double *ret_max,
                       double *ret_mean, double *ret_deviation)
{
    size_t n = volume_count(image->size), count = 0;
    double sum = 0, squares = 0, max = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (mask[i]) {
            sum += image->values[i];
            max = fmax(max, image->values[i]);
            count++;
        }
    double mean = sum / (double)count;
    for (size_t i = 0; i < n; i++)
        if (mask[i])
            squares += (image->values[i] - mean) * (image->values[i] - mean);
    *ret_max = max;
    *ret_mean = mean;
    *ret_deviation = sqrt(squares / (double)count);
}

/* Keep the mask's voxels whose value lies in the range. */
static void resegment(const struct volume *image, const struct radiomics_settings *s,
                      uint8_t *mask)
{
    double range[2] = {s->resegment_range[0], s->resegment_range[1]};
    if (s->resegment_count == 2)
        qsort(range, 2, sizeof range[0], by_value);
    double max, mean, deviation;
    statistics(image, mask, &max, &mean, &deviation);
    for (int k = 0; k < s->resegment_count; k++) {
        if (s->resegment_mode == RESEGMENT_RELATIVE)
            range[k] *= max;
        else if (s->resegment_mode == RESEGMENT_SIGMA)
            range[k] = mean + deviation * range[k];
    }
    for (size_t i = 0, n = volume_count(image->size); i < n; i++)
        if (mask[i])
            mask[i] = image->values[i] >= range[0] &&
                      (s->resegment_count < 2 || image->values[i] <= range[1]);
}

/* The image and the mask cut to the region's box and a margin (preCrop). */
static int crop(const struct region *region, int margin, struct volume *image, uint8_t **mask,
                struct error *err)
{
    int start[3], size[3];
    for (int d = 0; d < 3; d++) {
        int end = region->box.start[d] + region->box.size[d] + margin;
        start[d] = region->box.start[d] > margin ? region->box.start[d] - margin : 0;
        size[d] = (end < image->size[d] ? end : image->size[d]) - start[d];
    }
    struct volume v;
    int r = volume_init(&v, size, image->type, err);
    if (r < 0)
        return r;
    memcpy(v.spacing_mm, image->spacing_mm, sizeof v.spacing_mm);
    size_t to = 0; /* rows move towards the front: the mask is cut in place */
    for (int z = 0; z < size[0]; z++)
        for (int y = 0; y < size[1]; y++) {
            size_t from = ((size_t)(start[0] + z) * (size_t)image->size[1] +
                           (size_t)(start[1] + y)) * (size_t)image->size[2] + (size_t)start[2];
            memcpy(v.values + to, image->values + from, (size_t)size[2] * sizeof *v.values);
            memmove(*mask + to, *mask + from, (size_t)size[2]);
            to += (size_t)size[2];
        }
    volume_release(image);
    *image = v;
    return 0;
}

/* The region of `mask`, checked. */
static int make_region(const struct volume *image, const uint8_t *mask,
                       const struct radiomics_settings *settings, struct region *ret_region,
                       struct error *err)
{
    struct region region;
    int r = region_init(&region, mask, image->size, image->spacing_mm, err);
    if (r < 0)
        return r;
    r = check_region(&region, settings, err);
    if (r < 0)
        region_release(&region);
    else
        *ret_region = region;
    return r;
}

/* Whether resampling would move a voxel; if not, PyRadiomics cuts instead. */
static bool moves(const struct radiomics_settings *settings, const struct region *region)
{
    for (int d = 0; d < 3; d++)
        if (settings->resampled_spacing_mm[d] != 0 && region->box.size[d] > 1 &&
            settings->resampled_spacing_mm[d] != region->spacing_mm[d])
            return true;
    return false;
}

static int change_grid(const struct radiomics_settings *settings, struct volume *image,
                       uint8_t **mask, struct error *err)
{
    if (!settings->resample && !settings->pre_crop)
        return 0;
    struct region region;
    int r = region_init(&region, *mask, image->size, image->spacing_mm, err);
    if (r < 0)
        return r;
    if (settings->resample && moves(settings, &region))
        r = resample(settings, &region, image, mask, err);
    else
        r = crop(&region, settings->pad_distance, image, mask, err);
    region_release(&region);
    return r;
}

/* Narrow the mask for grey features: by range, and by drawn graphics. */
static int narrow(const struct radiomics_input *input, const struct radiomics_settings *settings,
                  const struct volume *image, uint8_t *mask, struct error *err)
{
    if (settings->resegment_count > 0)
        resegment(image, settings, mask);
    const struct mask *graphics = input->graphics;
    if (!graphics)
        return 0;
    if (settings->resample || settings->pre_crop)
        return error_set(err, STATUS_UNSUPPORTED,
                         "a graphics mask cannot be combined with resampling or preCrop");
    int size[3] = {1, graphics->rows, graphics->columns};
    if (memcmp(size, image->size, sizeof size) != 0)
        return error_set(err, STATUS_INVALID,
                         "graphics mask of %d x %d pixels differs in size from the image",
                         graphics->columns, graphics->rows);
    for (size_t i = 0, n = volume_count(image->size); i < n; i++)
        mask[i] &= !graphics->pixels[i];
    return 0;
}

int prepare(const struct radiomics_input *input, const struct radiomics_settings *settings,
            struct prepared *ret_prepared, struct error *err)
{
    struct prepared p = {0};
    uint8_t *mask = NULL;
    int r = load_image(input, &p.image, err);
    if (r < 0)
        return r;
    r = load_mask(input, settings, &p.image, &mask, err);
    if (r < 0)
        goto out;
    if (settings->normalize)
        normalise(&p.image, settings->normalize_scale, settings->remove_outliers);
    r = change_grid(settings, &p.image, &mask, err);
    if (r == 0)
        r = make_region(&p.image, mask, settings, &p.shape, err);
    if (r == 0)
        r = narrow(input, settings, &p.image, mask, err);
    if (r == 0) {
        r = make_region(&p.image, mask, settings, &p.grey, err);
        if (r < 0)
            error_prefix(err, "after leaving out voxels");
    }
    if (r == 0 && settings->resegment_shape && settings->resegment_count > 0) {
        struct region narrowed;
        r = make_region(&p.image, mask, settings, &narrowed, err);
        if (r == 0) {
            region_release(&p.shape);
            p.shape = narrowed;
        }
    }
out:
    free(mask);
    if (r < 0)
        prepared_release(&p);
    else
        *ret_prepared = p;
    return r;
}

void prepared_release(struct prepared *p)
{
    volume_release(&p->image);
    region_release(&p->shape);
    region_release(&p->grey);
}
