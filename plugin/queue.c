#include "plugin/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

struct entry {
    struct queue_item item;
    bool running;
    bool again; /* pushed while it ran: `next` is what was pushed */
    struct queue_item next;
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct entry *entries; /* in the order of their coming */
    size_t count, capacity;
    bool closed;
};

struct queue *queue_new(void)
{
    struct queue *q = calloc(1, sizeof *q);
    pthread_condattr_t monotonic;
    if (!q)
        return NULL;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->mutex);
    free(queue->entries);
    free(queue);
}

static struct entry *find(struct queue *q, const char *study)
{
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->entries[i].item.study, study) == 0)
            return &q->entries[i];
    return NULL;
}

static void merge(struct queue_item *into, const struct queue_item *item)
{
    if (item->sequence < into->sequence)
        into->sequence = item->sequence;
    if (item->start_us < into->start_us)
        into->start_us = item->start_us;
    into->asked |= item->asked;
}

static int append(struct queue *q, const struct queue_item *item, struct error *err)
{
    if (q->count == q->capacity) {
        size_t capacity = q->capacity ? 2 * q->capacity : 64;
        struct entry *entries = realloc(q->entries, capacity * sizeof *entries);
        if (!entries)
            return error_set(err, STATUS_NOMEM, "out of memory");
        q->entries = entries;
        q->capacity = capacity;
    }
    q->entries[q->count++] = (struct entry){.item = *item};
    return 0;
}

int queue_push(struct queue *queue, const struct queue_item *item, struct error *err)
{
    int status = 0;
    pthread_mutex_lock(&queue->mutex);
    struct entry *known = find(queue, item->study);
    if (!known) {
        status = append(queue, item, err);
    } else if (!known->running) {
        merge(&known->item, item);
    } else if (known->again) {
        merge(&known->next, item);
    } else {
        known->again = true;
        known->next = *item;
    }
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

/* The first whose time has come; else when the next one's comes. */
static struct entry *due(struct queue *q, int64_t now_us, int64_t *ret_next_us)
{
    *ret_next_us = INT64_MAX;
    for (size_t i = 0; i < q->count; i++) {
        struct entry *e = &q->entries[i];
        if (e->running)
            continue;
        if (e->item.start_us <= now_us)
            return e;
        if (e->item.start_us < *ret_next_us)
            *ret_next_us = e->item.start_us;
    }
    return NULL;
}

static void wait_until(struct queue *q, int64_t us)
{
    if (us == INT64_MAX) {
        pthread_cond_wait(&q->changed, &q->mutex);
        return;
    }
    struct timespec end = {us / 1000000, us % 1000000 * 1000};
    pthread_cond_timedwait(&q->changed, &q->mutex, &end);
}

bool queue_take(struct queue *queue, struct queue_item *ret_item)
{
    struct entry *e = NULL;
    pthread_mutex_lock(&queue->mutex);
    while (!queue->closed) {
        int64_t next_us;
        e = due(queue, clock_monotonic_us(clock_system()), &next_us);
        if (e)
            break;
        wait_until(queue, next_us);
    }
    bool taken = !queue->closed;
    if (taken) {
        e->running = true;
        *ret_item = e->item;
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

void queue_done(struct queue *queue, const char *study)
{
    pthread_mutex_lock(&queue->mutex);
    struct entry *e = find(queue, study);
    if (e && e->again) {
        *e = (struct entry){.item = e->next};
    } else if (e) {
        size_t behind = (size_t)(queue->entries + queue->count - e) - 1;
        memmove(e, e + 1, behind * sizeof *e);
        queue->count--;
    }
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

void queue_retry(struct queue *queue, const char *study, int64_t start_us)
{
    pthread_mutex_lock(&queue->mutex);
    struct entry *e = find(queue, study);
    if (e) {
        e->running = false;
        e->item.start_us = start_us;
        if (e->again)
            merge(&e->item, &e->next);
        e->again = false;
    }
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

int64_t queue_floor(struct queue *queue)
{
    int64_t least = INT64_MAX;
    pthread_mutex_lock(&queue->mutex);
    for (size_t i = 0; i < queue->count; i++)
        if (queue->entries[i].item.sequence < least)
            least = queue->entries[i].item.sequence;
    pthread_mutex_unlock(&queue->mutex);
    return least;
}

bool queue_has(struct queue *queue, const char *study)
{
    pthread_mutex_lock(&queue->mutex);
    bool has = find(queue, study) != NULL;
    pthread_mutex_unlock(&queue->mutex);
    return has;
}

void queue_count(struct queue *queue, size_t *ret_waiting, size_t *ret_running)
{
    size_t running = 0;
    pthread_mutex_lock(&queue->mutex);
    for (size_t i = 0; i < queue->count; i++)
        running += queue->entries[i].running;
    *ret_waiting = queue->count - running;
    *ret_running = running;
    pthread_mutex_unlock(&queue->mutex);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}
