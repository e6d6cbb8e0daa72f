#include "phantom/phantom.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/uid.h"
#include "dicom/us_image.h"
#include "image/png.h"
#include "phantom/loop.h"
#include "phantom/picture.h"

enum { NAME_SIZE = 64, FOLDER_SIZE = 24, STEM_SIZE = 40 };

/* What every object of one study shares. */
struct study_identity {
    uint8_t content[DIGEST_SIZE]; /* of version of the phantom, seed and number */
    char study_uid[UID_SIZE];
    char series_uid[2][UID_SIZE]; /* by view; equal when there is one series */
    char patient_id[NAME_SIZE], patient_name[NAME_SIZE], accession[NAME_SIZE];
    char folder[FOLDER_SIZE];
};

static void identity_draw(const struct study_plan *plan, struct study_identity *id)
{
    char text[NAME_SIZE];
    snprintf(text, sizeof text, "axnode phantom 1/%" PRIu64 "/%d", plan->seed, plan->number);
    digest_bytes(text, strlen(text), id->content);
    uid_derive(id->content, "study", id->study_uid);
    uid_derive(id->content, "series-breast", id->series_uid[VIEW_BREAST]);
    uid_derive(id->content, plan->wording == WORDING_COMMENTS ? "series-breast" : "series-axilla",
               id->series_uid[VIEW_AXILLA]);
    /* The seed keeps patients of two runs apart in one PACS. */
    snprintf(id->patient_id, sizeof id->patient_id, "PHANTOM-%" PRIu64 "-%04d", plan->seed,
             plan->number);
    snprintf(id->patient_name, sizeof id->patient_name, "PHANTOM^%04d", plan->number);
    snprintf(id->accession, sizeof id->accession, "P%d", plan->number);
    snprintf(id->folder, sizeof id->folder, "study-%04d", plan->number);
}

/* Attributes of one picture; texts point into `id` and `comment`. */
static void attributes_fill(const struct study_plan *plan, const struct study_identity *id,
                            int index, char comment[NAME_SIZE], struct us_image *us)
{
    enum view view = plan->pictures[index].view;
    const char *place = view == VIEW_BREAST ? "BREAST" : "AXILLA";
    *us = (struct us_image){
        .study_instance_uid = id->study_uid,
        .series_instance_uid = id->series_uid[view],
        .patient_id = id->patient_id,
        .patient_name = id->patient_name,
        .patient_birth_date = "19700101",
        .patient_sex = "F",
        .accession_number = id->accession,
        .study_id = "1",
        .study_date = "20260105",
        .study_time = "090000",
        .study_description =
            plan->side == 'L' ? "US BREAST AND AXILLA LEFT" : "US BREAST AND AXILLA RIGHT",
        .series_number = view == VIEW_BREAST || plan->wording == WORDING_COMMENTS ? 1 : 2,
        .instance_number = index + 1,
        .synthetic_data = true,
    };
    snprintf(comment, NAME_SIZE, "%s %s", place, plan->side == 'L' ? "LEFT" : "RIGHT");
    switch (plan->wording) {
    case WORDING_CODED:
        us->laterality = plan->side;
        us->laterality_modifier = true;
        us->body_part_examined = place;
        us->anatomic_region = (struct dicom_code){.scheme = "SCT"};
        snprintf(us->anatomic_region.value, sizeof us->anatomic_region.value, "%s",
                 view == VIEW_BREAST ? "76752008" : "91470000");
        snprintf(us->anatomic_region.meaning, sizeof us->anatomic_region.meaning, "%s",
                 view == VIEW_BREAST ? "Breast" : "Axilla");
        break;
    case WORDING_SERIES:
        us->laterality = plan->side;
        us->series_description = comment;
        us->body_part_examined = "BREAST";
        break;
    case WORDING_COMMENTS:
        us->series_description = "ULTRASOUND";
        us->image_comments = comment;
        us->body_part_examined = "BREAST";
        break;
    }
}

