/* Where Orthanc enters. The SDK's callbacks carry no context of ours, so there is one static one. */
#include "plugin/plugin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/explorer.h"
#include "plugin/rest.h"
#include "plugin/watch.h"
#include "plugin/work.h"

/* What Orthanc looks for; its SDK does not declare them. */
int32_t OrthancPluginInitialize(OrthancPluginContext *orthanc);
void OrthancPluginFinalize(void);
const char *OrthancPluginGetName(void);
const char *OrthancPluginGetVersion(void);

const char *const plugin_count_names[PLUGIN_COUNTS] = {
    "risk", "no_risk", "not_applicable", "forwarded", "attempts_failed", "failed"};

struct worker {
    pthread_t thread;
    struct work work;
};

static struct {
    struct plugin plugin;
    struct worker *workers;
    int worker_count; /* whose threads run */
    pthread_mutex_t starting; /* guards `watch`: Orthanc starts and stops in threads of its own */
    struct watch *watch;
} here = {.starting = PTHREAD_MUTEX_INITIALIZER};

static void *worker_main(void *context)
{
    struct worker *worker = context;
    struct queue *queue = here.plugin.queue;
    struct queue_item item;
    while (queue_take(queue, &item)) {
        const int64_t again_us = work_on(&worker->work, &item);
        if (again_us)
            queue_retry(queue, item.study, again_us);
        else
            queue_done(queue, item.study);
    }
    analyst_stop(&worker->work.analyst);
    return NULL;
}

static void threads_start(void)
{
    struct error err = {0};
    const int count = here.plugin.options.settings->workers.count;
    pthread_mutex_lock(&here.starting);
    int status = here.watch ? 0 : watch_start(&here.plugin, &here.watch, &err);
    while (status == 0 && here.worker_count < count) {
        struct worker *worker = &here.workers[here.worker_count];
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            status = error_set(&err, STATUS_IO, "cannot start a thread");
        else
            here.worker_count++;
    }
    pthread_mutex_unlock(&here.starting);
    if (status < 0)
        orthanc_log(here.plugin.orthanc, LOG_ERROR, &err, "studies are not analysed");
}

static void threads_stop(void)
{
    pthread_mutex_lock(&here.starting);
    atomic_store(&here.plugin.stopping, true);
    if (here.plugin.queue)
        queue_close(here.plugin.queue);
    watch_stop(here.watch);
    here.watch = NULL;
    for (int i = 0; i < here.worker_count; i++)
        pthread_join(here.workers[i].thread, NULL);
    here.worker_count = 0;
    pthread_mutex_unlock(&here.starting);
}

/* Only wakes: whoever asks Orthanc anything from here may wait for himself. */
static OrthancPluginErrorCode on_change(OrthancPluginChangeType change,
                                        OrthancPluginResourceType resource, const char *id)
{
    (void)resource;
    (void)id;
    if (change == OrthancPluginChangeType_OrthancStarted) {
        threads_start();
    } else if (change == OrthancPluginChangeType_OrthancStopped) {
        threads_stop();
    } else if (change == OrthancPluginChangeType_StableStudy) {
        pthread_mutex_lock(&here.starting);
        watch_wake(here.watch);
        pthread_mutex_unlock(&here.starting);
    }
    return OrthancPluginErrorCode_Success;
}

static OrthancPluginErrorCode on_status(OrthancPluginRestOutput *output, const char *url,
                                        const OrthancPluginHttpRequest *request)
{
    (void)url;
    return rest_status(&here.plugin, output, request);
}

static OrthancPluginErrorCode on_study(OrthancPluginRestOutput *output, const char *url,
                                       const OrthancPluginHttpRequest *request)
{
    (void)url;
    return rest_study(&here.plugin, output, request);
}

static OrthancPluginErrorCode on_analyze(OrthancPluginRestOutput *output, const char *url,
                                         const OrthancPluginHttpRequest *request)
{
    (void)url;
    return rest_analyze(&here.plugin, output, request);
}

static OrthancPluginErrorCode on_page(OrthancPluginRestOutput *output, const char *url,
                                      const OrthancPluginHttpRequest *request)
{
    (void)url;
    return rest_page(&here.plugin, output, request);
}

static void on_metrics(void)
{
    rest_metrics(&here.plugin);
}

static void callbacks_register(OrthancPluginContext *orthanc)
{
#define STUDY "/axnode/studies/([0-9a-f]{8}(?:-[0-9a-f]{8}){4})"
    OrthancPluginRegisterOnChangeCallback(orthanc, on_change);
    OrthancPluginRegisterRestCallbackNoLock(orthanc, "/axnode/status", on_status);
    OrthancPluginRegisterRestCallbackNoLock(orthanc, STUDY, on_study);
    OrthancPluginRegisterRestCallbackNoLock(orthanc, STUDY "/analyze", on_analyze);
    OrthancPluginRegisterRestCallbackNoLock(orthanc, STUDY "/report", on_page);
    OrthancPluginRegisterRefreshMetricsCallback(orthanc, on_metrics);
    OrthancPluginExtendOrthancExplorer(orthanc, (const char *)explorer_script);
#undef STUDY
}

