#include "plugin/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/object.h"

enum { TEXT_MAX = 128 };

/* A short text of REST: metadata, a checksum, an element's value. */
static int text_read(OrthancPluginContext *orthanc, const char *instance, const char *what,
                     char ret_text[TEXT_MAX], struct error *err)
{
    struct buffer bytes BUFFER_AUTO = {0};
    int status = orthanc_get_bytes(orthanc, &bytes, err, "/instances/%s/%s", instance, what);
    if (status == 0)
        snprintf(ret_text, TEXT_MAX, "%s", buffer_text(&bytes));
    return status;
}

/* Manufacturer and model, as dicom/reader.h decides: all objects of a series have one equipment. */
static bool is_own(OrthancPluginContext *orthanc, const cJSON *series, const char *instance)
{
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(series, "MainDicomTags");
    char model[TEXT_MAX] = "";
    if (strcmp(orthanc_text(tags, "Manufacturer"), DICOM_OWN_MANUFACTURER) != 0 ||
        text_read(orthanc, instance, "content/0008-1090", model, NULL) < 0)
        return false;
    model[strcspn(model, " ")] = '\0'; /* padding */
    return strcmp(model, DICOM_OWN_MANUFACTURER) == 0;
}

struct reading {
    OrthancPluginContext *orthanc;
    struct study *study;
    struct image_set_item *items; /* as study->images */
};

static int own_add(struct reading *r, const char *id, bool report, struct error *err)
{
    struct study_instance *own = &r->study->own[r->study->own_count];
    cJSON *json = NULL;
    int status = orthanc_get(r->orthanc, &json, err, "/instances/%s", id);
    if (status < 0)
        return status;
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "MainDicomTags");
    *own = (struct study_instance){.report = report};
    snprintf(own->id, sizeof own->id, "%s", id);
    snprintf(own->sop_instance_uid, sizeof own->sop_instance_uid, "%s",
             orthanc_text(tags, "SOPInstanceUID"));
    r->study->own_count++;
    cJSON_Delete(json);
    return 0;
}

/* MD5 where Orthanc keeps it, else the size. */
static int version_read(struct reading *r, const char *id, char ret_version[TEXT_MAX],
                        struct error *err)
{
    int status = text_read(r->orthanc, id, "attachments/dicom/md5", ret_version, NULL);
    return status == 0 ? 0 : text_read(r->orthanc, id, "attachments/dicom/size", ret_version, err);
}

static int image_add(struct reading *r, const char *id, struct error *err)
{
    struct study_instance *image = &r->study->images[r->study->image_count];
    struct image_set_item *item = &r->items[r->study->image_count];
    char class_uid[TEXT_MAX], version[TEXT_MAX];
    int status = text_read(r->orthanc, id, "metadata/SopClassUid", class_uid, err);
    if (status < 0 || !image_set_wants(class_uid))
        return status;
    cJSON *json = NULL;
    status = orthanc_get(r->orthanc, &json, err, "/instances/%s", id);
    if (status == 0)
        status = version_read(r, id, version, err);
    if (status == 0) {
        const cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "MainDicomTags");
        snprintf(image->id, sizeof image->id, "%s", id);
        snprintf(item->sop_instance_uid, sizeof item->sop_instance_uid, "%s",
                 orthanc_text(tags, "SOPInstanceUID"));
        snprintf(item->version, sizeof item->version, "%.64s", version);
        memcpy(image->sop_instance_uid, item->sop_instance_uid, sizeof image->sop_instance_uid);
        r->study->image_count++;
        r->study->ultrasound_count += image_set_is_ultrasound(class_uid);
    }
    cJSON_Delete(json);
    return status;
}

static int series_read(struct reading *r, const cJSON *series, struct error *err)
{
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(series, "MainDicomTags");
    const cJSON *instances = cJSON_GetObjectItemCaseSensitive(series, "Instances"), *id;
    const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(instances, 0));
    bool own = first && is_own(r->orthanc, series, first);
    bool report = strcmp(orthanc_text(tags, "Modality"), "SR") == 0;
    int status = 0;
    cJSON_ArrayForEach(id, instances)
        if (status == 0 && cJSON_IsString(id))
            status = own ? own_add(r, id->valuestring, report, err)
                         : image_add(r, id->valuestring, err);
    return status;
}

