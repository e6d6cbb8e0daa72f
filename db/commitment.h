/* Storage commitment of what was delivered (PS3.4 annex J): who is to be asked, what was answered.
 * Silence ends as 'unconfirmed', a refusal sends the object again: both after so many tries. */
#ifndef AXNODE_DB_COMMITMENT_H
#define AXNODE_DB_COMMITMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uid.h"
#include "db/db.h"
#include "db/outbox.h"

struct commitment_policy {
    int64_t timeout_us; /* from a request to 'no answer' */
    int tries;          /* requests without an answer, and refusals, of one object */
};

struct commitment_object {
    int64_t outbox;
    char sop_class_uid[UID_SIZE], sop_instance_uid[UID_SIZE];
};

/* Requests whose time is over: their objects are to be asked for again, or end as unconfirmed;
 * *ret_unconfirmed of them. */
int commitment_expire(struct db *db, const char *destination,
                      const struct commitment_policy *policy, int *ret_unconfirmed,
                      struct error *err);
/* Up to `max` delivered objects that the destination is to be asked for now; they count as asked
 * under `transaction_uid`, which nobody used before. *ret_count 0: there is none. */
int commitment_ask(struct db *db, const char *destination, const char *transaction_uid,
                   const struct commitment_policy *policy, struct commitment_object *ret_objects,
                   size_t max, size_t *ret_count, struct error *err);
/* Nobody is asked there any more: what was to be, or was and is without an answer, is plainly
 * delivered. */
int commitment_forget(struct db *db, const char *destination, struct error *err);
/* The request was not taken: ask for the same again `delay_us` from now, under another UID. */
int commitment_deferred(struct db *db, const struct commitment_object *objects, size_t count,
                        int64_t delay_us, struct error *err);

struct commitment_refusal {
    char sop_instance_uid[UID_SIZE];
    int reason; /* PS3.3 C.14: 0x0112 no such object instance, …; -1: none was given */
};
struct commitment_answer {
    const char *transaction_uid;
    const char *const *committed; /* SOP Instance UIDs; committed_count of them */
    size_t committed_count;
    const struct commitment_refusal *refused;
    size_t refused_count;
};
/* Take an answer of `destination`; taken twice it changes nothing. A refused object is due to be
 * sent again `delay_us` from now, or fails with its study. STATUS_NOT_FOUND: no such request was made
 * there. */
int commitment_answered(struct db *db, const char *destination,
                        const struct commitment_answer *answer,
                        const struct commitment_policy *policy, int64_t delay_us,
                        struct error *err);

#endif
