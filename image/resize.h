/* Pictures into the rectangle that a network wants, and its output back. */
#ifndef AXNODE_IMAGE_RESIZE_H
#define AXNODE_IMAGE_RESIZE_H

#include "base/error.h"
#include "image/image.h"

/* Bilinear; when shrinking, the triangle widens with the step so that nothing is skipped
 * (antialias), as Pillow's BILINEAR does, without rounding to whole numbers between. */
int plane_resize(const struct plane *from, int rows, int columns, struct plane *ret_plane,
                 struct error *err);

/* The same for whole grey levels 0 to 255, as Pillow does with pictures of 8 bits, to the bit: weights
 * in steps of 2^-22, rounded to whole levels after the columns and again after the rows. */
int plane_resize_levels(const struct plane *from, int rows, int columns, struct plane *ret_plane,
                        struct error *err);

/* How a picture of rows × columns lies in a frame: as large as both sides allow, centred. */
struct fit {
    int rows, columns;             /* of the picture */
    int frame_rows, frame_columns;
    int fit_rows, fit_columns;     /* of the picture inside the frame, at least 1 */
    int top, left;                 /* of its first pixel inside the frame */
};
struct fit fit_frame(int rows, int columns, int frame_rows, int frame_columns);

/* A box of a one-channel picture as a plane of its grey values 0 to 255. */
int plane_from_image(const struct image *grey, int x0, int y0, int rows, int columns,
                     struct plane *ret_plane, struct error *err);
/* The picture to the frame, `ground` around it. */
int fit_forward(const struct fit *fit, const struct plane *picture, float ground,
                struct plane *ret_frame, struct error *err);
/* The frame to the picture. */
int fit_back(const struct fit *fit, const struct plane *frame, struct plane *ret_picture,
             struct error *err);
/* Left to right and right to left exchanged, in place. */
void plane_mirror(struct plane *plane);

#endif
