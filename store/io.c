#include "store/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int system_openat(void *context, int folder, const char *path, int flags, mode_t mode)
{
    (void)context;
    return openat(folder, path, flags, mode);
}

static ssize_t system_write(void *context, int fd, const void *bytes, size_t n)
{
    (void)context;
    return write(fd, bytes, n);
}

static int system_fdatasync(void *context, int fd)
{
    (void)context;
    return fdatasync(fd);
}

static int system_fsync(void *context, int fd)
{
    (void)context;
    return fsync(fd);
}

static int system_renameat2(void *context, int from_folder, const char *from, int to_folder,
                            const char *to, unsigned int flags)
{
    (void)context;
    return renameat2(from_folder, from, to_folder, to, flags);
}

static int system_mkdirat(void *context, int folder, const char *path, mode_t mode)
{
    (void)context;
    return mkdirat(folder, path, mode);
}

static int system_unlinkat(void *context, int folder, const char *path, int flags)
{
    (void)context;
    return unlinkat(folder, path, flags);
}

static int system_fstatvfs(void *context, int fd, struct statvfs *ret_info)
{
    (void)context;
    return fstatvfs(fd, ret_info);
}

const struct store_io *store_io_system(void)
{
    static const struct store_io io = {
        .openat = system_openat,       .write = system_write,
        .fdatasync = system_fdatasync, .fsync = system_fsync,
        .renameat2 = system_renameat2, .mkdirat = system_mkdirat,
        .unlinkat = system_unlinkat,   .fstatvfs = system_fstatvfs,
    };
    return &io;
}
