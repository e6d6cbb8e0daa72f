/* Preloaded into axnoded: makes system calls of one role fail, and moves its clock, while a test
 * asks for it. The test and all processes share one small file (AXNODE_FAILING names it), mapped
 * by both: the test writes `role`, `calls`, `errnum`, `first` and `last`, the processes count the
 * calls that match. Nothing fails until `calls` is set; the layout is repeated in faults.py.
 *
 * File calls count only where they change the store: writes to a regular file, syncs, folders and
 * names below `store`; opens that create. Socket calls are told apart by family: what goes over a
 * Unix socket is SQL, what goes over TCP is DICOM. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum call {
    CALL_WRITE = 1 << 0,
    CALL_FDATASYNC = 1 << 1,
    CALL_FSYNC = 1 << 2,
    CALL_RENAME = 1 << 3,
    CALL_CREATE = 1 << 4,
    CALL_MKDIR = 1 << 5,
    CALL_UNLINK = 1 << 6,
    CALL_CONNECT = 1 << 7,
    CALL_SQL_SEND = 1 << 8,
    CALL_SQL_RECEIVE = 1 << 9,
    CALL_NET_SEND = 1 << 10,
    CALL_NET_RECEIVE = 1 << 11,
};

struct control {
    char role[16];
    char store[1000];
    _Atomic uint32_t calls; /* set of enum call; 0: all is well */
    int32_t errnum;
    int64_t first, last; /* the calls that fail, counted from 1 */
    _Atomic int64_t count;
    _Atomic int64_t clock_offset_us; /* of CLOCK_REALTIME, in every role */
};

static struct control *control;
static char role[16];

__attribute__((constructor)) static void begin(int argc, char **argv)
{
    const char *path = getenv("AXNODE_FAILING");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--role") == 0)
            snprintf(role, sizeof role, "%s", argv[i + 1]);
    if (map != MAP_FAILED)
        control = map;
}

/* Whether this call is one that fails; sets errno. */
static int fails(enum call call)
{
    if (!control || !(atomic_load(&control->calls) & call) ||
        strncmp(control->role, role, sizeof role) != 0)
        return 0;
    int64_t number = atomic_fetch_add(&control->count, 1) + 1;
    if (number < control->first || number > control->last)
        return 0;
    errno = control->errnum;
    return 1;
}

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* The next definition of the function, looked up once. */
#define NEXT(name, type) \
    static __typeof__(type) next; \
    if (!next) \
        next = (__typeof__(type))real(name)

static int armed(void)
{
    return control && atomic_load(&control->calls);
}

static int below_store(int fd)
{
    char link[64], path[4096];
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = armed() ? readlink(link, path, sizeof path - 1) : -1;
    errno = kept;
    if (n < 0)
        return 0;
    path[n] = '\0';
    return strncmp(path, control->store, strlen(control->store)) == 0;
}

/* Which of two calls this is, by the socket's family; 0: none of ours. */
static enum call socket_call(int fd, enum call sql, enum call net)
{
    int domain = 0, kept = errno;
    socklen_t n = sizeof domain;
    if (!armed() || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0)
        domain = 0;
    errno = kept;
    return domain == AF_UNIX ? sql : domain == AF_INET ? net : 0;
}

static enum call write_call(int fd)
{
    return below_store(fd) ? CALL_WRITE : socket_call(fd, 0, CALL_NET_SEND);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    NEXT("write", ssize_t (*)(int, const void *, size_t));
    return fails(write_call(fd)) ? -1 : next(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    NEXT("pwrite", ssize_t (*)(int, const void *, size_t, off_t));
    return fails(write_call(fd)) ? -1 : next(fd, bytes, n, at);
}

ssize_t read(int fd, void *bytes, size_t n)
{
    NEXT("read", ssize_t (*)(int, void *, size_t));
    return fails(socket_call(fd, 0, CALL_NET_RECEIVE)) ? -1 : next(fd, bytes, n);
}

int fdatasync(int fd)
{
    NEXT("fdatasync", int (*)(int));
    return below_store(fd) && fails(CALL_FDATASYNC) ? -1 : next(fd);
}

int fsync(int fd)
{
    NEXT("fsync", int (*)(int));
    return below_store(fd) && fails(CALL_FSYNC) ? -1 : next(fd);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    NEXT("renameat2", int (*)(int, const char *, int, const char *, unsigned));
    return fails(CALL_RENAME) ? -1 : next(from_folder, from, to_folder, to, flags);
}

static int creates(int folder, int flags)
{
    return (flags & O_CREAT) && folder != AT_FDCWD && below_store(folder);
}

int openat(int folder, const char *path, int flags, ...)
{
    NEXT("openat", int (*)(int, const char *, int, ...));
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return creates(folder, flags) && fails(CALL_CREATE) ? -1 : next(folder, path, flags, mode);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    NEXT("mkdirat", int (*)(int, const char *, mode_t));
    return fails(CALL_MKDIR) ? -1 : next(folder, path, mode);
}

int unlinkat(int folder, const char *path, int flags)
{
    NEXT("unlinkat", int (*)(int, const char *, int));
    return fails(CALL_UNLINK) ? -1 : next(folder, path, flags);
}

int connect(int fd, const struct sockaddr *address, socklen_t n)
{
    NEXT("connect", int (*)(int, const struct sockaddr *, socklen_t));
    return fails(CALL_CONNECT) ? -1 : next(fd, address, n);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    NEXT("send", ssize_t (*)(int, const void *, size_t, int));
    if (!fails(socket_call(fd, CALL_SQL_SEND, CALL_NET_SEND)))
        return next(fd, bytes, n, flags);
    /* libpq takes a failed send for sent and waits for what the server says: a connection that
     * cannot be written to is one that ends. */
    int kept = errno;
    shutdown(fd, SHUT_RDWR);
    errno = kept;
    return -1;
}

ssize_t recv(int fd, void *bytes, size_t n, int flags)
{
    NEXT("recv", ssize_t (*)(int, void *, size_t, int));
    return fails(socket_call(fd, CALL_SQL_RECEIVE, CALL_NET_RECEIVE)) ? -1
                                                                      : next(fd, bytes, n, flags);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
    NEXT("clock_gettime", int (*)(clockid_t, struct timespec *));
    int result = next(id, ret);
    if (result == 0 && id == CLOCK_REALTIME && control)
        ret->tv_sec += atomic_load(&control->clock_offset_us) / 1000000;
    return result;
}