static size_t instance_count(const cJSON *list)
{
    const cJSON *series;
    size_t count = 0;
    cJSON_ArrayForEach(series, list)
        count += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(series, "Instances"));
    return count;
}

static int all_read(struct reading *r, const cJSON *list, struct arena *arena, struct error *err)
{
    struct study *s = r->study;
    const cJSON *series;
    size_t count = instance_count(list) + 1;
    s->images = arena_array(arena, count, sizeof *s->images);
    s->own = arena_array(arena, count, sizeof *s->own);
    r->items = arena_array(arena, count, sizeof *r->items);
    if (!s->images || !s->own || !r->items)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = 0;
    cJSON_ArrayForEach(series, list)
        if (status == 0)
            status = series_read(r, series, err);
    if (status == 0 && !image_set_digest(r->items, s->image_count, s->set))
        status = error_set(err, STATUS_NOMEM, "out of memory");
    return status;
}

/* Orthanc makes two studies of one UID when their patients differ: which of them an image belongs
 * to is then anybody's guess. */
static int ambiguity_read(OrthancPluginContext *orthanc, const cJSON *json, bool *ret_ambiguous,
                          struct error *err)
{
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(json, "MainDicomTags"), *item;
    const char *uid = orthanc_text(tags, "StudyInstanceUID");
    cJSON *list = NULL;
    int studies = 0;
    int status = orthanc_post(orthanc, "/tools/lookup", uid, strlen(uid), &list, err);
    cJSON_ArrayForEach(item, list)
        studies += strcmp(orthanc_text(item, "Type"), "Study") == 0;
    cJSON_Delete(list);
    *ret_ambiguous = studies > 1;
    return status;
}

int study_read(OrthancPluginContext *orthanc, const char *id, struct arena *arena,
               struct study *ret_study, struct error *err)
{
    struct study study = {0};
    struct reading r = {.orthanc = orthanc, .study = &study};
    cJSON *json = NULL, *list = NULL;
    int status = orthanc_get(orthanc, &json, err, "/studies/%s", id);
    if (status == 0)
        status = ambiguity_read(orthanc, json, &study.ambiguous, err);
    if (status == 0)
        status = orthanc_get(orthanc, &list, err, "/studies/%s/series", id);
    if (status == 0)
        status = all_read(&r, list, arena, err);
    study.stable = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "IsStable"));
    cJSON_Delete(json);
    cJSON_Delete(list);
    if (status == 0)
        *ret_study = study;
    return status;
}

int study_record_read(OrthancPluginContext *orthanc, const char *id, struct record *ret_record,
                      struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    *ret_record = (struct record){0};
    int status = orthanc_get_bytes(orthanc, &text, err, "/studies/%s/metadata/%d", id, STUDY_RECORD);
    if (status == STATUS_NOT_FOUND)
        return 0;
    if (status == 0 && record_parse(buffer_text(&text), ret_record, err) < 0)
        *ret_record = (struct record){0};
    return status;
}

int study_record_write(OrthancPluginContext *orthanc, const char *id, const struct record *record,
                       struct error *err)
{
    char *text = record_print(record);
    if (!text)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = orthanc_put(orthanc, text, strlen(text), err, "/studies/%s/metadata/%d", id,
                             STUDY_RECORD);
    free(text);
    return status;
}

int study_asked(OrthancPluginContext *orthanc, const char *id, bool *ret_asked, bool *ret_again,
                struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    int status = orthanc_get_bytes(orthanc, &text, err, "/studies/%s/metadata/%d", id, STUDY_ASKED);
    *ret_asked = status == 0;
    *ret_again = strcmp(buffer_text(&text), "again") == 0;
    return status == STATUS_NOT_FOUND ? 0 : status;
}

int study_ask(OrthancPluginContext *orthanc, const char *id, bool again, struct error *err)
{
    const char *word = again ? "again" : "analyze";
    return orthanc_put(orthanc, word, strlen(word), err, "/studies/%s/metadata/%d", id,
                       STUDY_ASKED);
}

int study_asked_clear(OrthancPluginContext *orthanc, const char *id, struct error *err)
{
    return orthanc_delete(orthanc, err, "/studies/%s/metadata/%d", id, STUDY_ASKED);
}
