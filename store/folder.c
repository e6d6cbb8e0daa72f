#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char STORE_FOLDER_OPEN[] = "open", STORE_FOLDER_WORK[] = "work";

const char *store_area_folder(enum store_area area)
{
    switch (area) {
    case STORE_INCOMING: return "incoming";
    case STORE_STORED: return "stored";
    case STORE_ANSWERS: return "answers";
    case STORE_REQUESTS: return "requests";
    case STORE_OUTGOING: break;
    }
    return "outgoing";
}

int store_status_of_errno(int errnum)
{
    return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG ? STATUS_LIMIT : STATUS_IO;
}

int store_folder_open(struct store *store, const char *path, int *ret_fd, struct error *err)
{
    int fd = store->io->openat(store->io->context, store->fd, path,
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open store folder %s", path);
    *ret_fd = fd;
    return 0;
}

void store_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int store_sync_folder(struct store *store, int fd, const char *what, struct error *err)
{
    if (store->io->fsync(store->io->context, fd) < 0)
        return error_set_errno(err, store_status_of_errno(errno), errno,
                               "cannot make store folder %s durable", what);
    return 0;
}

int store_lock(int fd, struct error *err)
{
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_set_errno(err, STATUS_IO, errno, "cannot lock in the store");
    return 0;
}

bool store_lock_try(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

bool store_same_file(int folder, const char *name, int fd)
{
    struct stat named, opened;
    return fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &opened) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

static int bucket_make(struct store *store, int area, const char *digits, bool *ret_made,
                       struct error *err)
{
    *ret_made = store->io->mkdirat(store->io->context, area, digits, 0700) == 0;
    if (!*ret_made && errno != EEXIST)
        return error_set_errno(err, store_status_of_errno(errno), errno,
                               "cannot make store folder %s", digits);
    return 0;
}

static bool received(enum store_area area)
{
    return area == STORE_INCOMING || area == STORE_STORED;
}

int store_settle(struct store *store, struct error *err)
{
    int status = 0;
    for (enum store_area area = STORE_INCOMING; status == 0 && area <= STORE_STORED; area++) {
        STORE_FD_AUTO int fd = -1;
        char digits[3];
        bool made;
        status = store_folder_open(store, store_area_folder(area), &fd, err);
        for (unsigned i = 0; i < 256 && status == 0; i++) {
            snprintf(digits, sizeof digits, "%02x", i);
            if (faccessat(fd, digits, F_OK, 0) < 0)
                status = bucket_make(store, fd, digits, &made, err);
        }
        if (status == 0)
            status = store_sync_folder(store, fd, store_area_folder(area), err);
    }
    store->settled = status == 0;
    return status;
}

int store_bucket_open(struct store *store, enum store_area area, const char *key, bool make,
                      struct store_bucket *ret_bucket, struct error *err)
{
    char digits[3] = {key[0], key[1], '\0'};
    STORE_BUCKET_AUTO struct store_bucket bucket = {-1, -1, false};
    bool made = false;
    int status = store_folder_open(store, store_area_folder(area), &bucket.area, err);
    if (status == 0 && make)
        status = bucket_make(store, bucket.area, digits, &made, err);
    bucket.durable = store->settled && received(area) && !made;
    if (status < 0)
        return status;
    bucket.fd = store->io->openat(store->io->context, bucket.area, digits,
                                  O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (bucket.fd < 0 && (make || errno != ENOENT))
        return error_set_errno(err, STATUS_IO, errno, "cannot open store folder %s/%s",
                               store_area_folder(area), digits);
    *ret_bucket = bucket;
    bucket = (struct store_bucket){-1, -1, false};
    return 0;
}

void store_bucket_close(struct store_bucket *bucket)
{
    store_fd_close(&bucket->fd);
    store_fd_close(&bucket->area);
}

int store_bucket_sync(struct store *store, const struct store_bucket *bucket, struct error *err)
{
    int status = store_sync_folder(store, bucket->fd, "of the object", err);
    if (status < 0 || bucket->durable)
        return status;
    return store_sync_folder(store, bucket->area, "of the area", err);
}

void store_entry_name(const char *key, char ret_name[STORE_NAME_SIZE])
{
    snprintf(ret_name, STORE_NAME_SIZE, "%s.dcm", key);
}
