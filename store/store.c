#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"

/* Make each missing folder of `path` and sync the one above it. The root's own parent is synced
 * even when the root exists: an earlier start may have died between the two. */
static int root_make(struct store *store, const char *path, struct error *err)
{
    const struct store_io *io = store->io;
    char part[STORE_ROOT_MAX + 1];
    size_t n = strlen(path);
    STORE_FD_AUTO int above =
        io->openat(io->context, AT_FDCWD, path[0] == '/' ? "/" : ".",
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    for (size_t at = 0, end; at < n; at = end + 1) {
        end = at + strcspn(path + at, "/");
        if (end == at)
            continue;
        bool last = path[end + strspn(path + end, "/")] == '\0';
        memcpy(part, path, end);
        part[end] = '\0';
        bool made = io->mkdirat(io->context, AT_FDCWD, part, 0700) == 0;
        if (!made && errno != EEXIST)
            return error_set_errno(err, store_status_of_errno(errno), errno,
                                   "cannot make folder %s", part);
        /* A parent that may not be read cannot be synced; it was there before us. */
        if ((made || last) && above >= 0 && io->fsync(io->context, above) < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot make folder %s durable", part);
        if (made && above < 0)
            return error_set(err, STATUS_IO, "cannot make folder %s durable", part);
        store_fd_close(&above);
        above = io->openat(io->context, AT_FDCWD, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (above < 0 && (last || errno != EACCES))
            return error_set_errno(err, STATUS_IO, errno, "cannot open folder %s", part);
    }
    store->fd = above;
    above = -1;
    return 0;
}

static int folders_make(struct store *store, struct error *err)
{
    static const char *const folders[] = {"incoming", "incoming/.tmp", "stored", "outgoing",
                                          "outgoing/.tmp", "answers", "requests", "open", "work"};
    static const char *const above[] = {"incoming", "outgoing", "."};
    const struct store_io *io = store->io;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (io->mkdirat(io->context, store->fd, folders[i], 0700) < 0 && errno != EEXIST)
            return error_set_errno(err, store_status_of_errno(errno), errno,
                                   "cannot make store folder %s", folders[i]);
    for (size_t i = 0; i < sizeof above / sizeof *above; i++) {
        STORE_FD_AUTO int fd = -1;
        int status = store_folder_open(store, above[i], &fd, err);
        if (status == 0)
            status = store_sync_folder(store, fd, above[i], err);
        if (status < 0)
            return status;
    }
    return 0;
}

int store_open(const char *root, const struct store_options *options, struct store **ret_store,
               struct error *err)
{
    size_t n = strlen(root);
    if (n == 0 || n > STORE_ROOT_MAX)
        return error_set(err, STATUS_INVALID, "the store's path is empty or longer than %d bytes",
                         STORE_ROOT_MAX);
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return error_set(err, STATUS_NOMEM, "no memory for the store");
    store->fd = -1;
    store->io = options && options->io ? options->io : store_io_system();
    store->min_free_bytes = options ? options->min_free_bytes : 0;
    memcpy(store->root, root, n + 1);
    while (n > 1 && store->root[n - 1] == '/')
        store->root[--n] = '\0';
    int status = root_make(store, store->root, err);
    if (status == 0)
        status = folders_make(store, err);
    if (status < 0) {
        store_close(store);
        return status;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_fd_close(&store->fd);
    free(store);
}

int store_clean(struct store *store, struct error *err)
{
    struct store_studies live = {0};
    int status = store_temp_clean(store, "incoming/.tmp", err);
    if (status == 0)
        status = store_temp_clean(store, "outgoing/.tmp", err);
    if (status == 0)
        status = store_work_clean(store, err);
    if (status == 0)
        status = store_associations_snapshot(store, &live, err);
    store_studies_release(&live);
    return status;
}

static void text_digest(const char *text, char ret_hex[DIGEST_TEXT_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(text, strlen(text), digest);
    digest_format(digest, ret_hex);
}

void store_key(const char *sop_instance_uid, char ret_key[STORE_KEY_SIZE])
{
    text_digest(sop_instance_uid, ret_key);
}

void store_study_digest(const char *study_instance_uid, char ret_hex[DIGEST_TEXT_SIZE])
{
    text_digest(study_instance_uid, ret_hex);
}

bool store_key_valid(const char *key)
{
    size_t digits = strspn(key, "0123456789abcdef");
    if (digits != 64)
        return false;
    if (key[64] == '\0')
        return true;
    return key[64] == '-' && strspn(key + 65, "0123456789abcdef") == 16 && key[81] == '\0';
}

int store_free_bytes(struct store *store, uint64_t *ret_bytes, struct error *err)
{
    struct statvfs info;
    if (store->io->fstatvfs(store->io->context, store->fd, &info) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot tell the store's free space");
    *ret_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return 0;
}

/* ---- finding and listing --------------------------------------------------------------- */

static bool area_has(struct store *store, enum store_area area, const char *key,
                     char ret_path[STORE_PATH_SIZE], int *ret_errno)
{
    char path[STORE_PATH_SIZE];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s/%.2s/%s.dcm", store->root, store_area_folder(area), key,
             key);
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        memcpy(ret_path, path, sizeof path);
        return true;
    }
    if (errno != ENOENT)
        *ret_errno = errno;
    return false;
}

static int not_found(const char *key, int errnum, struct error *err)
{
    if (errnum)
        return error_set_errno(err, STATUS_IO, errnum, "cannot look for object %s", key);
    return error_set(err, STATUS_NOT_FOUND, "object %s is not in the store", key);
}

int store_find(struct store *store, const char *key, char ret_path[STORE_PATH_SIZE],
               struct error *err)
{
    int errnum = 0;
    if (!store_key_valid(key))
        return error_set(err, STATUS_INVALID, "no key of the store");
    /* Files move from incoming to stored only: in this order none slips by. */
    if (area_has(store, STORE_INCOMING, key, ret_path, &errnum) ||
        area_has(store, STORE_STORED, key, ret_path, &errnum))
        return 0;
    return not_found(key, errnum, err);
}

bool store_first_waits(struct store *store, const char *key)
{
    char first[DIGEST_TEXT_SIZE], path[STORE_PATH_SIZE];
    int errnum = 0;
    if (!store_key_valid(key) || strlen(key) < DIGEST_TEXT_SIZE)
        return false;
    memcpy(first, key, DIGEST_TEXT_SIZE - 1);
    first[DIGEST_TEXT_SIZE - 1] = '\0';
    return area_has(store, STORE_INCOMING, first, path, &errnum);
}

int store_outgoing_find(struct store *store, const char *key, char ret_path[STORE_PATH_SIZE],
                        struct error *err)
{
    int errnum = 0;
    if (!store_key_valid(key))
        return error_set(err, STATUS_INVALID, "no key of the store");
    if (area_has(store, STORE_OUTGOING, key, ret_path, &errnum))
        return 0;
    return not_found(key, errnum, err);
}

struct store_scan {
    struct store *store; /* borrowed */
    enum store_area area;
    int next; /* bucket to open next, 0 … 256 */
    DIR *bucket;
    char digits[3];
};

int store_scan_open(struct store *store, enum store_area area, struct store_scan **ret_scan,
                    struct error *err)
{
    struct store_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return error_set(err, STATUS_NOMEM, "no memory to list the store");
    scan->store = store;
    scan->area = area;
    *ret_scan = scan;
    return 0;
}

void store_scan_close(struct store_scan *scan)
{
    if (!scan)
        return;
    if (scan->bucket)
        closedir(scan->bucket);
    free(scan);
}

/* The next bucket that exists; scan->bucket stays NULL behind the last. */
static int scan_bucket_open(struct store_scan *scan, struct error *err)
{
    while (!scan->bucket && scan->next < 256) {
        char path[32];
        STORE_FD_AUTO int fd = -1;
        snprintf(scan->digits, sizeof scan->digits, "%02x", (unsigned)scan->next & 255);
        snprintf(path, sizeof path, "%s/%s", store_area_folder(scan->area), scan->digits);
        int status = store_folder_open(scan->store, path, &fd, err);
        if (status < 0 && status != STATUS_NOT_FOUND)
            return status;
        scan->next++;
        if (status < 0)
            continue;
        scan->bucket = fdopendir(fd);
        if (!scan->bucket)
            return error_set_errno(err, STATUS_IO, errno, "cannot list store folder %s", path);
        fd = -1;
    }
    return 0;
}

/* False for what is no object of the store. */
static bool scan_accept(const struct store_scan *scan, const char *name,
                        struct store_file *ret_file)
{
    struct stat info;
    size_t n = strlen(name);
    if (n < 4 || n - 4 >= STORE_KEY_SIZE || strcmp(name + n - 4, ".dcm") != 0)
        return false;
    memcpy(ret_file->key, name, n - 4);
    ret_file->key[n - 4] = '\0';
    if (!store_key_valid(ret_file->key) || memcmp(name, scan->digits, 2) != 0 ||
        fstatat(dirfd(scan->bucket), name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(info.st_mode))
        return false;
    ret_file->size = (uint64_t)info.st_size;
    snprintf(ret_file->path, sizeof ret_file->path, "%s/%s/%s/%s.dcm", scan->store->root,
             store_area_folder(scan->area), scan->digits, ret_file->key);
    return true;
}

int store_scan_next(struct store_scan *scan, struct store_file *ret_files, size_t max,
                    size_t *ret_count, struct error *err)
{
    size_t count = 0;
    while (count < max) {
        int status = scan_bucket_open(scan, err);
        if (status < 0)
            return status;
        if (!scan->bucket)
            break;
        errno = 0;
        const struct dirent *entry = readdir(scan->bucket);
        if (entry) {
            count += scan_accept(scan, entry->d_name, &ret_files[count]);
            continue;
        }
        if (errno)
            return error_set_errno(err, STATUS_IO, errno, "cannot list store folder %s/%s",
                                   store_area_folder(scan->area), scan->digits);
        closedir(scan->bucket);
        scan->bucket = NULL;
    }
    *ret_count = count;
    return 0;
}
