/* Which package scores studies: what people activated, newest last, and where a roll-back goes. */
#ifndef AXNODE_DB_ACTIVATION_H
#define AXNODE_DB_ACTIVATION_H

#include <stdint.h>

#include "base/digest.h"
#include "db/db.h"

enum { ACTIVATION_NAME_SIZE = 65 };

struct activation {
    int64_t id; /* 0: nothing was ever activated */
    char name[ACTIVATION_NAME_SIZE], version[ACTIVATION_NAME_SIZE]; /* "": the settings' package */
    char sha256[DIGEST_TEXT_SIZE];
};

/* The one that counts now, and the one that a roll-back would go to (may be NULL). Without an
 * activation both are the settings' package. */
int activation_get(struct db *db, struct activation *ret_now, struct activation *ret_previous,
                   struct error *err);

/* Make `package` the active one, for `who`; its id is not read. `now`: what activation_get said.
 * STATUS_CONFLICT: another one was activated meanwhile. */
int activation_set(struct db *db, const char *who, const struct activation *now,
                   const struct activation *package, struct error *err);
/* Go to the previous one; a second roll-back goes one further back. STATUS_NOT_FOUND: the
 * settings' package is active, before which there is none. STATUS_CONFLICT as above. */
int activation_roll_back(struct db *db, const char *who, const struct activation *now,
                         struct error *err);

#endif
