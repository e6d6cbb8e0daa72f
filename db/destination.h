/* Destinations: who has something to do, who is paused, how fast each may be sent to. */
#ifndef AXNODE_DB_DESTINATION_H
#define AXNODE_DB_DESTINATION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* Whether it is not paused, and has objects to be sent now or commitments to be asked for or waited
 * for no longer. */
int destination_due(struct db *db, const char *name, bool *ret_due, struct error *err);

/* Before an object is sent. *ret_wait_us: how long to wait so that objects follow each other by at
 * least `interval_us` (0: any), whichever process sends them. *ret_paused: do not send it. */
int destination_turn(struct db *db, const char *name, int64_t interval_us, int64_t *ret_wait_us,
                     bool *ret_paused, struct error *err);

/* By a person: nothing more is sent there until it is resumed; `who` asked. What is being sent
 * ends. *ret_changed false: it was so already. */
int destination_pause(struct db *db, const char *name, const char *who, bool *ret_changed,
                      struct error *err);
int destination_resume(struct db *db, const char *name, bool *ret_changed, struct error *err);

/* An array with an object for each destination that the database knows: name, paused_at and
 * paused_by (null unless paused), numbers of rows pending, sending, delivered, failed,
 * superseded, committed, uncommitted (asked for, or to be), unconfirmed; last_delivered_at,
 * attempts (most of one that waits), last_error. The caller owns it. */
int destination_list(struct db *db, cJSON **ret_list, struct error *err);

#endif
