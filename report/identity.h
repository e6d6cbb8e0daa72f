/* Who is who: images by reference, regions by their tracking identifiers, which SR and SEG share so
 * that a reader finds the segments of a group. */
#ifndef AXNODE_REPORT_IDENTITY_H
#define AXNODE_REPORT_IDENTITY_H

#include "base/arena.h"
#include "base/error.h"
#include "dicom/object.h"
#include "report/report.h"

struct region_identity {
    const char *tracking_id;      /* "tumour-2": first outlined by the study's second report */
    char tracking_uid[UID_SIZE];
    struct dicom_reference image; /* the frame that the region lies on */
};

/* A region keeps the identifiers of the predecessor's outline (input->previous) that lies on the same
 * frame of the same image and covers it by an intersection over union of at least one half; otherwise
 * it gets its own, derived from the content digest. Texts live in the arena. STATUS_NOMEM. */
int identity_assign(const struct report_input *input, struct arena *arena,
                    struct region_identity ret_identities[ROI_COUNT], struct error *err);

/* Reference to image `index` of the input: the frame when it has several. */
struct dicom_reference identity_reference(const struct report_input *input, size_t index);

#endif
