#include "report/report.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "dicom/sc.h"
#include "dicom/seg.h"
#include "dicom/sr.h"
#include "image/png.h"
#include "report/codes.h"
#include "report/content.h"
#include "report/heat.h"
#include "report/picture.h"
#include "report/words.h"

enum { SERIES_SR = 9001, SERIES_SC = 9002, SERIES_SEG = 9003, SEGMENTS_MAX = 3 };

/* Where an object goes and what it is called. */
struct target {
    struct report_object object;
    char series_uid[UID_SIZE];
    char path[4096];
};

struct job {
    const struct report_input *input;
    const char *folder;
    struct report_object *objects; /* REPORT_OBJECTS_MAX */
    int count;
    struct region_identity identities[ROI_COUNT];
    struct arena arena;
};

const char *report_kind_name(enum report_kind kind)
{
    switch (kind) {
    case REPORT_SR: return "sr";
    case REPORT_SEG: return "seg";
    case REPORT_SC: return "sc";
    case REPORT_PR: return "pr";
    case REPORT_KO: return "ko";
    case REPORT_PDF: return "pdf";
    default: return "";
    }
}

static bool is_wanted(const struct report_input *input, enum report_kind kind)
{
    return ((input->objects ? input->objects : REPORT_USUAL) & kind) != 0;
}

