#include "model/radiomics/volume.h"

#include <stdlib.h>
#include <string.h>

size_t volume_count(const int size[3])
{
    return (size_t)size[0] * (size_t)size[1] * (size_t)size[2];
}

static int check_size(const int size[3], struct error *err)
{
    for (int d = 0; d < 3; d++) {
        if (size[d] < 1)
            return error_set(err, STATUS_INVALID, "volume has a side of %d voxels", size[d]);
        if (size[d] > VOLUME_VOXELS_MAX)
            return error_set(err, STATUS_LIMIT, "volume has a side of %d voxels", size[d]);
    }
    if ((uint64_t)size[0] * (uint64_t)size[1] > VOLUME_VOXELS_MAX ||
        (uint64_t)size[0] * (uint64_t)size[1] * (uint64_t)size[2] > VOLUME_VOXELS_MAX)
        return error_set(err, STATUS_LIMIT, "volume of %d x %d x %d voxels is larger than %d",
                         size[0], size[1], size[2], VOLUME_VOXELS_MAX);
    return 0;
}

int volume_init(struct volume *ret_volume, const int size[3], enum voxel_type type,
                struct error *err)
{
    int r = check_size(size, err);
    if (r < 0)
        return r;
    double *values = calloc(volume_count(size), sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "no memory for a volume");
    *ret_volume = (struct volume){.size = {size[0], size[1], size[2]},
                                  .spacing_mm = {1, 1, 1}, .type = type, .values = values};
    return 0;
}

int label_volume_init(struct label_volume *ret_labels, const int size[3], struct error *err)
{
    int r = check_size(size, err);
    if (r < 0)
        return r;
    int32_t *labels = calloc(volume_count(size), sizeof *labels);
    if (!labels)
        return error_set(err, STATUS_NOMEM, "no memory for a label volume");
    *ret_labels = (struct label_volume){.size = {size[0], size[1], size[2]}, .labels = labels,
                                         .spacing_mm = {1, 1, 1}};
    return 0;
}

void volume_release(struct volume *v)
{
    free(v->values);
    *v = (struct volume){0};
}

void label_volume_release(struct label_volume *v)
{
    free(v->labels);
    *v = (struct label_volume){0};
}

int volume_from_deep_image(struct deep_image *image, struct volume *ret_volume,
                           struct error *err)
{
    int size[3] = {1, image->rows, image->columns};
    int r = check_size(size, err);
    if (r < 0)
        return r;
    *ret_volume = (struct volume){.size = {size[0], size[1], size[2]}, .spacing_mm = {1, 1, 1},
                                  .type = image->type, .values = image->values};
    *image = (struct deep_image){0};
    return 0;
}

int volume_from_image(const struct image *image, double spacing_row_mm, double spacing_column_mm,
                      struct volume *ret_volume, struct error *err)
{
    struct deep_image grey;
    struct volume v;
    int r = deep_image_from_image(image, &grey, err);
    if (r < 0)
        return r;
    r = volume_from_deep_image(&grey, &v, err);
    deep_image_release(&grey);
    if (r < 0)
        return r;
    if (spacing_row_mm > 0)
        v.spacing_mm[1] = spacing_row_mm;
    if (spacing_column_mm > 0)
        v.spacing_mm[2] = spacing_column_mm;
    *ret_volume = v;
    return 0;
}

int label_volume_from_mask(const struct mask *mask, struct label_volume *ret_labels,
                           struct error *err)
{
    struct label_volume v;
    int r = label_volume_init(&v, (int[3]){1, mask->rows, mask->columns}, err);
    if (r < 0)
        return r;
    for (size_t i = 0, n = volume_count(v.size); i < n; i++)
        v.labels[i] = mask->pixels[i] != 0;
    *ret_labels = v;
    return 0;
}
