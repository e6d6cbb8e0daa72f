/* Role receiver: accept connections, one forked child each, within the admission limits. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dicom/setup.h"
#include "service/association.h"
#include "service/role.h"
#include "store/store.h"

enum {
    BACKLOG = 128,
    TURN_MS = 500,
    /* An object that neither ends nor fails in this time has a peer that trickles on purpose. */
    STUCK_US = 900000000,
    ACCEPT_PAUSE_US = 200000,
};

struct peer_child {
    pid_t pid; /* 0: free */
    char peer[INET6_ADDRSTRLEN];
    char id[48];
    bool killed;
};

struct acceptor {
    const struct role *role;
    struct store *store;
    int listen_fd; /* -1 while draining */
    int child_fd;  /* signalfd of SIGCHLD */
    struct peer_child *children; /* owned; max_associations of them */
    _Atomic int64_t *progress_us; /* shared with the children, one each */
    size_t count, live;
    uint32_t serial;       /* of associations */
    uint32_t turned_away;  /* since the last log line about it */
    int64_t told_us;       /* when that was */
};

/* In a child: the drain time is nearly over. */
static volatile sig_atomic_t association_stop;

static void on_stop(int signal_number)
{
    (void)signal_number;
    association_stop = 1;
}

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

static int listen_open(const struct settings *settings, int *ret_fd, struct error *err)
{
    char port[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *where;
    int on = 1, off = 0;
    snprintf(port, sizeof port, "%d", settings->receiver.port);
    int failed = getaddrinfo(settings->receiver.address, port, &hints, &where);
    if (failed)
        return error_set(err, STATUS_INVALID, "cannot use address %s: %s",
                         settings->receiver.address, gai_strerror(failed));
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (where->ai_family == AF_INET6) /* "::" takes IPv4 too */
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    bool listens = fd >= 0 && bind(fd, where->ai_addr, where->ai_addrlen) == 0 &&
                   listen(fd, BACKLOG) == 0;
    int errnum = errno;
    freeaddrinfo(where);
    if (!listens) {
        if (fd >= 0)
            close(fd);
        int status = error_set_errno(err, STATUS_IO, errnum, "cannot listen on %s port %d",
                                     settings->receiver.address, settings->receiver.port);
        if (errnum == EADDRINUSE)
            error_hint(err, "another program holds the port: see ss -ltnp, or set receiver.port");
        return status;
    }
    *ret_fd = fd;
    return 0;
}

/* --- Children ----------------------------------------------------------------------------- */

static void peer_name(const struct sockaddr_storage *address, socklen_t n,
                      char name[INET6_ADDRSTRLEN])
{
    char host[NI_MAXHOST] = "";
    getnameinfo((const struct sockaddr *)address, n, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    host[strcspn(host, "%")] = '\0'; /* scope of a link-local address */
    const char *plain = strncmp(host, "::ffff:", 7) == 0 ? host + 7 : host;
    snprintf(name, INET6_ADDRSTRLEN, "%.45s", plain);
}

static size_t live_of_peer(const struct acceptor *a, const char *peer)
{
    size_t n = 0;
    for (size_t i = 0; i < a->count; i++)
        n += a->children[i].pid > 0 && strcmp(a->children[i].peer, peer) == 0;
    return n;
}

/* In the forked child. Does not return. */
static void child_run(const struct acceptor *a, size_t slot, int fd, pid_t parent)
{
    const struct peer_child *child = &a->children[slot];
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t set;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    close(a->listen_fd);
    close(a->child_fd);
    close(a->role->beat_fd);
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    struct association association = {.role = a->role,
                                      .store = a->store,
                                      .id = child->id,
                                      .peer = child->peer,
                                      .stop = &association_stop,
                                      .progress_us = &a->progress_us[slot]};
    _exit(association_serve(&association, fd));
}

static void child_fork(struct acceptor *a, int fd, const char *peer)
{
    size_t slot = 0;
    while (a->children[slot].pid > 0)
        slot++;
    struct peer_child *child = &a->children[slot];
    *child = (struct peer_child){0};
    memcpy(child->peer, peer, sizeof child->peer);
    snprintf(child->id, sizeof child->id, "%llx-%x",
             (long long)clock_realtime_us(clock_system()), ++a->serial);
    atomic_store(&a->progress_us[slot], now_us());
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child_run(a, slot, fd, parent);
    if (pid < 0) {
        struct error err = {0};
        error_set_errno(&err, STATUS_IO, errno, "cannot start a process");
        log_error(LOG_ERROR, "association not served", &err, "peer=%s", peer);
        role_wait(a->role, ACCEPT_PAUSE_US);
    } else {
        child->pid = pid;
        a->live++;
        board_count(a->role->board, BOARD_ASSOCIATIONS, 1);
        log_event(LOG_DEBUG, "association begins", "assoc=%s peer=%s child_pid=%d", child->id,
                  peer, (int)pid);
    }
    close(fd);
}

static void children_reap(struct acceptor *a)
{
    struct signalfd_siginfo info;
    while (read(a->child_fd, &info, sizeof info) == (ssize_t)sizeof info)
        continue;
    for (size_t i = 0; i < a->count; i++) {
        struct peer_child *child = &a->children[i];
        int how;
        if (child->pid <= 0 || waitpid(child->pid, &how, WNOHANG) <= 0)
            continue;
        if (WIFSIGNALED(how)) {
            board_count(a->role->board, BOARD_ASSOCIATIONS_FAILED, 1);
            log_event(LOG_ERROR, "association's process died", "assoc=%s peer=%s signal=%d",
                      child->id, child->peer, WTERMSIG(how));
        }
        child->pid = 0;
        a->live--;
    }
}

static void children_tend(struct acceptor *a)
{
    int64_t now = now_us();
    for (size_t i = 0; i < a->count; i++) {
        struct peer_child *child = &a->children[i];
        if (child->pid > 0 && !child->killed &&
            now - atomic_load(&a->progress_us[i]) >
                STUCK_US + a->role->settings->receiver.idle_timeout_us) {
            log_event(LOG_ERROR, "association gets nowhere: killed", "assoc=%s peer=%s", child->id,
                      child->peer);
            child->killed = true;
            kill(child->pid, SIGKILL);
        }
    }
}

/* --- Acceptor ----------------------------------------------------------------------------- */

/* At most one line a second, whatever a peer does. */
static void tell_turned_away(struct acceptor *a, const char *peer)
{
    int64_t now = now_us();
    a->turned_away++;
    board_count(a->role->board, BOARD_TURNED_AWAY, 1);
    if (a->told_us && now - a->told_us < 1000000)
        return;
    log_event(LOG_WARNING, "connection closed: too many associations are open",
              "peer=%s open=%zu connections=%u", peer, a->live, (unsigned)a->turned_away);
    a->turned_away = 0;
    a->told_us = now;
}

static void accept_one(struct acceptor *a)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    char peer[INET6_ADDRSTRLEN];
    int fd = accept4(a->listen_fd, (struct sockaddr *)&address, &n, SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            struct error err = {0};
            error_set_errno(&err, STATUS_IO, errno, "cannot accept a connection");
            log_error(LOG_ERROR, "connection lost", &err, NULL);
            role_wait(a->role, ACCEPT_PAUSE_US); /* it would be readable again at once */
        }
        return;
    }
    peer_name(&address, n, peer);
    if (a->live >= a->count ||
        live_of_peer(a, peer) >= (size_t)a->role->settings->receiver.associations_per_peer) {
        tell_turned_away(a, peer);
        close(fd);
        return;
    }
    child_fork(a, fd, peer);
}

