/* Reads the outlines back that dicom/seg.h wrote. */
#ifndef AXNODE_DICOM_SEG_READ_H
#define AXNODE_DICOM_SEG_READ_H

#include <stddef.h>

#include "base/error.h"
#include "base/uid.h"
#include "image/image.h"

struct seg_outline {
    char tracking_id[65], tracking_uid[UID_SIZE];
    char sop_instance_uid[UID_SIZE]; /* of the image that it lies on */
    int frame;                       /* from 1; 0: the whole object */
    struct mask mask;                /* owned; of the image's size */
};
enum { SEG_OUTLINES_MAX = 64 };

/* The outlines of a binary segmentation, one for each tracking UID and image frame: what several
 * segments share is put together. Frames without tracking or source are passed over. The caller frees
 * them with seg_outlines_free. STATUS_INVALID: no readable binary segmentation; STATUS_LIMIT. */
int seg_read(const char *path, struct seg_outline **ret_outlines, size_t *ret_count,
             struct error *err);
void seg_outlines_free(struct seg_outline *outlines, size_t count); /* NULL is fine */

#endif
