#include "report/content.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "image/contour.h"
#include "report/codes.h"
#include "report/words.h"

enum { OUTLINE_POINTS_MAX = 200 };
/* Pixels; finer than a reader can see. */
static const double OUTLINE_TOLERANCE = 0.35;

/* The tree under construction. Out of memory is noted, not reported at each of the many calls:
 * nodes then go to `spare` and content_build fails at its end. */
struct builder {
    const struct report_input *input;
    struct arena *arena;
    struct sr_node spare;
    bool failed;
};

static struct sr_node *add(struct builder *b, struct sr_node *parent, enum sr_relation relation,
                           enum sr_type type, struct dicom_concept name)
{
    struct sr_node *node = arena_alloc(b->arena, sizeof *node);
    if (!node) {
        b->failed = true;
        b->spare = (struct sr_node){0};
        return &b->spare;
    }
    node->relation = relation;
    node->type = type;
    node->name = name;
    if (parent && parent->last_child)
        parent->last_child->next = node;
    else if (parent)
        parent->first_child = node;
    if (parent)
        parent->last_child = node;
    return node;
}

static struct sr_node *add_container(struct builder *b, struct sr_node *parent,
                                     struct dicom_concept name, const char *template_id)
{
    struct sr_node *node = add(b, parent, SR_CONTAINS, SR_CONTAINER, name);
    node->template_id = template_id;
    return node;
}

static struct sr_node *add_code(struct builder *b, struct sr_node *parent,
                                enum sr_relation relation, struct dicom_concept name,
                                struct dicom_concept value)
{
    struct sr_node *node = add(b, parent, relation, SR_CODE, name);
    node->code = value;
    return node;
}

/* Text items must have a value: nothing to say, no item. */
static void add_text(struct builder *b, struct sr_node *parent, enum sr_relation relation,
                     struct dicom_concept name, const char *text)
{
    if (text && *text)
        add(b, parent, relation, SR_TEXT, name)->text = text;
}

static void add_uid(struct builder *b, struct sr_node *parent, struct dicom_concept name,
                    const char *uid)
{
    add(b, parent, SR_HAS_OBS_CONTEXT, SR_UIDREF, name)->text = uid;
}

static struct sr_node *add_number(struct builder *b, struct sr_node *parent,
                                  enum sr_relation relation, struct dicom_concept name,
                                  double value, int decimals, struct dicom_concept unit)
{
    struct sr_node *node = add(b, parent, relation, SR_NUM, name);
    char digits[WORDS_NUMBER_SIZE];
    if (fabs(value) < 1e12)
        words_number(value, decimals, digits);
    else
        number_format_ds(value, digits);
    node->number = value;
    node->text = arena_text(b->arena, digits);
    b->failed = b->failed || !node->text;
    node->code = unit;
    return node;
}

/* Frames may be named in multi-frame classes only (PS3.3 C.18.4), current or retired; some
 * machines write loops as still images. */
static bool has_frames(const struct dicom_instance *header)
{
    return header->frames > 1 &&
           (strcmp(header->sop_class_uid, "1.2.840.10008.5.1.4.1.1.3.1") == 0 ||
            strcmp(header->sop_class_uid, "1.2.840.10008.5.1.4.1.1.3") == 0);
}

struct dicom_reference content_reference(const struct report_input *input, size_t index)
{
    const struct report_image *image = &input->images[index];
    return (struct dicom_reference){
        .sop_class_uid = image->header->sop_class_uid,
        .sop_instance_uid = image->header->sop_instance_uid,
        .series_instance_uid = image->header->series_instance_uid,
        .frame = has_frames(image->header) ? image->frame + 1 : 0,
    };
}

/* The program as such, not one installation of it (dicom/object.h). */
static const char *device_uid(struct builder *b)
{
    char uid[UID_SIZE];
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(DICOM_OWN_MANUFACTURER, strlen(DICOM_OWN_MANUFACTURER), digest);
    uid_derive(digest, "device", uid);
    return arena_text(b->arena, uid);
}

static void add_context(struct builder *b, struct sr_node *root)
{
    add_code(b, root, SR_HAS_CONCEPT_MOD, CODE_LANGUAGE, CODE_ENGLISH);
    add_code(b, root, SR_HAS_OBS_CONTEXT, CODE_OBSERVER_TYPE, CODE_DEVICE);
    add_uid(b, root, CODE_DEVICE_UID, device_uid(b));
    add_text(b, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_NAME, DICOM_OWN_MANUFACTURER);
    add_text(b, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_MANUFACTURER, DICOM_OWN_MANUFACTURER);
    add_text(b, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_MODEL, DICOM_OWN_MANUFACTURER);
    add_text(b, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_SERIAL, DICOM_OWN_SERIAL);
    add_code(b, root, SR_HAS_CONCEPT_MOD, CODE_PROCEDURE_REPORTED, CODE_BREAST_ULTRASOUND);
    add_text(b, root, SR_CONTAINS, CODE_INTENDED_USE, b->input->intended_use);
}

