#include "report/content.h"

#include <string.h>

#include "image/quality.h"
#include "report/codes.h"
#include "report/outline.h"
#include "report/words.h"

static struct dicom_concept laterality(enum side side)
{
    return side == SIDE_LEFT ? CODE_LEFT : CODE_RIGHT;
}

static void add_context(struct tree *t, const struct report_input *input, struct sr_node *root)
{
    tree_code(t, root, SR_HAS_CONCEPT_MOD, CODE_LANGUAGE, CODE_ENGLISH);
    tree_observer(t, root);
    tree_code(t, root, SR_HAS_CONCEPT_MOD, CODE_PROCEDURE_REPORTED, CODE_BREAST_ULTRASOUND);
    tree_text(t, root, SR_CONTAINS, CODE_INTENDED_USE, input->intended_use);
}

/* ---- image library: TID 1600 ---- */

static bool same_object(const struct report_input *input, size_t a, size_t b)
{
    return strcmp(input->images[a].header->sop_instance_uid,
                  input->images[b].header->sop_instance_uid) == 0;
}

/* The first region that lies on a frame of image `index`'s object: then it was used. */
static const struct region_finding *region_on(const struct report_input *input, size_t index,
                                              enum roi *ret_roi)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const struct region_finding *region = words_region(input, roi);
        if (region && same_object(input, (size_t)region->image, index)) {
            *ret_roi = (enum roi)roi;
            return region;
        }
    }
    return NULL;
}

/* TID 1602: what is known of an image that was used. The spacing is the outline's calibration. */
static void add_descriptors(struct tree *t, const struct report_input *input, size_t index,
                            struct sr_node *image)
{
    enum roi roi = ROI_COUNT;
    const struct dicom_instance *header = input->images[index].header;
    const struct region_finding *region = region_on(input, index, &roi);
    if (!region)
        return;
    tree_code(t, image, SR_HAS_ACQ_CONTEXT, CODE_TARGET_REGION,
              roi == ROI_TUMOUR ? CODE_BREAST : CODE_AXILLA);
    if (input->side != SIDE_UNKNOWN)
        tree_code(t, image, SR_HAS_ACQ_CONTEXT, CODE_IMAGE_LATERALITY, laterality(input->side));
    if (region->calibration.source == CALIBRATION_REGION) {
        tree_number(t, image, SR_HAS_ACQ_CONTEXT, CODE_SPACING_ACROSS,
                    region->calibration.spacing_column_mm, 3, CODE_MM_PER_PIXEL);
        tree_number(t, image, SR_HAS_ACQ_CONTEXT, CODE_SPACING_DOWN,
                    region->calibration.spacing_row_mm, 3, CODE_MM_PER_PIXEL);
    }
    tree_number(t, image, SR_HAS_ACQ_CONTEXT, CODE_ROWS, header->rows, 0, CODE_PIXELS);
    tree_number(t, image, SR_HAS_ACQ_CONTEXT, CODE_COLUMNS, header->columns, 0, CODE_PIXELS);
}

/* The images that were used, described; or those that were only looked at. Each object once; an
 * empty group is none. */
static void add_library_group(struct tree *t, const struct report_input *input,
                              struct sr_node *library, bool used)
{
    struct sr_node *group = NULL;
    for (size_t i = 0; i < input->image_count; i++) {
        enum roi roi;
        bool listed = (region_on(input, i, &roi) != NULL) != used;
        for (size_t k = 0; k < i && !listed; k++)
            listed = same_object(input, k, i);
        if (listed)
            continue;
        if (!group) {
            group = tree_container(t, library, CODE_IMAGE_LIBRARY_GROUP, NULL);
            tree_code(t, group, SR_HAS_ACQ_CONTEXT, CODE_MODALITY, CODE_ULTRASOUND);
        }
        struct dicom_reference reference = identity_reference(input, i);
        reference.frame = 0;
        add_descriptors(t, input, i,
                        tree_image(t, group, SR_CONTAINS, CODE_SOURCE_IMAGE, reference));
    }
}

/* ---- a region: TID 1410 ---- */

void content_site(struct tree *t, const struct report_input *input, struct sr_node *parent,
                  struct dicom_concept site)
{
    struct sr_node *node = tree_code(t, parent, SR_HAS_CONCEPT_MOD, CODE_FINDING_SITE, site);
    if (input->side != SIDE_UNKNOWN)
        tree_code(t, node, SR_HAS_CONCEPT_MOD, CODE_LATERALITY, laterality(input->side));
}

static int add_outline(struct tree *t, struct sr_node *group, const struct region_finding *region,
                       const struct dicom_reference *image, struct error *err)
{
    struct outline outline;
    const int r = outline_make(&region->mask, t->arena, &outline, err);
    if (r < 0)
        return r;
    struct sr_node *node = tree_add(t, group, SR_CONTAINS, SR_SCOORD, CODE_IMAGE_REGION);
    node->points = outline.points;
    node->point_count = outline.count;
    tree_image(t, node, SR_SELECTED_FROM, CODE_SOURCE_IMAGE, *image);
    return 0;
}

