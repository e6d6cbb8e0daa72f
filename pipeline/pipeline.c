#include "pipeline/pipeline.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/features.h"
#include "model/measure.h"
#include "model/outline.h"
#include "model/score/score.h"
#include "pipeline/classify.h"
#include "pipeline/select.h"

enum { NOTES_MAX = 32, FRAMES_PER_OBJECT_MAX = 8 };

/* One ultrasound object of the study. */
struct study_image {
    const struct pipeline_object *object;
    struct dicom_instance *header;
    struct image_class class;
};

/* Everything one run holds; released in one place. */
struct run {
    const struct pipeline_settings *settings;
    const struct package *package;
    const struct package_nets *nets;
    const struct pipeline_job *job;
    struct arena arena;
    struct study_image *images; /* in the order of series, instance number and UID */
    size_t image_count;
    struct selection selection;
    struct candidate *chosen[ROI_COUNT];
    int frames_outlined;
    int frames_decoded;
    const char *notes[NOTES_MAX];
    size_t note_count;
    struct score score;
    uint8_t content_digest[DIGEST_SIZE];
};

static void run_release(struct run *run)
{
    selection_release(&run->selection);
    score_release(&run->score);
    arena_release(&run->arena);
}

/* A quality note for the report; the same words stand once. */
static void note(struct run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void note(struct run *run, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < run->note_count; i++)
        if (strcmp(run->notes[i], text) == 0)
            return;
    const char *kept = run->note_count < NOTES_MAX ? arena_text(&run->arena, text) : NULL;
    if (kept)
        run->notes[run->note_count++] = kept;
}

/* A message about a file, without its name: readers of reports know no files. */
static const char *without_path(const char *message, const char *path)
{
    size_t length = strlen(path);
    bool named = strncmp(message, path, length) == 0 && message[length] == ':';
    return named ? message + length + strspn(message + length, ": ") : message;
}

struct pipeline_settings pipeline_settings_default(void)
{
    return (struct pipeline_settings){
        .limits = dicom_limits_default(), .frames_max = 64, .uid_namespace = "analyze"};
}

const char *pipeline_outcome_name(enum pipeline_outcome outcome)
{
    switch (outcome) {
    case PIPELINE_RISK: return "risk";
    case PIPELINE_NO_RISK: return "no_risk";
    default: return "not_applicable";
    }
}

void pipeline_result_release(struct pipeline_result *result)
{
    free(result->json);
    feature_list_release(&result->features);
    *result = (struct pipeline_result){0};
}

/* Reading */

static int image_order(const void *a, const void *b)
{
    const struct dicom_instance *x = ((const struct study_image *)a)->header;
    const struct dicom_instance *y = ((const struct study_image *)b)->header;
    if (x->series_number != y->series_number)
        return x->series_number < y->series_number ? -1 : 1;
    if (x->instance_number != y->instance_number)
        return x->instance_number < y->instance_number ? -1 : 1;
    return strcmp(x->sop_instance_uid, y->sop_instance_uid);
}

static bool same_patient(const struct dicom_instance *a, const struct dicom_instance *b)
{
    return strcmp(a->patient_id, b->patient_id) == 0 &&
           strcmp(a->patient_id_issuer, b->patient_id_issuer) == 0;
}

/* Headers of all objects. What is no ultrasound picture is left out; `ret_reason` then tells why
 * nothing remains. */
