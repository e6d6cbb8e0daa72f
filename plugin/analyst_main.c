/* axnode-analyst: what the plugin runs studies in. The first line of standard input is the settings
 * (YAML), the first answer says that package and networks are open. Then for each line
 *
 *   {"folder": F, "objects": N, "generation": G, "created_us": T, "predecessor": SR UID or "",
 *    "segmentations": M, "kinds": ["sr", …]}
 *
 * with the study's files in F/in-0.dcm …, the predecessor's segmentations in F/seg-0.dcm …, it
 * writes objects, result.json and report.html into F/out and answers
 *
 *   {"status": 0, "took_us": of the pipeline, "outcome": …, "reason": …,
 *    "objects": [{"kind", "file", "sop_instance_uid"}]}
 *
 * or {"status": enum status, "message": …, "hint": …}. It ends with its standard input, or with
 * Orthanc. */
#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "dicom/setup.h"
#include "pipeline/pipeline.h"
#include "report/report.h"
#include "service/analyser.h"
#include "store/store.h"

enum { PATH_SIZE = 4096 + 64, OBJECTS_MAX = 65536, SEGS_MAX = 16 };

struct analyst {
    const struct settings *settings;
    struct analyser analyser;
    FILE *answers;
};

static void answer(struct analyst *a, cJSON *answer)
{
    char *text = cJSON_PrintUnformatted(answer);
    if (!text)
        exit(EXIT_FAILURE); /* Orthanc starts another */
    fprintf(a->answers, "%s\n", text);
    fflush(a->answers);
    free(text);
    cJSON_Delete(answer);
}

static void answer_error(struct analyst *a, const struct error *err)
{
    cJSON *map = cJSON_CreateObject();
    cJSON_AddNumberToObject(map, "status", err->status ? err->status : STATUS_INTERNAL);
    cJSON_AddStringToObject(map, "message", err->message);
    cJSON_AddStringToObject(map, "hint", err->hint);
    answer(a, map);
}

static int number(const cJSON *map, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(map, name);
    return cJSON_IsNumber(item) ? item->valueint : 0;
}

static const char *text(const cJSON *map, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(map, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* FOLDER/PREFIX-0.dcm … Files that are no DICOM files have no data set's digest: they are known by
 * all their bytes, and the pipeline says what is wrong with them. */
static struct pipeline_object *objects_of(const char *folder, const char *prefix, size_t count,
                                          struct arena *arena, struct error *err)
{
    struct pipeline_object *objects = arena_array(arena, count + 1, sizeof *objects);
    int status = objects ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < count && status == 0; i++) {
        objects[i].path = arena_print(arena, "%s/%s-%zu.dcm", folder, prefix, i);
        if (!objects[i].path)
            status = error_set(err, STATUS_NOMEM, "out of memory");
        else if (store_dataset_digest(objects[i].path, objects[i].dataset_digest, NULL) < 0)
            status = digest_file(objects[i].path, objects[i].dataset_digest, NULL, err);
    }
    return status < 0 ? NULL : objects;
}

static struct pipeline_settings settings_of(const struct analyst *a, const cJSON *request)
{
    const cJSON *kind;
    struct pipeline_settings settings = analyser_pipeline(&a->analyser, a->settings);
    settings.uid_namespace = "orthanc";
    settings.html = true;
    cJSON_ArrayForEach(kind, cJSON_GetObjectItemCaseSensitive(request, "kinds"))
        if (cJSON_IsString(kind))
            settings.objects |= report_kind_find(kind->valuestring);
    return settings;
}

static cJSON *answer_of(const struct pipeline_result *result, int64_t took_us)
{
    cJSON *map = cJSON_CreateObject();
    cJSON_AddNumberToObject(map, "status", 0);
    cJSON_AddNumberToObject(map, "took_us", (double)took_us);
    cJSON_AddStringToObject(map, "outcome", pipeline_outcome_name(result->outcome));
    cJSON_AddStringToObject(map, "reason", result->reason);
    cJSON *list = cJSON_AddArrayToObject(map, "objects");
    for (int i = 0; i < result->object_count; i++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "kind", result->objects[i].kind);
        cJSON_AddStringToObject(object, "file", result->objects[i].file_name);
        cJSON_AddStringToObject(object, "sop_instance_uid", result->objects[i].sop_instance_uid);
        cJSON_AddItemToArray(list, object);
    }
    return map;
}

