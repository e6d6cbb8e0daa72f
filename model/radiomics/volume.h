/* Volumes of grey values and of labels in memory. Order [slice][row][column]; every triple of
 * numbers here is slice, row, column (z, y, x), unlike PyRadiomics' settings, which are x, y, z. */
#ifndef AXNODE_MODEL_RADIOMICS_VOLUME_H
#define AXNODE_MODEL_RADIOMICS_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image/image.h"

enum { VOLUME_VOXELS_MAX = 1 << 28 }; /* more is STATUS_LIMIT */

/* Where a grid lies in space: x, y, z of the first voxel's centre, and the unit vector of each
 * axis. */
struct placement {
    bool known; /* false: of a picture, or never told */
    double origin_mm[3];
    double axis[3][3]; /* [slice, row, column][x, y, z] */
};

struct volume {
    int size[3];
    double spacing_mm[3]; /* all above 0 */
    enum voxel_type type; /* resampling writes back into it, as PyRadiomics does */
    double *values;       /* owned */
    struct placement placement;
};

struct label_volume {
    int size[3];
    int32_t *labels; /* owned; 0 is background */
    double spacing_mm[3];
    struct placement placement; /* with spacing compared with the image's where both are known */
};

/* Zero-filled, spacing 1 mm. Sides below 1: STATUS_INVALID. */
int volume_init(struct volume *ret_volume, const int size[3], enum voxel_type type,
                struct error *err);
int label_volume_init(struct label_volume *ret_labels, const int size[3], struct error *err);
/* Free the values and set to zero; a zeroed struct is fine. */
void volume_release(struct volume *v);
void label_volume_release(struct label_volume *v);

size_t volume_count(const int size[3]);
/* One slice from a picture; colour becomes BT.601 luma. Spacings of 0 stand for 1 mm. */
int volume_from_image(const struct image *image, double spacing_row_mm, double spacing_column_mm,
                      struct volume *ret_volume, struct error *err);
/* The values move: `image` is empty afterwards, and as it was after an error. */
int volume_from_deep_image(struct deep_image *image, struct volume *ret_volume,
                           struct error *err);
/* One slice, label 1 where the mask is set. */
int label_volume_from_mask(const struct mask *mask, struct label_volume *ret_labels,
                           struct error *err);

#endif
