/* Files that must survive. Layout, names and rules: ARCHITECTURE.md, 'The store'.
 *
 * Success means durable: a function that returns 0 after making a file visible has synced the
 * file, its folder and every folder made for it. A sync error is never retried: the file is
 * removed and the call fails. A full disk is STATUS_LIMIT, every other refusal of the operating
 * system STATUS_IO. Messages name keys, never UIDs.
 *
 * One struct store serves one thread at a time. It may be opened before fork and used in parent
 * and children. Processes on one machine agree through the file system alone. */
#ifndef AXNODE_STORE_STORE_H
#define AXNODE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "store/io.h"

enum {
    STORE_KEY_SIZE = 64 + 1 + 16 + 1, /* 64 digits, or 64 digits '-' 16 digits, and NUL */
    STORE_ROOT_MAX = 800,             /* longest path of the root */
    STORE_PATH_SIZE = 1024,           /* any path in the store, with NUL */
};

struct store;

struct store_options {
    const struct store_io *io; /* NULL: store_io_system(); borrowed until store_close */
    uint64_t min_free_bytes;   /* refuse new files (STATUS_LIMIT) when less would be free */
};

/* Make what is missing of the store's folders (0700, durable) and open it. `options` may be
 * NULL: the system's calls, no minimum. */
int store_open(const char *root, const struct store_options *options, struct store **ret_store,
               struct error *err);
void store_close(struct store *store); /* NULL is fine */

/* Make all 256 folders of incoming/ and of stored/ at once, for good: from now on this process, and
 * those that it forks, need not sync what names them with each object. */
int store_settle(struct store *store, struct error *err);

/* Remove temporary files, work folders and association files whose process is gone; those of
 * live processes are held by flock and stay. Any process may call this at any time. */
int store_clean(struct store *store, struct error *err);

/* The key of an object: lower-case SHA-256 of its SOP Instance UID. */
void store_key(const char *sop_instance_uid, char ret_key[STORE_KEY_SIZE]);
/* 64 lower-case hexadecimal digits, or these, '-' and 16 more. */
bool store_key_valid(const char *key);
/* SHA-256 of a study's UID, in hex: what association files and the database's completion rule
 * compare. */
void store_study_digest(const char *study_instance_uid, char ret_hex[DIGEST_TEXT_SIZE]);

/* ---- incoming -------------------------------------------------------------------------- */

enum store_outcome {
    STORE_NEW,       /* first object of this UID */
    STORE_IDENTICAL, /* an entry with the same data set bytes exists, and is durable */
    STORE_VARIANT,   /* other bytes under a known UID: kept under a key of their own */
};
const char *store_outcome_name(enum store_outcome outcome);

/* A file being written in STORE/incoming/.tmp. The fd (read and write) and path are for the
 * writer; store keeps the fd and closes it. Ends with commit or abandon. */
struct store_temp {
    struct store *store;
    int fd;             /* -1 after commit and abandon */
    const char *folder; /* where it lies; static storage */
    char name[48];
    char path[STORE_PATH_SIZE];
};

struct store_committed {
    enum store_outcome outcome;
    char key[STORE_KEY_SIZE];
};

/* STATUS_LIMIT when less than min_free_bytes are free. */
int store_incoming_begin(struct store *store, struct store_temp *ret_temp, struct error *err);
/* All of `bytes` at the file's position; for writers that do not use the fd. */
int store_temp_write(struct store_temp *temp, const void *bytes, size_t n, struct error *err);
/* Make the file durable and visible under its key. The temporary file is gone afterwards in every
 * case. STATUS_INVALID: no Part 10 file, or no valid UID; STATUS_CONFLICT: two variants agree in
 * 64 bits of their data sets' digests. */
int store_incoming_commit(struct store_temp *temp, const char *sop_instance_uid,
                          struct store_committed *ret_committed, struct error *err);
void store_temp_abandon(struct store_temp *temp); /* harmless after commit or abandon */

/* SHA-256 of the bytes behind a Part 10 file's meta information, in hex. */
int store_dataset_digest(const char *path, char ret_hex[DIGEST_TEXT_SIZE], struct error *err);

/* ---- reading --------------------------------------------------------------------------- */

enum store_area { STORE_INCOMING, STORE_STORED, STORE_OUTGOING, STORE_ANSWERS, STORE_REQUESTS };

struct store_file {
    char key[STORE_KEY_SIZE];
    uint64_t size;
    char path[STORE_PATH_SIZE];
};

