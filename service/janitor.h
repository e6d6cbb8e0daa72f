/* Removes the files whose time is over: marks their rows, removes the files durably, says in
 * their rows that they are gone (db/retention.h). Used by the indexer between its passes, and by
 * `axnode purge`. */
#ifndef AXNODE_SERVICE_JANITOR_H
#define AXNODE_SERVICE_JANITOR_H

#include "db/retention.h"
#include "store/store.h"

enum { JANITOR_BATCH = 64 };

/* Mark one batch of what the policy says is over. */
int janitor_mark(struct db *db, const struct retention_policy *policy, struct error *err);
/* Remove one batch of marked files; `ret_removed` less than JANITOR_BATCH: no more are marked,
 * or another process removes them at this time. */
int janitor_sweep(struct db *db, struct store *store, size_t *ret_removed, struct error *err);

#endif
