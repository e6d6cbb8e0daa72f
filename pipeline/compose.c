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

int run_digest(struct run *const *runs, size_t count, struct error *err)
{
    struct run *run = runs[0];
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
    for (size_t i = 1; i < count && status == 0; i++) {
        digest_add_text(d, runs[i]->package->digest);
        status = run_clinical_digest(runs[i], d, err);
    }
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

/* The report's own objects of result.json, one for each package. */
static void complete_packages(struct run *const *runs, size_t count, cJSON *root)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "packages");
    for (size_t i = 0; i < count; i++) {
        cJSON *package = cJSON_GetArrayItem(list, (int)i);
        if (package)
            run_clinical_json(runs[i], package);
    }
}

/* result.json is the report's JSON, with every feature and what each image was taken for. */
static int complete_json(struct run *const *runs, size_t count, struct pipeline_result *result,
                         struct error *err)
{
    const struct run *run = runs[0];
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
        complete_packages(runs, count, root);
        text = cJSON_Print(root);
    }
    cJSON_Delete(root);
    if (!text)
        return error_set(err, STATUS_NOMEM, "out of memory");
    free(result->json);
    result->json = text;
    return 0;
}

/* All images, with the pictures of those that have a region. NULL: out of memory. */
static struct report_image *report_images(struct run *run)
{
    struct report_image *images = arena_array(&run->arena, run->image_count + 1, sizeof *images);
    for (size_t i = 0; images && i < run->image_count; i++)
        images[i] = (struct report_image){.path = run->images[i].object->path,
                                          .header = run->images[i].header,
                                          .role = ROI_COUNT};
    for (int roi = 0; images && roi < ROI_COUNT; roi++) {
        const struct candidate *c = run->chosen[roi];
        if (!c)
            continue;
        struct report_image *image = &images[c->region.image];
        image->picture = &c->picture;
        image->frame = c->region.frame;
        image->role = (enum roi)roi;
    }
    return images;
}

/* "Breast cancer confirmed; one lesion" */
static const char *population_text(struct run *run)
{
    const struct package *package = run->package;
    const char *text = "";
    for (size_t i = 0; text && i < package->population_count; i++)
        text = arena_print(&run->arena, "%s%s%s", text, i ? "; " : "", package->population[i].text);
    return text;
}

/* Everything of one package's answer; what is of the job's is the same for all. */
static int make_input(struct run *run, struct report_input *ret_input, struct error *err)
{
    const struct package *package = run->package;
    const struct report_image *images = report_images(run);
    const char *population = population_text(run);
    if (!images || !population)
        return error_set(err, STATUS_NOMEM, "out of memory");
    *ret_input = (struct report_input){
        .images = images,
        .image_count = run->image_count,
        .tumour = run->chosen[ROI_TUMOUR] ? &run->chosen[ROI_TUMOUR]->region : NULL,
        .node = run->chosen[ROI_NODE] ? &run->chosen[ROI_NODE]->region : NULL,
        .side = run_side(run),
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
    return 0;
}

int run_compose(struct run *const *runs, size_t count, const char *folder,
                struct pipeline_result *results, struct error *err)
{
    struct report_input inputs[PIPELINE_PACKAGES_MAX];
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = make_input(runs[i], &inputs[i], err);
    /* Each one's own result.json knows no other package; the report's names all. */
    for (size_t i = 1; i < count && status == 0; i++) {
        status = report_json(&inputs[i], NULL, 0, &results[i].json, err);
        if (status == 0)
            status = complete_json(&runs[i], 1, &results[i], err);
    }
    if (status < 0)
        return status;
    inputs[0].others = inputs + 1;
    inputs[0].other_count = count - 1;
    status = report_write(&inputs[0], folder, results[0].objects, &results[0].object_count, err);
    if (status == 0)
        status = report_json(&inputs[0], results[0].objects, results[0].object_count,
                             &results[0].json, err);
    return status < 0 ? status : complete_json(runs, count, &results[0], err);
}
