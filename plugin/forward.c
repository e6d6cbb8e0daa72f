#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/work.h"

/* Reports that are there already: the one that is awaited is none of them. */
static void reports_note(struct work *w)
{
    struct record_report *next = &w->record.next;
    next->object_count = 0;
    for (size_t i = 0; i < w->study.own_count && next->object_count < RECORD_OBJECTS_MAX; i++)
        if (w->study.own[i].report) {
            struct record_object *object = &next->objects[next->object_count++];
            snprintf(object->kind, sizeof object->kind, "before");
            memcpy(object->sop_instance_uid, w->study.own[i].sop_instance_uid, UID_SIZE);
        }
}

static char *request_make(const struct work *w)
{
    cJSON *request = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(request, "Resources");
    for (size_t i = 0; i < w->study.image_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(w->study.images[i].id));
    cJSON_AddBoolToObject(request, "Synchronous", true);
    char *text = cJSON_PrintUnformatted(request);
    cJSON_Delete(request);
    return text;
}

int work_forward(struct work *work, struct error *err)
{
    char path[160];
    char *request = request_make(work);
    if (!request)
        return error_set(err, STATUS_NOMEM, "out of memory");
    reports_note(work);
    snprintf(path, sizeof path, "/modalities/%.64s/store", work->plugin->options.modality);
    int status = orthanc_post(work->plugin->orthanc, path, request, strlen(request), NULL, err);
    free(request);
    if (status < 0)
        return error_prefix(err, "the study was not forwarded");
    work->record.state = RECORD_FORWARDED;
    work->record.attempts = 0;
    work->record.again = false;
    work->record.reason[0] = '\0';
    return 0;
}

static bool is_noted(const struct record_report *report, const char *sop_instance_uid)
{
    for (size_t i = 0; i < report->object_count; i++)
        if (strcmp(report->objects[i].sop_instance_uid, sop_instance_uid) == 0)
            return true;
    return false;
}

bool work_forward_reported(struct work *work)
{
    struct record_report *next = &work->record.next;
    for (size_t i = 0; i < work->study.own_count; i++) {
        const struct study_instance *own = &work->study.own[i];
        if (!own->report || is_noted(next, own->sop_instance_uid))
            continue;
        next->object_count = 1;
        snprintf(next->objects[0].kind, sizeof next->objects[0].kind, "sr");
        memcpy(next->objects[0].sop_instance_uid, own->sop_instance_uid, UID_SIZE);
        record_succeed(&work->record);
        return true;
    }
    return false;
}