static cJSON *mask_write(const struct mask *mask, const char *out_folder, const char *stem,
                         const char *name, int *status, struct error *err)
{
    char relative[NAME_SIZE], path[PATH_MAX];
    snprintf(relative, sizeof relative, "masks/%s-%s.png", stem, name);
    int length = snprintf(path, sizeof path, "%s/%s", out_folder, relative);
    if (*status == STATUS_OK && length >= (int)sizeof path)
        *status = error_set(err, STATUS_LIMIT, "a path is too long");
    if (*status == STATUS_OK)
        *status = mask_write_png(path, mask, err);
    return cJSON_CreateString(relative);
}

static void region_truth(cJSON *truth, const struct us_region *place, double spacing_mm)
{
    cJSON_AddNumberToObject(truth, "spacing_mm", spacing_mm);
    cJSON *region = cJSON_AddObjectToObject(truth, "region");
    cJSON_AddNumberToObject(region, "x0", place->x0);
    cJSON_AddNumberToObject(region, "y0", place->y0);
    cJSON_AddNumberToObject(region, "x1", place->x1);
    cJSON_AddNumberToObject(region, "y1", place->y1);
}

/* Truth of one picture, with its masks written. */
static cJSON *picture_truth(const struct study_plan *plan, int index, const struct picture *picture,
                            const char *out_folder, const char *stem, const char *uid, int *status,
                            struct error *err)
{
    bool breast = plan->pictures[index].view == VIEW_BREAST;
    char file[NAME_SIZE];
    snprintf(file, sizeof file, "%s.dcm", stem);
    cJSON *truth = cJSON_CreateObject();
    cJSON_AddStringToObject(truth, "file", file);
    cJSON_AddStringToObject(truth, "sop_instance_uid", uid);
    cJSON_AddStringToObject(truth, "view", breast ? "breast" : "axilla");
    cJSON_AddBoolToObject(truth, "principal", plan->pictures[index].principal);
    cJSON_AddNumberToObject(truth, "columns", picture->image.columns);
    cJSON_AddNumberToObject(truth, "rows", picture->image.rows);
    region_truth(truth, &picture->region, picture->spacing_mm);

    cJSON *lesion = cJSON_AddObjectToObject(truth, breast ? "tumour" : "node");
    cJSON_AddItemToObject(
        lesion, "mask",
        mask_write(&picture->lesion, out_folder, stem, breast ? "tumour" : "node", status, err));
    cJSON_AddNumberToObject(lesion, "long_axis_mm", picture->long_mm);
    cJSON_AddNumberToObject(lesion, "short_axis_mm", picture->short_mm);
    cJSON_AddNumberToObject(lesion, "area_mm2",
                            (double)mask_count(&picture->lesion) * picture->spacing_mm *
                                picture->spacing_mm);
    if (!breast) {
        cJSON_AddItemToObject(lesion, "hilum_mask",
                              mask_write(&picture->hilum, out_folder, stem, "hilum", status, err));
        cJSON_AddNumberToObject(lesion, "cortex_mm", picture->cortex_mm);
        cJSON_AddNumberToObject(lesion, "hilum_fraction", picture->hilum_fraction);
    }
    return truth;
}

static int picture_write(const struct study_plan *plan, const struct study_identity *id, int index,
                         const char *out_folder, cJSON *truths, struct error *err)
{
    struct picture picture = {0};
    int status = picture_render(plan, index, &picture, err);
    if (status != STATUS_OK)
        return status;
    char purpose[NAME_SIZE], uid[UID_SIZE], comment[NAME_SIZE], stem[STEM_SIZE], path[PATH_MAX];
    snprintf(purpose, sizeof purpose, "image-%d", index + 1);
    uid_derive(id->content, purpose, uid);
    snprintf(stem, sizeof stem, "%s/IMG%04d", id->folder, index + 1);
    if (snprintf(path, sizeof path, "%s/%s.dcm", out_folder, stem) >= (int)sizeof path)
        status = error_set(err, STATUS_LIMIT, "a path is too long");
    struct us_image us;
    attributes_fill(plan, id, index, comment, &us);
    us.sop_instance_uid = uid;
    us.regions = &picture.region;
    us.region_count = 1;
    us.frames = &picture.image;
    us.frame_count = 1;
    if (status == STATUS_OK)
        status = us_image_write(path, &us, err);
    if (status == STATUS_OK)
        cJSON_AddItemToArray(
            truths, picture_truth(plan, index, &picture, out_folder, stem, uid, &status, err));
    picture_release(&picture);
    return status;
}

