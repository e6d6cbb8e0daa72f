#include "report/report.h"

#include <stdio.h>
#include <string.h>

#include "dicom/sr.h"
#include "report/content.h"
#include "report/job.h"
#include "report/words.h"

const char *report_kind_name(enum report_kind kind)
{
    switch (kind) {
    case REPORT_SR: return "sr";
    case REPORT_SEG: return "seg";
    case REPORT_SC: return "sc";
    case REPORT_PR: return "pr";
    case REPORT_KO: return "ko";
    case REPORT_PDF: return "pdf";
    case REPORT_SEG_OHIF: return "seg-ohif";
    default: return "";
    }
}

unsigned report_kind_find(const char *name)
{
    for (unsigned kind = 1; *report_kind_name((enum report_kind)kind); kind <<= 1)
        if (strcmp(report_kind_name((enum report_kind)kind), name) == 0)
            return kind;
    return 0;
}

void job_series_uid(const char *sop_instance_uid, char out[UID_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(sop_instance_uid, strlen(sop_instance_uid), digest);
    uid_derive(digest, "series", out);
}

int job_path(const struct job *job, const char *name, char out[4096], struct error *err)
{
    if (snprintf(out, 4096, "%s/%s", job->folder, name) >= 4096)
        return error_set(err, STATUS_INVALID,
                         "cannot write the report: the folder's name is too long");
    return 0;
}

int job_target(const struct job *job, enum report_kind kind, const char *name,
               const char *sop_class_uid, struct target *ret_target, struct error *err)
{
    struct target *t = ret_target;
    memset(t, 0, sizeof *t);
    snprintf(t->object.kind, sizeof t->object.kind, "%s", report_kind_name(kind));
    snprintf(t->object.file_name, sizeof t->object.file_name, "%s.dcm", name);
    snprintf(t->object.sop_class_uid, UID_SIZE, "%s", sop_class_uid);
    uid_derive(job->input->content_digest, name, t->object.sop_instance_uid);
    job_series_uid(t->object.sop_instance_uid, t->series_uid);
    return job_path(job, t->object.file_name, t->path, err);
}

int job_done(struct job *job, struct target *t, struct error *err)
{
    const int r = digest_file(t->path, t->object.sha256, NULL, err);
    if (r == 0)
        job->objects[job->count++] = t->object;
    return r;
}

const struct report_image *job_main_image(const struct report_input *input)
{
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (words_region(input, roi))
            return &input->images[words_region(input, roi)->image];
    return &input->images[0];
}

struct dicom_object job_describe(const struct job *job, const struct target *t, int series,
                                 const char *description)
{
    const enum side side = job->input->side;
    return (struct dicom_object){
        .source_path = job_main_image(job->input)->path,
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
            list[count++] = identity_reference(in, i);
    }
    for (int i = 0; list && i < job->count; i++) {
        char series[UID_SIZE];
        job_series_uid(job->objects[i].sop_instance_uid, series);
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
    int r = job_target(job, REPORT_SR, "sr", SR_SOP_CLASS_UID, &t, err);
    if (r == 0)
        r = content_build(in, job->identities, &job->arena, &document.root, err);
    if (r < 0)
        return r;
    document.object = job_describe(job, &t, SERIES_SR, "axnode report");
    document.evidence = list_evidence(job, &document.evidence_count);
    if (!document.evidence)
        return error_set(err, STATUS_NOMEM, "cannot make the report: out of memory");
    if (replaces) {
        job_series_uid(in->predecessor_sr_uid, predecessor_series);
        document.predecessor_uid = in->predecessor_sr_uid;
        document.predecessor_series_uid = predecessor_series;
    }
    r = sr_write(&document, t.path, err);
    return r < 0 ? r : job_done(job, &t, err);
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

/* What every package must bring. */
static int check_answer(const struct report_input *in, struct error *err)
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
    return 0;
}

static int check_input(const struct report_input *in, struct error *err)
{
    int r = check_answer(in, err);
    if (r == 0 && in->other_count > REPORT_OTHERS_MAX)
        r = error_set(err, STATUS_INVALID, "report: more than %d further packages",
                      REPORT_OTHERS_MAX);
    for (size_t i = 0; i < in->other_count && r == 0; i++)
        r = check_answer(&in->others[i], err);
    if (r < 0)
        return r;
    if (in->predecessor_sr_uid && *in->predecessor_sr_uid && !uid_valid(in->predecessor_sr_uid))
        return error_set(err, STATUS_INVALID, "report: the predecessor's UID is malformed");
    for (size_t i = 0; i < in->image_count; i++)
        if (!in->images[i].path || !in->images[i].header ||
            !uid_valid(in->images[i].header->sop_instance_uid))
            return error_set(err, STATUS_INVALID, "report: image %zu has no file or UID", i);
    r = check_region(in, ROI_TUMOUR, err);
    return r < 0 ? r : check_region(in, ROI_NODE, err);
}

static int write_key_objects(struct job *job, struct error *err)
{
    const struct report_input *in = job->input;
    struct dicom_reference evidence[ROI_COUNT];
    struct sr_document document = {.key_objects = true, .evidence = evidence};
    struct target t;
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (words_region(in, roi))
            evidence[document.evidence_count++] = job->identities[roi].image;
    if (document.evidence_count == 0)
        return 0;
    if (document.evidence_count == 2 &&
        strcmp(evidence[0].sop_instance_uid, evidence[1].sop_instance_uid) == 0)
        document.evidence_count = 1;
    int r = job_target(job, REPORT_KO, "ko", KO_SOP_CLASS_UID, &t, err);
    if (r == 0)
        r = content_key_objects(in, job->identities, &job->arena, &document.root, err);
    if (r < 0)
        return r;
    document.object = job_describe(job, &t, SERIES_KO, "axnode images used");
    r = sr_write(&document, t.path, err);
    return r < 0 ? r : job_done(job, &t, err);
}

/* What destinations ask for beyond the usual. */
static int write_wanted(struct job *job, struct error *err)
{
    const unsigned wanted = job->input->objects;
    int r = 0;
    if (wanted & REPORT_SEG_OHIF)
        r = job_write_segmentations(job, REPORT_SEG_OHIF, err);
    if (r == 0 && wanted & REPORT_PR)
        r = job_write_presentations(job, err);
    if (r == 0 && wanted & REPORT_KO)
        r = write_key_objects(job, err);
    if (r == 0 && wanted & REPORT_PDF)
        r = job_write_pdf(job, err);
    return r;
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
    r = identity_assign(input, &job.arena, job.identities, err);
    if (r == 0)
        r = job_write_segmentations(&job, REPORT_SEG, err); /* first: the report names them */
    if (r == 0)
        r = write_sr(&job, err);
    if (r == 0)
        r = job_write_pages(&job, err);
    if (r == 0)
        r = write_wanted(&job, err);
    if (r == 0)
        r = job_write_pictures(&job, err);
    arena_release(&job.arena);
    if (r < 0)
        return r;
    memcpy(ret_objects, objects, (size_t)job.count * sizeof *objects);
    *ret_count = job.count;
    return 0;
}
