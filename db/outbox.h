/* What waits to be sent: each object of a result to each destination. Delivery is at least once;
 * the same bytes each time. */
#ifndef AXNODE_DB_OUTBOX_H
#define AXNODE_DB_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"
#include "db/queue.h"

struct outbox_item {
    int64_t id;
    int64_t job;
    int attempt; /* from 1; fences this claim */
    char destination[65];
    struct queue_object object;
};

/* Up to `max` objects for one destination, oldest first, held for `lease_us`. A claim whose
 * lease ran out can be had again. *ret_count 0: nothing is due. */
int outbox_claim(struct db *db, const char *destination, int64_t lease_us,
                 struct outbox_item *ret_items, size_t max, size_t *ret_count, struct error *err);

/* The peer has it (a fact, whoever holds the claim now). The last one makes the study done. */
int outbox_delivered(struct db *db, const struct outbox_item *item, uint16_t status_word,
                     struct error *err);

struct outbox_failure {
    const char *reason;   /* plain words, no patient data */
    int status_word;      /* DIMSE status; -1 when there was none */
    bool possibly_sent;   /* the peer may have the object all the same */
};
/* Try again `delay_us` from now. STATUS_CONFLICT: the claim is no longer ours. */
int outbox_deferred(struct db *db, const struct outbox_item *item,
                    const struct outbox_failure *failure, int64_t delay_us, struct error *err);
/* Never by itself again: the study fails with the reason, `axnode retry` sends it once more.
 * STATUS_CONFLICT as above. */
int outbox_failed(struct db *db, const struct outbox_item *item,
                  const struct outbox_failure *failure, struct error *err);
/* The claim is given back untried (shutdown), without counting the attempt. */
int outbox_released(struct db *db, const struct outbox_item *item, struct error *err);

/* Microseconds until something may be due for any destination (0: now), -1 when the outbox is
 * empty. */
int outbox_next_due(struct db *db, int64_t *ret_us, struct error *err);

#endif
