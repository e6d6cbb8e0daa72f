/* Storage commitment that peers ask us for. A request is a file of the store until it has ended; its
 * row says how far it is. The study's time until which its files are kept is written before anybody is
 * told, so a crash can only keep files for longer. */
#ifndef AXNODE_DB_PLEDGE_H
#define AXNODE_DB_PLEDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"
#include "db/queue.h"

/* Which of the store's requests are to be looked at now: those that nobody knows yet, that waited for
 * long enough, or that have ended and came once more. */
int pledge_due(struct db *db, const char *const *keys, size_t count, bool *ret_due,
               struct error *err);

struct pledge {
    int attempts;   /* to answer, that failed */
    int64_t age_us; /* since it was first looked at */
};
/* Look at one; one that has ended begins anew. */
int pledge_begin(struct db *db, const char *key, const char *peer, struct pledge *ret_pledge,
                 struct error *err);

enum pledge_found {
    PLEDGE_UNKNOWN,     /* no such object is indexed, or its file has ended or is about to */
    PLEDGE_OTHER_CLASS, /* there is one of another SOP class */
    PLEDGE_INDEXED,     /* its row promises a file: `key` */
};
struct pledge_object {
    const char *sop_class_uid, *sop_instance_uid; /* valid UIDs, borrowed */
    enum pledge_found found;                      /* result */
    char key[QUEUE_KEY_SIZE];                     /* result, of PLEDGE_INDEXED */
};
/* Look all of them up, and keep the files of the studies that have any of them for at least
 * `keep_us` from now. */
int pledge_keep(struct db *db, struct pledge_object *objects, size_t count, int64_t keep_us,
                struct error *err);

/* Such a request may say that a study is whole: where it lists every object that a study in 'receiving'
 * has, the study need not be quiet any more to be complete. A newcomer takes that back. The objects of
 * our own count for nothing. `ret_studies`: how many are whole now. */
int pledge_whole(struct db *db, const struct pledge_object *objects, size_t count, int *ret_studies,
                 struct error *err);

/* To be looked at again `delay_us` from now. `reason`: why it could not be answered; NULL: that was
 * not tried. */
int pledge_deferred(struct db *db, const char *key, int64_t delay_us, const char *reason,
                    struct error *err);
/* The peer took our answer. */
int pledge_answered(struct db *db, const char *key, int committed, int refused, struct error *err);
/* It never will. */
int pledge_failed(struct db *db, const char *key, const char *reason, struct error *err);

#endif
