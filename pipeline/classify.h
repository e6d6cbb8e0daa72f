/* Which image shows what: breast or axilla, left or right, by DICOM attributes. Each decision
 * names its source; contradictions are reported, never settled. */
#ifndef AXNODE_PIPELINE_CLASSIFY_H
#define AXNODE_PIPELINE_CLASSIFY_H

#include <stdbool.h>

#include "dicom/reader.h"
#include "model/findings.h"

struct image_class {
    enum roi role;          /* breast: ROI_TUMOUR, axilla: ROI_NODE, not named: ROI_COUNT */
    char role_source[64];   /* "(0008,2218) Anatomic Region"; "" when not named */
    bool role_contradicted; /* role is ROI_COUNT then */
    enum side side;
    char side_source[64];
    bool side_contradicted; /* side is SIDE_UNKNOWN then */
};

/* Role: what is said of this image (coded region and structure, comments, view) counts before
 * what is said of its series (description, protocol), and that before what is said of the study
 * (body part, description); within the rung that decides, all must agree. Side: every attribute
 * and word is compared, whatever its rung. A text that names both sides or both regions says
 * nothing. */
void image_classify(const struct dicom_instance *header, struct image_class *ret_class);

#endif
