/* Pictures, masks and probability planes in memory. Row-major, origin top left, x = column,
 * y = row, both from 0. A pixel's centre lies at (x, y): its area is x ± 0.5, y ± 0.5. */
#ifndef AXNODE_IMAGE_IMAGE_H
#define AXNODE_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { IMAGE_SIDE_MAX = 8192 }; /* rows and columns; larger is STATUS_LIMIT */

struct image {
    int rows, columns;
    int channels;    /* 1 grey, or 3 RGB interleaved */
    uint8_t *pixels; /* owned; [row][column][channel] */
};

/* What grey values were stored as. */
enum voxel_type {
    VOXEL_UINT8, VOXEL_INT8, VOXEL_UINT16, VOXEL_INT16, VOXEL_UINT32, VOXEL_INT32,
    VOXEL_FLOAT, VOXEL_DOUBLE,
};

/* Grey values at the depth they were stored with. */
struct deep_image {
    int rows, columns;
    enum voxel_type type;
    bool from_colour; /* BT.601 luma of a colour picture */
    double *values;   /* owned; [row][column] */
};

struct mask {
    int rows, columns;
    uint8_t *pixels; /* owned; [row][column]; 0 or 1 */
};

struct plane {
    int rows, columns;
    float *values; /* owned; [row][column] */
};

/* Zero-filled. Sides below 1 are STATUS_INVALID. */
int image_init(struct image *ret_image, int rows, int columns, int channels, struct error *err);
int deep_image_init(struct deep_image *ret_image, int rows, int columns, enum voxel_type type,
                    struct error *err);
int mask_init(struct mask *ret_mask, int rows, int columns, struct error *err);
int plane_init(struct plane *ret_plane, int rows, int columns, struct error *err);
/* Free the pixels and set to zero; a zeroed struct is fine. */
void image_release(struct image *image);
void deep_image_release(struct deep_image *image);
void mask_release(struct mask *mask);
void plane_release(struct plane *plane);

int image_copy(const struct image *from, struct image *ret_image, struct error *err);
int mask_copy(const struct mask *from, struct mask *ret_mask, struct error *err);
/* BT.601 luma, rounded half up: (299 R + 587 G + 114 B + 500) / 1000. Grey is copied. */
int image_to_grey(const struct image *from, struct image *ret_grey, struct error *err);
/* The same as grey values of 8 bit. */
int deep_image_from_image(const struct image *from, struct deep_image *ret_image,
                          struct error *err);

size_t mask_count(const struct mask *mask);
/* Overlap 2|A∩B| / (|A|+|B|); 1 when both are empty. Sizes must agree (asserted). */
double mask_dice(const struct mask *a, const struct mask *b);

#endif