static void series_uid(const char *sop_instance_uid, char out[UID_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(sop_instance_uid, strlen(sop_instance_uid), digest);
    uid_derive(digest, "series", out);
}

static int make_path(const char *folder, const char *name, char out[4096], struct error *err)
{
    if (snprintf(out, 4096, "%s/%s", folder, name) >= 4096)
        return error_set(err, STATUS_INVALID,
                         "cannot write the report: the folder's name is too long");
    return 0;
}

/* `name` is the object's purpose and, with ".dcm", its file name. */
static int target_init(const struct job *job, const char *kind, const char *name,
                       const char *sop_class_uid, struct target *t, struct error *err)
{
    memset(t, 0, sizeof *t);
    snprintf(t->object.kind, sizeof t->object.kind, "%s", kind);
    snprintf(t->object.file_name, sizeof t->object.file_name, "%s.dcm", name);
    snprintf(t->object.sop_class_uid, UID_SIZE, "%s", sop_class_uid);
    uid_derive(job->input->content_digest, name, t->object.sop_instance_uid);
    series_uid(t->object.sop_instance_uid, t->series_uid);
    return make_path(job->folder, t->object.file_name, t->path, err);
}

/* The file is written: take its digest and list it. */
static int target_done(struct job *job, struct target *t, struct error *err)
{
    const int r = digest_file(t->path, t->object.sha256, NULL, err);
    if (r == 0)
        job->objects[job->count++] = t->object;
    return r;
}

/* The image whose patient and study the objects share: one that was used, if any. */
static const struct report_image *main_image(const struct report_input *input)
{
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (words_region(input, roi))
            return &input->images[words_region(input, roi)->image];
    return &input->images[0];
}

static struct dicom_object describe(const struct job *job, const struct target *t, int series,
                                    const char *description)
{
    const enum side side = job->input->side;
    return (struct dicom_object){
        .source_path = main_image(job->input)->path,
        .sop_instance_uid = t->object.sop_instance_uid,
        .series_instance_uid = t->series_uid,
        .series_number = series,
        .series_description = description,
        .software_version = job->input->software_version,
        .laterality = side == SIDE_LEFT    ? 'L'
                      : side == SIDE_RIGHT ? 'R'
                                           : 0,
        .created_us = job->input->created_us,
    };
}

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

/* The hilum belongs to the node: same picture, a tracking identity of its own. */
static struct seg_segment hilum_of(struct job *job)
{
    char uid[UID_SIZE];
    struct seg_segment segment = segment_of(job, ROI_NODE);
    uid_derive(job->input->content_digest, "tracking-hilum", uid);
    segment.label = "Hilum of the lymph node";
    segment.type = CODE_HILUM;
    segment.tracking_id = "node-1-hilum";
    segment.tracking_uid = arena_text(&job->arena, uid);
    segment.colour[0] = segment.colour[2] = 0xE5;
    segment.colour[1] = 0x7B;
    segment.mask = &words_region(job->input, ROI_NODE)->hilum;
    return segment;
}

static int write_seg(struct job *job, const struct seg_segment *segments, size_t count,
                     const char *name, int series, struct error *err)
{
    struct target t;
    char dimension[UID_SIZE], purpose[32];
    int r = target_init(job, "seg", name, SEG_SOP_CLASS_UID, &t, err);
    if (r < 0)
        return r;
    snprintf(purpose, sizeof purpose, "dimension-%s", name);
    uid_derive(job->input->content_digest, purpose, dimension);
    const struct seg_document document = {
        .object = describe(job, &t, series, "axnode segmentation"),
        .segments = segments,
        .segment_count = count,
        .dimension_uid = dimension,
        .description = "Outlines of tumour and axillary lymph node",
    };
    r = seg_write(&document, t.path, err);
    return r < 0 ? r : target_done(job, &t, err);
}

/* One segmentation holds pictures of one size only (dicom/seg.h). */
static int write_segs(struct job *job, struct error *err)
{
    struct seg_segment segments[SEGMENTS_MAX];
    const struct region_finding *tumour = words_region(job->input, ROI_TUMOUR);
    const struct region_finding *node = words_region(job->input, ROI_NODE);
    size_t count = 0, tumours;
    if (tumour)
        segments[count++] = segment_of(job, ROI_TUMOUR);
    tumours = count;
    if (node)
        segments[count++] = segment_of(job, ROI_NODE);
    if (node && node->hilum.pixels && mask_count(&node->hilum) > 0) {
        segments[count++] = hilum_of(job);
        if (!segments[count - 1].tracking_uid)
            return error_set(err, STATUS_NOMEM, "cannot make the segmentation: out of memory");
    }
    if (count == 0)
        return 0;
    if (!tumour || !node ||
        (tumour->mask.rows == node->mask.rows && tumour->mask.columns == node->mask.columns))
        return write_seg(job, segments, count, "seg", SERIES_SEG, err);
    const int r = write_seg(job, segments, tumours, "seg", SERIES_SEG, err);
    return r < 0
               ? r
               : write_seg(job, segments + tumours, count - tumours, "seg-2", SERIES_SEG + 1, err);
}

/* All images that were looked at, then the segmentations; an object may have several frames in
 * the list but is named once. */
static struct dicom_reference *list_evidence(struct job *job, size_t *ret_count)
{
    const struct report_input *in = job->input;
    struct dicom_reference *list =
        arena_array(&job->arena, in->image_count + (size_t)job->count, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; list && i < in->image_count; i++) {
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = strcmp(list[k].sop_instance_uid, in->images[i].header->sop_instance_uid) == 0;
        if (!known)
            list[count++] = content_reference(in, i);
    }
    for (int i = 0; list && i < job->count; i++) {
        char series[UID_SIZE];
        series_uid(job->objects[i].sop_instance_uid, series);
        list[count++] = (struct dicom_reference){
            .sop_class_uid = job->objects[i].sop_class_uid,
            .sop_instance_uid = job->objects[i].sop_instance_uid,
            .series_instance_uid = arena_text(&job->arena, series),
        };
        if (!list[count - 1].series_instance_uid)
            return NULL;
    }
    *ret_count = count;
    return list;
}

static int write_sr(struct job *job, struct error *err)
{
    const struct report_input *in = job->input;
    const bool replaces = in->predecessor_sr_uid && *in->predecessor_sr_uid;
    struct sr_document document = {.completion_text = "Computed automatically, not verified"};
    struct target t;
    char predecessor_series[UID_SIZE];
    int r = target_init(job, "sr", "sr", SR_SOP_CLASS_UID, &t, err);
    if (r == 0)
        r = content_build(in, job->identities, &job->arena, &document.root, err);
    if (r < 0)
        return r;
    document.object = describe(job, &t, SERIES_SR, "axnode report");
    document.evidence = list_evidence(job, &document.evidence_count);
    if (!document.evidence)
        return error_set(err, STATUS_NOMEM, "cannot make the report: out of memory");
    if (replaces) {
        series_uid(in->predecessor_sr_uid, predecessor_series);
        document.predecessor_uid = in->predecessor_sr_uid;
        document.predecessor_series_uid = predecessor_series;
    }
    r = sr_write(&document, t.path, err);
    return r < 0 ? r : target_done(job, &t, err);
}

static int write_sc(struct job *job, struct error *err)
{
    struct dicom_reference sources[ROI_COUNT];
    struct image picture = {0};
    struct target t;
    const char *patient_id = main_image(job->input)->header->patient_id;
    struct sc_document document = {
        .picture = &picture,
        .identifies_patient = true, /* by its ID, and the pictures may show a name */
        .derivation = "Outlines, measurements and estimated risk drawn over ultrasound images",
        .sources = sources,
    };
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (words_region(job->input, roi))
            sources[document.source_count++] = job->identities[roi].image;
    int r = target_init(job, "sc", "sc", SC_SOP_CLASS_UID, &t, err);
    if (r == 0)
        r = picture_draw(job->input, patient_id, &picture, err);
    if (r < 0)
        return r;
    document.object = describe(job, &t, SERIES_SC, "axnode summary picture");
    r = sc_write(&document, t.path, err);
    image_release(&picture);
    return r < 0 ? r : target_done(job, &t, err);
}

static int write_overlay(const struct job *job, struct error *err)
{
    struct image picture = {0};
    char path[4096];
    int r = make_path(job->folder, REPORT_OVERLAY_NAME, path, err);
    if (r == 0)
        r = picture_draw(job->input, NULL, &picture, err);
    if (r == 0)
        r = image_write_png(path, &picture, err);
    image_release(&picture);
    return r;
}

/* What explains a number stands only where the number does. */
static int write_heat_map(const struct job *job, enum roi roi, struct error *err)
{
    const struct region_finding *region = words_region(job->input, roi);
    struct image picture = {0};
    char name[64], path[4096];
    if (!region || !region->heat.plane.values || !job->input->score->has_risk)
        return 0;
    snprintf(name, sizeof name, REPORT_HEAT_MAP_NAME, roi_name(roi));
    int r = make_path(job->folder, name, path, err);
    if (r == 0)
        r = heat_draw(job->input->images[region->image].picture, &region->heat, &picture, err);
    if (r == 0)
        r = image_write_png(path, &picture, err);
    image_release(&picture);
    return r;
}

static int check_region(const struct report_input *in, enum roi roi, struct error *err)
{
    const struct region_finding *region = words_region(in, roi);
    if (!region)
        return 0;
    const char *name = roi_name(roi);
    if (region->image < 0 || (size_t)region->image >= in->image_count)
        return error_set(err, STATUS_INVALID, "report: the %s lies on no listed image", name);
    const struct report_image *image = &in->images[region->image];
    if (!image->picture || !image->picture->pixels || !region->mask.pixels ||
        mask_count(&region->mask) == 0)
        return error_set(err, STATUS_INVALID, "report: the %s has no picture or mask", name);
    if (region->mask.rows != image->header->rows ||
        region->mask.columns != image->header->columns ||
        region->mask.rows != image->picture->rows ||
        region->mask.columns != image->picture->columns ||
        (region->hilum.pixels && (region->hilum.rows != region->mask.rows ||
                                  region->hilum.columns != region->mask.columns)))
        return error_set(err, STATUS_INVALID, "report: mask and picture of the %s differ in size",
                         name);
    if (image->frame < 0 || (image->frame > 0 && image->frame >= image->header->frames))
        return error_set(err, STATUS_INVALID, "report: the %s lies on no frame", name);
    return 0;
}

static int check_input(const struct report_input *in, struct error *err)
{
    const char *const required[] = {in->package_name, in->package_version, in->package_digest,
                                    in->intended_use, in->outcome_text,    in->software_version};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!required[i] || !*required[i])
            return error_set(err, STATUS_INVALID, "report: a required text is missing");
    if (in->image_count < 1 || in->image_count > REPORT_IMAGES_MAX || !in->score ||
        !in->content_digest)
        return error_set(err, STATUS_INVALID, "report: images, score or digest are missing");
    if (in->score->has_risk && !(in->score->risk >= 0 && in->score->risk <= 1))
        return error_set(err, STATUS_INVALID, "report: the risk is no probability");
    if (in->predecessor_sr_uid && *in->predecessor_sr_uid && !uid_valid(in->predecessor_sr_uid))
        return error_set(err, STATUS_INVALID, "report: the predecessor's UID is malformed");
    for (size_t i = 0; i < in->image_count; i++)
        if (!in->images[i].path || !in->images[i].header ||
            !uid_valid(in->images[i].header->sop_instance_uid))
            return error_set(err, STATUS_INVALID, "report: image %zu has no file or UID", i);
    const int r = check_region(in, ROI_TUMOUR, err);
    return r < 0 ? r : check_region(in, ROI_NODE, err);
}