static void add_numbers(cJSON *truth, const char *name, const double *values, int count)
{
    cJSON_AddItemToObject(truth, name, cJSON_CreateDoubleArray(values, count));
}

/* Truth of the loop, with its mask written. */
static cJSON *loop_truth(const struct study_plan *plan, const struct loop *loop,
                         const char *out_folder, const char *stem, const char *uid, int *status,
                         struct error *err)
{
    char file[NAME_SIZE];
    snprintf(file, sizeof file, "%s.dcm", stem);
    cJSON *truth = cJSON_CreateObject();
    cJSON_AddStringToObject(truth, "file", file);
    cJSON_AddStringToObject(truth, "sop_instance_uid", uid);
    cJSON_AddNumberToObject(truth, "columns", plan->machine.columns);
    cJSON_AddNumberToObject(truth, "rows", plan->machine.rows);
    region_truth(truth, &loop->region, loop->spacing_mm);
    cJSON_AddNumberToObject(truth, "frame_time_ms", loop->frame_time_ms);
    cJSON_AddNumberToObject(truth, "firmness", loop->firmness);
    cJSON_AddNumberToObject(truth, "risk_still", risk_of_still(&plan->latents));
    cJSON_AddNumberToObject(truth, "risk_loop", risk_of_loop(&plan->latents, loop->firmness));
    add_numbers(truth, "elevation_mm", loop->elevation_mm, loop->frame_count);
    add_numbers(truth, "push", loop->push, loop->frame_count);
    cJSON *shows = cJSON_AddArrayToObject(truth, "shows");
    for (int i = 0; i < loop->frame_count; i++)
        cJSON_AddItemToArray(shows, cJSON_CreateBool(loop->shows[i]));
    cJSON_AddNumberToObject(truth, "largest", loop->largest);
    cJSON *tumour = cJSON_AddObjectToObject(truth, "tumour");
    cJSON_AddItemToObject(tumour, "mask",
                          mask_write(&loop->lesion, out_folder, stem, "tumour", status, err));
    return truth;
}

static int loop_write(const struct study_plan *study, const struct study_identity *id,
                      const char *out_folder, cJSON *truth, struct error *err)
{
    struct study_plan plan = loop_plan(study);
    double firmness = firmness_draw(study->seed, (uint64_t)study->number, study->latents.outcome);
    struct loop loop;
    int status = loop_render(&plan, firmness, &loop, err);
    if (status != STATUS_OK)
        return status;
    char uid[UID_SIZE], comment[NAME_SIZE], stem[STEM_SIZE], path[PATH_MAX];
    uid_derive(id->content, "loop-1", uid);
    snprintf(stem, sizeof stem, "%s/LOOP0001", id->folder);
    if (snprintf(path, sizeof path, "%s/%s.dcm", out_folder, stem) >= (int)sizeof path)
        status = error_set(err, STATUS_LIMIT, "a path is too long");
    struct us_image us;
    attributes_fill(&plan, id, 0, comment, &us);
    us.sop_instance_uid = uid;
    us.instance_number = PICTURES_MAX + 1;
    us.regions = &loop.region;
    us.region_count = 1;
    us.frames = loop.frames;
    us.frame_count = loop.frame_count;
    us.frame_time_ms = loop.frame_time_ms;
    if (status == STATUS_OK)
        status = us_image_write(path, &us, err);
    if (status == STATUS_OK)
        cJSON_AddItemToObject(truth, "loop",
                              loop_truth(&plan, &loop, out_folder, stem, uid, &status, err));
    loop_release(&loop);
    return status;
}

/* Masks lie apart, so that a study's folder holds nothing but DICOM files. */
static int folders_make(const char *out_folder, const struct study_identity *id, struct error *err)
{
    static const char *const parents[] = {"", "masks/"};
    int status = STATUS_OK;
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s%s", out_folder, parents[i], id->folder);
        status = length < (int)sizeof path ? folder_make(path, err)
                                           : error_set(err, STATUS_LIMIT, "a path is too long");
    }
    return status;
}

