/* Preloaded into axnoded: keeps a journal of what is done to the store and of what is promised to
 * peers, and cuts the power at one moment. power_loss.py replays the journal to tell what was
 * durable, and takes from the disk what was not. kill -9 alone keeps the page cache, and so
 * proves nothing about syncs.
 *
 *   AXNODE_JOURNAL   file the journal is appended to, outside the store; JOURNAL.count beside it
 *                    holds eight bytes: the operations so far
 *   AXNODE_STORE     the store's root; other files are passed by
 *   AXNODE_CUT_AT    operation, counted from 1 over all processes, instead of which the whole
 *                    process group gets SIGKILL; 0: never
 *
 * Each operation and its line are one step under a lock, so that at the cut the journal and the
 * disk agree. Lines, fields separated by tabs:
 *
 *   create INODE PATH      write INODE      sync INODE      folder-sync PATH
 *   rename INODE FROM TO   mkdir PATH       unlink PATH     success UID
 *
 * 'success' is a C-STORE response with status 0x0000 on its way into a socket. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum { PATH_SIZE = 2048 };

/* The file lock tells processes apart, the mutex the threads of one. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static _Atomic int64_t *count;
static long cut_at;
static char store[PATH_SIZE];

/* The next definition of a function, looked up once. */
#define NEXT(name, type) \
    static __typeof__(type) next; \
    if (!next && !(next = (__typeof__(type))dlsym(RTLD_NEXT, name))) \
        abort()

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("AXNODE_JOURNAL"), *root = getenv("AXNODE_STORE");
    const char *at = getenv("AXNODE_CUT_AT");
    char name[PATH_SIZE];
    if (!path || !root)
        return;
    snprintf(store, sizeof store, "%s/", root);
    snprintf(name, sizeof name, "%s.count", path);
    cut_at = at ? strtol(at, NULL, 10) : 0;
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *count) < 0)
        abort();
    void *map = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    close(fd);
    if (map == MAP_FAILED || journal < 0)
        abort();
    count = map;
}

static void lock(short kind)
{
    struct flock whole = {.l_type = kind, .l_whence = SEEK_SET};
    while (fcntl(journal, F_SETLKW, &whole) < 0)
        if (errno != EINTR)
            abort();
}

static void step_begin(void)
{
    int kept = errno;
    pthread_mutex_lock(&mutex);
    lock(F_WRLCK);
    /* Dies with the lock held: nobody else does anything after this moment. */
    if (atomic_fetch_add(count, 1) + 1 == cut_at)
        kill(0, SIGKILL);
    errno = kept;
}

static void step_end(void)
{
    int kept = errno;
    lock(F_UNLCK);
    pthread_mutex_unlock(&mutex);
    errno = kept;
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    ssize_t (*put)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    char line[3 * PATH_SIZE];
    int kept = errno;
    va_list values;
    va_start(values, format);
    int n = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (!put || put(journal, line, (size_t)n) != n)
        abort();
    errno = kept;
}

static bool fd_path(int fd, char path[PATH_SIZE])
{
    char link[64];
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = journal < 0 ? -1 : readlink(link, path, PATH_SIZE - 1);
    errno = kept;
    path[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

static bool in_store(const char *path)
{
    size_t n = strlen(store);
    return strncmp(path, store, n) == 0 || (strncmp(path, store, n - 1) == 0 && !path[n - 1]);
}

/* Absolute path of a name in a folder; true when the store holds it. */
static bool resolve(int folder, const char *name, char path[PATH_SIZE])
{
    char above[PATH_SIZE];
    if (journal < 0)
        return false;
    if (name[0] == '/')
        snprintf(path, PATH_SIZE, "%s", name);
    else if (folder == AT_FDCWD || !fd_path(folder, above))
        return false;
    else if ((size_t)snprintf(path, PATH_SIZE, "%s/%s", above, name) >= PATH_SIZE)
        return false;
    return in_store(path);
}

static bool fd_in_store(int fd, struct stat *ret_info, char path[PATH_SIZE])
{
    return fd_path(fd, path) && in_store(path) && fstat(fd, ret_info) == 0;
}

/* ---- what changes the store --------------------------------------------------------------- */

int openat(int folder, const char *name, int flags, ...)
{
    NEXT("openat", int (*)(int, const char *, int, ...));
    char path[PATH_SIZE];
    struct stat info;
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!(flags & O_CREAT) || !resolve(folder, name, path))
        return next(folder, name, flags, mode);
    step_begin();
    int fd = next(folder, name, flags, mode);
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size == 0)
        note("create\t%ju\t%s\n", (uintmax_t)info.st_ino, path);
    step_end();
    return fd;
}

#define WRITING(call) \
    do { \
        char path[PATH_SIZE]; \
        struct stat info; \
        if (!fd_in_store(fd, &info, path)) \
            return call; \
        step_begin(); \
        ssize_t done = call; \
        note("write\t%ju\n", (uintmax_t)info.st_ino); \
        step_end(); \
        return done; \
    } while (0)

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    NEXT("pwrite", ssize_t (*)(int, const void *, size_t, off_t));
    WRITING(next(fd, bytes, n, at));
}

