#include "plugin/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "plugin/study.h"

enum { NOT_FOUND = 404, BAD_REQUEST = 400, UNAVAILABLE = 503 };

static OrthancPluginErrorCode answer(struct plugin *p, OrthancPluginRestOutput *output, cJSON *json)
{
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text)
        return OrthancPluginErrorCode_NotEnoughMemory;
    OrthancPluginAnswerBuffer(p->orthanc, output, text, (uint32_t)strlen(text), "application/json");
    free(text);
    return OrthancPluginErrorCode_Success;
}

/* In JSON, as Orthanc words its own errors. */
static OrthancPluginErrorCode refuse(struct plugin *p, OrthancPluginRestOutput *output,
                                     uint16_t status, const char *reason)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "HttpStatus", status);
    cJSON_AddStringToObject(json, "Message", reason);
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    OrthancPluginSendHttpStatus(p->orthanc, output, status, text, text ? (uint32_t)strlen(text) : 0);
    free(text);
    return OrthancPluginErrorCode_Success;
}

static OrthancPluginErrorCode refuse_error(struct plugin *p, OrthancPluginRestOutput *output,
                                           const struct error *err)
{
    if (err->status == STATUS_NOT_FOUND)
        return refuse(p, output, NOT_FOUND, "Orthanc has no such study");
    return refuse(p, output, UNAVAILABLE, err->message);
}

/* True when the method is the one; else the answer is given. */
static bool is_method(struct plugin *p, OrthancPluginRestOutput *output,
                      const OrthancPluginHttpRequest *request, OrthancPluginHttpMethod method)
{
    if (request->method == method)
        return true;
    OrthancPluginSendMethodNotAllowed(p->orthanc, output,
                                      method == OrthancPluginHttpMethod_Get ? "GET" : "POST");
    return false;
}

OrthancPluginErrorCode rest_status(struct plugin *p, OrthancPluginRestOutput *output,
                                   const OrthancPluginHttpRequest *request)
{
    size_t waiting, running;
    if (!is_method(p, output, request, OrthancPluginHttpMethod_Get))
        return OrthancPluginErrorCode_Success;
    queue_count(p->queue, &waiting, &running);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "version", AXNODE_VERSION);
    cJSON_AddStringToObject(json, "mode", p->options.mode == OPTIONS_LOCAL ? "local" : "forward");
    cJSON_AddNumberToObject(json, "workers", p->options.settings->workers.count);
    cJSON_AddNumberToObject(json, "waiting", (double)waiting);
    cJSON_AddNumberToObject(json, "running", (double)running);
    cJSON *counts = cJSON_AddObjectToObject(json, "since_start");
    for (int i = 0; i < PLUGIN_COUNTS; i++)
        cJSON_AddNumberToObject(counts, plugin_count_names[i], (double)atomic_load(&p->counts[i]));
    return answer(p, output, json);
}

static void report_add(cJSON *json, const struct record_report *report)
{
    char created[CLOCK_TEXT_SIZE];
    clock_format_iso(report->created_us, created);
    cJSON_AddNumberToObject(json, "generation", report->generation);
    cJSON_AddStringToObject(json, "created", created);
    cJSON_AddNumberToObject(json, "pipeline_s", (double)report->took_us / 1e6);
    cJSON_AddStringToObject(json, "outcome", report->outcome);
    cJSON *list = cJSON_AddArrayToObject(json, "objects");
    for (size_t i = 0; i < report->object_count; i++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "kind", report->objects[i].kind);
        cJSON_AddStringToObject(object, "sop_instance_uid", report->objects[i].sop_instance_uid);
        cJSON_AddItemToArray(list, object);
    }
}

static const char *state_of(struct plugin *p, const char *study, const struct record *record,
                            bool asked)
{
    if (asked && queue_has(p->queue, study) && record->state != RECORD_RUNNING &&
        record->state != RECORD_STORING)
        return "queued";
    return record_state_name(record->state);
}

/* result.json of the last report. One that was made but not stored, yet, is none. */
static cJSON *result_read(struct plugin *p, const char *study, const struct record *record)
{
    struct buffer text BUFFER_AUTO = {0};
    if (record->last.generation == 0 ||
        orthanc_get_bytes(p->orthanc, &text, NULL, "/studies/%s/attachments/%d/data", study,
                          STUDY_RESULT) < 0)
        return NULL;
    cJSON *result = cJSON_Parse(buffer_text(&text));
    const cJSON *generation = cJSON_GetObjectItemCaseSensitive(result, "generation");
    if (cJSON_IsNumber(generation) && generation->valueint == record->last.generation)
        return result;
    cJSON_Delete(result);
    return NULL;
}

static cJSON *study_describe(struct plugin *p, const char *study, const struct record *record,
                             bool asked)
{
    cJSON *json = cJSON_CreateObject();
    const bool failing = record->reason[0] && record->state != RECORD_DONE;
    cJSON_AddStringToObject(json, "study", study);
    cJSON_AddStringToObject(json, "state", state_of(p, study, record, asked));
    cJSON_AddStringToObject(json, "reason", failing ? record->reason : record->last.reason);
    cJSON_AddNumberToObject(json, "attempts_failed", record->attempts);
    if (record->last.generation)
        report_add(json, &record->last);
    cJSON *result = result_read(p, study, record);
    if (result)
        cJSON_AddItemToObject(json, "result", result);
    return json;
}

