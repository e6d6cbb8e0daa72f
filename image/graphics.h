/* What a machine draws onto tissue: callipers, dotted lines, arrows, words, body marks, focus
 * marks, colour. Found to be left out of grey-level features, and painted over for networks. */
#ifndef AXNODE_IMAGE_GRAPHICS_H
#define AXNODE_IMAGE_GRAPHICS_H

#include "base/error.h"
#include "image/callipers.h"
#include "image/geometry.h"
#include "image/image.h"

/* The pixels of `region` (NULL: the whole picture; cut to it) that are drawn: colour on a grey
 * picture, and strokes of one bright level, thin and of a contrast that speckle does not have. The
 * mask has the picture's size, is 0 outside the region, and reaches one pixel beyond each
 * stroke, for its blurred edge. The callipers among them are told (NULL: not wanted). STATUS_NOMEM
 * alone fails. The caller releases the mask. Time: 35 ms of one core for 1024 × 768. */
int graphics_find(const struct image *picture, const struct bounds *region,
                  struct callipers *ret_callipers, struct mask *ret_graphics, struct error *err);

/* The picture with masked pixels filled from what surrounds them, smoothly: coarse to fine means,
 * then a few steps of diffusion. Other pixels stay. Deterministic. A mask without any clear pixel
 * leaves the picture as it is. Sizes must agree (asserted). The caller releases the picture. */
int graphics_paint_over(const struct image *picture, const struct mask *graphics,
                        struct image *ret_painted, struct error *err);

#endif