static int read_headers(struct run *run, char *ret_reason, size_t reason_size, struct error *err)
{
    const struct pipeline_job *job = run->job;
    char first[256] = "";
    size_t other = 0, without_pixels = 0, unreadable = 0;
    const struct dicom_instance *before = NULL;
    run->images = arena_array(&run->arena, job->object_count, sizeof *run->images);
    if (!run->images && job->object_count)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < job->object_count; i++) {
        struct dicom_instance *header = arena_alloc(&run->arena, sizeof *header);
        if (!header)
            return error_set(err, STATUS_NOMEM, "out of memory");
        struct error why = {0};
        int status = dicom_instance_read(job->objects[i].path, &run->settings->limits, header, &why);
        if (status == STATUS_IO || status == STATUS_NOMEM || status == STATUS_NOT_FOUND) {
            *err = why;
            return status;
        }
        if (status < 0) {
            if (!unreadable++)
                snprintf(first, sizeof first, "%s", without_path(why.message, job->objects[i].path));
            continue;
        }
        if (header->own)
            continue;
        if (before && !same_patient(before, header))
            return error_set(err, STATUS_INVALID,
                             "the study's objects name two patients under one Study Instance UID");
        before = header;
        if (header->kind != DICOM_KIND_ULTRASOUND) {
            other++;
        } else if (header->rows == 0) {
            without_pixels++;
        } else {
            struct study_image *image = &run->images[run->image_count++];
            *image = (struct study_image){.object = &job->objects[i], .header = header};
            image_classify(header, &image->class);
        }
    }
    if (unreadable)
        note(run, "%zu object%s could not be read: %s", unreadable, unreadable == 1 ? "" : "s",
             first);
    if (without_pixels)
        note(run, "%zu object%s held no pixels", without_pixels, without_pixels == 1 ? "" : "s");
    if (run->image_count == 0) {
        if (unreadable)
            return error_set(err, STATUS_INVALID, "no object of the study can be read: %s",
                             first);
        snprintf(ret_reason, reason_size, "%s",
                 without_pixels ? "the ultrasound objects hold no pixels"
                 : other        ? "the study holds no ultrasound images"
                                : "the study holds no images but axnode's own");
        return 0;
    }
    qsort(run->images, run->image_count, sizeof *run->images, image_order);
    for (size_t i = 0; i < run->image_count; i++) {
        const struct image_class *class = &run->images[i].class;
        if (class->role_contradicted)
            note(run, "image %zu was left out: its attributes name breast and axilla", i + 1);
        if (class->side_contradicted)
            note(run, "image %zu: its attributes contradict each other on the side", i + 1);
    }
    return 0;
}

/* Outlining */

static int outline_candidate(struct run *run, size_t index, int frame, struct error *err)
{
    const struct study_image *image = &run->images[index];
    const struct dicom_instance *header = image->header;
    enum roi role = image->class.role;
    struct candidate candidate = {.side = image->class.side};
    const struct us_region *tissue =
        us_region_tissue(header->regions, (size_t)header->region_count);
    int status = dicom_frame_decode(image->object->path, frame, &run->settings->limits,
                                    &candidate.picture, err);
    if (status == STATUS_UNSUPPORTED || status == STATUS_INVALID || status == STATUS_LIMIT) {
        note(run, "image %zu could not be decoded: %s", index + 1,
             without_path(err->message, image->object->path));
        *err = (struct error){0};
        return 0;
    }
    if (status == 0) {
        run->frames_decoded++;
        status = image_to_grey(&candidate.picture, &candidate.grey, err);
    }
    if (status == 0)
        status = outline_run(run->nets->net[role], &run->package->networks[role].outline,
                             &(struct outline_input){.grey = &candidate.grey, .tissue = tissue},
                             &candidate.region, err);
    if (status == 0 && candidate.region.found) {
        struct region_finding *region = &candidate.region;
        region->image = (int)index;
        region->frame = frame;
        region->calibration =
            calibration_for_mask(header->regions, (size_t)header->region_count, &region->mask);
        status = measure_region(&region->mask, region->hilum.pixels ? &region->hilum : NULL,
                                &region->calibration, &region->measurements, err);
        if (status == 0) {
            measure_skin(&candidate.grey, tissue, &region->mask, &region->calibration,
                         &region->measurements);
            selection_offer(&run->selection, role, &candidate, run->package->agreement_min);
            return 0;
        }
    }
    candidate_release(&candidate);
    return status;
}

/* Every picture of breast or axilla; of loops a few frames evenly apart. */
static int outline_images(struct run *run, struct error *err)
{
    size_t left_out = 0;
    for (size_t i = 0; i < run->image_count; i++) {
        enum roi role = run->images[i].class.role;
        if (role == ROI_COUNT || !run->nets->net[role])
            continue;
        int frames = run->images[i].header->frames > 0 ? run->images[i].header->frames : 1;
        int taken = frames < FRAMES_PER_OBJECT_MAX ? frames : FRAMES_PER_OBJECT_MAX;
        for (int k = 0; k < taken; k++) {
            if (run->frames_outlined >= run->settings->frames_max) {
                left_out++;
                continue;
            }
            run->frames_outlined++;
            int frame = (int)((2 * (int64_t)k + 1) * frames / (2 * taken));
            int status = outline_candidate(run, i, frame, err);
            if (status < 0)
                return status;
        }
    }
    if (left_out)
        note(run, "%zu pictures were not looked at: the limit is %d", left_out,
             run->settings->frames_max);
    return 0;
}

