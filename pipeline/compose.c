#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/words.h"
#include "pipeline/run.h"

static int digest_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int run_digest(struct run *run, struct error *err)
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
    for (size_t i = 0; i < run->previous_digest_count; i++)
        digest_add_text(d, run->previous_digests[i]);
    digest_add_text(d, run->settings->words ? word_reader_name(run->settings->words) : "");
    char numbers[160];
    snprintf(numbers, sizeof numbers, "%d %lld %d %llu %d %llu %d %d", job->generation,
             (long long)job->created_us, run->settings->frames_max,
             (unsigned long long)limits->object_bytes, limits->frames,
             (unsigned long long)limits->frame_pixels, run->settings->score_bilateral,
             run->settings->score_multifocal);
    digest_add_text(d, numbers);
    int status = run_clinical_digest(run, d, err);
    if (status == 0)
        digest_end(d, run->content_digest);
    digest_free(d);
    return status;
}

static void add_words(cJSON *image, const struct annotation *words)
{
    cJSON *object = cJSON_AddObjectToObject(image, "words");
    cJSON_AddStringToObject(object, "side", annotation_side_name(words->side));
    cJSON_AddStringToObject(object, "region", annotation_region_name(words->region));
    cJSON_AddStringToObject(object, "plane", annotation_plane_name(words->plane));
    cJSON_AddStringToObject(object, "quadrant", annotation_quadrant_name(words->quadrant));
    if (words->clock_minutes)
        cJSON_AddNumberToObject(object, "clock_minutes", words->clock_minutes);
}

static void add_screen(cJSON *image, const struct screen *screen)
{
    const struct screen_region *region = &screen->regions[screen_principal(screen)];
    cJSON *object = cJSON_AddObjectToObject(image, "screen");
    cJSON_AddStringToObject(object, "kind", screen_kind_name(region->kind));
    cJSON_AddStringToObject(object, "source", screen_source_name(region->source));
    cJSON_AddBoolToObject(object, "dual", screen->dual);
    cJSON *doubts = cJSON_AddArrayToObject(object, "doubts");
    for (unsigned bit = 1; bit <= SCREEN_DOUBT_TOO_MANY; bit <<= 1)
        if (screen->doubts & bit)
            cJSON_AddItemToArray(doubts, cJSON_CreateString(
                                             screen_doubt_text((enum screen_doubt)bit)));
}

/* What an image was taken for, on what grounds. Texts that were read off the screen and have no
 * known meaning are not repeated. */
static cJSON *image_json(const struct study_image *image)
{
    const struct image_class *class = &image->class;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "sop_instance_uid", image->header->sop_instance_uid);
    cJSON_AddStringToObject(object, "role",
                            class->role == ROI_COUNT ? "none" : roi_name(class->role));
    cJSON_AddStringToObject(object, "role_source", class->role_source);
    cJSON_AddNumberToObject(object, "role_confidence", class->role_confidence);
    cJSON_AddStringToObject(object, "side", side_name(class->side));
    cJSON_AddStringToObject(object, "side_source", class->side_source);
    cJSON_AddNumberToObject(object, "side_confidence", class->side_confidence);
    cJSON *remarks = cJSON_AddArrayToObject(object, "remarks");
    for (int i = 0; i < class->remark_count; i++)
        cJSON_AddItemToArray(remarks, cJSON_CreateString(class->remarks[i]));
    if (image->sight)
        add_screen(object, &image->sight->screen);
    if (image->sight && image->sight->words_read)
        add_words(object, &image->sight->words);
    if (image->sight && image->sight->view_known)
        cJSON_AddItemToObject(object, "view",
                              cJSON_CreateDoubleArray(image->sight->view, VIEW_COUNT));
    return object;
}

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
        for (size_t i = 0; i < run->image_count; i++)
            cJSON_AddItemToArray(images, image_json(&run->images[i]));
        run_clinical_json(run, root);
        text = cJSON_Print(root);
    }
    cJSON_Delete(root);
    if (!text)
        return error_set(err, STATUS_NOMEM, "out of memory");
    free(result->json);
    result->json = text;
    return 0;
}

int run_compose(struct run *run, const char *folder, struct pipeline_result *result,
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
    enum side sides[ROI_COUNT] = {run_role_side(run, ROI_TUMOUR), run_role_side(run, ROI_NODE)};
    enum side side = sides[ROI_TUMOUR];
    if (!run_has_role(run, ROI_TUMOUR))
        side = sides[ROI_NODE];
    else if (run_has_role(run, ROI_NODE) && sides[ROI_NODE] != side)
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
        .package = package,
        .clinical = run->pick.inputs,
        .eligibility = run->pick.evidence,
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
        .previous = run->previous,
        .previous_count = run->previous_count,
        .objects = run->settings->objects,
        .pictures = run->settings->pictures,
        .html = run->settings->html,
        .notes = run->notes,
        .note_count = run->note_count,
    };
    int status = report_write(&input, folder, result->objects, &result->object_count, err);
    if (status == 0)
        status = report_json(&input, result->objects, result->object_count, &result->json, err);
    return status < 0 ? status : complete_json(run, result, err);
}

