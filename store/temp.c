/* Files on their way into the store: written under a temporary name, synced, then renamed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/uid.h"
#include "store/folder.h"
#include "store/store.h"

static const char INCOMING_TEMP[] = "incoming/.tmp", OUTGOING_TEMP[] = "outgoing/.tmp";

const char *store_outcome_name(enum store_outcome outcome)
{
    static const char *const names[] = {"new", "identical", "variant"};
    return names[outcome];
}

/* ---- temporary files ------------------------------------------------------------------- */

static int space_check(struct store *store, struct error *err)
{
    uint64_t free_bytes;
    int status = store_free_bytes(store, &free_bytes, err);
    if (status < 0)
        return status;
    if (free_bytes < store->min_free_bytes) {
        error_set(err, STATUS_LIMIT, "the store's file system is nearly full");
        error_detail(err, "%llu bytes are free, %llu must stay free",
                     (unsigned long long)free_bytes, (unsigned long long)store->min_free_bytes);
        return STATUS_LIMIT;
    }
    return 0;
}

/* One name tried. 0 with *ret_fd -1: taken by another file or by a cleaner; try the next. */
static int temp_create(struct store *store, int folder, const char *name, int *ret_fd,
                       struct error *err)
{
    STORE_FD_AUTO int fd = store->io->openat(store->io->context, folder, name,
                                             O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd < 0)
        return error_set_errno(err, store_status_of_errno(errno), errno,
                               "cannot create a temporary file in the store");
    int status = store_lock(fd, err);
    if (status < 0) {
        store->io->unlinkat(store->io->context, folder, name, 0);
        return status;
    }
    if (!store_same_file(folder, name, fd))
        return 0;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

static int temp_begin(struct store *store, const char *folder_path, struct store_temp *ret_temp,
                      struct error *err)
{
    STORE_FD_AUTO int folder = -1;
    struct store_temp temp = {.store = store, .fd = -1, .folder = folder_path};
    int status = space_check(store, err);
    if (status == 0)
        status = store_folder_open(store, folder_path, &folder, err);
    while (status == 0 && temp.fd < 0) {
        snprintf(temp.name, sizeof temp.name, "%ld-%u.part", (long)getpid(), store->counter++);
        status = temp_create(store, folder, temp.name, &temp.fd, err);
    }
    if (status < 0)
        return status;
    snprintf(temp.path, sizeof temp.path, "%s/%s/%s", store->root, folder_path, temp.name);
    *ret_temp = temp;
    return 0;
}

int store_incoming_begin(struct store *store, struct store_temp *ret_temp, struct error *err)
{
    return temp_begin(store, INCOMING_TEMP, ret_temp, err);
}

int store_temp_write(struct store_temp *temp, const void *bytes, size_t n, struct error *err)
{
    const struct store_io *io = temp->store->io;
    const char *at = bytes;
    while (n > 0) {
        ssize_t written = io->write(io->context, temp->fd, at, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, store_status_of_errno(errno), errno,
                                   "cannot write to the store");
        at += written;
        n -= (size_t)written;
    }
    return 0;
}

/* The name goes first: while the lock is held no cleaner looks at it. */
void store_temp_abandon(struct store_temp *temp)
{
    if (temp->fd < 0)
        return;
    const struct store_io *io = temp->store->io;
    char name[sizeof temp->name + 16];
    snprintf(name, sizeof name, "%s/%s", temp->folder, temp->name);
    io->unlinkat(io->context, temp->store->fd, name, 0);
    store_fd_close(&temp->fd);
}

int store_temp_clean(struct store *store, const char *folder_path, struct error *err)
{
    STORE_FD_AUTO int folder = -1;
    int status = store_folder_open(store, folder_path, &folder, err);
    if (status < 0)
        return status;
    DIR *list = fdopendir(folder);
    if (!list)
        return error_set_errno(err, STATUS_IO, errno, "cannot list store folder %s", folder_path);
    folder = -1;
    const struct dirent *entry;
    while ((entry = readdir(list))) {
        if (entry->d_name[0] == '.')
            continue;
        STORE_FD_AUTO int fd = store->io->openat(store->io->context, dirfd(list), entry->d_name,
                                                 O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd < 0 || !store_lock_try(fd) || !store_same_file(dirfd(list), entry->d_name, fd))
            continue;
        if (store->io->unlinkat(store->io->context, dirfd(list), entry->d_name, 0) < 0 &&
            errno != ENOENT)
            status = error_set_errno(err, STATUS_IO, errno, "cannot remove a temporary file");
    }
    closedir(list);
    return status;
}

/* ---- data set bytes --------------------------------------------------------------------- */

/* Where the data set begins (PS3.10 7.1): preamble, "DICM", then (0002,0000) UL with the length
 * of the rest of the file meta information. */
static int dataset_offset(int fd, off_t *ret_offset, off_t *ret_size, struct error *err)
{
    enum { HEAD = 144 };
    static const uint8_t group_length[] = {2, 0, 0, 0, 'U', 'L', 4, 0};
    uint8_t head[HEAD];
    struct stat info;
    if (fstat(fd, &info) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read an object in the store");
    ssize_t n = pread(fd, head, HEAD, 0);
    if (n < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read an object in the store");
    if (n < HEAD || memcmp(head + 128, "DICM", 4) != 0 ||
        memcmp(head + 132, group_length, sizeof group_length) != 0)
        return error_set(err, STATUS_INVALID, "no DICOM file: it has no file meta information");
    uint32_t length = (uint32_t)head[140] | (uint32_t)head[141] << 8 | (uint32_t)head[142] << 16 |
                      (uint32_t)head[143] << 24;
    if ((off_t)HEAD + length >= info.st_size)
        return error_set(err, STATUS_INVALID, "the object has no data set");
    *ret_offset = (off_t)HEAD + length;
    *ret_size = info.st_size - *ret_offset;
    return 0;
}

static int bytes_digest(int fd, off_t offset, char ret_hex[DIGEST_TEXT_SIZE], struct error *err)
{
    uint8_t chunk[65536], out[DIGEST_SIZE];
    struct digest *digest = digest_new();
    if (!digest)
        return error_set(err, STATUS_NOMEM, "no memory for a digest");
    int status = 0;
    for (;;) {
        ssize_t n = pread(fd, chunk, sizeof chunk, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = error_set_errno(err, STATUS_IO, errno, "cannot read an object in the store");
        if (n <= 0)
            break;
        digest_add(digest, chunk, (size_t)n);
        offset += n;
    }
    if (status == 0) {
        digest_end(digest, out);
        digest_format(out, ret_hex);
    }
    digest_free(digest);
    return status;
}

static int dataset_digest(int fd, char ret_hex[DIGEST_TEXT_SIZE], struct error *err)
{
    off_t offset, size;
    int status = dataset_offset(fd, &offset, &size, err);
    return status < 0 ? status : bytes_digest(fd, offset, ret_hex, err);
}

int store_dataset_digest(const char *path, char ret_hex[DIGEST_TEXT_SIZE], struct error *err)
{
    STORE_FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open an object of the store");
    return dataset_digest(fd, ret_hex, err);
}

/* ---- publishing ------------------------------------------------------------------------- */

/* What two files must share to be the same: the data set of a received object, the whole of one
 * of ours. */
typedef int digest_fn(int fd, char ret_hex[DIGEST_TEXT_SIZE], struct error *err);

static int file_digest(int fd, char ret_hex[DIGEST_TEXT_SIZE], struct error *err)
{
    return bytes_digest(fd, 0, ret_hex, err);
}

enum found { FOUND_NONE, FOUND_SAME, FOUND_OTHER };

/* Look for a key in one bucket. The same bytes there are made durable before we say so: whoever
 * wrote them may have died before its syncs. */
static int bucket_look(struct store *store, const struct store_bucket *bucket, const char *key,
                       const char *hex, digest_fn *digest_of, enum found *ret_found,
                       struct error *err)
{
    char name[STORE_NAME_SIZE], there[DIGEST_TEXT_SIZE];
    if (bucket->fd < 0) {
        *ret_found = FOUND_NONE;
        return 0;
    }
    store_entry_name(key, name);
    STORE_FD_AUTO int fd = store->io->openat(store->io->context, bucket->fd, name,
                                             O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT) {
        *ret_found = FOUND_NONE;
        return 0;
    }
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open object %s", key);
    int status = digest_of(fd, there, err);
    if (status == STATUS_INVALID) {
        *ret_found = FOUND_OTHER; /* damaged on disk: what comes now is kept beside it */
        return 0;
    }
    if (status == 0 && strcmp(there, hex) != 0) {
        *ret_found = FOUND_OTHER;
        return 0;
    }
    if (status == 0 && store->io->fsync(store->io->context, fd) < 0)
        status = error_set_errno(err, STATUS_IO, errno, "cannot make object %s durable", key);
    if (status == 0)
        status = store_bucket_sync(store, bucket, err);
    if (status == 0)
        *ret_found = FOUND_SAME;
    return status;
}

/* Give the file its name. When the name cannot be made durable it is taken away again: nobody
 * else relies on it yet, since whoever looks for it waits for the bucket's lock. */
static int temp_rename(struct store_temp *temp, const struct store_bucket *bucket,
                       const char *key, struct error *err)
{
    struct store *store = temp->store;
    const struct store_io *io = store->io;
    char from[sizeof temp->name + 16], name[STORE_NAME_SIZE];
    snprintf(from, sizeof from, "%s/%s", temp->folder, temp->name);
    store_entry_name(key, name);
    if (io->renameat2(io->context, store->fd, from, bucket->fd, name, RENAME_NOREPLACE) < 0)
        return error_set_errno(err,
                               errno == EEXIST ? STATUS_CONFLICT : store_status_of_errno(errno),
                               errno, "cannot name object %s", key);
    store_fd_close(&temp->fd);
    int status = store_bucket_sync(store, bucket, err);
    if (status < 0)
        io->unlinkat(io->context, bucket->fd, name, 0);
    return status;
}

static int temp_sync(struct store_temp *temp, struct error *err)
{
    const struct store_io *io = temp->store->io;
    if (io->fdatasync(io->context, temp->fd) < 0)
        return error_set_errno(err, store_status_of_errno(errno), errno,
                               "cannot make an object durable");
    return 0;
}

/* Whether there is an entry of this key. One that cannot be told counts: it will be opened. */
static bool bucket_has(const struct store_bucket *bucket, const char *key)
{
    char name[STORE_NAME_SIZE];
    store_entry_name(key, name);
    return bucket->fd >= 0 && (faccessat(bucket->fd, name, F_OK, 0) == 0 || errno != ENOENT);
}

/* An object of this UID is there: the same, or another version. */
static int version_place(struct store_temp *temp, const struct store_bucket *incoming,
                         const struct store_bucket *stored, struct store_committed *committed,
                         struct error *err)
{
    char hex[DIGEST_TEXT_SIZE];
    int status = dataset_digest(temp->fd, hex, err);
    for (int variant = 0; status == 0 && variant < 2; variant++) {
        enum found found = FOUND_NONE;
        if (variant) {
            committed->key[64] = '-';
            memcpy(committed->key + 65, hex, 16);
            committed->key[81] = '\0';
        }
        status = bucket_look(temp->store, incoming, committed->key, hex, dataset_digest, &found,
                             err);
        if (status == 0 && found == FOUND_NONE)
            status = bucket_look(temp->store, stored, committed->key, hex, dataset_digest, &found,
                                 err);
        if (status < 0)
            return status;
        if (found == FOUND_SAME) {
            committed->outcome = STORE_IDENTICAL;
            return 0;
        }
        if (found == FOUND_NONE) {
            committed->outcome = variant ? STORE_VARIANT : STORE_NEW;
            return temp_rename(temp, incoming, committed->key, err);
        }
    }
    if (status < 0)
        return status;
    return error_set(err, STATUS_CONFLICT, "object %s exists with other bytes", committed->key);
}

/* Under the lock of incoming/HH, which every commit and every move of this key takes. Most objects
 * are the first of their UID: nothing is compared then, and their bytes are not read again. */
static int incoming_place(struct store_temp *temp, const struct store_bucket *incoming,
                          struct store_committed *committed, struct error *err)
{
    STORE_BUCKET_AUTO struct store_bucket stored = {-1, -1, false};
    int status = store_bucket_open(temp->store, STORE_STORED, committed->key, false, &stored, err);
    if (status < 0)
        return status;
    if (bucket_has(incoming, committed->key) || bucket_has(&stored, committed->key))
        return version_place(temp, incoming, &stored, committed, err);
    return temp_rename(temp, incoming, committed->key, err);
}

static int incoming_commit(struct store_temp *temp, const char *sop_instance_uid,
                           struct store_committed *committed, struct error *err)
{
    off_t offset, size;
    STORE_BUCKET_AUTO struct store_bucket bucket = {-1, -1, false};
    if (!uid_valid(sop_instance_uid))
        return error_set(err, STATUS_INVALID, "the object's SOP Instance UID is not valid");
    int status = dataset_offset(temp->fd, &offset, &size, err);
    if (status == 0)
        status = temp_sync(temp, err);
    if (status < 0)
        return status;
    store_key(sop_instance_uid, committed->key);
    status = store_bucket_open(temp->store, STORE_INCOMING, committed->key, true, &bucket, err);
    if (status == 0)
        status = store_lock(bucket.fd, err);
    return status < 0 ? status : incoming_place(temp, &bucket, committed, err);
}

int store_incoming_commit(struct store_temp *temp, const char *sop_instance_uid,
                          struct store_committed *ret_committed, struct error *err)
{
    struct store_committed committed = {.outcome = STORE_NEW};
    int status = incoming_commit(temp, sop_instance_uid, &committed, err);
    store_temp_abandon(temp);
    if (status == 0)
        *ret_committed = committed;
    return status;
}

/* Rename, or find that an earlier call did. The new place is synced before the old: whatever a
 * crash undoes, one of the two names stays. */
static int move_locked(struct store *store, const struct store_bucket *from,
                       const struct store_bucket *to, const char *key, struct error *err)
{
    const struct store_io *io = store->io;
    char name[STORE_NAME_SIZE], hex[DIGEST_TEXT_SIZE];
    enum found found = FOUND_NONE;
    store_entry_name(key, name);
    STORE_FD_AUTO int fd = io->openat(io->context, from->fd, name,
                                      O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && errno != ENOENT)
        return error_set_errno(err, STATUS_IO, errno, "cannot open object %s", key);
    if (fd < 0) {
        if (faccessat(to->fd, name, F_OK, 0) < 0)
            return error_set(err, STATUS_NOT_FOUND, "object %s is not in the store", key);
    } else if (io->renameat2(io->context, from->fd, name, to->fd, name, RENAME_NOREPLACE) < 0) {
        if (errno != EEXIST)
            return error_set_errno(err, store_status_of_errno(errno), errno,
                                   "cannot move object %s", key);
        /* In both places: only a restored or repaired store can be so. */
        int status = dataset_digest(fd, hex, err);
        if (status == 0)
            status = bucket_look(store, to, key, hex, dataset_digest, &found, err);
        if (status < 0)
            return status;
        if (found != FOUND_SAME)
            return error_set(err, STATUS_CONFLICT, "object %s exists with other bytes", key);
        if (io->unlinkat(io->context, from->fd, name, 0) < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot remove object %s", key);
    }
    int status = store_bucket_sync(store, to, err);
    return status < 0 ? status : store_sync_folder(store, from->fd, "of the object", err);
}

/* Received objects: all that changes them holds the lock of incoming/HH. */
static int received_open(struct store *store, const char *key, struct store_bucket *ret_incoming,
                         struct store_bucket *ret_stored, struct error *err)
{
    if (!store_key_valid(key))
        return error_set(err, STATUS_INVALID, "no key of the store");
    int status = store_bucket_open(store, STORE_INCOMING, key, true, ret_incoming, err);
    if (status == 0)
        status = store_bucket_open(store, STORE_STORED, key, true, ret_stored, err);
    return status < 0 ? status : store_lock(ret_incoming->fd, err);
}

int store_incoming_to_stored(struct store *store, const char *key, struct error *err)
{
    STORE_BUCKET_AUTO struct store_bucket incoming = {-1, -1, false};
    STORE_BUCKET_AUTO struct store_bucket stored = {-1, -1, false};
    int status = received_open(store, key, &incoming, &stored, err);
    return status < 0 ? status : move_locked(store, &incoming, &stored, key, err);
}

int store_stored_to_incoming(struct store *store, const char *key, struct error *err)
{
    STORE_BUCKET_AUTO struct store_bucket incoming = {-1, -1, false};
    STORE_BUCKET_AUTO struct store_bucket stored = {-1, -1, false};
    int status = received_open(store, key, &incoming, &stored, err);
    return status < 0 ? status : move_locked(store, &stored, &incoming, key, err);
}

/* ---- removal ------------------------------------------------------------------------------ */

static int remove_locked(struct store *store, const struct store_bucket *bucket, const char *key,
                         struct error *err)
{
    const struct store_io *io = store->io;
    char name[STORE_NAME_SIZE];
    store_entry_name(key, name);
    if (io->unlinkat(io->context, bucket->fd, name, 0) < 0 && errno != ENOENT)
        return error_set_errno(err, STATUS_IO, errno, "cannot remove object %s", key);
    /* Also when it was gone: an earlier call may have ended before its sync. */
    return store_sync_folder(store, bucket->fd, "of the object", err);
}

int store_remove(struct store *store, enum store_area area, const char *key, struct error *err)
{
    STORE_BUCKET_AUTO struct store_bucket incoming = {-1, -1, false};
    STORE_BUCKET_AUTO struct store_bucket other = {-1, -1, false};
    if (area == STORE_INCOMING || area == STORE_STORED) {
        int status = received_open(store, key, &incoming, &other, err);
        return status < 0 ? status
                          : remove_locked(store, area == STORE_STORED ? &other : &incoming, key,
                                          err);
    }
    if (!store_key_valid(key))
        return error_set(err, STATUS_INVALID, "no key of the store");
    int status = store_bucket_open(store, area, key, true, &other, err);
    if (status == 0)
        status = store_lock(other.fd, err);
    return status < 0 ? status : remove_locked(store, &other, key, err);
}

/* ---- outgoing --------------------------------------------------------------------------- */

static int outgoing_copy(struct store_temp *temp, int from, struct store_outgoing *outgoing,
                         struct error *err)
{
    uint8_t chunk[65536], out[DIGEST_SIZE];
    struct digest *digest = digest_new();
    if (!digest)
        return error_set(err, STATUS_NOMEM, "no memory for a digest");
    int status = 0;
    while (status == 0) {
        ssize_t n = read(from, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = error_set_errno(err, STATUS_IO, errno, "cannot read an object to be sent");
        if (n <= 0)
            break;
        digest_add(digest, chunk, (size_t)n);
        outgoing->size += (uint64_t)n;
        status = store_temp_write(temp, chunk, (size_t)n, err);
    }
    if (status == 0) {
        digest_end(digest, out);
        digest_format(out, outgoing->sha256);
    }
    digest_free(digest);
    return status;
}

static int outgoing_place(struct store_temp *temp, enum store_area area,
                          const struct store_outgoing *outgoing, struct error *err)
{
    STORE_BUCKET_AUTO struct store_bucket bucket = {-1, -1, false};
    enum found found = FOUND_NONE;
    int status = temp_sync(temp, err);
    if (status == 0)
        status = store_bucket_open(temp->store, area, outgoing->key, true, &bucket, err);
    if (status == 0)
        status = store_lock(bucket.fd, err);
    if (status == 0)
        status = bucket_look(temp->store, &bucket, outgoing->key, outgoing->sha256, file_digest,
                             &found, err);
    if (status < 0)
        return status;
    if (found == FOUND_OTHER)
        return error_set(err, STATUS_CONFLICT, "object %s exists with other bytes",
                         outgoing->key);
    return found == FOUND_SAME ? 0 : temp_rename(temp, &bucket, outgoing->key, err);
}

/* Copy a whole file into `area` under the key of `uid`. */
static int whole_write(struct store *store, enum store_area area, const char *from_path,
                       const char *uid, struct store_outgoing *ret_outgoing, struct error *err)
{
    struct store_outgoing outgoing = {.size = 0};
    struct store_temp temp;
    if (!uid_valid(uid))
        return error_set(err, STATUS_INVALID, "a file to be kept has no valid UID");
    STORE_FD_AUTO int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open a file to be kept");
    store_key(uid, outgoing.key);
    int status = temp_begin(store, OUTGOING_TEMP, &temp, err);
    if (status < 0)
        return status;
    status = outgoing_copy(&temp, from, &outgoing, err);
    if (status == 0)
        status = outgoing_place(&temp, area, &outgoing, err);
    store_temp_abandon(&temp);
    if (status == 0)
        *ret_outgoing = outgoing;
    return status;
}

int store_outgoing_write(struct store *store, const char *from_path,
                         const char *sop_instance_uid, struct store_outgoing *ret_outgoing,
                         struct error *err)
{
    return whole_write(store, STORE_OUTGOING, from_path, sop_instance_uid, ret_outgoing, err);
}

int store_answer_write(struct store *store, const char *from_path, const char *transaction_uid,
                       struct error *err)
{
    struct store_outgoing kept;
    return whole_write(store, STORE_ANSWERS, from_path, transaction_uid, &kept, err);
}

int store_request_write(struct store *store, const char *from_path, const char *transaction_uid,
                        struct error *err)
{
    struct store_outgoing kept;
    return whole_write(store, STORE_REQUESTS, from_path, transaction_uid, &kept, err);
}
