/* Sizes of an outlined region, and the features made of them. */
#ifndef AXNODE_MODEL_MEASURE_H
#define AXNODE_MODEL_MEASURE_H

#include "base/error.h"
#include "image/calibration.h"
#include "image/image.h"
#include "model/findings.h"

/* Axes: longest diameter of the outline (RECIST's), and the longest extent perpendicular to it;
 * both ends lie on the outline, which runs along pixel edges. `hilum`: of the mask's size, NULL
 * or a zeroed struct when the network marks none; its pixels outside the mask do not count.
 * Cortex thickness: the largest of all distances from a point of the outline to the nearest
 * hilum point; half the short axis when the hilum has no pixel. Pixels without calibration count
 * as square. Empty mask: STATUS_NOT_FOUND. */
int measure_region(const struct mask *mask, const struct mask *hilum,
                   const struct calibration *calibration, struct measurements *ret_measurements,
                   struct error *err);

/* Append to `list`, each name behind "tumour_measure_" or "node_measure_":
 *   LongAxis, ShortAxis, Perimeter (mm), Area (mm²): NaN without calibration
 *   AxisRatio, Circularity
 *   HilumFraction, CortexThickness (mm): nodes whose network marks the hilum only
 * `region` must be found and measured. */
int measure_features(const struct region_finding *region, enum roi roi,
                     struct feature_list *list, struct error *err);

#endif