static int result_write(const char *out, const struct pipeline_result *result, struct error *err)
{
    char path[PATH_SIZE];
    if (!result->json)
        return 0;
    snprintf(path, sizeof path, "%s/result.json", out);
    return file_write(path, result->json, strlen(result->json), err);
}

static int analyse(struct analyst *a, const cJSON *request, struct arena *arena,
                   cJSON **ret_answer, struct error *err)
{
    const char *folder = text(request, "folder");
    const int count = number(request, "objects"), segs = number(request, "segmentations");
    const cJSON *created = cJSON_GetObjectItemCaseSensitive(request, "created_us");
    const struct pipeline_settings settings = settings_of(a, request);
    struct pipeline_result result = {0};
    char out[4096];
    if (count < 1 || count > OBJECTS_MAX || segs < 0 || segs > SEGS_MAX ||
        snprintf(out, sizeof out, "%s/out", folder) >= (int)sizeof out)
        return error_set(err, STATUS_INTERNAL, "a request that makes no sense");
    struct pipeline_job job = {.objects = objects_of(folder, "in", (size_t)count, arena, err),
                               .object_count = (size_t)count,
                               .generation = number(request, "generation"),
                               .created_us = (int64_t)cJSON_GetNumberValue(created),
                               .predecessor_seg_count = (size_t)segs};
    if (job.objects)
        job.predecessor_segs = objects_of(folder, "seg", (size_t)segs, arena, err);
    if (!job.objects || !job.predecessor_segs)
        return err->status;
    snprintf(job.predecessor_sr_uid, sizeof job.predecessor_sr_uid, "%s",
             text(request, "predecessor"));
    int status = folder_make(out, err);
    const int64_t start_us = clock_monotonic_us(clock_system());
    if (status == 0)
        status = pipeline_run(&settings, a->analyser.package, &a->analyser.nets, &job, out,
                              &result, err);
    const int64_t took_us = clock_monotonic_us(clock_system()) - start_us;
    if (status == 0)
        status = result_write(out, &result, err);
    if (status == 0)
        *ret_answer = answer_of(&result, took_us);
    pipeline_result_release(&result);
    return status;
}

static void request_serve(struct analyst *a, const char *line)
{
    struct arena arena ARENA_AUTO;
    struct error err = {0};
    cJSON *done = NULL;
    cJSON *request = cJSON_Parse(line);
    arena_init(&arena);
    if (analyse(a, request, &arena, &done, &err) == 0)
        answer(a, done);
    else
        answer_error(a, &err);
    cJSON_Delete(request);
}

/* Of what a process allocates: mapped files, such as libraries, do not count. */
static void memory_limit(const struct settings *settings)
{
    const rlim_t bytes = (rlim_t)settings->workers.memory_max_mib << 20;
    const struct rlimit data = {bytes, bytes}, core = {0, 0};
    setrlimit(RLIMIT_DATA, &data);
    setrlimit(RLIMIT_CORE, &core); /* it would hold a patient's pictures */
}

static int open_all(struct analyst *a, const char *settings_text, struct error *err)
{
    int status = settings_parse(settings_text, strlen(settings_text), "Axnode.Settings",
                                &a->settings, err);
    if (status < 0)
        return status;
    memory_limit(a->settings);
    const struct analyser_options options = analyser_options_of(a->settings);
    status = dicom_setup(err);
    return status < 0 ? status : analyser_open(&options, &a->analyser, err);
}

/* Answers go to the socket that was standard output; what a library prints goes to Orthanc's log. */
static FILE *answers_open(void)
{
    int fd = dup(STDOUT_FILENO);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    return file && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 ? file : NULL;
}

int main(void)
{
    struct analyst a = {0};
    struct error err = {0};
    char *line = NULL;
    size_t size = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    a.answers = answers_open();
    if (!a.answers || getline(&line, &size, stdin) < 0)
        return EXIT_FAILURE;
    int status = open_all(&a, line, &err);
    if (status == 0) {
        cJSON *ready = cJSON_CreateObject();
        cJSON_AddNumberToObject(ready, "status", 0);
        answer(&a, ready);
    } else {
        answer_error(&a, &err);
    }
    while (status == 0 && getline(&line, &size, stdin) >= 0)
        request_serve(&a, line);
    free(line);
    analyser_release(&a.analyser);
    settings_free(a.settings);
    fclose(a.answers);
    return status < 0;
}