static int synced(int (*next)(int), int fd)
{
    char path[PATH_SIZE];
    struct stat info;
    if (!fd_in_store(fd, &info, path))
        return next(fd);
    step_begin();
    int result = next(fd);
    if (result == 0 && S_ISDIR(info.st_mode))
        note("folder-sync\t%s\n", path);
    else if (result == 0)
        note("sync\t%ju\n", (uintmax_t)info.st_ino);
    step_end();
    return result;
}

int fdatasync(int fd)
{
    NEXT("fdatasync", int (*)(int));
    return synced(next, fd);
}

int fsync(int fd)
{
    NEXT("fsync", int (*)(int));
    return synced(next, fd);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    NEXT("renameat2", int (*)(int, const char *, int, const char *, unsigned));
    char old[PATH_SIZE], new[PATH_SIZE];
    struct stat info;
    if (!resolve(from_folder, from, old) || !resolve(to_folder, to, new))
        return next(from_folder, from, to_folder, to, flags);
    step_begin();
    int result = next(from_folder, from, to_folder, to, flags);
    if (result == 0 && fstatat(to_folder, to, &info, AT_SYMLINK_NOFOLLOW) == 0)
        note("rename\t%ju\t%s\t%s\n", (uintmax_t)info.st_ino, old, new);
    step_end();
    return result;
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    NEXT("mkdirat", int (*)(int, const char *, mode_t));
    char path[PATH_SIZE];
    if (!resolve(folder, name, path))
        return next(folder, name, mode);
    step_begin();
    int result = next(folder, name, mode);
    if (result == 0)
        note("mkdir\t%s\n", path);
    step_end();
    return result;
}

int unlinkat(int folder, const char *name, int flags)
{
    NEXT("unlinkat", int (*)(int, const char *, int));
    char path[PATH_SIZE];
    if (!resolve(folder, name, path))
        return next(folder, name, flags);
    step_begin();
    int result = next(folder, name, flags);
    if (result == 0)
        note("unlink\t%s\n", path);
    step_end();
    return result;
}

/* ---- what is promised --------------------------------------------------------------------- */

/* Value of an element in an implicit little endian command set (PS3.7 6.3.1), or NULL. */
static const unsigned char *command_value(const unsigned char *at, size_t n, unsigned element,
                                          size_t *ret_size)
{
    while (n >= 8) {
        size_t size = at[4] | (size_t)at[5] << 8 | (size_t)at[6] << 16 | (size_t)at[7] << 24;
        if (size > n - 8)
            break;
        if (at[0] == 0 && at[1] == 0 && (at[2] | (unsigned)at[3] << 8) == element) {
            *ret_size = size;
            return at + 8;
        }
        at += 8 + size;
        n -= 8 + size;
    }
    return NULL;
}

/* The UID of a C-STORE response of success, or NULL. DCMTK writes the head of a P-DATA-TF PDU
 * (PS3.8 9.3.5) by itself and then what it announced, from one thread. */
static const unsigned char *promised(const unsigned char *bytes, size_t n, size_t *ret_size)
{
    enum { HEAD = 12, P_DATA = 4, IS_COMMAND = 1 };
    static bool command_follows;
    size_t size;
    bool is_command = command_follows;
    command_follows = n == HEAD && bytes[0] == P_DATA && (bytes[HEAD - 1] & IS_COMMAND);
    if (!is_command)
        return NULL;
    const unsigned char *field = command_value(bytes, n, 0x0100, &size);
    if (!field || size != 2 || field[0] != 0x01 || field[1] != 0x80)
        return NULL;
    const unsigned char *status = command_value(bytes, n, 0x0900, &size);
    if (!status || size != 2 || status[0] || status[1])
        return NULL;
    return command_value(bytes, n, 0x1000, ret_size);
}

static void note_promise(const void *bytes, size_t n)
{
    size_t size;
    const unsigned char *uid = journal < 0 ? NULL : promised(bytes, n, &size);
    if (!uid)
        return;
    step_begin();
    note("success\t%.*s\n", (int)strnlen((const char *)uid, size), (const char *)uid);
    step_end();
}

/* By TLS the words of a promise pass here, and what is written is not readable. */
static bool by_tls;

int SSL_write(SSL *connection, const void *bytes, int n)
{
    static __typeof__(SSL_write) *next;
    if (!next) /* no neighbour of ours: the library comes with a module */
        next = (__typeof__(next))dlsym(dlopen("libssl.so.3", RTLD_LAZY), "SSL_write");
    if (!next)
        abort();
    by_tls = true;
    if (n > 0)
        note_promise(bytes, (size_t)n);
    return next(connection, bytes, n);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    NEXT("write", ssize_t (*)(int, const void *, size_t));
    if (!by_tls)
        note_promise(bytes, n);
    WRITING(next(fd, bytes, n));
}
