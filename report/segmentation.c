/* The outlines as segmentations. */
#include <stdio.h>
#include <string.h>

#include "dicom/seg.h"
#include "report/codes.h"
#include "report/job.h"
#include "report/words.h"

enum { SEGMENTS_MAX = 3 };

/* Segments and the masks that exist for them alone. */
struct segments {
    struct seg_segment list[SEGMENTS_MAX];
    size_t count;
    struct mask cortex; /* owned */
};

static struct dicom_concept laterality(const struct report_input *input)
{
    return input->side == SIDE_LEFT    ? CODE_LEFT
           : input->side == SIDE_RIGHT ? CODE_RIGHT
                                       : (struct dicom_concept){0};
}

static struct seg_segment segment_of(const struct job *job, enum roi roi)
{
    const bool tumour = roi == ROI_TUMOUR;
    return (struct seg_segment){
        .label = words_region_title(roi),
        .category = tumour ? CODE_ABNORMAL_STRUCTURE : CODE_ANATOMICAL_STRUCTURE,
        .type = tumour ? CODE_MASS : CODE_LYMPH_NODE,
        .region = tumour ? CODE_BREAST : CODE_AXILLA,
        .laterality = laterality(job->input),
        .tracking_id = job->identities[roi].tracking_id,
        .tracking_uid = job->identities[roi].tracking_uid,
        .algorithm = DICOM_OWN_MANUFACTURER,
        .colour = {tumour ? 0xFF : 0x35, tumour ? 0xA6 : 0xC4, tumour ? 0x2B : 0xF0},
        .mask = &words_region(job->input, roi)->mask,
        .source = job->identities[roi].image,
    };
}

/* Cortex and hilum are parts of one tracked node: both carry its tracking UID, do not overlap, and
 * cover its outline together. A node that is all hilum stays one segment, as one without. */
static int add_node(const struct job *job, struct segments *s, struct error *err)
{
    const struct region_finding *node = words_region(job->input, ROI_NODE);
    struct seg_segment whole = segment_of(job, ROI_NODE);
    const size_t pixels = (size_t)node->mask.rows * (size_t)node->mask.columns;
    s->list[s->count] = whole;
    if (!node->hilum.pixels || mask_count(&node->hilum) == 0) {
        s->count++;
        return 0;
    }
    const int r = mask_init(&s->cortex, node->mask.rows, node->mask.columns, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < pixels; i++)
        s->cortex.pixels[i] = node->mask.pixels[i] && !node->hilum.pixels[i];
    if (mask_count(&s->cortex) == 0) {
        s->count++;
        return 0;
    }
    s->list[s->count].label = "Cortex of the lymph node";
    s->list[s->count].type = CODE_CORTEX;
    s->list[s->count++].mask = &s->cortex;
    whole.label = "Hilum of the lymph node";
    whole.type = CODE_HILUM;
    whole.colour[0] = whole.colour[2] = 0xE5;
    whole.colour[1] = 0x7B;
    whole.mask = &node->hilum;
    s->list[s->count++] = whole;
    return 0;
}

/* `roi`: whose calibration counts. */
static int write_one(struct job *job, enum report_kind kind, enum roi roi,
                     const struct seg_segment *segments, size_t count, bool second,
                     struct error *err)
{
    struct target t;
    char name[32], dimension[UID_SIZE], purpose[48];
    const bool ohif = kind == REPORT_SEG_OHIF;
    const struct calibration *calibration = &words_region(job->input, roi)->calibration;
    snprintf(name, sizeof name, "%s%s", report_kind_name(kind), second ? "-2" : "");
    int r = job_target(job, kind, name, SEG_SOP_CLASS_UID, &t, err);
    if (r < 0)
        return r;
    snprintf(purpose, sizeof purpose, "dimension-%s", name);
    uid_derive(job->input->content_digest, purpose, dimension);
    const struct seg_document document = {
        .object = job_describe(job, &t, (ohif ? SERIES_SEG_OHIF : SERIES_SEG) + second,
                               ohif ? "axnode segmentation for OHIF" : "axnode segmentation"),
        .segments = segments,
        .segment_count = count,
        .dimension_uid = dimension,
        .description = "Outlines of tumour and axillary lymph node",
        .with_geometry = ohif,
        .spacing_row_mm = calibration->spacing_row_mm,
        .spacing_column_mm = calibration->spacing_column_mm,
    };
    r = seg_write(&document, t.path, err);
    return r < 0 ? r : job_done(job, &t, err);
}

/* Whether both outlines fit into one object: pictures of one size (dicom/seg.h) and, where it says a
 * spacing, of one spacing. */
static bool together(const struct region_finding *a, const struct region_finding *b,
                     enum report_kind kind)
{
    const bool same_size = a->mask.rows == b->mask.rows && a->mask.columns == b->mask.columns;
    return same_size &&
           (kind == REPORT_SEG ||
            (a->calibration.spacing_row_mm == b->calibration.spacing_row_mm &&
             a->calibration.spacing_column_mm == b->calibration.spacing_column_mm));
}

/* A region that may stand in such an object. OHIF's page stays empty without a spacing, and none is made
 * up: there is no object for it then. */
static const struct region_finding *usable(const struct job *job, enum roi roi,
                                           enum report_kind kind)
{
    const struct region_finding *region = words_region(job->input, roi);
    return region && kind == REPORT_SEG_OHIF && region->calibration.source != CALIBRATION_REGION
               ? NULL
               : region;
}

int job_write_segmentations(struct job *job, enum report_kind kind, struct error *err)
{
    const struct region_finding *tumour = usable(job, ROI_TUMOUR, kind);
    const struct region_finding *node = usable(job, ROI_NODE, kind);
    struct segments s = {.count = 0};
    int r = 0;
    if (tumour)
        s.list[s.count++] = segment_of(job, ROI_TUMOUR);
    const size_t tumours = s.count;
    if (node)
        r = add_node(job, &s, err);
    if (r == 0 && tumour && node && !together(tumour, node, kind)) {
        r = write_one(job, kind, ROI_TUMOUR, s.list, tumours, false, err);
        if (r == 0)
            r = write_one(job, kind, ROI_NODE, s.list + tumours, s.count - tumours, true, err);
    } else if (r == 0 && s.count > 0) {
        r = write_one(job, kind, tumour ? ROI_TUMOUR : ROI_NODE, s.list, s.count, false, err);
    }
    mask_release(&s.cortex);
    return r;
}
