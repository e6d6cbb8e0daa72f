/* Jobs: one per generation of a study, claimed by workers, held by a lease, committed behind a
 * fence. Every function is one transaction.
 *
 * study   receiving → queued → working → delivering → done
 *                        any of them → failed, not_applicable;  new input → receiving
 * job     pending → working → done | failed | superseded */
#ifndef AXNODE_DB_QUEUE_H
#define AXNODE_DB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/uid.h"
#include "db/db.h"

enum {
    QUEUE_KEY_SIZE = 82,
    QUEUE_TOKEN_SIZE = 37,
    QUEUE_TEXT_SIZE = 257,
    QUEUE_CLINICAL_MAX = 1000,
};

/* ---- completion ------------------------------------------------------------------------- */

/* How long a study must be quiet to which this AE title has sent. */
struct queue_source {
    const char *calling_ae;
    int64_t quiet_us;
};

/* A study to which this AE title has sent waits for such a series. */
struct queue_required {
    const char *calling_ae;
    const char *modality;
    const char *words; /* in its description, whatever the case; "": any */
};

struct queue_completion {
    int64_t quiet_us; /* without a new object, by time of receipt; of sources not named below */
    const struct queue_source *sources; /* the longest counts */
    size_t source_count;
    const struct queue_required *required;
    size_t required_count;
    int64_t age_max_us; /* a study in 'receiving' for so long is complete in any case; 0: never */
    int64_t as_of_us; /* db_now before the snapshot of associations and the indexing pass */
    /* Studies that live associations carry: SHA-256 hex of the study UID. */
    const char (*open_digests)[DIGEST_TEXT_SIZE];
    size_t open_count;
    int limit; /* at most so many studies in this call; 0: 64 */
};

/* Studies in 'receiving' that are quiet or said to be whole (pledge_whole), have what is required and
 * are carried by no association, or are over age, get a job for their next generation, with the set of inputs frozen; older generations that no destination can have are
 * superseded. A study without inputs becomes not_applicable, one of whose inputs the files were
 * removed becomes failed. `ret_jobs`: jobs made;
 * `ret_studies`: studies that left 'receiving' (call again while it equals the limit). */
int queue_complete(struct db *db, const struct queue_completion *completion, int *ret_jobs,
                   int *ret_studies, struct error *err);

/* ---- work ------------------------------------------------------------------------------- */

struct queue_policy {
    int attempts_max;
    int64_t lease_us;
    int64_t backoff_us;     /* before the second attempt; doubles with each */
    int64_t backoff_max_us;
};

struct queue_instance {
    char key[QUEUE_KEY_SIZE];
    char sop_instance_uid[UID_SIZE], sop_class_uid[UID_SIZE], series_instance_uid[UID_SIZE];
    char dataset_sha256[DIGEST_TEXT_SIZE];
    char calling_ae[17]; /* who sent it */
};

/* A clinical value that was imported for the job's patient (clinical.h), as it is at the claim. */
struct queue_clinical {
    char patient_id[QUEUE_TEXT_SIZE], issuer[QUEUE_TEXT_SIZE];
    char study_uid[UID_SIZE], accession_number[QUEUE_TEXT_SIZE]; /* "": of every study */
    char name[40], side[8], observed[11], value[40], source[128];
};

/* An object of our own. */
struct queue_object {
    char kind[16]; /* "sr", "seg", "sc" */
    char sop_instance_uid[UID_SIZE], sop_class_uid[UID_SIZE], series_instance_uid[UID_SIZE];
    char transfer_syntax_uid[UID_SIZE];
    char key[QUEUE_KEY_SIZE];      /* in the store's outgoing area */
    char sha256[DIGEST_TEXT_SIZE]; /* of the whole file */
    uint64_t size;
};

