#include "service/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { TICK_US = 500000, STEP_US = 120000000 };

struct watch {
    const struct role *role;
    watch_tick *tick;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool end;         /* under the mutex, as is: */
    int64_t until_us; /* monotonic: no beats after it */
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* True when the thread shall end. */
static bool sleep_until_tick(struct watch *watch, bool *ret_beat)
{
    int64_t wake_us = now_us() + TICK_US;
    struct timespec wake = {wake_us / 1000000, wake_us % 1000000 * 1000};
    pthread_mutex_lock(&watch->mutex);
    while (!watch->end &&
           pthread_cond_clockwait(&watch->ended, &watch->mutex, CLOCK_MONOTONIC, &wake) == 0)
        continue;
    bool end = watch->end;
    *ret_beat = now_us() < watch->until_us;
    pthread_mutex_unlock(&watch->mutex);
    return end;
}

static void *run(void *context)
{
    struct watch *watch = context;
    bool beat = true;
    do {
        if (beat)
            role_beat(watch->role);
        if (watch->tick)
            watch->tick(watch->context);
    } while (!sleep_until_tick(watch, &beat));
    return NULL;
}

int watch_start(const struct role *role, watch_tick *tick, void *context,
                struct watch **ret_watch, struct error *err)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return error_set(err, STATUS_NOMEM, "out of memory");
    watch->role = role;
    watch->tick = tick;
    watch->context = context;
    watch->until_us = now_us() + STEP_US;
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_cond_init(&watch->ended, NULL);
    int errnum = pthread_create(&watch->thread, NULL, run, watch);
    if (errnum) {
        free(watch);
        return error_set_errno(err, STATUS_IO, errnum, "cannot start a thread");
    }
    *ret_watch = watch;
    return 0;
}

void watch_allow(struct watch *watch, int64_t step_us)
{
    pthread_mutex_lock(&watch->mutex);
    watch->until_us = now_us() + step_us;
    pthread_mutex_unlock(&watch->mutex);
}

bool watch_wait(struct watch *watch, int64_t timeout_us)
{
    watch_allow(watch, timeout_us + STEP_US);
    bool stopping = role_wait(watch->role, timeout_us);
    watch_allow(watch, STEP_US);
    return stopping;
}

void watch_stop(struct watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->end = true;
    pthread_cond_signal(&watch->ended);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->ended);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}
