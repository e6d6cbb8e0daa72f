/* Physical size of pixels, from DICOM's Sequence of Ultrasound Regions (PS3.3 C.8.5.5). */
#ifndef AXNODE_IMAGE_CALIBRATION_H
#define AXNODE_IMAGE_CALIBRATION_H

#include <stddef.h>

#include "image/image.h"

struct us_region {
    int x0, y0, x1, y1;     /* (0018,6018/601A/601C/601E), inclusive, in pixels */
    int spatial_format;     /* (0018,6012): 1 = 2-D */
    int data_type;          /* (0018,6014): 1 = tissue */
    int units_x, units_y;   /* (0018,6024/6026): 3 = cm */
    double delta_x, delta_y;/* (0018,602C/602E): physical units per pixel */
};

/* The 2-D tissue region (spatial format 1, data type 1) with the largest area, calibrated or not:
 * what networks look at. Borrowed; NULL when there is none. */
const struct us_region *us_region_tissue(const struct us_region *regions, size_t count);

enum calibration_source {
    CALIBRATION_NONE,      /* sizes are in pixels */
    CALIBRATION_REGION,    /* a calibrated 2-D tissue region that contains the whole outline */
    CALIBRATION_ESTIMATED, /* any other source; a package must allow it */
};

struct calibration {
    enum calibration_source source;
    double spacing_row_mm;    /* between rows (y); 0 when source is NONE */
    double spacing_column_mm; /* between columns (x) */
    int region;               /* index of the region, or -1 */
};

/* Rule 3 of clinical safety: a region counts when spatial format is 1, data type 1, both units
 * cm, both deltas finite and above 0 (up to 1 cm), and every pixel of the mask lies in it. Two
 * such regions with different spacings contradict each other: none. */
struct calibration calibration_for_mask(const struct us_region *regions, size_t count,
                                        const struct mask *mask);

#endif
