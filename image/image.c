#include "image/image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Zeroed memory for rows × columns × unit bytes. The side limit keeps the product far from
 * overflow on 64-bit machines. */
static int allocate(int rows, int columns, size_t unit, const char *what, void **ret_memory,
                    struct error *err)
{
    if (rows < 1 || columns < 1)
        return error_set(err, STATUS_INVALID, "a %s of %d × %d pixels is empty", what, columns,
                         rows);
    if (rows > IMAGE_SIDE_MAX || columns > IMAGE_SIDE_MAX)
        return error_set(err, STATUS_LIMIT, "a %s of %d × %d pixels has a side longer than %d",
                         what, columns, rows, IMAGE_SIDE_MAX);
    void *memory = calloc((size_t)rows * (size_t)columns, unit);
    if (!memory)
        return error_set(err, STATUS_NOMEM, "out of memory for a %s of %d × %d pixels", what,
                         columns, rows);
    *ret_memory = memory;
    return 0;
}

int image_init(struct image *ret_image, int rows, int columns, int channels, struct error *err)
{
    assert(channels == 1 || channels == 3);
    void *memory;
    int status = allocate(rows, columns, (size_t)channels, "picture", &memory, err);
    if (status < 0)
        return status;
    *ret_image = (struct image){rows, columns, channels, memory};
    return 0;
}

int deep_image_init(struct deep_image *ret_image, int rows, int columns, enum voxel_type type,
                    struct error *err)
{
    void *memory;
    int status = allocate(rows, columns, sizeof(double), "picture", &memory, err);
    if (status < 0)
        return status;
    *ret_image = (struct deep_image){rows, columns, type, false, memory};
    return 0;
}

int mask_init(struct mask *ret_mask, int rows, int columns, struct error *err)
{
    void *memory;
    int status = allocate(rows, columns, 1, "mask", &memory, err);
    if (status < 0)
        return status;
    *ret_mask = (struct mask){rows, columns, memory};
    return 0;
}

int plane_init(struct plane *ret_plane, int rows, int columns, struct error *err)
{
    void *memory;
    int status = allocate(rows, columns, sizeof(float), "plane", &memory, err);
    if (status < 0)
        return status;
    *ret_plane = (struct plane){rows, columns, memory};
    return 0;
}

void image_release(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}

void deep_image_release(struct deep_image *image)
{
    free(image->values);
    *image = (struct deep_image){0};
}

void mask_release(struct mask *mask)
{
    free(mask->pixels);
    *mask = (struct mask){0};
}

void plane_release(struct plane *plane)
{
    free(plane->values);
    *plane = (struct plane){0};
}

int image_copy(const struct image *from, struct image *ret_image, struct error *err)
{
    struct image copy;
    int status = image_init(&copy, from->rows, from->columns, from->channels, err);
    if (status < 0)
        return status;
    memcpy(copy.pixels, from->pixels,
           (size_t)from->rows * (size_t)from->columns * (size_t)from->channels);
    *ret_image = copy;
    return 0;
}

int mask_copy(const struct mask *from, struct mask *ret_mask, struct error *err)
{
    struct mask copy;
    int status = mask_init(&copy, from->rows, from->columns, err);
    if (status < 0)
        return status;
    memcpy(copy.pixels, from->pixels, (size_t)from->rows * (size_t)from->columns);
    *ret_mask = copy;
    return 0;
}

int image_to_grey(const struct image *from, struct image *ret_grey, struct error *err)
{
    if (from->channels == 1)
        return image_copy(from, ret_grey, err);
    struct image grey;
    int status = image_init(&grey, from->rows, from->columns, 1, err);
    if (status < 0)
        return status;
    size_t n = (size_t)from->rows * (size_t)from->columns;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *rgb = from->pixels + 3 * i;
        grey.pixels[i] = (uint8_t)((299u * rgb[0] + 587u * rgb[1] + 114u * rgb[2] + 500u) / 1000u);
    }
    *ret_grey = grey;
    return 0;
}

int deep_image_from_image(const struct image *from, struct deep_image *ret_image,
                          struct error *err)
{
    struct image grey;
    int status = image_to_grey(from, &grey, err);
    if (status < 0)
        return status;
    status = deep_image_init(ret_image, from->rows, from->columns, VOXEL_UINT8, err);
    size_t n = (size_t)from->rows * (size_t)from->columns;
    for (size_t i = 0; status == 0 && i < n; i++)
        ret_image->values[i] = grey.pixels[i];
    if (status == 0)
        ret_image->from_colour = from->channels == 3;
    image_release(&grey);
    return status;
}

size_t mask_count(const struct mask *mask)
{
    size_t n = (size_t)mask->rows * (size_t)mask->columns, count = 0;
    for (size_t i = 0; i < n; i++)
        count += mask->pixels[i] != 0;
    return count;
}

double mask_dice(const struct mask *a, const struct mask *b)
{
    assert(a->rows == b->rows && a->columns == b->columns);
    size_t n = (size_t)a->rows * (size_t)a->columns, both = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        both += a->pixels[i] && b->pixels[i];
        sum += (a->pixels[i] != 0) + (b->pixels[i] != 0);
    }
    return sum ? 2.0 * (double)both / (double)sum : 1.0;
}
