#include "service/analysis.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/routes.h"

static int objects_find(struct store *store, const struct queue_job *job, struct arena *arena,
                        struct pipeline_object **ret_objects, struct error *err)
{
    struct pipeline_object *objects = arena_array(arena, job->instance_count, sizeof *objects);
    if (!objects)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < job->instance_count; i++) {
        char path[STORE_PATH_SIZE];
        int status = store_find(store, job->instances[i].key, path, err);
        if (status < 0)
            return status;
        objects[i].path = arena_text(arena, path);
        if (!objects[i].path)
            return error_set(err, STATUS_NOMEM, "out of memory");
        memcpy(objects[i].dataset_digest, job->instances[i].dataset_sha256, DIGEST_TEXT_SIZE);
    }
    *ret_objects = objects;
    return 0;
}

/* What the table holds by other means than axnode may be malformed: such a value is none. NULL: out
 * of memory. */
static struct clinical_record *clinical_records(const struct queue_job *job, struct arena *arena,
                                                size_t *ret_count)
{
    struct clinical_record *records = arena_array(arena, job->clinical_count + 1, sizeof *records);
    size_t count = 0;
    for (size_t i = 0; records && i < job->clinical_count; i++) {
        const struct queue_clinical *c = &job->clinical[i];
        const struct clinical_texts texts = {
            c->patient_id, c->issuer,   c->study_uid, c->accession_number, c->name, c->value,
            c->side,       c->observed, c->source};
        struct error err = {0};
        if (clinical_record_parse(&texts, &records[count], &err) == 0)
            count++;
        else
            log_error(LOG_WARNING, "clinical value passed over", &err, "job=%" PRId64, job->id);
    }
    *ret_count = count;
    return records;
}

/* The report that this one replaces: its SR's name and its segmentations' files. NULL: out of
 * memory. */
static struct pipeline_object *predecessor_find(struct store *store, const struct queue_job *job,
                                                struct arena *arena, char sr_uid[UID_SIZE],
                                                size_t *ret_count)
{
    struct pipeline_object *segs = arena_array(arena, job->predecessor_count + 1, sizeof *segs);
    size_t count = 0;
    for (size_t i = 0; segs && i < job->predecessor_count; i++) {
        const struct queue_object *object = &job->predecessors[i];
        char path[STORE_PATH_SIZE];
        if (strcmp(object->kind, "sr") == 0)
            memcpy(sr_uid, object->sop_instance_uid, UID_SIZE);
        if (strcmp(object->kind, "seg") != 0 ||
            store_outgoing_find(store, object->key, path, NULL) < 0)
            continue; /* a file whose time is over: its outlines are not known any more */
        segs[count].path = arena_text(arena, path);
        if (!segs[count].path)
            return NULL;
        memcpy(segs[count++].dataset_digest, object->sha256, DIGEST_TEXT_SIZE);
    }
    *ret_count = count;
    return segs;
}

/* Which destinations get this study's result. */
static void route(const struct settings *settings, const struct queue_job *job,
                  bool to[SETTINGS_DESTINATIONS_MAX])
{
    for (size_t i = 0; i < job->instance_count; i++)
        routes_add(settings, job->instances[i].calling_ae, to);
}

unsigned analysis_objects_asked(const struct settings *settings, const struct queue_job *job)
{
    bool to[SETTINGS_DESTINATIONS_MAX] = {false};
    unsigned asked = 0;
    route(settings, job, to);
    for (size_t d = 0; d < settings->destination_count; d++)
        for (size_t i = 0; to[d] && i < SETTINGS_OBJECTS; i++)
            if (settings->destinations[d].objects[i])
                asked |= report_kind_find(settings_object_names[i]);
    return asked;
}

int analysis_run(struct store *store, const struct settings *from, const struct scorers *scorers,
                 const struct queue_job *job, unsigned asked, const char *folder,
                 struct pipeline_result *ret_results, struct error *err)
{
    struct pipeline_package packages[PIPELINE_PACKAGES_MAX];
    struct arena arena ARENA_AUTO;
    arena_init(&arena);
    struct pipeline_settings settings = analyser_pipeline(scorers->all[0], from);
    struct pipeline_job input = {.object_count = job->instance_count,
                                 .generation = job->generation,
                                 .created_us = job->created_us};
    struct pipeline_object *objects = NULL;
    settings.uid_namespace = "service";
    settings.objects = asked;
    input.predecessor_segs = predecessor_find(store, job, &arena, input.predecessor_sr_uid,
                                              &input.predecessor_seg_count);
    input.clinical = clinical_records(job, &arena, &input.clinical_count);
    if (!input.clinical || !input.predecessor_segs)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = objects_find(store, job, &arena, &objects, err);
    if (status < 0)
        return status;
    input.objects = objects;
    for (size_t i = 0; i < scorers->count; i++)
        packages[i] = (struct pipeline_package){scorers->all[i]->package, &scorers->all[i]->nets};
    return pipeline_run_several(&settings, packages, scorers->count, &input, folder, ret_results,
                                err);
}

