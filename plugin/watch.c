#include "plugin/watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/number.h"
#include "plugin/cursor.h"
#include "plugin/study.h"

enum {
    CHANGES_AT_ONCE = 500,
    LOOK_US = 5000000,   /* how often without being woken */
    LATE_US = 60000000,  /* that Orthanc may be late with what it calls stable */
    AGAIN_US = 1000000,  /* after Orthanc did not answer */
};

struct watch {
    struct plugin *plugin;
    struct cursor cursor;
    int64_t written;     /* the global property's value */
    int64_t caught_up;   /* changes up to here happened before this start */
    int64_t images_us;   /* studies of those are looked at from then on */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool woken;
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

static void push(struct watch *w, const char *study, int64_t sequence, int64_t start_us)
{
    struct queue_item item = {.sequence = sequence, .start_us = start_us};
    struct error err = {0};
    snprintf(item.study, sizeof item.study, "%s", study);
    if (queue_push(w->plugin->queue, &item, &err) < 0)
        orthanc_log(w->plugin->orthanc, LOG_ERROR, &err, "study %s not queued", study);
}

/* An image that came before this start: its study may never have been called stable. */
static void push_parent(struct watch *w, const char *instance, int64_t sequence)
{
    cJSON *study = NULL;
    if (orthanc_get(w->plugin->orthanc, &study, NULL, "/instances/%s/study", instance) == 0)
        push(w, orthanc_text(study, "ID"), sequence, w->images_us);
    cJSON_Delete(study);
}

static void change_take(struct watch *w, const cJSON *change)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(change, "Seq");
    const char *type = orthanc_text(change, "ChangeType"), *id = orthanc_text(change, "ID");
    const int64_t sequence = cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
    const bool before = sequence <= w->caught_up;
    const bool study = strcmp(orthanc_text(change, "ResourceType"), "Study") == 0;
    if (strcmp(type, "StableStudy") == 0)
        push(w, id, sequence, 0);
    else if (before && strcmp(type, "NewInstance") == 0)
        push_parent(w, id, sequence);
    else if (before && study && strcmp(type, "UpdatedMetadata") == 0)
        push(w, id, sequence, 0); /* a person's wish that was not begun yet */
    if (sequence > w->cursor.read)
        w->cursor.read = sequence;
}

/* Everything new, page by page. */
static int changes_read(struct watch *w, struct error *err)
{
    bool more = true;
    while (more && !atomic_load(&w->plugin->stopping)) {
        cJSON *page = NULL;
        const cJSON *change;
        const int64_t before = w->cursor.read;
        int status = orthanc_get(w->plugin->orthanc, &page, err, "/changes?since=%" PRId64 "&limit=%d",
                                 w->cursor.read, CHANGES_AT_ONCE);
        if (status < 0)
            return status;
        cJSON_ArrayForEach(change, cJSON_GetObjectItemCaseSensitive(page, "Changes"))
            change_take(w, change);
        more = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(page, "Done")) &&
               w->cursor.read > before;
        cJSON_Delete(page);
    }
    return 0;
}

/* The newest change there is. */
static int last_read(struct watch *w, int64_t *ret_last, struct error *err)
{
    cJSON *page = NULL;
    int status = orthanc_get(w->plugin->orthanc, &page, err, "/changes?last");
    if (status < 0)
        return status;
    const cJSON *last = cJSON_GetObjectItemCaseSensitive(page, "Last");
    *ret_last = cJSON_IsNumber(last) ? (int64_t)last->valuedouble : 0;
    cJSON_Delete(page);
    return 0;
}

static int cursor_write(struct watch *w, int64_t sequence, struct error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, sequence);
    if (sequence == w->written)
        return 0;
    if (OrthancPluginSetGlobalProperty(w->plugin->orthanc, STUDY_CURSOR, text) !=
        OrthancPluginErrorCode_Success)
        return error_set(err, STATUS_UNAVAILABLE, "Orthanc did not keep the change log's position");
    w->written = sequence;
    return 0;
}

/* Where an earlier run stopped; at the first run of all, the end: what is in the PACS already is
 * analysed when a person asks for it. */
static int cursor_open(struct watch *w, struct error *err)
{
    int64_t last = 0;
    int status = last_read(w, &last, err);
    if (status < 0)
        return status;
    char *text = OrthancPluginGetGlobalProperty(w->plugin->orthanc, STUDY_CURSOR, "");
    if (!text || number_parse_int(text, 0, last, &w->written, NULL) < 0)
        w->written = -1;
    OrthancPluginFreeString(w->plugin->orthanc, text);
    cursor_init(&w->cursor, w->written < 0 ? last : w->written, now_us());
    w->caught_up = last;
    w->images_us = now_us() + w->plugin->options.stable_age_us;
    return cursor_write(w, w->cursor.read, err);
}

static int look(struct watch *w, struct error *err)
{
    int status = changes_read(w, err);
    const int64_t lag_us = w->plugin->options.stable_age_us + LATE_US;
    const int64_t safe =
        cursor_safe(&w->cursor, queue_floor(w->plugin->queue), lag_us, now_us());
    return status < 0 || safe <= w->written ? status : cursor_write(w, safe, err);
}

/* False: Orthanc is stopping. */
static bool sleep_us(struct watch *w, int64_t us)
{
    const int64_t end = now_us() + us;
    const struct timespec at = {end / 1000000, end % 1000000 * 1000};
    pthread_mutex_lock(&w->mutex);
    while (!w->woken && !atomic_load(&w->plugin->stopping) &&
           pthread_cond_timedwait(&w->wake, &w->mutex, &at) == 0)
        ;
    w->woken = false;
    pthread_mutex_unlock(&w->mutex);
    return !atomic_load(&w->plugin->stopping);
}

static void *watch_main(void *context)
{
    struct watch *w = context;
    struct error err = {0};
    while (cursor_open(w, &err) < 0) {
        orthanc_log(w->plugin->orthanc, LOG_ERROR, &err, "change log not read");
        if (!sleep_us(w, AGAIN_US))
            return NULL;
    }
    do {
        if (look(w, &err) < 0 && !atomic_load(&w->plugin->stopping))
            orthanc_log(w->plugin->orthanc, LOG_ERROR, &err, "change log not read");
    } while (sleep_us(w, LOOK_US));
    return NULL;
}

int watch_start(struct plugin *plugin, struct watch **ret_watch, struct error *err)
{
    struct watch *w = calloc(1, sizeof *w);
    pthread_condattr_t monotonic;
    if (!w)
        return error_set(err, STATUS_NOMEM, "out of memory");
    w->plugin = plugin;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&w->thread, NULL, watch_main, w) != 0) {
        free(w);
        return error_set(err, STATUS_IO, "cannot start a thread");
    }
    *ret_watch = w;
    return 0;
}

void watch_wake(struct watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->woken = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->mutex);
}

void watch_stop(struct watch *watch)
{
    if (!watch)
        return;
    watch_wake(watch);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}
