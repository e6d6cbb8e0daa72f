/* PNG files by libpng. Reading takes every colour type and depth; sides are limited by
 * IMAGE_SIDE_MAX, files by 256 MiB; damaged files are STATUS_INVALID. No gamma or colour
 * profile is applied. Names start with the type, for libpng itself owns png_*. */
#ifndef AXNODE_IMAGE_PNG_H
#define AXNODE_IMAGE_PNG_H

#include "base/error.h"
#include "image/image.h"

/* Grey files of any depth give one channel, palette and colour files three. 16-bit samples are
 * scaled to 8 bit with rounding; alpha is left out. The caller releases the picture. */
int image_read_png(const char *path, struct image *ret_image, struct error *err);
/* The same at the file's own depth: grey of 16 bits stays as it is, fewer bits than 8 are spread to
 * 8, colour of 8 bits becomes BT.601 luma; colour of 16 bits is STATUS_UNSUPPORTED. */
int deep_image_read_png(const char *path, struct deep_image *ret_image, struct error *err);
/* 1 where any sample but alpha is not zero, at the file's own depth. */
int mask_read_png(const char *path, struct mask *ret_mask, struct error *err);
/* 8 bit, one or three channels; created or replaced with mode 0600; the same picture gives the
 * same bytes. */
int image_write_png(const char *path, const struct image *image, struct error *err);
/* 8-bit grey, 0 or 255. */
int mask_write_png(const char *path, const struct mask *mask, struct error *err);

#endif
