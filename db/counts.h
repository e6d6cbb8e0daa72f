/* How much of everything there is: numbers alone, no identifiers. For the metrics. */
#ifndef AXNODE_DB_COUNTS_H
#define AXNODE_DB_COUNTS_H

#include <stdint.h>

#include "db/db.h"

/* Texts are borrowed during the call. */
struct db_count {
    const char *what;        /* "studies", "jobs", "outbox", "commitment", "pledges", "paused",
                                "waiting_s", "unreadable" */
    const char *state;       /* "" for unreadable and paused */
    const char *destination; /* of outbox, commitment and paused; of pledges the peer; else "" */
    int64_t value;
};
typedef int db_count_sink(void *context, const struct db_count *count, struct error *err);

/* Rows of one `what` come together. Studies and jobs of every state, zeros too; the outbox, commitments
 * and pauses where there is something; waiting_s: seconds that the longest waiting study of a state has been in
 * it, 0 without one. A failing sink ends it with its status. */
int db_counts(struct db *db, db_count_sink *sink, void *context, struct error *err);

#endif
