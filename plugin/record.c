#include "plugin/record.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {"none",      "running", "storing",
                                          "forwarded", "done",    "failed"};

const char *record_state_name(enum record_state state)
{
    return state_names[state];
}

/* Cut at the size. */
static void text_get(const cJSON *map, const char *name, char *ret_text, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(map, name);
    snprintf(ret_text, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
}

static int64_t number_get(const cJSON *map, const char *name, double max)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(map, name);
    bool fine = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= max;
    return fine ? (int64_t)item->valuedouble : 0;
}

static void report_parse(const cJSON *map, struct record_report *ret_report)
{
    struct record_report *r = ret_report;
    const cJSON *item;
    if (!cJSON_IsObject(map))
        return;
    r->generation = (int)number_get(map, "generation", 1e6);
    r->created_us = number_get(map, "created_us", 9e15);
    r->took_us = number_get(map, "took_us", 9e15);
    text_get(map, "set", r->set, sizeof r->set);
    text_get(map, "outcome", r->outcome, sizeof r->outcome);
    text_get(map, "reason", r->reason, sizeof r->reason);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(map, "objects")) {
        if (r->object_count == RECORD_OBJECTS_MAX)
            break;
        struct record_object *object = &r->objects[r->object_count++];
        text_get(item, "kind", object->kind, sizeof object->kind);
        text_get(item, "sop_instance_uid", object->sop_instance_uid,
                 sizeof object->sop_instance_uid);
    }
}

int record_parse(const char *text, struct record *ret_record, struct error *err)
{
    struct record r = {0};
    char state[16];
    size_t known = sizeof state_names / sizeof *state_names;
    cJSON *map = cJSON_Parse(text);
    text_get(map, "state", state, sizeof state);
    while (known > 0 && strcmp(state, state_names[known - 1]) != 0)
        known--;
    if (known == 0) {
        cJSON_Delete(map);
        return error_set(err, STATUS_INVALID, "the study's metadata hold no state of axnode");
    }
    r.state = (enum record_state)(known - 1);
    report_parse(cJSON_GetObjectItemCaseSensitive(map, "last"), &r.last);
    report_parse(cJSON_GetObjectItemCaseSensitive(map, "next"), &r.next);
    r.attempts = (int)number_get(map, "attempts", 1e6);
    r.again = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(map, "again"));
    text_get(map, "failed_set", r.failed_set, sizeof r.failed_set);
    text_get(map, "reason", r.reason, sizeof r.reason);
    cJSON_Delete(map);
    *ret_record = r;
    return 0;
}

static void report_print(cJSON *parent, const char *name, const struct record_report *report)
{
    if (report->generation == 0)
        return;
    cJSON *map = cJSON_AddObjectToObject(parent, name);
    cJSON_AddNumberToObject(map, "generation", report->generation);
    cJSON_AddNumberToObject(map, "created_us", (double)report->created_us);
    cJSON_AddNumberToObject(map, "took_us", (double)report->took_us);
    cJSON_AddStringToObject(map, "set", report->set);
    cJSON_AddStringToObject(map, "outcome", report->outcome);
    cJSON_AddStringToObject(map, "reason", report->reason);
    cJSON *list = cJSON_AddArrayToObject(map, "objects");
    for (size_t i = 0; i < report->object_count; i++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "kind", report->objects[i].kind);
        cJSON_AddStringToObject(object, "sop_instance_uid", report->objects[i].sop_instance_uid);
        cJSON_AddItemToArray(list, object);
    }
}

char *record_print(const struct record *record)
{
    cJSON *map = cJSON_CreateObject();
    cJSON_AddStringToObject(map, "state", record_state_name(record->state));
    report_print(map, "last", &record->last);
    report_print(map, "next", &record->next);
    cJSON_AddNumberToObject(map, "attempts", record->attempts);
    cJSON_AddBoolToObject(map, "again", record->again);
    cJSON_AddStringToObject(map, "failed_set", record->failed_set);
    cJSON_AddStringToObject(map, "reason", record->reason);
    char *text = cJSON_PrintUnformatted(map);
    cJSON_Delete(map);
    return text;
}

void record_succeed(struct record *record)
{
    record->last = record->next;
    record->next = (struct record_report){0};
    record->state = RECORD_DONE;
    record->attempts = 0;
    record->failed_set[0] = record->reason[0] = '\0';
    record->again = false;
}

void record_fail(struct record *record, const char *reason)
{
    memcpy(record->failed_set, record->next.set, sizeof record->failed_set);
    snprintf(record->reason, sizeof record->reason, "%s", reason);
    record->next = (struct record_report){0};
    record->state = RECORD_FAILED;
    record->attempts = 0;
    record->again = false;
}

enum record_step record_step(struct record *record, const char *set, bool complete, int64_t now_us)
{
    struct record_report *next = &record->next;
    if (next->generation && record->state == RECORD_STORING && complete)
        record_succeed(record);
    if (next->generation && strcmp(next->set, set) == 0) {
        record->state = RECORD_RUNNING;
        return RECORD_RESUME;
    }
    bool known = record->last.generation && strcmp(record->last.set, set) == 0;
    bool failed = strcmp(record->failed_set, set) == 0;
    if ((known || failed) && !record->again) {
        record->state = failed ? RECORD_FAILED : RECORD_DONE;
        *next = (struct record_report){0};
        return RECORD_NOTHING;
    }
    *next = (struct record_report){.generation = record->last.generation + 1,
                                   .created_us = now_us};
    snprintf(next->set, sizeof next->set, "%s", set);
    record->state = RECORD_RUNNING;
    record->attempts = 0;
    return RECORD_BEGIN;
}
