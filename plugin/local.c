#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "plugin/work.h"

enum { FILE_MAX_BYTES = 1 << 28, PATH_SIZE = PATH_MAX + 272 };

/* --- The folder of the study under way ----------------------------------------------------- */

static int entry_remove(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path) < 0 && errno != ENOENT;
}

static void folder_remove(const char *path)
{
    nftw(path, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static int folder_begin(struct work *w, struct error *err)
{
    folder_remove(w->folder);
    return folder_make(w->folder, err);
}

/* "PID-NUMBER", of a process that is gone or is this one. */
static bool is_left_over(const char *name)
{
    char number[16];
    int64_t pid;
    size_t length = strcspn(name, "-");
    snprintf(number, sizeof number, "%.*s", (int)(length < 15 ? length : 15), name);
    return number_parse_int(number, 1, INT32_MAX, &pid, NULL) == 0 && name[length] == '-' &&
           (pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

int work_folder_clean(const struct options *options, struct error *err)
{
    char path[PATH_SIZE];
    int status = folder_make(options->folder, err);
    DIR *dir = status < 0 ? NULL : opendir(options->folder);
    if (status == 0 && !dir)
        return error_set_errno(err, STATUS_IO, errno, "cannot read folder %s", options->folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 1, options->folder, entry->d_name);
        if (is_left_over(entry->d_name))
            folder_remove(path);
    }
    if (dir)
        closedir(dir);
    return status;
}

/* --- What the analyst gets, and says ------------------------------------------------------- */

static int images_fetch(struct work *w, struct error *err)
{
    char path[PATH_SIZE];
    int status = 0;
    for (size_t i = 0; i < w->study.image_count && status == 0; i++) {
        snprintf(path, sizeof path, "%s/in-%zu.dcm", w->folder, i);
        status = orthanc_fetch(w->plugin->orthanc, w->study.images[i].id, path, err);
        if (atomic_load(&w->plugin->stopping))
            status = error_set(err, STATUS_UNAVAILABLE, "Orthanc is stopping");
    }
    return status;
}

/* The segmentations of the report that is to be replaced, as far as they still are in Orthanc. */
static int segmentations_fetch(struct work *w, struct error *err)
{
    const struct record_report *last = &w->record.last;
    char path[PATH_SIZE], id[ORTHANC_ID_SIZE];
    int fetched = 0;
    for (size_t i = 0; i < last->object_count; i++) {
        const struct record_object *object = &last->objects[i];
        if (strcmp(object->kind, "seg") != 0 ||
            orthanc_find(w->plugin->orthanc, object->sop_instance_uid, id, sizeof id, NULL) < 0)
            continue;
        snprintf(path, sizeof path, "%s/seg-%d.dcm", w->folder, fetched);
        int status = orthanc_fetch(w->plugin->orthanc, id, path, err);
        if (status < 0)
            return status;
        fetched++;
    }
    return fetched;
}

static const char *predecessor(const struct record_report *last)
{
    for (size_t i = 0; i < last->object_count; i++)
        if (strcmp(last->objects[i].kind, "sr") == 0)
            return last->objects[i].sop_instance_uid;
    return "";
}

static cJSON *request_make(const struct work *w, int segmentations)
{
    const struct options *options = &w->plugin->options;
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "folder", w->folder);
    cJSON_AddNumberToObject(request, "objects", (double)w->study.image_count);
    cJSON_AddNumberToObject(request, "generation", w->record.next.generation);
    cJSON_AddNumberToObject(request, "created_us", (double)w->record.next.created_us);
    cJSON_AddStringToObject(request, "predecessor", predecessor(&w->record.last));
    cJSON_AddNumberToObject(request, "segmentations", segmentations);
    cJSON *kinds = cJSON_AddArrayToObject(request, "kinds");
    for (size_t i = 0; i < SETTINGS_OBJECTS; i++)
        if (options->objects[i])
            cJSON_AddItemToArray(kinds, cJSON_CreateString(settings_object_names[i]));
    return request;
}

static int ask(struct work *w, int segmentations, cJSON **ret_answer, struct error *err)
{
    const struct settings *settings = w->plugin->options.settings;
    cJSON *request = request_make(w, segmentations);
    int status = analyst_ask(&w->analyst, request, settings->workers.job_timeout_us,
                             &w->plugin->stopping, ret_answer, err);
    cJSON_Delete(request);
    if (w->analyst.studies >= settings->workers.recycle_jobs)
        analyst_stop(&w->analyst);
    return status;
}

/* --- What is stored ------------------------------------------------------------------------ */

static bool is_wanted(const struct options *options, const char *kind)
{
    for (size_t i = 0; i < SETTINGS_OBJECTS; i++)
        if (strcmp(settings_object_names[i], kind) == 0)
            return options->objects[i];
    return false;
}

static void object_note(struct record_report *report, const cJSON *object)
{
    struct record_object *noted = &report->objects[report->object_count++];
    snprintf(noted->kind, sizeof noted->kind, "%s", orthanc_text(object, "kind"));
    snprintf(noted->sop_instance_uid, sizeof noted->sop_instance_uid, "%s",
             orthanc_text(object, "sop_instance_uid"));
}

/* The report's objects in the order in which they are stored: what it names first, then it. So who
 * sees the report sees all of it. */
static void objects_note(struct work *w, const cJSON *list)
{
    struct record_report *next = &w->record.next;
    next->object_count = 0;
    for (int reports = 0; reports <= 1; reports++) {
        const cJSON *object;
        cJSON_ArrayForEach(object, list) {
            const char *kind = orthanc_text(object, "kind");
            if (next->object_count < RECORD_OBJECTS_MAX && is_wanted(&w->plugin->options, kind) &&
                (strcmp(kind, "sr") == 0) == reports)
                object_note(next, object);
        }
    }
}

static int attach(struct work *w, const char *name, int number, struct error *err)
{
    struct buffer bytes BUFFER_AUTO = {0};
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/out/%s", w->folder, name);
    int status = file_read(path, FILE_MAX_BYTES, &bytes, err);
    if (status == STATUS_NOT_FOUND) { /* nothing to report on: nor is the last report this one's */
        status = orthanc_delete(w->plugin->orthanc, err, "/studies/%s/attachments/%d", w->id, number);
        return status == STATUS_NOT_FOUND ? 0 : status;
    }
    if (status < 0)
        return status;
    return orthanc_put(w->plugin->orthanc, bytes.data, bytes.size, err, "/studies/%s/attachments/%d",
                       w->id, number);
}

static const char *file_of(const cJSON *list, const char *sop_instance_uid)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
        if (strcmp(orthanc_text(object, "sop_instance_uid"), sop_instance_uid) == 0)
            return orthanc_text(object, "file");
    return "";
}

static int objects_store(struct work *w, const cJSON *list, struct error *err)
{
    const struct record_report *next = &w->record.next;
    char path[PATH_SIZE];
    int status = 0;
    for (size_t i = 0; i < next->object_count && status == 0; i++) {
        snprintf(path, sizeof path, "%s/out/%s", w->folder,
                 file_of(list, next->objects[i].sop_instance_uid));
        status = orthanc_store(w->plugin->orthanc, path, err);
    }
    return status;
}

/* First what is to be stored is written down, then it is stored: whenever this ends in between, the
 * next attempt knows what belongs to it, and makes the same objects again. */
static int keep(struct work *w, const cJSON *answer, struct error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, "objects");
    const cJSON *took = cJSON_GetObjectItemCaseSensitive(answer, "took_us");
    struct record_report *next = &w->record.next;
    next->took_us = cJSON_IsNumber(took) ? (int64_t)took->valuedouble : 0;
    snprintf(next->outcome, sizeof next->outcome, "%s", orthanc_text(answer, "outcome"));
    snprintf(next->reason, sizeof next->reason, "%s", orthanc_text(answer, "reason"));
    objects_note(w, list);
    w->record.state = RECORD_STORING;
    int status = attach(w, "result.json", STUDY_RESULT, err);
    if (status == 0)
        status = attach(w, "report.html", STUDY_PAGE, err);
    if (status == 0)
        status = study_record_write(w->plugin->orthanc, w->id, &w->record, err);
    if (status == 0)
        status = objects_store(w, list, err);
    if (status == 0)
        record_succeed(&w->record);
    return status;
}

int work_local(struct work *work, struct error *err)
{
    cJSON *answer = NULL;
    int status = folder_begin(work, err);
    if (status == 0)
        status = images_fetch(work, err);
    int segmentations = status < 0 ? 0 : segmentations_fetch(work, err);
    if (segmentations < 0)
        status = segmentations;
    if (status == 0)
        status = ask(work, segmentations, &answer, err);
    if (status == 0)
        status = keep(work, answer, err);
    cJSON_Delete(answer);
    folder_remove(work->folder);
    return status;
}