OrthancPluginErrorCode rest_study(struct plugin *p, OrthancPluginRestOutput *output,
                                  const OrthancPluginHttpRequest *request)
{
    const char *study = request->groups[0];
    struct record record;
    struct error err = {0};
    cJSON *known = NULL;
    bool asked = false, again;
    if (!is_method(p, output, request, OrthancPluginHttpMethod_Get))
        return OrthancPluginErrorCode_Success;
    int status = orthanc_get(p->orthanc, &known, &err, "/studies/%s", study);
    cJSON_Delete(known);
    if (status == 0)
        status = study_record_read(p->orthanc, study, &record, &err);
    if (status == 0)
        status = study_asked(p->orthanc, study, &asked, &again, &err);
    if (status < 0)
        return refuse_error(p, output, &err);
    return answer(p, output, study_describe(p, study, &record, asked));
}

/* Nothing, or {"Again": true}: though the images are the same. */
static bool body_read(const OrthancPluginHttpRequest *request, bool *ret_again)
{
    *ret_again = false;
    if (request->bodySize == 0)
        return true;
    cJSON *json = cJSON_ParseWithLength(request->body, request->bodySize);
    const cJSON *again = cJSON_GetObjectItemCaseSensitive(json, "Again");
    const bool fine = cJSON_IsObject(json) && cJSON_GetArraySize(json) == (again ? 1 : 0) &&
                      (!again || cJSON_IsBool(again));
    *ret_again = cJSON_IsTrue(again);
    cJSON_Delete(json);
    return fine;
}

OrthancPluginErrorCode rest_analyze(struct plugin *p, OrthancPluginRestOutput *output,
                                    const OrthancPluginHttpRequest *request)
{
    struct queue_item item = {.asked = true};
    struct error err = {0};
    cJSON *known = NULL;
    bool again;
    if (!is_method(p, output, request, OrthancPluginHttpMethod_Post))
        return OrthancPluginErrorCode_Success;
    if (!body_read(request, &again))
        return refuse(p, output, BAD_REQUEST, "the body is to be empty, or {\"Again\": true}");
    snprintf(item.study, sizeof item.study, "%s", request->groups[0]);
    int status = orthanc_get(p->orthanc, &known, &err, "/studies/%s", item.study);
    cJSON_Delete(known);
    if (status == 0)
        status = study_ask(p->orthanc, item.study, again, &err);
    /* Its change in the log is what a restart finds, wherever that stands: as the oldest of all it
     * holds the log's position until it is done. */
    if (status == 0)
        status = queue_push(p->queue, &item, &err);
    if (status < 0)
        return refuse_error(p, output, &err);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "study", item.study);
    cJSON_AddStringToObject(json, "state", "queued");
    return answer(p, output, json);
}

OrthancPluginErrorCode rest_page(struct plugin *p, OrthancPluginRestOutput *output,
                                 const OrthancPluginHttpRequest *request)
{
    struct buffer page BUFFER_AUTO = {0};
    struct record record;
    struct error err = {0};
    if (!is_method(p, output, request, OrthancPluginHttpMethod_Get))
        return OrthancPluginErrorCode_Success;
    int status = study_record_read(p->orthanc, request->groups[0], &record, &err);
    if (status == 0)
        status = orthanc_get_bytes(p->orthanc, &page, &err, "/studies/%s/attachments/%d/data",
                                   request->groups[0], STUDY_PAGE);
    /* While the next one is on its way, or has failed, nobody is to take the last one for it. */
    if (status == STATUS_NOT_FOUND || (status == 0 && record.state != RECORD_DONE))
        return refuse(p, output, NOT_FOUND, "there is no report of that study's images");
    if (status < 0)
        return refuse_error(p, output, &err);
    /* It needs no script and nothing from elsewhere. */
    OrthancPluginSetHttpHeader(p->orthanc, output, "Content-Security-Policy",
                               "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    OrthancPluginAnswerBuffer(p->orthanc, output, page.data, (uint32_t)page.size,
                              "text/html; charset=utf-8");
    return OrthancPluginErrorCode_Success;
}

void rest_metrics(struct plugin *p)
{
    char name[64];
    size_t waiting, running;
    queue_count(p->queue, &waiting, &running);
    OrthancPluginSetMetricsValue(p->orthanc, "axnode_studies_waiting", (float)waiting,
                                 OrthancPluginMetricsType_Default);
    OrthancPluginSetMetricsValue(p->orthanc, "axnode_studies_running", (float)running,
                                 OrthancPluginMetricsType_Default);
    for (int i = 0; i < PLUGIN_COUNTS; i++) {
        snprintf(name, sizeof name, "axnode_%s_total", plugin_count_names[i]);
        OrthancPluginSetMetricsValue(p->orthanc, name, (float)atomic_load(&p->counts[i]),
                                     OrthancPluginMetricsType_Default);
    }
}