static int study_write(const char *out_folder, const struct phantom_request *request, int number,
                       cJSON *truths, struct error *err)
{
    struct study_plan plan;
    struct study_identity id;
    study_plan_draw(request->seed, number, &plan);
    identity_draw(&plan, &id);
    int status = folders_make(out_folder, &id, err);
    if (status != STATUS_OK)
        return status;
    const struct latents *l = &plan.latents;
    cJSON *truth = cJSON_CreateObject();
    cJSON_AddItemToArray(truths, truth);
    cJSON_AddNumberToObject(truth, "number", number);
    cJSON_AddStringToObject(truth, "folder", id.folder);
    cJSON_AddStringToObject(truth, "study_instance_uid", id.study_uid);
    cJSON_AddStringToObject(truth, "patient_id", id.patient_id);
    cJSON_AddStringToObject(truth, "side", plan.side == 'L' ? "left" : "right");
    cJSON_AddNumberToObject(truth, "outcome", l->outcome);
    cJSON_AddNumberToObject(truth, "risk", l->risk);
    cJSON *latents = cJSON_AddObjectToObject(truth, "latents");
    cJSON_AddNumberToObject(latents, "tumour_size_mm", l->tumour_size_mm);
    cJSON_AddNumberToObject(latents, "tumour_irregularity", l->tumour_irregularity);
    cJSON_AddNumberToObject(latents, "node_long_mm", l->node_long_mm);
    cJSON_AddNumberToObject(latents, "node_roundness", l->node_roundness);
    cJSON_AddNumberToObject(latents, "cortex_relative", l->cortex_relative);
    cJSON_AddNumberToObject(latents, "cortex_mm", l->cortex_mm);
    cJSON_AddNumberToObject(latents, "hilum_fraction", l->hilum_fraction);
    cJSON *images = cJSON_AddArrayToObject(truth, "images");
    for (int i = 0; i < plan.picture_count && request->content & PHANTOM_STILLS; i++) {
        status = picture_write(&plan, &id, i, out_folder, images, err);
        if (status != STATUS_OK)
            return status;
    }
    return request->content & PHANTOM_LOOPS ? loop_write(&plan, &id, out_folder, truth, err)
                                            : STATUS_OK;
}

static int truth_write(const char *out_folder, const cJSON *truth, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/truth.json", out_folder) >= (int)sizeof path)
        return error_set(err, STATUS_LIMIT, "a path is too long");
    char *text = cJSON_Print(truth);
    if (!text)
        return error_set(err, STATUS_NOMEM, "no memory for the truth of the synthetic studies");
    int status = file_write(path, text, strlen(text), err);
    cJSON_free(text);
    return status;
}

int phantom_generate(const char *out_folder, const struct phantom_request *request,
                     phantom_progress *progress, void *context, struct error *err)
{
    int studies = request->studies;
    if (studies < 1 || studies > PHANTOM_STUDIES_MAX)
        return error_set(err, STATUS_INVALID, "the number of studies must be 1 to %d, not %d",
                         PHANTOM_STUDIES_MAX, studies);
    int status = folder_make(out_folder, err);
    if (status != STATUS_OK)
        return status;
    cJSON *truth = cJSON_CreateObject();
    char seed_text[NAME_SIZE];
    snprintf(seed_text, sizeof seed_text, "%" PRIu64,
             request->seed); /* JSON numbers stop at 2^53 */
    cJSON_AddStringToObject(truth, "seed", seed_text);
    cJSON *truths = cJSON_AddArrayToObject(truth, "studies");
    for (int number = 1; number <= studies && status == STATUS_OK; number++) {
        status = study_write(out_folder, request, number, truths, err);
        if (status == STATUS_OK && progress && progress(context, number, studies) != 0)
            status = error_set(err, STATUS_UNAVAILABLE, "stopped after %d of %d studies", number,
                               studies);
    }
    if (status == STATUS_OK)
        status = truth_write(out_folder, truth, err);
    cJSON_Delete(truth);
    return status;
}
