/* Which live association carries which studies: one file per association, locked by the process
 * that serves it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "store/folder.h"
#include "store/store.h"

enum {
    ASSOCIATION_ID_MAX = 64,
    LINE_SIZE = DIGEST_TEXT_SIZE, /* 64 digits and a newline */
    /* An association of 10,000 studies is no ultrasound machine. */
    ASSOCIATION_STUDIES_MAX = 10000,
};

struct store_association {
    struct store *store; /* borrowed */
    int folder, fd;
    char id[ASSOCIATION_ID_MAX + 1];
    struct store_studies studies; /* in the order they came */
};

static bool id_valid(const char *id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    size_t n = strlen(id);
    return n > 0 && n <= ASSOCIATION_ID_MAX && id[0] != '.' && strspn(id, letters) == n;
}

/* Take away a dead process's file of this id. STATUS_CONFLICT: its process lives. */
static int leftover_remove(struct store_association *association, struct error *err)
{
    const struct store_io *io = association->store->io;
    STORE_FD_AUTO int fd = io->openat(io->context, association->folder, association->id,
                                      O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open association %s",
                               association->id);
    if (!store_lock_try(fd))
        return error_set(err, STATUS_CONFLICT, "association %s is open already", association->id);
    if (store_same_file(association->folder, association->id, fd) &&
        io->unlinkat(io->context, association->folder, association->id, 0) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot remove association %s",
                               association->id);
    return 0;
}