/* One turn: wait for a connection, the end of a child, or the request to stop. */
static void turn(struct acceptor *a)
{
    struct pollfd fds[] = {{.fd = a->child_fd, .events = POLLIN},
                           {.fd = a->listen_fd, .events = POLLIN},
                           /* readable for good once stopping: watched until then only */
                           {.fd = a->listen_fd < 0 ? -1 : a->role->stop_fd, .events = POLLIN}};
    role_beat(a->role);
    if (poll(fds, 3, TURN_MS) > 0) {
        if (fds[0].revents)
            children_reap(a);
        if (fds[1].revents)
            accept_one(a);
    }
    children_tend(a);
}

/* Open associations get three quarters of the drain time to end by themselves, then they are
 * aborted at the next pause between two messages. */
static void drain(struct acceptor *a)
{
    int64_t end_us = now_us() + a->role->settings->supervisor.drain_timeout_us / 4 * 3;
    bool told = false;
    close(a->listen_fd);
    a->listen_fd = -1;
    log_event(LOG_INFO, "no more associations are accepted", "open=%zu", a->live);
    while (a->live > 0) {
        if (!told && now_us() >= end_us) {
            told = true;
            for (size_t i = 0; i < a->count; i++)
                if (a->children[i].pid > 0)
                    kill(a->children[i].pid, SIGUSR1);
        }
        turn(a);
    }
}

static int child_signals_open(int *ret_fd, struct error *err)
{
    sigset_t ended, blocked;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    blocked = ended;
    sigaddset(&blocked, SIGUSR1); /* until a child has its handler */
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    *ret_fd = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? error_set_errno(err, STATUS_IO, errno, "cannot open signalfd") : 0;
}

static int acceptor_open(struct acceptor *a, struct error *err)
{
    const struct settings *settings = a->role->settings;
    struct store_options options = {
        .min_free_bytes = (uint64_t)settings->limits.store_min_free_mib << 20};
    a->count = (size_t)settings->receiver.max_associations;
    a->children = calloc(a->count, sizeof *a->children);
    if (!a->children)
        return error_set(err, STATUS_NOMEM, "out of memory");
    void *shared = mmap(NULL, a->count * sizeof *a->progress_us, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return error_set_errno(err, STATUS_NOMEM, errno, "cannot share memory with associations");
    a->progress_us = shared;
    int status = dicom_setup(err);
    if (status == 0)
        status = store_open(settings->store, &options, &a->store, err);
    if (status == 0)
        status = store_clean(a->store, err);
    if (status == 0)
        status = child_signals_open(&a->child_fd, err);
    if (status == 0)
        status = listen_open(settings, &a->listen_fd, err);
    return status;
}

static void acceptor_release(struct acceptor *a)
{
    store_close(a->store);
    if (a->child_fd >= 0)
        close(a->child_fd);
    if (a->progress_us)
        munmap(a->progress_us, a->count * sizeof *a->progress_us);
    free(a->children);
}

int axnode_role_main(const struct role *role)
{
    struct acceptor a = {.role = role, .listen_fd = -1, .child_fd = -1};
    struct error err = {0};
    role_enter(role);
    int status = acceptor_open(&a, &err);
    if (status == 0) {
        log_event(LOG_INFO, "listening", "address=%s port=%d ae_title=%s",
                  role->settings->receiver.address, role->settings->receiver.port,
                  LOG_QUOTE(role->settings->receiver.ae_title));
        while (!role_stopping(role))
            turn(&a);
        drain(&a);
    } else {
        log_error(LOG_ERROR, "receiver not started", &err, NULL);
    }
    acceptor_release(&a);
    return status < 0;
}
