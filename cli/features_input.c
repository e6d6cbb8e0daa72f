/* One case of axnode features: files in, features out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/features.h"
#include "cli/files.h"
#include "dicom/reader.h"
#include "image/png.h"
#include "model/radiomics/busat.h"
#include "model/radiomics/nrrd.h"

static bool is_nrrd(const char *path)
{
    return file_starts_with(path, "NRRD000", 7);
}

/* `regions` of a DICOM object say the spacing, once the mask is known. */
static int read_image(const struct features_options *o, struct features_job *job,
                      struct volume *ret_volume, struct dicom_instance *ret_header,
                      struct error *err)
{
    ret_header->region_count = 0;
    if (is_nrrd(job->image))
        return nrrd_read(job->image, ret_volume, err);
    struct deep_image picture;
    struct dicom_limits limits = dicom_limits_default();
    int r;
    if (file_is_png(job->image)) {
        r = deep_image_read_png(job->image, &picture, err);
    } else {
        r = dicom_instance_read(job->image, &limits, ret_header, err);
        if (r == 0)
            r = dicom_frame_decode_deep(job->image, o->frame - 1, &limits, &picture, err);
    }
    if (r < 0)
        return r;
    job->from_colour = picture.from_colour;
    r = volume_from_deep_image(&picture, ret_volume, err);
    deep_image_release(&picture);
    return r;
}

static int read_colour_mask(const char *path, struct mask *ret_mask, struct error *err)
{
    struct dicom_limits limits = dicom_limits_default();
    struct image picture;
    int r = dicom_frame_decode(path, 0, &limits, &picture, err);
    if (r < 0)
        return r;
    r = mask_init(ret_mask, picture.rows, picture.columns, err);
    for (size_t i = 0, n = (size_t)picture.rows * (size_t)picture.columns; r == 0 && i < n; i++)
        for (size_t c = 0; c < 3; c++)
            ret_mask->pixels[i] |= picture.pixels[3 * i + c] != 0;
    image_release(&picture);
    return r;
}

static int read_picture_mask(const char *path, struct mask *ret_mask, struct error *err)
{
    if (file_is_png(path))
        return mask_read_png(path, ret_mask, err);
    struct dicom_limits limits = dicom_limits_default();
    struct deep_image grey;
    int r = dicom_frame_decode_deep(path, 0, &limits, &grey, err);
    if (r < 0)
        return r;
    if (grey.from_colour) /* a dark colour may be black as grey */
        r = read_colour_mask(path, ret_mask, err);
    else
        r = mask_init(ret_mask, grey.rows, grey.columns, err);
    for (size_t i = 0, n = (size_t)grey.rows * (size_t)grey.columns;
         r == 0 && !grey.from_colour && i < n; i++)
        ret_mask->pixels[i] = grey.values[i] != 0;
    deep_image_release(&grey);
    return r;
}

/* `label`: what the inside of a picture's mask is called. `ret_calibration` for a DICOM image. */
static int read_mask(const char *path, int label, const struct dicom_instance *header,
                     struct label_volume *ret_labels, struct calibration *ret_calibration,
                     struct error *err)
{
    *ret_calibration = (struct calibration){0};
    if (is_nrrd(path)) {
        struct volume v;
        int r = nrrd_read(path, &v, err);
        if (r == 0) {
            r = label_volume_from_volume(&v, ret_labels, err);
            volume_release(&v);
        }
        return r;
    }
    struct mask mask;
    int r = read_picture_mask(path, &mask, err);
    if (r < 0)
        return r;
    if (header->region_count > 0)
        *ret_calibration =
            calibration_for_mask(header->regions, (size_t)header->region_count, &mask);
    r = label_volume_from_mask(&mask, ret_labels, err);
    for (size_t i = 0, n = r == 0 ? volume_count(ret_labels->size) : 0; i < n; i++)
        ret_labels->labels[i] *= label;
    mask_release(&mask);
    return r;
}

static void set_spacing(const struct features_options *o, const struct calibration *calibration,
                        struct volume *image)
{
    if (calibration->source == CALIBRATION_REGION) {
        image->spacing_mm[1] = calibration->spacing_row_mm;
        image->spacing_mm[2] = calibration->spacing_column_mm;
    }
    for (int d = 0; d < 2; d++)
        if (o->spacing_mm[d] > 0) {
            image->spacing_mm[1 + d] = o->spacing_mm[d];
            image->placement.known = false; /* the file's own is said to be wrong */
        }
}

/* The handcrafted features are defined for pictures of 8 bit. */
static int run_busat(const struct volume *volume, const struct label_volume *labels, int label,
                     struct feature_list *features, struct error *err)
{
    struct image grey = {0};
    struct mask mask = {0};
    if (volume->size[0] != 1 || volume->type != VOXEL_UINT8)
        return error_set(err, STATUS_UNSUPPORTED, "--busat needs a picture of 8 bit");
    int r = image_init(&grey, volume->size[1], volume->size[2], 1, err);
    if (r == 0)
        r = mask_init(&mask, volume->size[1], volume->size[2], err);
    for (size_t i = 0; r == 0 && i < volume_count(volume->size); i++) {
        grey.pixels[i] = (uint8_t)volume->values[i];
        mask.pixels[i] = labels->labels[i] == label;
    }
    if (r == 0)
        r = busat_extract(&grey, &mask, "", features, err);
    mask_release(&mask);
    image_release(&grey);
    return r;
}

int features_run_job(const struct features_batch *batch, struct features_job *job,
                     struct error *err)
{
    struct radiomics_settings settings = batch->settings;
    struct volume image = {0};
    struct label_volume labels = {0};
    struct mask graphics = {0};
    struct calibration calibration = {0};
    struct dicom_instance *header = malloc(sizeof *header);
    if (!header)
        return error_set(err, STATUS_NOMEM, "no memory for %s", job->image);
    if (job->label > 0)
        settings.label = job->label;
    int r = read_image(batch->options, job, &image, header, err);
    if (r == 0)
        r = read_mask(job->mask, settings.label, header, &labels, &calibration, err);
    if (r == 0 && job->graphics)
        r = mask_read_png(job->graphics, &graphics, err);
    if (r == 0) {
        set_spacing(batch->options, &calibration, &image);
        struct radiomics_input input = {
            .volume = &image, .labels = &labels, .graphics = job->graphics ? &graphics : NULL};
        r = radiomics_extract(&input, &settings, "", &job->features, err);
        if (r == 0 && batch->options->busat)
            r = run_busat(&image, &labels, settings.label, &job->features, err);
        if (r < 0)
            error_prefix(err, "%s with %s", job->image, job->mask);
    }
    free(header);
    mask_release(&graphics);
    label_volume_release(&labels);
    volume_release(&image);
    return r;
}
