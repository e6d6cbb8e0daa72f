/* Calliper marks that are known by their shape: those of machines that draw them dotted, as stars
 * or in a grey hardly brighter than tissue, where four even arms are not to be found. */
#ifndef AXNODE_IMAGE_CALLIPER_GLYPHS_H
#define AXNODE_IMAGE_CALLIPER_GLYPHS_H

#include "image/callipers.h"
#include "image/geometry.h"
#include "image/image.h"

/* What is told of every finding; one mark is told several times, a pixel apart. */
typedef void glyph_found(void *closure, const struct calliper *mark);

/* Looks for every known mark inside `area`, which lies within the one-channel picture. */
void calliper_glyphs_find(const struct image *grey, const struct bounds *area, glyph_found *found,
                          void *closure);

#endif