/* Installed where CMake put it; in the build tree beside this library. */
static int program_find(struct plugin *p, struct error *err)
{
    Dl_info info;
    if (*p->options.program) {
        snprintf(p->program, sizeof p->program, "%s", p->options.program);
    } else if (dladdr((const void *)plugin_count_names, &info) && info.dli_fname &&
               strrchr(info.dli_fname, '/')) {
        snprintf(p->program, sizeof p->program, "%.*s/axnode-analyst",
                 (int)(strrchr(info.dli_fname, '/') - info.dli_fname), info.dli_fname);
        if (access(p->program, X_OK) < 0)
            snprintf(p->program, sizeof p->program, "%s", AXNODE_ANALYST);
    }
    if (access(p->program, X_OK) < 0)
        return error_set(err, STATUS_INVALID, "Axnode.Program: cannot run %s", p->program);
    return 0;
}

static void workers_free(void)
{
    const int count = here.workers ? here.plugin.options.settings->workers.count : 0;
    for (int i = 0; i < count; i++)
        analyst_stop(&here.workers[i].work.analyst);
    free(here.workers);
    here.workers = NULL;
}

static int workers_make(struct error *err)
{
    struct plugin *p = &here.plugin;
    const int count = p->options.settings->workers.count;
    here.workers = calloc((size_t)count, sizeof *here.workers);
    if (!here.workers)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (int i = 0; i < count; i++) {
        struct work *work = &here.workers[i].work;
        work->plugin = p;
        analyst_init(&work->analyst, p->program, p->options.settings_text);
        if (snprintf(work->folder, sizeof work->folder, "%s/%d-%d", p->options.folder,
                     (int)getpid(), i) >= (int)sizeof work->folder)
            return error_set(err, STATUS_INVALID, "Axnode.Folder: its name is too long");
    }
    return 0;
}

/* Packages and networks are opened once now, so that what is wrong with them is told at the start. */
static int open_local(struct error *err)
{
    struct plugin *p = &here.plugin;
    int status = program_find(p, err);
    if (status == 0)
        status = work_folder_clean(&p->options, err);
    return status < 0 ? status : analyst_start(&here.workers[0].work.analyst, err);
}

static int plugin_open(OrthancPluginContext *orthanc, struct error *err)
{
    struct plugin *p = &here.plugin;
    p->orthanc = orthanc;
    char *configuration = OrthancPluginGetConfiguration(orthanc);
    if (!configuration)
        return error_set(err, STATUS_UNAVAILABLE, "Orthanc does not tell its configuration");
    int status = options_read(configuration, &p->options, err);
    OrthancPluginFreeString(orthanc, configuration);
    if (status == 0)
        status = workers_make(err);
    if (status == 0 && !(p->queue = queue_new()))
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == 0 && p->options.mode == OPTIONS_LOCAL)
        status = open_local(err);
    return status;
}

ORTHANC_PLUGINS_API int32_t OrthancPluginInitialize(OrthancPluginContext *orthanc)
{
    struct error err = {0};
    if (!OrthancPluginCheckVersion(orthanc)) {
        OrthancPluginLogError(orthanc, "axnode: this Orthanc is older than the plugin's SDK");
        return -1;
    }
    OrthancPluginSetDescription(orthanc, "Breast and axilla ultrasound: outlines, measurements and, "
                                         "where a model package allows, a risk, as DICOM SR and SEG");
    int status = plugin_open(orthanc, &err);
    if (status == 0) {
        callbacks_register(orthanc);
        orthanc_log(orthanc, LOG_WARNING, NULL, "version %s, mode %s", AXNODE_VERSION,
                    here.plugin.options.mode == OPTIONS_LOCAL ? "local" : "forward");
        return 0;
    }
    if (status == STATUS_NOT_FOUND) {
        OrthancPluginLogWarning(orthanc, "axnode: the configuration has no section Axnode: off");
        return 0;
    }
    orthanc_log(orthanc, LOG_ERROR, &err, "not started");
    return -1;
}

ORTHANC_PLUGINS_API void OrthancPluginFinalize(void)
{
    threads_stop();
    workers_free();
    queue_free(here.plugin.queue);
    here.plugin.queue = NULL;
    options_release(&here.plugin.options);
}

ORTHANC_PLUGINS_API const char *OrthancPluginGetName(void)
{
    return "axnode";
}

ORTHANC_PLUGINS_API const char *OrthancPluginGetVersion(void)
{
    return AXNODE_VERSION;
}
