/* Findings as the content tree of an SR: TID 1500 with a TID 1410 group per region. */
#ifndef AXNODE_REPORT_CONTENT_H
#define AXNODE_REPORT_CONTENT_H

#include "base/arena.h"
#include "base/error.h"
#include "dicom/sr.h"
#include "report/report.h"

/* Both the SR and the SEG carry these, so that a reader finds the segment of a group. */
struct region_identity {
    const char *tracking_id;
    char tracking_uid[UID_SIZE];
    struct dicom_reference image; /* the frame that the region lies on */
};

/* The tree lives as long as `arena`. STATUS_NOMEM. */
int content_build(const struct report_input *input,
                  const struct region_identity identities[ROI_COUNT], struct arena *arena,
                  const struct sr_node **ret_root, struct error *err);

/* Reference to image `index` of the input: the frame when it has several. */
struct dicom_reference content_reference(const struct report_input *input, size_t index);

#endif