struct queue_job {
    int64_t id;
    char study_instance_uid[UID_SIZE];
    int generation; /* from 1 */
    int attempt;    /* from 1 */
    char token[QUEUE_TOKEN_SIZE];
    int64_t created_us; /* the time that its objects carry; the same in every attempt */
    struct queue_instance *instances; /* owned; the frozen set, sorted by SOP Instance UID */
    size_t instance_count;
    struct queue_clinical *clinical; /* owned */
    size_t clinical_count;
    int predecessor_generation;        /* whose report this one replaces; 0 when none */
    struct queue_object *predecessors; /* owned; what that generation sent */
    size_t predecessor_count;
};
void queue_job_release(struct queue_job *job);

/* The job that waits longest, or one whose lease ran out. Jobs past attempts_max end as failed
 * on the way, superseded ones are passed over. STATUS_NOT_FOUND: nothing waits. */
int queue_claim(struct db *db, const char *worker, const struct queue_policy *policy,
                struct queue_job *ret_job, struct error *err);
/* STATUS_CONFLICT: the claim is no longer ours; stop working. */
int queue_renew(struct db *db, int64_t job, const char *token, int64_t lease_us,
                struct error *err);
/* The attempt failed. `permanent`: the study fails at once; else the job waits for its backoff
 * and is tried again, until attempts_max. `reason`: plain words for `axnode show`, no patient
 * data. STATUS_CONFLICT as above. */
int queue_fail(struct db *db, int64_t job, const char *token, const char *reason, bool permanent,
               const struct queue_policy *policy, struct error *err);

/* ---- result ------------------------------------------------------------------------------ */

struct queue_features {
    const char *region;       /* "tumour", "node" */
    const char *const *names; /* count of them; stored once for all results that share them */
    const double *values;     /* NaN is kept */
    size_t count;
};

struct queue_result {
    const char *outcome; /* the caller's word for it: "risk", "no risk", … */
    bool has_risk;
    double risk;         /* 0 to 1 */
    bool not_applicable; /* the study ends so, with `reason`; then no objects */
    const char *reason;  /* plain words, no patient data; "" when there is nothing to say */
    const char *package_name, *package_version, *package_sha256, *software_version;
    const char *settings_sha256; /* digest of the settings that count for results; NULL: "" */
    const char *content_sha256; /* digest of all that can change the objects */
    const char *json;           /* the whole result as JSON text */
    const struct queue_features *features;
    size_t feature_count;
    const struct queue_object *objects; /* durable in the store before this call */
    size_t object_count;
    const char *const *destinations; /* names of settings */
    size_t destination_count;
    const bool *wanted; /* [destination][object]; NULL: each gets every object */
    /* What further packages of the same report say; objects and destinations of these do not count. */
    const struct queue_result *beside;
    size_t beside_count;
};

enum queue_committed {
    QUEUE_DELIVERING,
    QUEUE_DONE,           /* nobody gets an object */
    QUEUE_NOT_APPLICABLE,
    QUEUE_SUPERSEDED,     /* stored, not sent: newer objects arrived meanwhile */
    QUEUE_NEXT_GENERATION,/* not stored: this generation was delivered with other content, so
                             the same set was queued as the next generation */
};
const char *queue_committed_name(enum queue_committed committed);

/* STATUS_CONFLICT: the claim is no longer ours, or an object's UID is known with other bytes:
 * nothing was stored. */
int queue_commit(struct db *db, int64_t job, const char *token, const struct queue_result *result,
                 enum queue_committed *ret_committed, struct error *err);

/* What another package says of a job that is done, stored beside its result and sent to nobody;
 * objects and destinations of `result` do not count. One for each name and version: a later one
 * replaces it. */
int queue_shadow(struct db *db, int64_t job, const struct queue_result *result, struct error *err);

/* By a person: failed and deferred deliveries are due at once; where there are none, the study's
 * last job is pending again with attempt 0, of the same generation and creation time, so that an
 * unchanged set-up makes the same bytes and sends them again. A study that was held, or has
 * inputs its last job does not know, is received again. STATUS_NOT_FOUND: no such study;
 * STATUS_CONFLICT: it is under way (receiving, queued, working), or its images were removed. */
int queue_retry(struct db *db, const char *study_instance_uid, struct error *err);

#endif
