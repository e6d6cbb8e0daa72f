/* Sizes of an outlined region, and the features made of them. */
#ifndef AXNODE_MODEL_MEASURE_H
#define AXNODE_MODEL_MEASURE_H

#include "base/error.h"
#include "image/calibration.h"
#include "image/image.h"
#include "model/findings.h"

/* The hilum counts as lost below the first and as partly lost below the second part of the node's
 * area. Our own: the literature names no figure. */
#define MEASURE_HILUM_LOST 0.02
#define MEASURE_HILUM_PARTLY_LOST 0.10

/* Axes: longest diameter of the outline (RECIST's), and the longest extent perpendicular to it;
 * both ends lie on the outline, which runs along pixel edges. Width and depth: the extents along
 * rows and columns. `hilum`: of the mask's size, NULL
 * or a zeroed struct when the network marks none; its pixels outside the mask do not count.
 * Cortex thickness: the largest of all distances from a point of the outline to the nearest
 * hilum point; half the short axis when the hilum has no pixel. Pixels without calibration count
 * as square. Empty mask: STATUS_NOT_FOUND. */
int measure_region(const struct mask *mask, const struct mask *hilum,
                   const struct calibration *calibration, struct measurements *ret_measurements,
                   struct error *err);

/* Distance from the skin: from the first echoes beneath the probe to the outline, along the picture's
 * columns, since a linear probe lies on the skin as a whole. The skin's row is the median, over
 * the outline's columns, of the first row of the tissue region with a grey level of 24 or more (gel
 * between probe and skin is black). Not visible: no tissue region, or a row in more than the
 * first quarter of the region's depth. */
void measure_skin(const struct image *grey, const struct us_region *tissue,
                  const struct mask *mask, const struct calibration *calibration,
                  struct measurements *measurements);

/* Published criteria of a suspicious axillary node. */
enum criterion_state { CRITERION_NOT_ASSESSABLE, CRITERION_NOT_MET, CRITERION_MET };
enum criterion_key {
    CRITERION_RATIO,       /* long / short axis below 2 */
    CRITERION_CORTEX_3,    /* largest cortex thickness above 3 mm */
    CRITERION_CORTEX_3_5,  /* above 3.5 mm */
    CRITERION_HILUM,       /* hilum lost */
    CRITERION_COUNT,
};
struct criterion {
    enum criterion_state state;
    double value;       /* mm, or no unit; of the hilum its part of the node's area. NaN: none */
    const char *reason; /* static; why it is not assessable, else "" */
};
/* Of a node that was found and measured. */
void measure_criteria(const struct region_finding *node, struct criterion ret[CRITERION_COUNT]);

/* Append to `list`, each name behind "tumour_measure_" or "node_measure_":
 *   LongAxis, ShortAxis, Perimeter, Width, Depth (mm), Area (mm²): NaN without calibration
 *   AxisRatio, Circularity, DepthWidth
 *   SkinDistance (mm): NaN without calibration or where no skin is visible
 *   HilumFraction, CortexThickness (mm): nodes whose network marks the hilum only
 * `region` must be found and measured. */
int measure_features(const struct region_finding *region, enum roi roi,
                     struct feature_list *list, struct error *err);

#endif