/* Scoring */

static void note_region(struct run *run, enum roi roi)
{
    const struct candidate *c = run->chosen[roi];
    if (!c)
        return;
    const struct region_finding *region = &c->region;
    if (region->agreement < run->package->agreement_min)
        note(run, "the outline of the %s is unsure: two passes agree by %.2f only", roi_name(roi),
             region->agreement);
    if (region->calibration.source == CALIBRATION_NONE)
        note(run, "sizes of the %s are in pixels: no calibrated region contains its outline",
             roi_name(roi));
    if (region->touches_border)
        note(run, "the outline of the %s touches the border of the picture", roi_name(roi));
}

/* The side of a role: of the region that was chosen, or, where nothing was found, of the pictures
 * when they agree. */
static enum side role_side(const struct run *run, enum roi roi)
{
    if (run->chosen[roi])
        return run->chosen[roi]->side;
    enum side side = SIDE_UNKNOWN;
    bool first = true;
    for (size_t i = 0; i < run->image_count; i++) {
        if (run->images[i].class.role != roi)
            continue;
        if (!first && run->images[i].class.side != side)
            return SIDE_UNKNOWN;
        side = run->images[i].class.side;
        first = false;
    }
    return side;
}

static bool has_role(const struct run *run, enum roi roi)
{
    for (size_t i = 0; i < run->image_count; i++)
        if (run->images[i].class.role == roi)
            return true;
    return false;
}

/* What the images' own attributes prove of the patient. */
static size_t collect_evidence(const struct run *run, struct evidence *evidence)
{
    size_t count = 0;
    bool synthetic = run->image_count > 0;
    for (size_t i = 0; i < run->image_count; i++)
        synthetic = synthetic && run->images[i].header->synthetic_data;
    if (synthetic)
        evidence[count++] = (struct evidence){.kind = EVIDENCE_SYNTHETIC_DATA,
                                              .source = "DICOM (0008,001C) Synthetic Data"};
    return count;
}

static int score_study(struct run *run, struct error *err)
{
    struct evidence evidence[EVIDENCE_COUNT];
    struct score_input input = {.evidence = evidence};
    struct region_finding missing = {.image = -1};
    input.evidence_count = collect_evidence(run, evidence);
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        struct candidate *c = run->chosen[roi];
        if (c) {
            int status = region_features(&c->grey, run->package->radiomics, (enum roi)roi,
                                         &c->region, err);
            if (status < 0)
                return status;
        }
        input.regions[roi] = c ? &c->region : has_role(run, (enum roi)roi) ? &missing : NULL;
        input.sides[roi] = role_side(run, (enum roi)roi);
        note_region(run, (enum roi)roi);
    }
    int status = score_compute(run->package, &input, &run->score, err);
    if (status < 0)
        return status;
    /* Rules that need the whole study, not only the regions that were chosen. */
    bool contradicted = false;
    for (size_t i = 0; i < run->image_count; i++)
        contradicted = contradicted || run->images[i].class.side_contradicted;
    bool bilateral = selection_bilateral(&run->selection, ROI_TUMOUR);
    if (contradicted || bilateral) {
        run->score.has_risk = false;
        if (contradicted)
            score_add_reason(&run->score, "an image's attributes contradict each other on the side");
        if (bilateral)
            score_add_reason(&run->score, "a tumour was outlined on both sides: the score is for "
                                          "one side only");
    }
    return 0;
}

/* Identity: rule 4 of the design. */

