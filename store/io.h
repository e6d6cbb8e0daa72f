/* The system calls by which the store changes the disk, passed in, so that tests fail each of
 * them in turn. All return as the call of the same name: -1 and errno on failure. */
#ifndef AXNODE_STORE_IO_H
#define AXNODE_STORE_IO_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

struct store_io {
    int (*openat)(void *context, int folder, const char *path, int flags, mode_t mode);
    ssize_t (*write)(void *context, int fd, const void *bytes, size_t n);
    int (*fdatasync)(void *context, int fd);
    int (*fsync)(void *context, int fd);
    int (*renameat2)(void *context, int from_folder, const char *from, int to_folder,
                     const char *to, unsigned int flags);
    int (*mkdirat)(void *context, int folder, const char *path, mode_t mode);
    int (*unlinkat)(void *context, int folder, const char *path, int flags);
    int (*fstatvfs)(void *context, int fd, struct statvfs *ret_info);
    void *context;
};

/* The real ones; static storage. */
const struct store_io *store_io_system(void);

#endif
