/* Role sender: for each destination that something is due for, child processes of one association
 * each; none of them waits for another. Answers to requests for storage commitment go from the store
 * into the database; one more child answers those that peers make of us. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/commitment.h"
#include "db/destination.h"
#include "dicom/commitment.h"
#include "dicom/setup.h"
#include "service/backoff.h"
#include "service/database.h"
#include "service/delivery.h"
#include "service/pledging.h"
#include "service/requests.h"
#include "service/role.h"
#include "service/watch.h"
#include "store/store.h"

enum {
    POLL_US = 300000,
    STEP_US = 120000000,
    DRAIN_POLL_NS = 20000000,
    ASSOCIATIONS_MAX = 8, /* of one destination, as the settings bound it */
    LANES_MAX = SETTINGS_DESTINATIONS_MAX * ASSOCIATIONS_MAX,
    ANSWERS_PER_TURN = 64,
    REQUESTS_POLL_US = 1000000,
};

/* A child and the destination that it serves. */
struct lane {
    pid_t pid; /* 0: free */
    size_t destination;
};

struct sender {
    const struct role *role;
    struct watch *watch;
    struct database database;
    struct store *store;
    struct lane lanes[LANES_MAX];
    /* Monotonic: a destination that could not be reached is left alone until then. */
    int64_t rest_until_us[SETTINGS_DESTINATIONS_MAX];
    pid_t pledging;          /* child that answers peers' requests; 0: none */
    int64_t pledging_rest_us; /* monotonic: no other before */
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* --- Children ----------------------------------------------------------------------------- */

/* In the forked child: the parent's connections are not to be used here. */
static void child_enter(const struct role *role, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(DELIVERY_FAILED);
    close(role->beat_fd);
}

/* Does not return. */
static void child_run(const struct sender *x, size_t destination, pid_t parent)
{
    const struct role *role = x->role;
    child_enter(role, parent);
    _exit((int)delivery_run(role, x->store, &role->settings->destinations[destination]));
}

static void lane_start(struct sender *x, size_t destination)
{
    struct lane *lane = x->lanes;
    while (lane->pid > 0)
        lane++;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child_run(x, destination, parent);
    if (pid < 0) {
        log_event(LOG_ERROR, "cannot start a process, trying again later", "destination=%s",
                  x->role->settings->destinations[destination].name);
        x->rest_until_us[destination] = now_us() + STEP_US / 12;
        return;
    }
    *lane = (struct lane){pid, destination};
}

static void lane_ended(struct sender *x, struct lane *lane, int how)
{
    const struct settings *settings = x->role->settings;
    bool reached = WIFEXITED(how) && WEXITSTATUS(how) == DELIVERY_DONE;
    lane->pid = 0;
    if (WIFSIGNALED(how))
        log_event(LOG_ERROR, "process that sends died", "destination=%s signal=%d",
                  settings->destinations[lane->destination].name, WTERMSIG(how));
    if (!reached) /* what is due meanwhile need not be tried at once */
        x->rest_until_us[lane->destination] =
            now_us() + backoff_us(settings->sender.backoff_first_us,
                                  settings->sender.backoff_max_us, 1);
}

/* An answer that could not be given holds up the next for a moment. */
static void pledging_ended(struct sender *x, int how)
{
    const struct settings *settings = x->role->settings;
    x->pledging = 0;
    if (WIFSIGNALED(how))
        log_event(LOG_ERROR, "process that answers requests for storage commitment died",
                  "signal=%d", WTERMSIG(how));
    if (!WIFEXITED(how) || WEXITSTATUS(how) != DELIVERY_DONE)
        x->pledging_rest_us = now_us() + backoff_us(settings->sender.backoff_first_us,
                                                    settings->sender.backoff_max_us, 1);
}

/* Children that have ended; returns how many are left. */
static size_t lanes_reap(struct sender *x)
{
    size_t left = 0;
    int how;
    for (struct lane *lane = x->lanes; lane < x->lanes + LANES_MAX; lane++) {
        if (lane->pid > 0 && waitpid(lane->pid, &how, WNOHANG) > 0)
            lane_ended(x, lane, how);
        left += lane->pid > 0;
    }
    if (x->pledging > 0 && waitpid(x->pledging, &how, WNOHANG) > 0)
        pledging_ended(x, how);
    return left + (x->pledging > 0);
}

static int lanes_of(const struct sender *x, size_t destination)
{
    int count = 0;
    for (size_t i = 0; i < LANES_MAX; i++)
        count += x->lanes[i].pid > 0 && x->lanes[i].destination == destination;
    return count;
}

/* One more child for each destination that has something due and may have one more. */
static int lanes_start(struct sender *x, struct error *err)
{
    const struct settings *settings = x->role->settings;
    int status = 0;
    for (size_t d = 0; status == 0 && d < settings->destination_count; d++) {
        const struct settings_destination *destination = &settings->destinations[d];
        int most = destination->objects_per_minute ? 1 : destination->associations;
        bool due = false;
        if (lanes_of(x, d) >= most || now_us() < x->rest_until_us[d])
            continue;
        status = destination_due(x->database.db, destination->name, &due, err);
        if (status == 0 && due)
            lane_start(x, d);
    }
    return status;
}

/* A child for what peers ask of us, where the settings let them and something is due. */
static int pledging_start(struct sender *x, struct error *err)
{
    bool due = false;
    if (!requests_taken(x->role->settings) || x->pledging > 0 || now_us() < x->pledging_rest_us)
        return 0;
    x->pledging_rest_us = now_us() + REQUESTS_POLL_US;
    int status = pledging_due(x->database.db, x->store, &due, err);
    if (status < 0 || !due)
        return status;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        child_enter(x->role, parent);
        _exit((int)pledging_run(x->role, x->store));
    }
    if (pid < 0)
        log_event(LOG_ERROR, "cannot start a process, trying again later", NULL);
    x->pledging = pid > 0 ? pid : 0;
    return 0;
}

