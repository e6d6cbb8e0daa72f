/* Role worker: one study at a time, from its claim to its committed result. The process is the
 * fault boundary: what the pipeline does to it costs one attempt of one job.
 *
 * The watch thread, with a database connection of its own, renews the claim; when the job's time
 * is over it gives the claim back and ends the process, for nothing else stops a pipeline. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "db/queue.h"
#include "dicom/setup.h"
#include "pipeline/pipeline.h"
#include "service/analysis.h"
#include "service/database.h"
#include "service/limits.h"
#include "service/models.h"
#include "service/role.h"
#include "service/watch.h"
#include "store/store.h"

enum {
    POLL_US = 300000,
    STEP_US = 120000000,
    PACKAGE_STEP_US = 600000000, /* opening networks and their self test */
    PACKAGE_RETRY_US = 30000000,
    COMMIT_TRIES = 5,
    SHADOW_ATTEMPT = 1000, /* beyond workers.attempts_max */
    EXIT_JOB_TIMEOUT = 3,
};

/* The job under way, as the watch thread sees it. */
struct claim {
    pthread_mutex_t mutex;
    int64_t job; /* 0: none */
    char token[QUEUE_TOKEN_SIZE];
    int64_t end_us;   /* monotonic: the job's time is over */
    int64_t renew_us; /* when to renew next */
};