/* Make the objects durable in the store, and describe them for the queue. */
static int objects_keep(struct store *store, const char *folder,
                        const struct pipeline_result *result, struct queue_object *objects,
                        struct error *err)
{
    struct dicom_limits limits =
        dicom_limits_default(); /* ours: the settings bound what comes in */
    for (int i = 0; i < result->object_count; i++) {
        const struct report_object *made = &result->objects[i];
        struct queue_object *kept = &objects[i];
        struct store_outgoing outgoing;
        struct dicom_instance header;
        char path[STORE_PATH_SIZE + sizeof made->file_name + 1];
        snprintf(path, sizeof path, "%s/%s", folder, made->file_name);
        int status = dicom_instance_read(path, &limits, &header, err);
        if (status == 0)
            status = store_outgoing_write(store, path, made->sop_instance_uid, &outgoing, err);
        if (status < 0)
            return status;
        *kept = (struct queue_object){.size = outgoing.size};
        snprintf(kept->kind, sizeof kept->kind, "%s", made->kind);
        memcpy(kept->sop_instance_uid, header.sop_instance_uid, UID_SIZE);
        memcpy(kept->sop_class_uid, header.sop_class_uid, UID_SIZE);
        memcpy(kept->series_instance_uid, header.series_instance_uid, UID_SIZE);
        memcpy(kept->transfer_syntax_uid, header.transfer_syntax_uid, UID_SIZE);
        memcpy(kept->key, outgoing.key, sizeof outgoing.key);
        memcpy(kept->sha256, outgoing.sha256, DIGEST_TEXT_SIZE);
    }
    return 0;
}

/* The features of one region: those whose names begin with it. */
static int features_of(const struct feature_list *all, enum roi roi, struct arena *arena,
                       struct queue_features *ret_features, struct error *err)
{
    const char *region = roi_name(roi);
    size_t length = strlen(region), count = 0;
    const char **names = arena_array(arena, all->count + 1, sizeof *names);
    double *values = arena_array(arena, all->count + 1, sizeof *values);
    if (!names || !values)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < all->count; i++) {
        const struct feature *feature = &all->items[i];
        if (strncmp(feature->name, region, length) != 0 || feature->name[length] != '_')
            continue;
        names[count] = feature->name;
        values[count++] = feature->meaningless ? (double)NAN : feature->value;
    }
    *ret_features = (struct queue_features){region, names, values, count};
    return 0;
}

/* Which object goes where: wanted[destination][object]. */
static void objects_choose(const struct settings *settings, const struct queue_job *job,
                           const struct pipeline_result *result, bool *wanted)
{
    bool to[SETTINGS_DESTINATIONS_MAX] = {false};
    route(settings, job, to);
    size_t count = (size_t)result->object_count;
    for (size_t d = 0; d < settings->destination_count; d++) {
        const struct settings_destination *destination = &settings->destinations[d];
        for (size_t i = 0; i < count; i++)
            wanted[d * count + i] = to[d] && routes_takes(destination, result->objects[i].kind);
    }
}

int analysis_row(const struct pipeline_result *result, struct arena *arena,
                 struct queue_features features[ROI_COUNT], struct queue_result *ret_row,
                 struct error *err)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        int status = features_of(&result->features, (enum roi)roi, arena, &features[roi], err);
        if (status < 0)
            return status;
    }
    *ret_row = (struct queue_result){
        .outcome = pipeline_outcome_name(result->outcome),
        .has_risk = result->outcome == PIPELINE_RISK,
        .risk = result->outcome == PIPELINE_RISK ? result->risk : 0,
        .not_applicable = result->outcome == PIPELINE_NOT_APPLICABLE,
        .reason = result->reason,
        .package_name = result->package_name,
        .package_version = result->package_version,
        .package_sha256 = result->package_digest,
        .software_version = AXNODE_VERSION,
        .settings_sha256 = result->settings_digest,
        .content_sha256 = result->content_digest,
        .json = result->json,
        .features = features,
        .feature_count = ROI_COUNT,
    };
    return 0;
}

int analysis_keep(struct store *store, const struct settings *settings, const struct queue_job *job,
                  const char *folder, const struct pipeline_result *result,
                  struct analysis_kept *kept, struct queue_result *row, struct error *err)
{
    int status = objects_keep(store, folder, result, kept->objects, err);
    if (status < 0)
        return status;
    objects_choose(settings, job, result, kept->wanted);
    for (size_t i = 0; i < settings->destination_count; i++)
        kept->destinations[i] = settings->destinations[i].name;
    row->objects = kept->objects;
    row->object_count = (size_t)result->object_count;
    row->destinations = kept->destinations;
    row->destination_count = settings->destination_count;
    row->wanted = kept->wanted;
    return 0;
}
