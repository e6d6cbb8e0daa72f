#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, size_t limit, struct buffer *ret_content, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open file %s", path);
    struct buffer content;
    buffer_init(&content);
    int status = 0;
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = error_set_errno(err, STATUS_IO, errno, "cannot read file %s", path);
        else if (content.size + (size_t)n > limit)
            status = error_set(err, STATUS_LIMIT, "file %s is larger than %zu bytes", path, limit);
        else if (n > 0)
            status = buffer_add(&content, chunk, (size_t)n, err);
        if (n <= 0 || status < 0)
            break;
    }
    close(fd);
    if (status < 0) {
        buffer_release(&content);
        return status;
    }
    buffer_release(ret_content);
    *ret_content = content;
    return 0;
}

int file_write(const char *path, const void *bytes, size_t n, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot create file %s", path);
    const char *at = bytes;
    int status = 0;
    while (n > 0 && status == 0) {
        ssize_t written = write(fd, at, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            status = error_set_errno(err, STATUS_IO, errno, "cannot write file %s", path);
        else {
            at += written;
            n -= (size_t)written;
        }
    }
    if (close(fd) < 0 && status == 0)
        status = error_set_errno(err, STATUS_IO, errno, "cannot write file %s", path);
    return status;
}

int folder_make(const char *path, struct error *err)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return error_set(err, STATUS_INVALID, "folder name is empty or too long");
    memcpy(part, path, n + 1);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return error_set_errno(err, STATUS_IO, errno, "cannot make folder %s", part);
        if (!kept)
            break;
        *p = kept;
    }
    struct stat info;
    if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode))
        return error_set(err, STATUS_INVALID, "%s is not a folder", path);
    return 0;
}
