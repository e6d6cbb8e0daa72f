/* A heat map on its picture. */
#ifndef AXNODE_REPORT_HEAT_H
#define AXNODE_REPORT_HEAT_H

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"

/* RGB, the part of the picture that the networks saw: grey, with orange where it raises the score
 * and blue where it lowers it, the more opaque (0.65 at most) the nearer to the strongest place of
 * the map. `picture` is grey or RGB and of the map's size. The caller releases the drawing. */
int heat_draw(const struct image *picture, const struct heat_map *heat, struct image *ret_drawing,
              struct error *err);

#endif