struct worker {
    const struct role *role;
    struct watch *watch;
    struct database database;
    struct store *store;
    struct models models;
    struct queue_policy policy;
    struct claim claim;
    struct db *renewal; /* the watch thread's alone */
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* --- Watch thread ------------------------------------------------------------------------- */

static int renewal_connect(struct worker *w, struct error *err)
{
    static const struct db_options quick = {
        .connect_timeout_s = 3, .statement_timeout_ms = 5000, .lock_timeout_ms = 3000};
    if (w->renewal && db_alive(w->renewal))
        return 0;
    db_close(w->renewal);
    w->renewal = NULL;
    return db_open(w->role->settings->database, "axnoded renewal", &quick, &w->renewal, err);
}

/* Returns when to renew next. */
static int64_t renew(struct worker *w, int64_t job, const char *token)
{
    struct error err = {0};
    int status = renewal_connect(w, &err);
    if (status == 0)
        status = queue_renew(w->renewal, job, token, w->policy.lease_us, &err);
    if (status == 0)
        return now_us() + w->policy.lease_us / 3;
    if (status == STATUS_CONFLICT) { /* the commit will be refused */
        log_event(LOG_WARNING, "claim lost: the result will be thrown away", "job=%" PRId64, job);
        return INT64_MAX;
    }
    log_error(LOG_WARNING, "claim not renewed", &err, "job=%" PRId64, job);
    return now_us() + w->policy.lease_us / 10;
}

static void give_up(struct worker *w, int64_t job, const char *token)
{
    struct error err = {0};
    char reason[96];
    snprintf(reason, sizeof reason, "took longer than workers.job_timeout_s (%lld s)",
             (long long)(w->role->settings->workers.job_timeout_us / 1000000));
    log_event(LOG_ERROR, "job's time is over: ending this process", "job=%" PRId64, job);
    int status = renewal_connect(w, &err);
    if (status == 0)
        status = queue_fail(w->renewal, job, token, reason, false, &w->policy, &err);
    if (status < 0) /* then the lease runs out */
        log_error(LOG_WARNING, "claim not given back", &err, "job=%" PRId64, job);
    _exit(EXIT_JOB_TIMEOUT);
}

static void tick(void *context)
{
    struct worker *w = context;
    struct claim *claim = &w->claim;
    char token[QUEUE_TOKEN_SIZE];
    pthread_mutex_lock(&claim->mutex);
    int64_t now = now_us(), job = claim->job, end_us = claim->end_us;
    bool due = job && now >= claim->renew_us;
    memcpy(token, claim->token, sizeof token);
    pthread_mutex_unlock(&claim->mutex);
    if (job && now >= end_us)
        give_up(w, job, token);
    if (!due)
        return;
    int64_t next_us = renew(w, job, token);
    pthread_mutex_lock(&claim->mutex);
    if (claim->job == job)
        claim->renew_us = next_us;
    pthread_mutex_unlock(&claim->mutex);
}

static void claim_begin(struct worker *w, const struct queue_job *job)
{
    int64_t now = now_us();
    pthread_mutex_lock(&w->claim.mutex);
    w->claim.job = job->id;
    memcpy(w->claim.token, job->token, sizeof w->claim.token);
    w->claim.end_us = now + w->role->settings->workers.job_timeout_us;
    w->claim.renew_us = now + w->policy.lease_us / 3;
    pthread_mutex_unlock(&w->claim.mutex);
}

static void claim_end(struct worker *w)
{
    pthread_mutex_lock(&w->claim.mutex);
    w->claim.job = 0;
    pthread_mutex_unlock(&w->claim.mutex);
}

/* --- One job ------------------------------------------------------------------------------ */

/* The connection may be lost meanwhile: the fence makes another try safe. */
static int commit_durably(struct worker *w, const struct queue_job *job,
                          const struct queue_result *result, enum queue_committed *ret_committed,
                          struct error *err)
{
    int status = STATUS_UNAVAILABLE;
    for (int i = 0; i < COMMIT_TRIES && status == STATUS_UNAVAILABLE; i++) {
        if (!database_need(&w->database))
            return error_set(err, STATUS_UNAVAILABLE, "stopped while the database is away");
        status = queue_commit(w->database.db, job->id, job->token, result, ret_committed, err);
        if (status == STATUS_UNAVAILABLE)
            database_failed(&w->database, "result not committed", err);
    }
    return status;
}

/* results[0] is the report's, `count` with those beside it. */
static int result_commit(struct worker *w, const struct queue_job *job, const char *folder,
                         const struct pipeline_result *results, size_t count,
                         enum queue_committed *ret_committed, struct error *err)
{
    struct arena arena ARENA_AUTO;
    arena_init(&arena);
    struct analysis_kept kept;
    struct queue_features features[PIPELINE_PACKAGES_MAX][ROI_COUNT];
    struct queue_result rows[PIPELINE_PACKAGES_MAX];
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = analysis_row(&results[i], &arena, features[i], &rows[i], err);
    if (status == 0)
        status = analysis_keep(w->store, w->role->settings, job, folder, results, &kept, rows, err);
    if (status < 0)
        return status;
    rows[0].beside = rows + 1;
    rows[0].beside_count = count - 1;
    return commit_durably(w, job, rows, ret_committed, err);
}

/* Input that fails once fails always; a full disk or a lost connection passes. */
static bool fails_again(int analysed)
{
    return analysed == STATUS_INVALID || analysed == STATUS_UNSUPPORTED || analysed == STATUS_LIMIT;
}

static void job_failed(struct worker *w, const struct queue_job *job, bool permanent,
                       const struct error *reason)
{
    struct error err = {0};
    log_error(LOG_ERROR, permanent ? "study cannot be analysed" : "attempt failed", reason,
              "job=%" PRId64 " attempt=%d", job->id, job->attempt);
    if (!database_need(&w->database))
        return; /* the lease will run out */
    int status = queue_fail(w->database.db, job->id, job->token, reason->message, permanent,
                            &w->policy, &err);
    if (status < 0 && status != STATUS_CONFLICT)
        log_error(LOG_WARNING, "claim not given back", &err, "job=%" PRId64, job->id);
}

/* ---- Shadows ---- */

static int shadow_run(struct worker *w, const struct analyser *shadow, const struct queue_job *job,
                      const char *folder, struct pipeline_result *ret_result, struct error *err)
{
    struct arena arena ARENA_AUTO;
    arena_init(&arena);
    struct queue_features features[ROI_COUNT];
    struct queue_result row;
    const struct scorers alone = {{shadow}, 1};
    int status = analysis_run(w->store, w->role->settings, &alone, job, 0, folder, ret_result, err);
    if (status == 0)
        status = analysis_row(ret_result, &arena, features, &row, err);
    if (status < 0)
        return status;
    if (!database_need(&w->database))
        return error_set(err, STATUS_UNAVAILABLE, "stopped while the database is away");
    return queue_shadow(w->database.db, job->id, &row, err);
}

/* After the study's own result is committed, so that nothing that happens here can touch it: what
 * fails is logged, and left. The objects that a shadow makes go with its folder. */
static void shadow_work(struct worker *w, const struct analyser *shadow, size_t index,
                        const struct queue_job *job)
{
    const struct package *package = shadow->package;
    struct pipeline_result result = {0};
    struct store_work folder;
    struct error err = {0};
    watch_allow(w->watch, w->role->settings->workers.job_timeout_us + STEP_US);
    /* The job's attempts have their folders; a shadow's lies beyond them. */
    int status = store_work_make(w->store, job->id, SHADOW_ATTEMPT + (int)index, &folder, &err);
    if (status == 0) {
        status = shadow_run(w, shadow, job, folder.path, &result, &err);
        store_work_remove(&folder);
    }
    if (status == 0)
        log_event(LOG_INFO, "shadow done", "job=%" PRId64 " package=%s version=%s outcome=%s",
                  job->id, LOG_QUOTE(package->name), LOG_QUOTE(package->version),
                  LOG_QUOTE(pipeline_outcome_name(result.outcome)));
    else
        log_error(LOG_ERROR, "no shadow result", &err, "job=%" PRId64 " package=%s version=%s",
                  job->id, LOG_QUOTE(package->name), LOG_QUOTE(package->version));
    pipeline_result_release(&result);
}

static void shadows_work(struct worker *w, const struct queue_job *job)
{
    const struct settings *settings = w->role->settings;
    for (size_t i = 0; i < settings->packages.shadow_count && !role_stopping(w->role); i++) {
        struct error err = {0};
        watch_allow(w->watch, PACKAGE_STEP_US);
        if (models_shadow(&w->models, settings, i, &err) == 0)
            shadow_work(w, &w->models.shadows[i], i, job);
        else
            log_error(LOG_ERROR, "no usable shadow package", &err, "job=%" PRId64 " package=%s",
                      job->id, LOG_QUOTE(settings->packages.shadow[i]));
    }
}

static enum board_counter counter_of(enum pipeline_outcome outcome)
{
    return outcome == PIPELINE_RISK      ? BOARD_RESULTS_RISK
           : outcome == PIPELINE_NO_RISK ? BOARD_RESULTS_NO_RISK
                                         : BOARD_RESULTS_NOT_APPLICABLE;
}

static void job_work(struct worker *w, const struct queue_job *job)
{
    struct pipeline_result results[PIPELINE_PACKAGES_MAX] = {0};
    struct scorers scorers;
    struct store_work folder;
    struct error err = {0};
    enum queue_committed committed;
    int64_t started_us = now_us();
    log_event(LOG_INFO, "job begins", "job=%" PRId64 " generation=%d attempt=%d objects=%zu",
              job->id, job->generation, job->attempt, job->instance_count);
    watch_allow(w->watch, w->role->settings->workers.job_timeout_us + STEP_US);
    claim_begin(w, job);
    scorers.count = models_of_report(&w->models, w->role->settings, scorers.all);
    int analysed = STATUS_OK;
    int status = store_work_make(w->store, job->id, job->attempt, &folder, &err);
    if (status == 0) {
        const unsigned asked = analysis_objects_asked(w->role->settings, job);
        status = analysed = analysis_run(w->store, w->role->settings, &scorers, job, asked,
                                         folder.path, results, &err);
        if (status == 0)
            status = result_commit(w, job, folder.path, results, scorers.count, &committed, &err);
        store_work_remove(&folder);
    }
    if (status == 0)
        board_count(w->role->board, counter_of(results[0].outcome), 1);
    else
        board_count(w->role->board, BOARD_ATTEMPTS_FAILED, 1);
    if (status == 0)
        log_event(LOG_INFO, "job done",
                  "job=%" PRId64 " outcome=%s state=%s objects=%d reason=%s ms=%lld", job->id,
                  LOG_QUOTE(pipeline_outcome_name(results[0].outcome)),
                  LOG_QUOTE(queue_committed_name(committed)), results[0].object_count,
                  LOG_QUOTE(results[0].reason), (long long)((now_us() - started_us) / 1000));
    else
        job_failed(w, job, fails_again(analysed), &err);
    claim_end(w);
    for (size_t i = 0; i < PIPELINE_PACKAGES_MAX; i++)
        pipeline_result_release(&results[i]);
    if (status == 0 && committed != QUEUE_NEXT_GENERATION)
        shadows_work(w, job);
}

/* --- The loop ----------------------------------------------------------------------------- */

static bool memory_exceeded(const struct worker *w)
{
    char text[128] = "";
    long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    char *resident = strchr(text, ' '); /* "size resident shared …", in pages */
    if (resident)
        pages = strtol(resident, NULL, 10);
    return pages * sysconf(_SC_PAGESIZE) >> 20 > w->role->settings->workers.memory_max_mib;
}

/* Open the package that is active now, if another one was before, and those reported beside it. */
static int package_follow(struct worker *w, struct error *err)
{
    struct activation now;
    bool changed;
    int status = activation_get(w->database.db, &now, NULL, err);
    if (status < 0)
        return status;
    database_worked(&w->database);
    watch_allow(w->watch, PACKAGE_STEP_US);
    status = models_follow(&w->models, w->role->settings, &now, &changed, err);
    const struct analyser *active = &w->models.active;
    if (status == 0 && changed)
        log_event(LOG_INFO, "package loaded", "package=%s version=%s sha256=%s onnxruntime=%s",
                  LOG_QUOTE(active->package->name), LOG_QUOTE(active->package->version),
                  active->package->digest, net_library_version(active->library));
    return status < 0 ? status : models_reported(&w->models, w->role->settings, err);
}

/* Return with the active package open; jobs wait in the queue meanwhile. False: the role stops. */
static bool package_need(struct worker *w)
{
    while (database_need(&w->database)) {
        struct error err = {0};
        watch_allow(w->watch, STEP_US);
        int status = package_follow(w, &err);
        if (status == 0)
            return true;
        if (status == STATUS_UNAVAILABLE) {
            if (!database_failed(&w->database, "active package not known", &err))
                return false;
            continue;
        }
        log_error(LOG_ERROR, "no usable package: studies wait", &err, "retry_in_s=%d",
                  PACKAGE_RETRY_US / 1000000);
        if (watch_wait(w->watch, PACKAGE_RETRY_US))
            return false;
    }
    return false;
}

static void work(struct worker *w)
{
    char name[64];
    int done = 0;
    snprintf(name, sizeof name, "%.32s/%d", w->role->label, (int)getpid());
    while (package_need(w)) {
        struct queue_job job;
        struct error err = {0};
        watch_allow(w->watch, STEP_US);
        int status = queue_claim(w->database.db, name, &w->policy, &job, &err);
        if (status == STATUS_NOT_FOUND) {
            database_worked(&w->database);
            if (watch_wait(w->watch, POLL_US))
                return;
            continue;
        }
        if (status < 0) {
            if (!database_failed(&w->database, "no job claimed", &err))
                return;
            continue;
        }
        database_worked(&w->database);
        job_work(w, &job);
        queue_job_release(&job);
        if (++done >= w->role->settings->workers.recycle_jobs || memory_exceeded(w)) {
            log_event(LOG_INFO, "worker is replaced", "jobs=%d", done);
            return;
        }
    }
}

static int worker_open(struct worker *w, struct error *err)
{
    const struct settings *settings = w->role->settings;
    w->policy = (struct queue_policy){.attempts_max = settings->workers.attempts_max,
                                      .lease_us = settings->workers.lease_us,
                                      .backoff_us = settings->workers.backoff_first_us,
                                      .backoff_max_us = settings->workers.backoff_max_us};
    pthread_mutex_init(&w->claim.mutex, NULL);
    int status = watch_start(w->role, tick, w, &w->watch, err);
    if (status < 0)
        return status;
    database_init(&w->database, w->role, w->watch);
    status = dicom_setup(err);
    if (status == 0)
        status = store_open(settings->store, NULL, &w->store, err);
    if (status == 0)
        status = store_clean(w->store, err);
    return status;
}

int axnode_role_main(const struct role *role)
{
    struct worker w = {.role = role};
    struct error err = {0};
    role_enter(role);
    int status = worker_open(&w, &err);
    if (status < 0)
        log_error(LOG_ERROR, "worker not started", &err, NULL);
    else
        work(&w);
    watch_stop(w.watch);
    db_close(w.renewal);
    database_release(&w.database);
    models_release(&w.models);
    store_close(w.store);
    pthread_mutex_destroy(&w.claim.mutex);
    return status < 0;
}