static int digest_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int content_digest(struct run *run, struct error *err)
{
    const struct pipeline_job *job = run->job;
    const struct dicom_limits *limits = &run->settings->limits;
    const char **objects = arena_array(&run->arena, job->object_count, sizeof *objects);
    struct digest *d = objects ? digest_new() : NULL;
    if (!d)
        return error_set(err, STATUS_NOMEM, "out of memory");
    /* The bytes of every object of the set, whatever their order; each holds its own UID. */
    for (size_t i = 0; i < job->object_count; i++)
        objects[i] = job->objects[i].dataset_digest;
    qsort(objects, job->object_count, sizeof *objects, digest_order);
    for (size_t i = 0; i < job->object_count; i++)
        digest_add_text(d, objects[i]);
    digest_add_text(d, run->settings->uid_namespace);
    digest_add_text(d, AXNODE_VERSION);
    digest_add_text(d, run->package->digest);
    digest_add_text(d, job->predecessor_sr_uid);
    char numbers[160];
    snprintf(numbers, sizeof numbers, "%d %lld %d %llu %d %llu", job->generation,
             (long long)job->created_us, run->settings->frames_max,
             (unsigned long long)limits->object_bytes, limits->frames,
             (unsigned long long)limits->frame_pixels);
    digest_add_text(d, numbers);
    digest_end(d, run->content_digest);
    digest_free(d);
    return 0;
}

/* Composing */

/* result.json is the report's JSON, with every feature and what each image was taken for. */
static int complete_json(const struct run *run, struct pipeline_result *result, struct error *err)
{
    cJSON *root = cJSON_Parse(result->json);
    cJSON *features = root ? cJSON_AddObjectToObject(root, "features") : NULL;
    cJSON *images = root ? cJSON_AddArrayToObject(root, "classification") : NULL;
    char *text = NULL;
    if (features && images) {
        cJSON_AddStringToObject(root, "outcome", pipeline_outcome_name(result->outcome));
        cJSON_AddStringToObject(root, "reason", result->reason);
        for (size_t i = 0; i < result->features.count; i++) /* NaN prints as null */
            cJSON_AddNumberToObject(features, result->features.items[i].name,
                                    result->features.items[i].value);
        for (size_t i = 0; i < run->image_count; i++) {
            const struct image_class *class = &run->images[i].class;
            cJSON *image = cJSON_CreateObject();
            cJSON_AddStringToObject(image, "sop_instance_uid",
                                    run->images[i].header->sop_instance_uid);
            cJSON_AddStringToObject(image, "role",
                                    class->role == ROI_COUNT ? "none" : roi_name(class->role));
            cJSON_AddStringToObject(image, "role_source", class->role_source);
            cJSON_AddStringToObject(image, "side", side_name(class->side));
            cJSON_AddStringToObject(image, "side_source", class->side_source);
            cJSON_AddItemToArray(images, image);
        }
        text = cJSON_Print(root);
    }
    cJSON_Delete(root);
    if (!text)
        return error_set(err, STATUS_NOMEM, "out of memory");
    free(result->json);
    result->json = text;
    return 0;
}

static int compose(struct run *run, const char *folder, struct pipeline_result *result,
                   struct error *err)
{
    struct report_image *images =
        arena_array(&run->arena, run->image_count, sizeof *images);
    if (!images)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < run->image_count; i++)
        images[i] = (struct report_image){.path = run->images[i].object->path,
                                          .header = run->images[i].header,
                                          .role = ROI_COUNT};
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const struct candidate *c = run->chosen[roi];
        if (!c)
            continue;
        struct report_image *image = &images[c->region.image];
        image->picture = &c->picture;
        image->frame = c->region.frame;
        image->role = (enum roi)roi;
    }
    enum side sides[ROI_COUNT] = {role_side(run, ROI_TUMOUR), role_side(run, ROI_NODE)};
    enum side side = sides[ROI_TUMOUR];
    if (!has_role(run, ROI_TUMOUR))
        side = sides[ROI_NODE];
    else if (has_role(run, ROI_NODE) && sides[ROI_NODE] != side)
        side = SIDE_UNKNOWN;
    const struct package *package = run->package;
    char population[1024] = "";
    for (size_t i = 0, used = 0; i < package->population_count && used < sizeof population; i++)
        used += (size_t)snprintf(population + used, sizeof population - used, "%s%s",
                                 i ? "; " : "", package->population[i].text);
    struct report_input input = {
        .images = images,
        .image_count = run->image_count,
        .tumour = run->chosen[ROI_TUMOUR] ? &run->chosen[ROI_TUMOUR]->region : NULL,
        .node = run->chosen[ROI_NODE] ? &run->chosen[ROI_NODE]->region : NULL,
        .side = side,
        .score = &run->score,
        .package_name = package->name,
        .package_version = package->version,
        .package_digest = package->digest,
        .intended_use = package->intended_use,
        .outcome_text = package->outcome_text,
        .population = population,
        .cutoff_rule = package->cutoff_rule,
        .software_version = AXNODE_VERSION,
        .created_us = run->job->created_us,
        .content_digest = run->content_digest,
        .generation = run->job->generation,
        .predecessor_sr_uid = run->job->predecessor_sr_uid,
        .notes = run->notes,
        .note_count = run->note_count,
    };
    int status = report_write(&input, folder, result->objects, &result->object_count, err);
    if (status == 0)
        status = report_json(&input, result->objects, result->object_count, &result->json, err);
    return status;
}

