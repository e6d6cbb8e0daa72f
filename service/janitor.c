#include "service/janitor.h"

int janitor_mark(struct db *db, const struct retention_policy *policy, struct error *err)
{
    int marked;
    return retention_mark_due(db, policy, JANITOR_BATCH, &marked, err);
}

static int sweep_locked(struct db *db, struct store *store, size_t *ret_removed,
                        struct error *err)
{
    struct retention_file files[JANITOR_BATCH];
    size_t count = 0, done = 0;
    int status = retention_next(db, files, JANITOR_BATCH, &count, err);
    while (status == 0 && done < count) {
        enum store_area area =
            files[done].kind == RETENTION_OUTGOING ? STORE_OUTGOING : STORE_STORED;
        status = store_remove(store, area, files[done].key, err);
        done += status == 0;
    }
    if (done > 0) {
        /* Also after a failure: these are gone. */
        int told = retention_removed(db, files, done, status < 0 ? NULL : err);
        status = status < 0 ? status : told;
        if (told == 0)
            *ret_removed = done;
    }
    return status;
}

int janitor_sweep(struct db *db, struct store *store, size_t *ret_removed, struct error *err)
{
    bool ours = false;
    size_t removed = 0;
    int status = retention_lock(db, &ours, err);
    if (status == 0 && ours) {
        status = sweep_locked(db, store, &removed, err);
        /* Lost with the connection, if not now. */
        int unlocked = retention_unlock(db, status < 0 ? NULL : err);
        status = status < 0 ? status : unlocked;
    }
    *ret_removed = removed;
    return status;
}
