/* What waits to be sent: each object of a result to each destination. Delivery is at least once;
 * the same bytes each time.
 *
 * pending → sending → delivered | failed      (failed: a person sends it again)
 *       ←─ deferred ─┘           superseded   (never sent: newer objects made it needless) */
#ifndef AXNODE_DB_OUTBOX_H
#define AXNODE_DB_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"
#include "db/queue.h"

enum { OUTBOX_DESTINATION_SIZE = 65 };

struct outbox_item {
    int64_t id;
    int64_t job;
    int attempt; /* from 1; fences this claim */
    char destination[OUTBOX_DESTINATION_SIZE];
    struct queue_object object;
};

/* Up to `max` objects for one destination, those that are due for longest first, so that one that
 * always fails holds up no other; held for `lease_us`. A claim whose
 * lease ran out can be had again. *ret_count 0: nothing is due, or a person paused it. */
int outbox_claim(struct db *db, const char *destination, int64_t lease_us,
                 struct outbox_item *ret_items, size_t max, size_t *ret_count, struct error *err);

struct outbox_receipt {
    uint16_t status_word;
    const char *warning; /* the peer's; "" when it had none */
    bool commitment;     /* the peer is to be asked for storage commitment */
};
/* The peer has it (a fact, whoever holds the claim now). The last one makes the study done. */
int outbox_delivered(struct db *db, const struct outbox_item *item,
                     const struct outbox_receipt *receipt, struct error *err);

struct outbox_failure {
    const char *reason;   /* plain words, no patient data */
    int status_word;      /* DIMSE status; -1 when there was none */
    bool possibly_sent;   /* the peer may have the object all the same */
};
/* Try again `delay_us` from now. STATUS_CONFLICT: the claim is no longer ours. */
int outbox_deferred(struct db *db, const struct outbox_item *item,
                    const struct outbox_failure *failure, int64_t delay_us, struct error *err);
/* Never by itself again: the study fails with the reason, `axnode retry` and `axnode resend` send
 * it once more. STATUS_CONFLICT as above. */
int outbox_failed(struct db *db, const struct outbox_item *item,
                  const struct outbox_failure *failure, struct error *err);
/* The claim is given back untried (shutdown), without counting the attempt. */
int outbox_released(struct db *db, const struct outbox_item *item, struct error *err);

/* ---- again, by a person ------------------------------------------------------------------ */

/* One of the first three; of a study, and of all of a time, the newest generation that was made. */
struct outbox_choice {
    const char *sop_instance_uid;   /* or NULL */
    const char *study_instance_uid; /* or NULL */
    const char *since;       /* made or delivered since: a time as PostgreSQL reads it; or NULL */
    const char *destination; /* this one alone, also what it was never sent; NULL: as before */
    const char *kinds;       /* with a destination: what it may get, "sr,seg,sc"; NULL: everything */
};
/* What was delivered, failed or waits is due at once; *ret_count objects to destinations.
 * STATUS_INVALID: no such time; STATUS_NOT_FOUND: there is none; STATUS_CONFLICT: all of them are
 * being sent, were superseded before they were sent, or have no file any more. */
int outbox_resend(struct db *db, const struct outbox_choice *choice, int *ret_count,
                  struct error *err);

#endif