static bool is_listed(const struct report_input *input, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(input->images[i].header->sop_instance_uid,
                   input->images[index].header->sop_instance_uid) == 0)
            return true;
    return false;
}

static void add_library(struct builder *b, struct sr_node *root)
{
    struct sr_node *library = add_container(b, root, CODE_IMAGE_LIBRARY, NULL);
    struct sr_node *group = add_container(b, library, CODE_IMAGE_LIBRARY_GROUP, NULL);
    add_code(b, group, SR_HAS_ACQ_CONTEXT, CODE_MODALITY, CODE_ULTRASOUND);
    for (size_t i = 0; i < b->input->image_count; i++) {
        if (is_listed(b->input, i))
            continue;
        struct sr_node *image = add(b, group, SR_CONTAINS, SR_IMAGE, CODE_SOURCE_IMAGE);
        image->image = content_reference(b->input, i);
        image->image.frame = 0;
    }
}

static void add_site(struct builder *b, struct sr_node *parent, struct dicom_concept site)
{
    struct sr_node *node = add_code(b, parent, SR_HAS_CONCEPT_MOD, CODE_FINDING_SITE, site);
    if (b->input->side != SIDE_UNKNOWN)
        add_code(b, node, SR_HAS_CONCEPT_MOD, CODE_LATERALITY,
                 b->input->side == SIDE_LEFT ? CODE_LEFT : CODE_RIGHT);
}

static void add_algorithm(struct builder *b, struct sr_node *parent)
{
    const struct report_input *in = b->input;
    add_text(
        b, parent, SR_HAS_CONCEPT_MOD, CODE_ALGORITHM_NAME,
        arena_print(b->arena, "%s, model package %s", DICOM_OWN_MANUFACTURER, in->package_name));
    add_text(b, parent, SR_HAS_CONCEPT_MOD, CODE_ALGORITHM_VERSION,
             arena_print(b->arena, "%s, package %s", in->software_version, in->package_version));
    add_text(b, parent, SR_HAS_CONCEPT_MOD, CODE_ALGORITHM_PARAMETERS,
             arena_print(b->arena, "package digest SHA-256 %s", in->package_digest));
}

static void add_risk(struct builder *b, struct sr_node *parent, bool with_site)
{
    const struct score *score = b->input->score;
    struct sr_node *risk = add_number(b, parent, SR_CONTAINS, CODE_RISK(b->input->outcome_text),
                                      100 * score->risk, 1, CODE_PERCENT);
    if (with_site)
        add_site(b, risk, CODE_AXILLARY_NODE);
    add_algorithm(b, risk);
    if (score->cutoff > 0) {
        add_number(b, risk, SR_HAS_PROPERTIES, CODE_CUTOFF, 100 * score->cutoff, 1,
                   CODE_PERCENT);
        add_text(b, risk, SR_HAS_PROPERTIES, CODE_CUTOFF_RULE, b->input->cutoff_rule);
    }
}

/* The outline as a closed polyline. Viewers take closed lines of four or five points for
 * rectangles: an outline with few corners gets the middles between them too. */
static int add_outline(struct builder *b, struct sr_node *group,
                       const struct region_finding *region, const struct dicom_reference *image,
                       struct error *err)
{
    struct contour traced = {0}, simple = {0};
    int r = contour_trace(&region->mask, &traced, err);
    if (r == 0)
        r = contour_simplify(&traced, OUTLINE_POINTS_MAX - 1, OUTLINE_TOLERANCE, &simple, NULL,
                             err);
    const size_t step = simple.count >= 5 ? 1 : 2;
    const size_t count = simple.count * step + 1;
    float *points = r == 0 ? arena_array(b->arena, count, 2 * sizeof *points) : NULL;
    if (r == 0 && !points)
        b->failed = true;
    for (size_t i = 0; points && i < count; i++) {
        const struct point p = simple.points[i / step % simple.count];
        const struct point q = simple.points[(i + step - 1) / step % simple.count];
        /* Pixel centres have whole numbers in masks, halves in DICOM (PS3.3 C.18.6.1.2). */
        points[2 * i] = (float)((p.x + q.x) / 2 + 0.5);
        points[2 * i + 1] = (float)((p.y + q.y) / 2 + 0.5);
    }
    if (points) {
        struct sr_node *outline = add(b, group, SR_CONTAINS, SR_SCOORD, CODE_IMAGE_REGION);
        outline->points = points;
        outline->point_count = count;
        add(b, outline, SR_SELECTED_FROM, SR_IMAGE, CODE_SOURCE_IMAGE)->image = *image;
    }
    contour_release(&traced);
    contour_release(&simple);
    return r;
}

