#include "plugin/orthanc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { PATH_SIZE = 512, FILE_MAX_BYTES = 1 << 30 };

static int answer(OrthancPluginContext *orthanc, OrthancPluginErrorCode code, const char *path,
                  struct error *err)
{
    if (code == OrthancPluginErrorCode_Success)
        return 0;
    bool missing = code == OrthancPluginErrorCode_UnknownResource ||
                   code == OrthancPluginErrorCode_InexistentItem ||
                   code == OrthancPluginErrorCode_InexistentFile;
    const char *reason = OrthancPluginGetErrorDescription(orthanc, code);
    return error_set(err, missing ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE, "Orthanc: %s: %s", path,
                     reason ? reason : "error");
}

static int json_parse(OrthancPluginContext *orthanc, OrthancPluginMemoryBuffer *bytes,
                      const char *path, cJSON **ret_json, struct error *err)
{
    cJSON *json = cJSON_ParseWithLength(bytes->data, bytes->size);
    OrthancPluginFreeMemoryBuffer(orthanc, bytes);
    if (!json)
        return error_set(err, STATUS_UNAVAILABLE, "Orthanc: %s: no JSON", path);
    *ret_json = json;
    return 0;
}

static int get(OrthancPluginContext *orthanc, const char *path, OrthancPluginMemoryBuffer *bytes,
               struct error *err)
{
    return answer(orthanc, OrthancPluginRestApiGet(orthanc, bytes, path), path, err);
}

int orthanc_get(OrthancPluginContext *orthanc, cJSON **ret_json, struct error *err,
                const char *format, ...)
{
    OrthancPluginMemoryBuffer bytes = {0};
    char path[PATH_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    int status = get(orthanc, path, &bytes, err);
    return status < 0 ? status : json_parse(orthanc, &bytes, path, ret_json, err);
}

int orthanc_get_bytes(OrthancPluginContext *orthanc, struct buffer *ret_bytes, struct error *err,
                      const char *format, ...)
{
    OrthancPluginMemoryBuffer bytes = {0};
    char path[PATH_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    int status = get(orthanc, path, &bytes, err);
    if (status < 0)
        return status;
    status = buffer_add(ret_bytes, bytes.data, bytes.size, err);
    OrthancPluginFreeMemoryBuffer(orthanc, &bytes);
    return status;
}

int orthanc_post(OrthancPluginContext *orthanc, const char *path, const void *body, size_t n,
                 cJSON **ret_json, struct error *err)
{
    OrthancPluginMemoryBuffer bytes = {0};
    if (n > UINT32_MAX)
        return error_set(err, STATUS_LIMIT, "Orthanc: %s: larger than 4 GiB", path);
    int status = answer(orthanc, OrthancPluginRestApiPost(orthanc, &bytes, path, body, (uint32_t)n),
                        path, err);
    if (status < 0)
        return status;
    if (ret_json)
        return json_parse(orthanc, &bytes, path, ret_json, err);
    OrthancPluginFreeMemoryBuffer(orthanc, &bytes);
    return 0;
}

int orthanc_put(OrthancPluginContext *orthanc, const void *body, size_t n, struct error *err,
                const char *format, ...)
{
    OrthancPluginMemoryBuffer bytes = {0};
    char path[PATH_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    if (n > UINT32_MAX)
        return error_set(err, STATUS_LIMIT, "Orthanc: %s: larger than 4 GiB", path);
    int status = answer(orthanc, OrthancPluginRestApiPut(orthanc, &bytes, path, body, (uint32_t)n),
                        path, err);
    if (status == 0)
        OrthancPluginFreeMemoryBuffer(orthanc, &bytes);
    return status;
}

int orthanc_delete(OrthancPluginContext *orthanc, struct error *err, const char *format, ...)
{
    char path[PATH_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return answer(orthanc, OrthancPluginRestApiDelete(orthanc, path), path, err);
}

int orthanc_fetch(OrthancPluginContext *orthanc, const char *instance, const char *path,
                  struct error *err)
{
    OrthancPluginMemoryBuffer bytes = {0};
    int status = answer(orthanc, OrthancPluginGetDicomForInstance(orthanc, &bytes, instance),
                        instance, err);
    if (status < 0)
        return status;
    status = file_write(path, bytes.data, bytes.size, err);
    OrthancPluginFreeMemoryBuffer(orthanc, &bytes);
    return status;
}

int orthanc_find(OrthancPluginContext *orthanc, const char *sop_instance_uid, char *ret_instance,
                 size_t size, struct error *err)
{
    char *id = OrthancPluginLookupInstance(orthanc, sop_instance_uid);
    if (!id)
        return error_set(err, STATUS_NOT_FOUND, "Orthanc has no such object");
    snprintf(ret_instance, size, "%s", id);
    OrthancPluginFreeString(orthanc, id);
    return 0;
}

int orthanc_store(OrthancPluginContext *orthanc, const char *path, struct error *err)
{
    struct buffer bytes BUFFER_AUTO = {0};
    cJSON *json = NULL;
    int status = file_read(path, FILE_MAX_BYTES, &bytes, err);
    if (status == 0)
        status = orthanc_post(orthanc, "/instances", bytes.data, bytes.size, &json, err);
    if (status < 0)
        return status;
    const char *said = orthanc_text(json, "Status");
    if (strcmp(said, "Success") != 0 && strcmp(said, "AlreadyStored") != 0)
        status = error_set(err, STATUS_UNAVAILABLE, "Orthanc did not store an object: %.64s", said);
    cJSON_Delete(json);
    return status;
}

void orthanc_log(OrthancPluginContext *orthanc, enum log_level level, const struct error *err,
                 const char *format, ...)
{
    char text[400], line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "axnode: %s%s%s%s%s%s%s", text, err ? ": " : "",
             err ? err->message : "", err && *err->detail ? "; " : "", err ? err->detail : "",
             err && *err->hint ? "; " : "", err ? err->hint : "");
    for (char *c = line; *c; c++) /* one line, whatever it holds */
        if ((unsigned char)*c < ' ')
            *c = ' ';
    if (level == LOG_ERROR)
        OrthancPluginLogError(orthanc, line);
    else if (level == LOG_WARNING)
        OrthancPluginLogWarning(orthanc, line);
    else
        OrthancPluginLogInfo(orthanc, line);
}

const char *orthanc_text(const cJSON *map, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(map, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}