/* One pass over an area, in no order that means anything. Files that come or go during the pass
 * may be missed or reported; foreign names are passed over. */
struct store_scan;
int store_scan_open(struct store *store, enum store_area area, struct store_scan **ret_scan,
                    struct error *err);
/* Up to `max` files; *ret_count 0 says that the pass is over. */
int store_scan_next(struct store_scan *scan, struct store_file *ret_files, size_t max,
                    size_t *ret_count, struct error *err);
void store_scan_close(struct store_scan *scan); /* NULL is fine */

/* Path of a received object, wherever it lies: incoming or stored. The indexer may move the file
 * once, so a reader that then finds nothing asks again. STATUS_NOT_FOUND when it is in neither. */
int store_find(struct store *store, const char *key, char ret_path[STORE_PATH_SIZE],
               struct error *err);
/* Whether `key` is another version of an object whose first version still lies in incoming: that
 * one must become known before it. */
bool store_first_waits(struct store *store, const char *key);
/* Path of an object of our own; STATUS_NOT_FOUND. */
int store_outgoing_find(struct store *store, const char *key, char ret_path[STORE_PATH_SIZE],
                        struct error *err);

/* Move an indexed object, durably. A file already in stored/ is success (an earlier call ended
 * between rename and answer); in neither place: STATUS_NOT_FOUND. */
int store_incoming_to_stored(struct store *store, const char *key, struct error *err);
/* The way back, for a file that the database does not know: it is indexed again. A reader that
 * looks meanwhile may find it in neither place. */
int store_stored_to_incoming(struct store *store, const char *key, struct error *err);

/* Remove a file from an area, durably; one that is gone already is success. A received object
 * that arrives again at the same time is either still found, or kept as new. */
int store_remove(struct store *store, enum store_area area, const char *key, struct error *err);

/* ---- open associations ------------------------------------------------------------------ */

/* Which live association carries which studies. Written by the process that serves it, before
 * the object becomes visible; not synced, since it speaks of live processes alone.
 *
 * Who completes studies asks in this order: database clock (db_now), this snapshot, index all of
 * incoming, then queue_complete with that clock and snapshot. */
struct store_association;

/* `id`: 1 to 64 letters, digits, '-', '_', '.', not starting with '.'. STATUS_CONFLICT: a live
 * process holds that id. */
int store_association_open(struct store *store, const char *id,
                           struct store_association **ret_association, struct error *err);
/* Repeats cost nothing. */
int store_association_add_study(struct store_association *association,
                                const char *study_instance_uid, struct error *err);
void store_association_close(struct store_association *association); /* NULL is fine */

struct store_studies {
    char (*digests)[DIGEST_TEXT_SIZE]; /* owned; sorted, each once */
    size_t count;
};
/* Studies that live associations carry now; files of dead processes are removed. */
int store_associations_snapshot(struct store *store, struct store_studies *ret_studies,
                                struct error *err);
void store_studies_release(struct store_studies *studies);

/* ---- our own objects --------------------------------------------------------------------- */

struct store_outgoing {
    char key[STORE_KEY_SIZE];
    char sha256[DIGEST_TEXT_SIZE]; /* of the whole file */
    uint64_t size;
};

/* Copy a finished file into outgoing/, durably, under the key of its SOP Instance UID. The same
 * bytes there already: success. Other bytes: STATUS_CONFLICT. The source stays. */
int store_outgoing_write(struct store *store, const char *from_path,
                         const char *sop_instance_uid, struct store_outgoing *ret_outgoing,
                         struct error *err);

/* A peer's answer about objects of ours, kept until it is taken: copied into answers/, durably, under
 * the key of the UID that it answers to. Same bytes and other bytes as above. store_scan_next lists
 * them, store_remove ends them. */
int store_answer_write(struct store *store, const char *from_path, const char *transaction_uid,
                       struct error *err);
/* A peer's request, likewise, in requests/. */
int store_request_write(struct store *store, const char *from_path, const char *transaction_uid,
                        struct error *err);

/* A folder for one attempt of one job, empty, held by flock while this process lives. */
struct store_work {
    int fd;
    char path[STORE_PATH_SIZE];
};
int store_work_make(struct store *store, int64_t job, int attempt, struct store_work *ret_work,
                    struct error *err);
void store_work_remove(struct store_work *work); /* with all it holds */

/* Bytes that can still be written on the store's file system. */
int store_free_bytes(struct store *store, uint64_t *ret_bytes, struct error *err);

#endif
