/* When files end. Rows stay, and say that their file is gone.
 *
 * A file ends in three steps, so that a crash leaves no row that promises a file that is gone:
 * rows are marked (committed), the caller removes the files durably, rows are marked as removed.
 * Marks are made by retention_mark_*, the rest is done by whoever holds retention_lock.
 *
 * Only studies that reached an end are touched: done, failed, not_applicable. By itself nothing
 * of a failed study ends, and nothing of a done one before every destination has every object;
 * a done study without deliveries (no destination wanted an object) is kept too, for then its
 * objects are here alone. Nothing ends, and nobody can end it, before the time until which its sender
 * was told that it is kept (db/pledge.h). */
#ifndef AXNODE_DB_RETENTION_H
#define AXNODE_DB_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uid.h"
#include "db/db.h"
#include "db/queue.h"

/* From the end of the study, or the last return of one of its files; 0: for ever. */
struct retention_policy {
    int64_t delivered_us, not_applicable_us, unreadable_us;
};

/* Mark what is over: at most `limit` studies and as many unreadable files. `ret_marked`: studies
 * and files that were marked. */
int retention_mark_due(struct db *db, const struct retention_policy *policy, int limit,
                       int *ret_marked, struct error *err);

/* Which studies a person means. Studies whose files are gone are passed over. */
struct retention_choice {
    bool failed;       /* failed ones only; else all that reached an end */
    int64_t older_us;  /* in that state for longer than this; 0: any */
};
struct retention_study {
    char study_instance_uid[UID_SIZE];
    char state[16];
    int files;
};
/* Oldest first. The caller frees the array. */
int retention_choose(struct db *db, const struct retention_choice *choice,
                     struct retention_study **ret_studies, size_t *ret_count, struct error *err);
/* One study, as above. STATUS_NOT_FOUND; STATUS_CONFLICT: it is under way. */
int retention_study_read(struct db *db, const char *study_instance_uid,
                         struct retention_study *ret_study, struct error *err);
/* Mark all files of one study; what was not delivered never will be. `why` goes into the audit:
 * who asked. STATUS_NOT_FOUND; STATUS_CONFLICT: it is under way, being sent, or kept for its sender. */
int retention_mark_study(struct db *db, const char *study_instance_uid, const char *why,
                         struct error *err);
/* Mark the unreadable files that are older; `ret_marked`: how many. */
int retention_mark_unreadable(struct db *db, int64_t older_us, const char *why, int *ret_marked,
                              struct error *err);

/* One process at a time removes files; the lock ends with the connection. */
int retention_lock(struct db *db, bool *ret_ours, struct error *err);
int retention_unlock(struct db *db, struct error *err);

enum retention_kind { RETENTION_RECEIVED, RETENTION_OUTGOING, RETENTION_UNREADABLE };
struct retention_file {
    enum retention_kind kind;
    char key[QUEUE_KEY_SIZE];
};
/* Up to `max` marked files that may still be there. */
int retention_next(struct db *db, struct retention_file *ret_files, size_t max, size_t *ret_count,
                   struct error *err);
/* These are gone. */
int retention_removed(struct db *db, const struct retention_file *files, size_t count,
                      struct error *err);

/* ---- what a check of the store needs ----------------------------------------------------- */

enum retention_known {
    RETENTION_UNKNOWN, /* no row */
    RETENTION_KEPT,    /* a row that promises the file, or is about to remove it */
    RETENTION_GONE,    /* a row that says the file is gone */
};
/* What the database knows of each key; `outgoing`: of our own objects, else of received ones. */
int retention_known(struct db *db, bool outgoing, const char *const *keys, size_t count,
                    enum retention_known *ret_known, struct error *err);
/* Files that rows promise, in the order of their keys, after `after_key` ("" for the first). */
int retention_promised(struct db *db, bool outgoing, const char *after_key,
                       struct retention_file *ret_files, size_t max, size_t *ret_count,
                       struct error *err);
/* A promised file is not there: its row says so from now on, its study's audit too. The study
 * stays as it is; what needs the file fails with that reason when it comes to it. */
int retention_missing(struct db *db, const struct retention_file *file, struct error *err);

/* Whether the study is known, has reached an end and waits for no recovered generation. */
int retention_study_settled(struct db *db, const char *study_instance_uid, bool *ret_settled,
                            struct error *err);
/* An object of ours without a row says that a generation of this study, which the database
 * forgot, was made at that time; its next job of that number carries the same. */
int retention_recover(struct db *db, const char *study_instance_uid, int generation,
                      int64_t created_us, struct error *err);

#endif
