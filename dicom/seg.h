/* Writes masks as a binary DICOM Segmentation of ultrasound images of one size. There is no
 * Frame of Reference (PS3.3 A.51.5.1): the segmentation has the rows and columns of its source,
 * and no spacing is claimed unless that is asked for. */
#ifndef AXNODE_DICOM_SEG_H
#define AXNODE_DICOM_SEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dicom/object.h"
#include "image/image.h"

#define SEG_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.66.4"

struct seg_segment {
    const char *label;
    struct dicom_concept category, type, region; /* region: anatomic region */
    struct dicom_concept laterality;             /* value NULL when unknown */
    const char *tracking_id, *tracking_uid;      /* as in the SR */
    const char *algorithm;
    uint8_t colour[3]; /* RGB, recommended for display */
    const struct mask *mask;
    struct dicom_reference source; /* the image that the mask lies on */
};

struct seg_document {
    struct dicom_object object;
    const struct seg_segment *segments; /* at least one; masks of the same size */
    size_t segment_count;
    const char *dimension_uid; /* Dimension Organization UID */
    const char *description;   /* Content Description */
    /* Keep Pixel Measures and Plane Orientation (rows to the right, columns down), without which OHIF
     * shows nothing. PS3.3 table A.51-2 has them with a Frame of Reference alone: a deviation that the
     * conformance statement names. */
    bool with_geometry;
    double spacing_row_mm, spacing_column_mm; /* of all segments, with geometry above 0 */
};

/* STATUS_INVALID: unreadable source, masks of different sizes; STATUS_IO. */
int seg_write(const struct seg_document *document, const char *path, struct error *err);

#endif
