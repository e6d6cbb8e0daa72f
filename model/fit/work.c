#include "model/fit/work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS_MAX = 256 };

struct work {
    size_t count;
    int (*run)(void *context, size_t index, struct error *err);
    void *context;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* of what follows */
    size_t failed_index;
    int status;
    struct error error;
};

static void note_failure(struct work *work, size_t index, int status, const struct error *error)
{
    pthread_mutex_lock(&work->lock);
    if (work->status == 0 || index < work->failed_index) {
        work->failed_index = index;
        work->status = status;
        work->error = *error;
    }
    pthread_mutex_unlock(&work->lock);
    atomic_store(&work->failed, true);
}

static void *work_on(void *argument)
{
    struct work *work = argument;
    while (!atomic_load(&work->failed)) {
        size_t index = atomic_fetch_add(&work->next, 1);
        struct error error = {0};
        if (index >= work->count)
            break;
        int status = work->run(work->context, index, &error);
        if (status < 0)
            note_failure(work, index, status, &error);
    }
    return NULL;
}

int fit_work(int threads, size_t count,
             int (*run)(void *context, size_t index, struct error *err), void *context,
             struct error *err)
{
    struct work work = {
        .count = count, .run = run, .context = context, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t others[THREADS_MAX];
    int started = 0;
    int wanted = threads > THREADS_MAX ? THREADS_MAX : threads;
    /* This thread works, too; a thread that cannot be had only makes it slower. */
    while (started + 1 < wanted && (size_t)started + 1 < count &&
           pthread_create(&others[started], NULL, work_on, &work) == 0)
        started++;
    work_on(&work);
    for (int i = 0; i < started; i++)
        pthread_join(others[i], NULL);
    if (work.status < 0 && err)
        *err = work.error;
    return work.status;
}
