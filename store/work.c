/* Folders in which one attempt of one job keeps its files. Nothing in them must survive. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/store.h"

static int tree_remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static int tree_remove(const char *path)
{
    enum { OPEN_FOLDERS = 16 };
    return nftw(path, tree_remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Remove a leftover of a dead process. STATUS_CONFLICT: its process lives. */
static int leftover_remove(struct store *store, int folder, const char *name, struct error *err)
{
    char path[STORE_PATH_SIZE];
    STORE_FD_AUTO int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open work folder %s", name);
    if (!store_lock_try(fd))
        return error_set(err, STATUS_CONFLICT, "work folder %s is in use", name);
    snprintf(path, sizeof path, "%s/%s/%s", store->root, STORE_FOLDER_WORK, name);
    if (store_same_file(folder, name, fd) && tree_remove(path) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot remove work folder %s", name);
    return 0;
}

int store_work_make(struct store *store, int64_t job, int attempt, struct store_work *ret_work,
                    struct error *err)
{
    const struct store_io *io = store->io;
    char name[48];
    struct store_work work = {.fd = -1};
    STORE_FD_AUTO int folder = -1;
    snprintf(name, sizeof name, "%lld-%d", (long long)job, attempt);
    snprintf(work.path, sizeof work.path, "%s/%s/%s", store->root, STORE_FOLDER_WORK, name);
    int status = store_folder_open(store, STORE_FOLDER_WORK, &folder, err);
    while (status == 0) {
        if (io->mkdirat(io->context, folder, name, 0700) < 0) {
            if (errno != EEXIST)
                return error_set_errno(err, store_status_of_errno(errno), errno,
                                       "cannot make work folder %s", name);
            status = leftover_remove(store, folder, name, err);
            continue;
        }
        STORE_FD_AUTO int fd = io->openat(io->context, folder, name,
                                          O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (fd < 0 && errno == ENOENT)
            continue; /* a cleaner was faster */
        if (fd < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot open work folder %s", name);
        status = store_lock(fd, err);
        if (status == 0 && store_same_file(folder, name, fd)) {
            work.fd = fd;
            fd = -1;
            *ret_work = work;
            return 0;
        }
    }
    return status;
}

void store_work_remove(struct store_work *work)
{
    if (work->fd < 0)
        return;
    tree_remove(work->path);
    store_fd_close(&work->fd);
}

int store_work_clean(struct store *store, struct error *err)
{
    STORE_FD_AUTO int folder = -1;
    int status = store_folder_open(store, STORE_FOLDER_WORK, &folder, err);
    if (status < 0)
        return status;
    DIR *list = fdopendir(folder);
    if (!list)
        return error_set_errno(err, STATUS_IO, errno, "cannot list work folders");
    folder = -1;
    const struct dirent *entry;
    while ((entry = readdir(list))) {
        if (entry->d_name[0] == '.')
            continue;
        int removed = leftover_remove(store, dirfd(list), entry->d_name, err);
        if (removed < 0 && removed != STATUS_CONFLICT)
            status = removed;
    }
    closedir(list);
    return status;
}