/* The request to stop goes to each child: it ends after the object at hand. */
static void lanes_drain(struct sender *x)
{
    const struct timespec pause = {.tv_nsec = DRAIN_POLL_NS};
    for (size_t i = 0; i < LANES_MAX; i++)
        if (x->lanes[i].pid > 0)
            kill(x->lanes[i].pid, SIGTERM);
    if (x->pledging > 0)
        kill(x->pledging, SIGTERM);
    watch_allow(x->watch, x->role->settings->supervisor.drain_timeout_us + STEP_US);
    while (lanes_reap(x) > 0)
        nanosleep(&pause, NULL);
}

/* --- Answers to requests for storage commitment -------------------------------------------- */

static int answer_record(struct sender *x, const struct dicom_commitment *answer,
                         struct error *err)
{
    const struct settings *settings = x->role->settings;
    const struct commitment_policy policy = {settings->sender.commitment_timeout_us,
                                             settings->sender.commitment_tries};
    int64_t delay_us =
        backoff_us(settings->sender.backoff_first_us, settings->sender.backoff_max_us, 1);
    const char **committed = calloc(answer->count, sizeof *committed);
    struct commitment_refusal *refused = calloc(answer->count, sizeof *refused);
    struct commitment_answer row = {answer->transaction_uid, committed, 0, refused, 0};
    int status = STATUS_NOT_FOUND;
    for (size_t i = 0; committed && refused && i < answer->count; i++) {
        const struct dicom_committed *object = &answer->objects[i];
        if (object->committed) {
            committed[row.committed_count++] = object->sop_instance_uid;
        } else {
            memcpy(refused[row.refused_count].sop_instance_uid, object->sop_instance_uid,
                   UID_SIZE);
            refused[row.refused_count++].reason = object->reason;
        }
    }
    if (!committed || !refused)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t d = 0; status == STATUS_NOT_FOUND && d < settings->destination_count; d++)
        if (strcmp(settings->destinations[d].ae_title, answer->calling_ae) == 0)
            status = commitment_answered(x->database.db, settings->destinations[d].name, &row,
                                         &policy, delay_us, err);
    if (status == 0)
        log_event(row.refused_count ? LOG_WARNING : LOG_INFO, "storage commitment answered",
                  "calling_ae=%s committed=%zu refused=%zu transaction=%s",
                  LOG_QUOTE(answer->calling_ae), row.committed_count, row.refused_count,
                  answer->transaction_uid);
    free(committed);
    free(refused);
    return status;
}

/* An answer that nothing can be made of is thrown away; one that cannot be read or removed just now
 * holds up no other, and no sending. Without a database all of them wait. */
static int answer_take(struct sender *x, const struct store_file *file, struct error *err)
{
    struct dicom_commitment answer = {0};
    struct error reason = {0};
    int status = dicom_commitment_read(file->path, &answer, &reason);
    bool read = status == 0;
    if (read)
        status = answer_record(x, &answer, &reason);
    dicom_commitment_release(&answer);
    if (read && status == STATUS_UNAVAILABLE)
        return error_set(err, status, "%s", reason.message);
    bool useless = status == STATUS_INVALID || status == STATUS_LIMIT ||
                   status == STATUS_NOT_FOUND || status == STATUS_CONFLICT;
    if (useless)
        log_error(LOG_WARNING, "answer to storage commitment thrown away", &reason, "key=%s",
                  file->key);
    if (status == 0 || useless)
        status = store_remove(x->store, STORE_ANSWERS, file->key, &reason);
    if (status < 0)
        log_error(LOG_ERROR, "answer to storage commitment waits", &reason, "key=%s", file->key);
    return 0;
}

static int answers_take(struct sender *x, struct error *err)
{
    struct store_file files[ANSWERS_PER_TURN];
    struct store_scan *scan;
    size_t count = 0;
    int status = store_scan_open(x->store, STORE_ANSWERS, &scan, err);
    if (status < 0)
        return status;
    status = store_scan_next(scan, files, ANSWERS_PER_TURN, &count, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        watch_allow(x->watch, STEP_US);
        status = answer_take(x, &files[i], err);
    }
    store_scan_close(scan);
    return status;
}

/* --- The role ----------------------------------------------------------------------------- */

static int turn(void *context, int64_t *ret_wait_us, struct error *err)
{
    struct sender *x = context;
    watch_allow(x->watch, STEP_US);
    lanes_reap(x);
    *ret_wait_us = POLL_US;
    int status = answers_take(x, err);
    if (status == 0)
        status = pledging_start(x, err);
    return status < 0 ? status : lanes_start(x, err);
}

int axnode_role_main(const struct role *role)
{
    struct sender x = {.role = role};
    struct error err = {0};
    role_enter(role);
    int status = watch_start(role, NULL, NULL, &x.watch, &err);
    if (status == 0) {
        database_init(&x.database, role, x.watch);
        status = dicom_setup(&err);
    }
    if (status == 0)
        status = store_open(role->settings->store, NULL, &x.store, &err);
    if (status == 0) {
        database_loop(&x.database, turn, &x, "sending interrupted");
        lanes_drain(&x);
    } else {
        log_error(LOG_ERROR, "sender not started", &err, NULL);
    }
    watch_stop(x.watch);
    database_release(&x.database);
    store_close(x.store);
    return status < 0;
}
