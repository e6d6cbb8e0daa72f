#include "plugin/options.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of the service's settings means something here. */
static const char *const settings_kept[] = {"package", "packages", "onnxruntime",
                                            "score",   "limits",   "workers"};
static const char *const keys[] = {"Mode", "Objects", "Modality", "Program", "Folder", "Settings"};

static bool listed(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}

static int keys_check(const cJSON *map, const char *name, const char *const *list, size_t count,
                      struct error *err)
{
    const cJSON *item;
    if (!cJSON_IsObject(map))
        return error_set(err, STATUS_INVALID, "%s: must be an object of keys and values", name);
    cJSON_ArrayForEach(item, map)
        if (!listed(item->string, list, count))
            return error_set(err, STATUS_INVALID, "%s: unknown key '%.64s'", name, item->string);
    return 0;
}

/* A text, or `standard` where the key is missing. The caller frees it. */
static int text_read(const cJSON *section, const char *key, const char *standard, char **ret_text,
                     struct error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(section, key);
    if (item && !cJSON_IsString(item))
        return error_set(err, STATUS_INVALID, "Axnode.%s: must be a text", key);
    *ret_text = strdup(item ? item->valuestring : standard);
    return *ret_text ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
}

static int mode_read(const cJSON *section, struct options *o, struct error *err)
{
    char *mode = NULL;
    int status = text_read(section, "Mode", "local", &mode, err);
    if (status == 0)
        status = text_read(section, "Modality", "", &o->modality, err);
    if (status == 0 && strcmp(mode, "forward") == 0)
        o->mode = OPTIONS_FORWARD;
    else if (status == 0 && strcmp(mode, "local") != 0)
        status = error_set(err, STATUS_INVALID, "Axnode.Mode: must be local or forward");
    free(mode);
    if (status == 0 && (o->mode == OPTIONS_FORWARD) != (*o->modality != '\0'))
        status = error_set(err, STATUS_INVALID,
                           o->mode == OPTIONS_FORWARD
                               ? "Axnode.Modality: must name axnoded among DicomModalities"
                               : "Axnode.Modality: is of mode forward alone");
    return status;
}

static int object_read(const cJSON *item, struct options *o, struct error *err)
{
    for (size_t i = 0; cJSON_IsString(item) && i < SETTINGS_OBJECTS; i++)
        if (strcmp(item->valuestring, settings_object_names[i]) == 0) {
            o->objects[i] = true;
            return 0;
        }
    return error_set(err, STATUS_INVALID,
                     "Axnode.Objects: must list sr, seg, sc, pr, ko, pdf or seg-ohif");
}

static int objects_read(const cJSON *section, struct options *o, struct error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(section, "Objects"), *item;
    static const char *const usual[] = {"sr", "seg", "sc"};
    int status = 0;
    if (!list) {
        for (size_t i = 0; i < SETTINGS_OBJECTS; i++)
            o->objects[i] = listed(settings_object_names[i], usual, sizeof usual / sizeof *usual);
        return 0;
    }
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0)
        return error_set(err, STATUS_INVALID, "Axnode.Objects: must be a list of at least one");
    cJSON_ArrayForEach(item, list)
        if (status == 0)
            status = object_read(item, o, err);
    return status;
}

/* Objects of JSON are mappings of YAML, so one table reads both. The service's store and database
 * must be set there, but are none of ours. */
static int settings_read(const cJSON *section, struct options *o, struct error *err)
{
    static const char name[] = "Axnode.Settings", line[] = "Axnode.Settings:1: ";
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(section, "Settings");
    int status = given ? keys_check(given, name, settings_kept,
                                    sizeof settings_kept / sizeof *settings_kept, err)
                       : 0;
    if (status < 0)
        return status;
    cJSON *all = given ? cJSON_Duplicate(given, true) : cJSON_CreateObject();
    cJSON_AddStringToObject(all, "store", "/nonexistent");
    cJSON_AddStringToObject(all, "database", "none");
    o->settings_text = cJSON_PrintUnformatted(all);
    cJSON_Delete(all);
    if (!o->settings_text)
        return error_set(err, STATUS_NOMEM, "out of memory");
    struct error why = {0};
    status = settings_parse(o->settings_text, strlen(o->settings_text), name, &o->settings, &why);
    /* It is one line to us alone. */
    if (status < 0 && strncmp(why.message, line, sizeof line - 1) == 0)
        return error_set(err, status, "%s: %s", name, why.message + sizeof line - 1);
    return status < 0 ? error_set(err, status, "%s", why.message) : 0;
}

/* Beside Orthanc's own files, unless it is told otherwise. */
static int folder_read(const cJSON *root, const cJSON *section, struct options *o,
                       struct error *err)
{
    const cJSON *storage = cJSON_GetObjectItemCaseSensitive(root, "StorageDirectory");
    char standard[4096];
    snprintf(standard, sizeof standard, "%s/axnode-work",
             cJSON_IsString(storage) ? storage->valuestring : "OrthancStorage");
    return text_read(section, "Folder", standard, &o->folder, err);
}

static int section_read(const cJSON *root, const cJSON *section, struct options *o,
                        struct error *err)
{
    const cJSON *age = cJSON_GetObjectItemCaseSensitive(root, "StableAge");
    o->stable_age_us = (int64_t)(cJSON_IsNumber(age) ? age->valuedouble * 1e6 : 60e6);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "CheckRevisions")))
        return error_set(err, STATUS_INVALID,
                         "CheckRevisions is on: axnode cannot keep its state in metadata then");
    int status = keys_check(section, "Axnode", keys, sizeof keys / sizeof *keys, err);
    if (status == 0)
        status = mode_read(section, o, err);
    if (status == 0)
        status = objects_read(section, o, err);
    if (status == 0)
        status = text_read(section, "Program", "", &o->program, err);
    if (status == 0)
        status = folder_read(root, section, o, err);
    return status < 0 ? status : settings_read(section, o, err);
}

int options_read(const char *configuration, struct options *ret_options, struct error *err)
{
    struct options o = {0};
    cJSON *root = cJSON_Parse(configuration);
    if (!root)
        return error_set(err, STATUS_INVALID, "Orthanc's configuration is no JSON");
    const cJSON *section = cJSON_GetObjectItemCaseSensitive(root, "Axnode");
    int status = section ? section_read(root, section, &o, err)
                         : error_set(err, STATUS_NOT_FOUND, "no section Axnode");
    cJSON_Delete(root);
    if (status < 0)
        options_release(&o);
    else
        *ret_options = o;
    return status;
}

void options_release(struct options *options)
{
    free(options->modality);
    free(options->program);
    free(options->folder);
    free(options->settings_text);
    settings_free(options->settings);
    *options = (struct options){0};
}