static void identify(struct job *job)
{
    static const char *const ids[ROI_COUNT] = {[ROI_TUMOUR] = "tumour-1", [ROI_NODE] = "node-1"};
    static const char *const purposes[ROI_COUNT] = {
        [ROI_TUMOUR] = "tracking-tumour", [ROI_NODE] = "tracking-node"};
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        struct region_identity *identity = &job->identities[roi];
        identity->tracking_id = ids[roi];
        uid_derive(job->input->content_digest, purposes[roi], identity->tracking_uid);
        if (words_region(job->input, roi))
            identity->image =
                content_reference(job->input, (size_t)words_region(job->input, roi)->image);
    }
}

int report_write(const struct report_input *input, const char *folder,
                 struct report_object *ret_objects, int *ret_count, struct error *err)
{
    struct report_object objects[REPORT_OBJECTS_MAX];
    struct job job = {.input = input, .folder = folder, .objects = objects};
    int r = check_input(input, err);
    if (r < 0)
        return r;
    arena_init(&job.arena);
    identify(&job);
    if (is_wanted(input, REPORT_SEG))
        r = write_segs(&job, err); /* first: the report names them */
    if (r == 0 && is_wanted(input, REPORT_SR))
        r = write_sr(&job, err);
    if (r == 0 && is_wanted(input, REPORT_SC))
        r = write_sc(&job, err);
    if (r == 0)
        r = write_overlay(&job, err);
    for (int roi = 0; roi < ROI_COUNT && r == 0; roi++)
        r = write_heat_map(&job, (enum roi)roi, err);
    arena_release(&job.arena);
    if (r < 0)
        return r;
    memcpy(ret_objects, objects, (size_t)job.count * sizeof *objects);
    *ret_count = job.count;
    return 0;
}
