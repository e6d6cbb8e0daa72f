/* Studies that wait for a worker, in memory. What makes the queue survive is Orthanc's change log:
 * each entry knows the change that brought it, and what comes before the oldest of them is done
 * with (queue_floor). Safe between threads. */
#ifndef AXNODE_PLUGIN_QUEUE_H
#define AXNODE_PLUGIN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { ORTHANC_ID_SIZE = 45 }; /* five groups of eight hexadecimal digits, '-' between, and NUL */

struct queue;

struct queue_item {
    char study[ORTHANC_ID_SIZE]; /* Orthanc's id */
    int64_t sequence;            /* of the oldest change that asks for it */
    int64_t start_us;            /* monotonic: not before */
    bool asked;                  /* by a person: at once, though images may still come */
};

struct queue *queue_new(void);      /* NULL: out of memory */
void queue_free(struct queue *queue); /* NULL is fine */

/* A study that waits already keeps its place, its older sequence and the earlier start; one that a
 * worker has is taken up again behind it. STATUS_NOMEM. */
int queue_push(struct queue *queue, const struct queue_item *item, struct error *err);
/* Wait for one whose time has come. False: the queue is closed. */
bool queue_take(struct queue *queue, struct queue_item *ret_item);
/* The worker is through with it. */
void queue_done(struct queue *queue, const char *study);
/* Or wants it again, not before `start_us`. */
void queue_retry(struct queue *queue, const char *study, int64_t start_us);
/* The oldest sequence that is not done with; INT64_MAX when nothing waits. */
int64_t queue_floor(struct queue *queue);
/* Whether the study waits or is with a worker. */
bool queue_has(struct queue *queue, const char *study);
void queue_count(struct queue *queue, size_t *ret_waiting, size_t *ret_running);
/* Nothing is taken any more; those who wait return. */
void queue_close(struct queue *queue);

#endif