static int copy_features(const struct run *run, struct feature_list *to, struct error *err)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const struct candidate *c = run->chosen[roi];
        for (size_t i = 0; c && i < c->region.features.count; i++) {
            const struct feature *f = &c->region.features.items[i];
            int status = feature_list_add(to, f->name, f->value, f->meaningless, err);
            if (status < 0)
                return status;
        }
    }
    return 0;
}

/* A study that says nothing of breast and axilla, or whose pictures nobody can read. */
static void not_applicable(const struct run *run, char *out, size_t size)
{
    bool named = has_role(run, ROI_TUMOUR) || has_role(run, ROI_NODE);
    if (!named)
        snprintf(out, size, "no image is identified as breast or axilla by its attributes");
    else if (run->frames_decoded == 0)
        snprintf(out, size, "no image could be analysed: %s",
                 run->note_count ? run->notes[run->note_count - 1]
                                 : "the package has no network for them");
}

static int finish(struct run *run, const char *folder, struct pipeline_result *result,
                  struct error *err)
{
    if (result->reason[0]) {
        result->outcome = PIPELINE_NOT_APPLICABLE;
        cJSON *root = cJSON_CreateObject();
        cJSON_AddStringToObject(root, "outcome", pipeline_outcome_name(result->outcome));
        cJSON_AddStringToObject(root, "reason", result->reason);
        result->json = cJSON_Print(root);
        cJSON_Delete(root);
        return result->json ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
    }
    selection_choose(&run->selection, run->package->agreement_min, run->chosen);
    int status = score_study(run, err);
    if (status == 0)
        status = compose(run, folder, result, err);
    if (status == 0)
        status = copy_features(run, &result->features, err);
    if (status < 0)
        return status;
    result->outcome = run->score.has_risk ? PIPELINE_RISK : PIPELINE_NO_RISK;
    result->risk = run->score.has_risk ? run->score.risk : 0;
    if (!run->score.has_risk)
        snprintf(result->reason, sizeof result->reason, "%s",
                 run->score.reason_count ? run->score.reasons[0] : "no risk was estimated");
    return complete_json(run, result, err);
}

int pipeline_run(const struct pipeline_settings *settings, const struct package *package,
                 const struct package_nets *nets, const struct pipeline_job *job,
                 const char *folder, struct pipeline_result *ret_result, struct error *err)
{
    struct run run = {.settings = settings, .package = package, .nets = nets, .job = job};
    struct pipeline_result result = {0};
    struct error local = {0};
    arena_init(&run.arena);
    if (!err)
        err = &local;
    int status = read_headers(&run, result.reason, sizeof result.reason, err);
    if (status == 0 && !result.reason[0]) {
        status = outline_images(&run, err);
        if (status == 0)
            not_applicable(&run, result.reason, sizeof result.reason);
    }
    snprintf(result.package_name, sizeof result.package_name, "%s", package->name);
    snprintf(result.package_version, sizeof result.package_version, "%s", package->version);
    snprintf(result.package_digest, sizeof result.package_digest, "%s", package->digest);
    if (status == 0)
        status = content_digest(&run, err);
    if (status == 0) {
        digest_format(run.content_digest, result.content_digest);
        status = finish(&run, folder, &result, err);
    }
    run_release(&run);
    if (status < 0) {
        pipeline_result_release(&result);
        return status;
    }
    *ret_result = result;
    return 0;
}
