/* Inside db/: a study's next job. */
#ifndef AXNODE_DB_GENERATION_H
#define AXNODE_DB_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

/* The study's row must be locked. Generations below `generation` that no destination can have
 * are superseded; the newest of the others becomes the predecessor. The set of inputs is that of
 * `from_job`, or, when it is 0, all that the study has now. */
int generation_open(struct db *db, int64_t study, int generation, int64_t from_job,
                    struct error *err);

/* What a study is scored with changed: one that waits reads it when it is claimed, one that is
 * under way or done is scored again. *ret_will false: it is left alone, being failed, without
 * images, or without files. Takes the study's lock. */
int study_rescore(struct db *db, int64_t study, bool *ret_will, struct error *err);

/* The study and its event: it failed, in words. */
int study_fail(struct db *db, int64_t study, int64_t job, const char *reason, struct error *err);

/* What may be at a destination, in SQL, for an outbox row called b. */
#define GENERATION_MAY_BE_THERE \
    "(b.state IN ('delivered', 'sending') OR b.possibly_sent)"

#endif