static int add_group(struct builder *b, struct sr_node *measurements, enum roi roi,
                     const struct region_identity *identity, struct error *err)
{
    const struct region_finding *region = words_region(b->input, roi);
    struct sr_node *group = add_container(b, measurements, CODE_GROUP, "1410");
    add_text(b, group, SR_HAS_OBS_CONTEXT, CODE_TRACKING_ID, identity->tracking_id);
    add_uid(b, group, CODE_TRACKING_UID, identity->tracking_uid);
    add_code(b, group, SR_CONTAINS, CODE_FINDING, roi == ROI_TUMOUR ? CODE_MASS : CODE_LYMPH_NODE);
    add_site(b, group, roi == ROI_TUMOUR ? CODE_BREAST : CODE_AXILLARY_NODE);
    add_algorithm(b, group);
    const int r = add_outline(b, group, region, &identity->image, err);
    if (r < 0)
        return r;
    struct quantity quantities[QUANTITIES_MAX];
    const size_t count = words_quantities(region, roi, quantities);
    for (size_t i = 0; i < count; i++)
        add_number(b, group, SR_CONTAINS, quantities[i].concept, quantities[i].value,
                   quantities[i].decimals, quantities[i].unit);
    struct statement statements[STATEMENTS_MAX];
    const size_t said = words_statements(region, roi, statements);
    for (size_t i = 0; i < said; i++)
        add_code(b, group, SR_CONTAINS, statements[i].concept, statements[i].value);
    /* Viewers that show groups alone would not show the risk otherwise. */
    if (roi == ROI_NODE && b->input->score->has_risk)
        add_risk(b, group, false);
    return 0;
}

/* The container stands without regions too: viewers look for it. */
static int add_measurements(struct builder *b, struct sr_node *root,
                            const struct region_identity identities[ROI_COUNT], struct error *err)
{
    struct sr_node *measurements = add_container(b, root, CODE_MEASUREMENTS, NULL);
    int r = 0;
    for (int roi = 0; roi < ROI_COUNT && r == 0; roi++)
        if (words_region(b->input, roi))
            r = add_group(b, measurements, roi, &identities[roi], err);
    return r;
}

static void add_evaluations(struct builder *b, struct sr_node *root)
{
    const struct report_input *in = b->input;
    struct sr_node *list = add_container(b, root, CODE_EVALUATIONS, NULL);
    for (int i = 0; !in->score->has_risk && i < in->score->reason_count; i++)
        add_text(b, list, SR_CONTAINS, CODE_NO_RISK,
                 arena_print(b->arena, "No risk estimated: %s", in->score->reasons[i]));
    if (!in->score->has_risk && in->score->reason_count == 0)
        add_text(b, list, SR_CONTAINS, CODE_NO_RISK, "No risk estimated");
    for (size_t i = 0; i < in->note_count; i++)
        add_text(b, list, SR_CONTAINS, CODE_QUALITY_NOTE, in->notes[i]);
    add_text(b, list, SR_CONTAINS, CODE_POPULATION, in->population);
    add_text(b, list, SR_CONTAINS, CODE_PACKAGE,
             arena_print(b->arena, "%s, version %s, SHA-256 %s", in->package_name,
                         in->package_version, in->package_digest));
    add_text(b, list, SR_CONTAINS, CODE_REPORT_STATUS, words_status(b->arena, in));
}

int content_build(const struct report_input *input,
                  const struct region_identity identities[ROI_COUNT], struct arena *arena,
                  const struct sr_node **ret_root, struct error *err)
{
    struct builder b = {.input = input, .arena = arena};
    struct sr_node *root = add_container(&b, NULL, CODE_REPORT, "1500");
    add_context(&b, root);
    add_library(&b, root);
    const int r = add_measurements(&b, root, identities, err);
    if (r < 0)
        return r;
    if (input->score->has_risk)
        add_risk(&b, add_container(&b, root, CODE_DERIVED_MEASUREMENTS, NULL), true);
    add_evaluations(&b, root);
    if (b.failed)
        return error_set(err, STATUS_NOMEM, "cannot make the report: out of memory");
    *ret_root = root;
    return 0;
}