/* The locked, empty file of this id. */
static int association_create(struct store_association *association, struct error *err)
{
    const struct store_io *io = association->store->io;
    int status = 0;
    while (status == 0) {
        STORE_FD_AUTO int fd = io->openat(io->context, association->folder, association->id,
                                          O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            return error_set_errno(err, store_status_of_errno(errno), errno,
                                   "cannot note association %s", association->id);
        if (fd < 0) {
            status = leftover_remove(association, err);
            continue;
        }
        /* A snapshot may take the file for a leftover before we have its lock. */
        status = store_lock(fd, err);
        if (status == 0 && store_same_file(association->folder, association->id, fd)) {
            association->fd = fd;
            fd = -1;
            return 0;
        }
    }
    return status;
}

int store_association_open(struct store *store, const char *id,
                           struct store_association **ret_association, struct error *err)
{
    if (!id_valid(id))
        return error_set(err, STATUS_INVALID, "no valid association id");
    struct store_association *association = calloc(1, sizeof *association);
    if (!association)
        return error_set(err, STATUS_NOMEM, "no memory for an association");
    association->store = store;
    association->folder = association->fd = -1;
    snprintf(association->id, sizeof association->id, "%s", id);
    int status = store_folder_open(store, STORE_FOLDER_OPEN, &association->folder, err);
    if (status == 0)
        status = association_create(association, err);
    if (status < 0) {
        store_association_close(association);
        return status;
    }
    *ret_association = association;
    return 0;
}

static int studies_add(struct store_studies *studies, const char *digest, struct error *err)
{
    char(*grown)[DIGEST_TEXT_SIZE] =
        reallocarray(studies->digests, studies->count + 1, sizeof *grown);
    if (!grown)
        return error_set(err, STATUS_NOMEM, "no memory for open studies");
    studies->digests = grown;
    memcpy(grown[studies->count], digest, DIGEST_TEXT_SIZE - 1);
    grown[studies->count++][DIGEST_TEXT_SIZE - 1] = '\0';
    return 0;
}

int store_association_add_study(struct store_association *association,
                                const char *study_instance_uid, struct error *err)
{
    const struct store_io *io = association->store->io;
    struct store_studies *studies = &association->studies;
    char line[LINE_SIZE];
    store_study_digest(study_instance_uid, line);
    for (size_t i = studies->count; i-- > 0;)
        if (strcmp(studies->digests[i], line) == 0)
            return 0;
    if (studies->count >= ASSOCIATION_STUDIES_MAX)
        return error_set(err, STATUS_LIMIT, "association %s carries more than %d studies",
                         association->id, ASSOCIATION_STUDIES_MAX);
    int status = studies_add(studies, line, err);
    if (status < 0)
        return status;
    line[LINE_SIZE - 1] = '\n';
    ssize_t n = io->write(io->context, association->fd, line, LINE_SIZE);
    if (n == LINE_SIZE)
        return 0;
    int errnum = n < 0 ? errno : ENOSPC;
    /* A torn line would spoil those behind it. */
    if (n > 0 && ftruncate(association->fd, (off_t)(studies->count - 1) * LINE_SIZE) < 0)
        errnum = errno;
    studies->count--;
    return error_set_errno(err, store_status_of_errno(errnum), errnum,
                           "cannot note a study of association %s", association->id);
}

void store_association_close(struct store_association *association)
{
    if (!association)
        return;
    const struct store_io *io = association->store->io;
    if (association->fd >= 0)
        io->unlinkat(io->context, association->folder, association->id, 0);
    store_fd_close(&association->fd);
    store_fd_close(&association->folder);
    store_studies_release(&association->studies);
    free(association);
}

/* ---- snapshot --------------------------------------------------------------------------- */

void store_studies_release(struct store_studies *studies)
{
    free(studies->digests);
    *studies = (struct store_studies){0};
}

/* Whole lines alone: one that is being written belongs to an object nobody sees yet. */
static int lines_read(int fd, struct store_studies *studies, struct error *err)
{
    BUFFER_AUTO struct buffer text;
    buffer_init(&text);
    for (;;) {
        char chunk[64 * LINE_SIZE];
        ssize_t n = pread(fd, chunk, sizeof chunk, (off_t)text.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot read an open association");
        if (n == 0 || text.size >= (size_t)ASSOCIATION_STUDIES_MAX * LINE_SIZE)
            break;
        int status = buffer_add(&text, chunk, (size_t)n, err);
        if (status < 0)
            return status;
    }
    for (size_t at = 0; at + LINE_SIZE <= text.size; at += LINE_SIZE) {
        if (text.data[at + LINE_SIZE - 1] != '\n')
            return error_set(err, STATUS_INVALID, "an open association's file is damaged");
        int status = studies_add(studies, text.data + at, err);
        if (status < 0)
            return status;
    }
    return 0;
}

/* One file: removed when its process is gone, else read. */
static int entry_read(struct store *store, int folder, const char *name,
                      struct store_studies *studies, struct error *err)
{
    const struct store_io *io = store->io;
    STORE_FD_AUTO int fd = io->openat(io->context, folder, name,
                                      O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT)
        return 0; /* closed just now: all it stored is visible */
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open association %s", name);
    if (!store_lock_try(fd))
        return lines_read(fd, studies, err);
    if (store_same_file(folder, name, fd) && io->unlinkat(io->context, folder, name, 0) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot remove association %s", name);
    return 0;
}

static int digest_compare(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST_TEXT_SIZE);
}

static void studies_sort(struct store_studies *studies)
{
    size_t kept = 0;
    if (studies->count == 0)
        return;
    qsort(studies->digests, studies->count, sizeof *studies->digests, digest_compare);
    for (size_t i = 1; i < studies->count; i++)
        if (strcmp(studies->digests[kept], studies->digests[i]) != 0)
            memmove(studies->digests[++kept], studies->digests[i], DIGEST_TEXT_SIZE);
    studies->count = kept + 1;
}

int store_associations_snapshot(struct store *store, struct store_studies *ret_studies,
                                struct error *err)
{
    STORE_FD_AUTO int folder = -1;
    struct store_studies studies = {0};
    int status = store_folder_open(store, STORE_FOLDER_OPEN, &folder, err);
    if (status < 0)
        return status;
    DIR *list = fdopendir(folder);
    if (!list)
        return error_set_errno(err, STATUS_IO, errno, "cannot list open associations");
    folder = -1;
    while (status == 0) {
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (!entry && errno)
            status = error_set_errno(err, STATUS_IO, errno, "cannot list open associations");
        if (!entry)
            break;
        if (id_valid(entry->d_name))
            status = entry_read(store, dirfd(list), entry->d_name, &studies, err);
    }
    closedir(list);
    if (status < 0) {
        store_studies_release(&studies);
        return status;
    }
    studies_sort(&studies);
    *ret_studies = studies;
    return 0;
}