static void add_said(struct tree *t, const struct region_finding *region, enum roi roi,
                     struct sr_node *group)
{
    char faults[256];
    struct statement statements[STATEMENTS_MAX];
    const size_t said = words_statements(region, roi, statements);
    for (size_t i = 0; i < said; i++)
        tree_code(t, group, SR_CONTAINS, statements[i].concept, statements[i].value);
    if (region->calibration.source == CALIBRATION_ESTIMATED)
        tree_text(t, group, SR_CONTAINS, CODE_QUALITY_NOTE,
                  "Sizes are estimated from the callipers' readings");
    if (region->calibration.source == CALIBRATION_NONE)
        tree_text(t, group, SR_CONTAINS, CODE_QUALITY_NOTE,
                  "Sizes are in pixels: no calibrated region contains the outline");
    if (region->touches_border)
        tree_text(t, group, SR_CONTAINS, CODE_QUALITY_NOTE,
                  "The outline touches the border of the picture");
    quality_words(region->quality.faults, faults, sizeof faults);
    if (*faults)
        tree_text(t, group, SR_CONTAINS, CODE_QUALITY_NOTE,
                  arena_print(t->arena, "Quality of the picture: %s", faults));
}

static int add_group(struct tree *t, const struct report_input *input,
                     const struct region_identity *identity, enum roi roi,
                     struct sr_node *measurements, struct sr_node **ret_group, struct error *err)
{
    const struct region_finding *region = words_region(input, roi);
    struct sr_node *group = tree_container(t, measurements, CODE_GROUP, "1410");
    tree_text(t, group, SR_HAS_OBS_CONTEXT, CODE_TRACKING_ID, identity->tracking_id);
    tree_uid(t, group, CODE_TRACKING_UID, identity->tracking_uid);
    tree_code(t, group, SR_CONTAINS, CODE_FINDING, roi == ROI_TUMOUR ? CODE_MASS : CODE_LYMPH_NODE);
    const int r = add_outline(t, group, region, &identity->image, err);
    if (r < 0)
        return r;
    content_site(t, input, group, roi == ROI_TUMOUR ? CODE_BREAST : CODE_AXILLARY_NODE);
    content_algorithm(t, input, group);
    /* Viewers that show groups alone would not show the risk otherwise; OHIF shows five numbers. */
    if (roi == ROI_NODE && input->score->has_risk)
        content_risk(t, input, group);
    struct quantity quantities[QUANTITIES_MAX];
    const size_t count = words_quantities(region, roi, quantities);
    for (size_t i = 0; i < count; i++)
        tree_number(t, group, SR_CONTAINS, quantities[i].concept, quantities[i].value,
                    quantities[i].decimals, quantities[i].unit);
    content_model_features(t, input, roi, group);
    add_said(t, region, roi, group);
    *ret_group = group;
    return 0;
}

int content_build(const struct report_input *input,
                  const struct region_identity identities[ROI_COUNT], struct arena *arena,
                  const struct sr_node **ret_root, struct error *err)
{
    struct tree t = {.arena = arena};
    struct sr_node *groups[ROI_COUNT] = {NULL};
    struct sr_node *root = tree_container(&t, NULL, CODE_REPORT, "1500");
    int r = 0;
    add_context(&t, input, root);
    struct sr_node *library = tree_container(&t, root, CODE_IMAGE_LIBRARY, NULL);
    add_library_group(&t, input, library, true);
    add_library_group(&t, input, library, false);
    /* The container stands without regions too: viewers look for it. */
    struct sr_node *measurements = tree_container(&t, root, CODE_MEASUREMENTS, NULL);
    for (int roi = 0; roi < ROI_COUNT && r == 0; roi++)
        if (words_region(input, roi))
            r = add_group(&t, input, &identities[roi], roi, measurements, &groups[roi], err);
    if (r < 0)
        return r;
    content_derived(&t, input, root, groups);
    content_evaluations(&t, input, root);
    for (size_t i = 0; i < input->other_count; i++)
        content_other(&t, &input->others[i], root);
    if (t.failed)
        return error_set(err, STATUS_NOMEM, "cannot make the report: out of memory");
    *ret_root = root;
    return 0;
}

int content_key_objects(const struct report_input *input,
                        const struct region_identity identities[ROI_COUNT], struct arena *arena,
                        const struct sr_node **ret_root, struct error *err)
{
    struct tree t = {.arena = arena};
    struct sr_node *root = tree_container(&t, NULL, CODE_OF_INTEREST, "2010");
    tree_code(&t, root, SR_HAS_CONCEPT_MOD, CODE_LANGUAGE, CODE_ENGLISH);
    tree_observer(&t, root);
    tree_text(&t, root, SR_CONTAINS, CODE_KEY_DESCRIPTION,
              "Images that the automatic analysis outlined. Computed automatically, not verified "
              "by a physician.");
    const struct dicom_reference *tumour = &identities[ROI_TUMOUR].image;
    const struct dicom_reference *node = &identities[ROI_NODE].image;
    const bool both = words_region(input, ROI_TUMOUR) && words_region(input, ROI_NODE);
    if (words_region(input, ROI_TUMOUR))
        tree_image(&t, root, SR_CONTAINS, (struct dicom_concept){0}, *tumour);
    if (words_region(input, ROI_NODE) &&
        !(both && node->frame == tumour->frame &&
          strcmp(node->sop_instance_uid, tumour->sop_instance_uid) == 0))
        tree_image(&t, root, SR_CONTAINS, (struct dicom_concept){0}, *node);
    if (t.failed)
        return error_set(err, STATUS_NOMEM, "cannot select key objects: out of memory");
    *ret_root = root;
    return 0;
}
