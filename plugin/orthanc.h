/* Orthanc as the plugin sees it: its REST interface and its database, through the SDK. Messages
 * name Orthanc's identifiers, never UIDs or patients. None of this may be called from a callback
 * for changes. */
#ifndef AXNODE_PLUGIN_ORTHANC_H
#define AXNODE_PLUGIN_ORTHANC_H

#include <cjson/cJSON.h>
#include <orthanc/OrthancCPlugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"

/* The path of REST is a printf format. STATUS_NOT_FOUND: Orthanc has no such thing;
 * STATUS_UNAVAILABLE: every other refusal. The caller frees what is returned. */
int orthanc_get(OrthancPluginContext *orthanc, cJSON **ret_json, struct error *err,
                const char *path, ...) __attribute__((format(printf, 4, 5)));
int orthanc_get_bytes(OrthancPluginContext *orthanc, struct buffer *ret_bytes, struct error *err,
                      const char *path, ...) __attribute__((format(printf, 4, 5)));
/* `ret_json` may be NULL: the answer is of no interest. */
int orthanc_post(OrthancPluginContext *orthanc, const char *path, const void *body, size_t n,
                 cJSON **ret_json, struct error *err);
int orthanc_put(OrthancPluginContext *orthanc, const void *body, size_t n, struct error *err,
                const char *path, ...) __attribute__((format(printf, 5, 6)));
int orthanc_delete(OrthancPluginContext *orthanc, struct error *err, const char *path, ...)
    __attribute__((format(printf, 3, 4)));

/* The file of an instance, as Orthanc received it, into a new file of mode 0600. */
int orthanc_fetch(OrthancPluginContext *orthanc, const char *instance, const char *path,
                  struct error *err);
/* Orthanc's identifier of an object; STATUS_NOT_FOUND. */
int orthanc_find(OrthancPluginContext *orthanc, const char *sop_instance_uid, char *ret_instance,
                 size_t size, struct error *err);
/* Store the object in a file of ours; one that is there already is fine. */
int orthanc_store(OrthancPluginContext *orthanc, const char *path, struct error *err);

/* A line in Orthanc's log, with an error's message, detail and hint when `err` is not NULL. */
void orthanc_log(OrthancPluginContext *orthanc, enum log_level level, const struct error *err,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A text member; "" when it is missing or something else. */
const char *orthanc_text(const cJSON *map, const char *name);

#endif
