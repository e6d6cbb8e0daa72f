/* Role receiver: accept connections, one forked child each, within the admission limits. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dicom/setup.h"
#include "service/admission.h"
#include "service/association.h"
#include "service/listener.h"
#include "service/role.h"
#include "service/turn_away.h"
#include "store/store.h"

enum {
    PLAIN, /* of the listeners */
    TLS,
    LISTENERS,
    TURN_MS = 500,
    /* An object that neither ends nor fails in this time has a peer that trickles on purpose. */
    STUCK_US = 900000000,
    ACCEPT_PAUSE_US = 200000,
    CHILD_MEMORY_BYTES = 1 << 30,
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
    const struct settings *settings; /* that count now; role->settings until a reload */
    struct admission admission;      /* made of them */
    int listen_fds[LISTENERS]; /* -1: off, or draining */
    int child_fd;  /* signalfd of SIGCHLD */
    struct peer_child *children; /* owned; max_associations of them */
    struct association_slot *slots; /* shared with the children, one each */
    size_t count, live;
    struct turn_away turn_away;
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

/* --- Children ----------------------------------------------------------------------------- */

static size_t live_of_peer(const struct acceptor *a, const char *peer)
{
    size_t n = 0;
    for (size_t i = 0; i < a->count; i++)
        n += a->children[i].pid > 0 && strcmp(a->children[i].peer, peer) == 0;
    return n;
}

/* A command may claim elements of 4 GiB, and DCMTK asks for that memory before it reads them. What an
 * association needs is a hundredth of this. The sanitizers' own memory is beyond any limit. */
static void memory_limit(const struct peer_child *child)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)child;
#else
    const struct rlimit limit = {CHILD_MEMORY_BYTES, CHILD_MEMORY_BYTES};
    struct error err = {0};
    if (setrlimit(RLIMIT_DATA, &limit) == 0)
        return;
    error_set_errno(&err, STATUS_IO, errno, "cannot limit the memory of a process");
    log_error(LOG_WARNING, "association served without a limit of memory", &err, "assoc=%s peer=%s",
              child->id, child->peer);
#endif
}

/* In the forked child. Does not return. */
static void child_run(struct acceptor *a, size_t slot, int fd, bool tls, pid_t parent)
{
    const struct peer_child *child = &a->children[slot];
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t set;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    memory_limit(child);
    for (size_t i = 0; i < LISTENERS; i++)
        if (a->listen_fds[i] >= 0)
            close(a->listen_fds[i]);
    turn_away_close(&a->turn_away);
    close(a->child_fd);
    close(a->role->beat_fd);
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    struct association association = {.role = a->role,
                                      .admission = &a->admission,
                                      .store = a->store,
                                      .tls = tls,
                                      .id = child->id,
                                      .peer = child->peer,
                                      .stop = &association_stop,
                                      .slot = &a->slots[slot]};
    _exit(association_serve(&association, fd));
}

static void child_fork(struct acceptor *a, int fd, bool tls, const char *peer)
{
    size_t slot = 0;
    while (a->children[slot].pid > 0)
        slot++;
    struct peer_child *child = &a->children[slot];
    *child = (struct peer_child){0};
    memcpy(child->peer, peer, sizeof child->peer);
    snprintf(child->id, sizeof child->id, "%llx-%x",
             (long long)clock_realtime_us(clock_system()), ++a->serial);
    atomic_store(&a->slots[slot].progress_us, now_us());
    atomic_store(&a->slots[slot].admitted, 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child_run(a, slot, fd, tls, parent);
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
            if (!child->killed)
                log_event(LOG_ERROR, "association's process died", "assoc=%s peer=%s signal=%d",
                          child->id, child->peer, WTERMSIG(how));
        }
        child->pid = 0;
        a->live--;
    }
}

/* A handshake has two waits of idle_timeout_s at most; one that trickles must end, too. */
static int64_t patience_us(const struct acceptor *a, size_t slot)
{
    int64_t idle_us = a->settings->receiver.idle_timeout_us;
    return atomic_load(&a->slots[slot].admitted) ? STUCK_US + idle_us : 3 * idle_us;
}

static void children_tend(struct acceptor *a)
{
    int64_t now = now_us();
    for (size_t i = 0; i < a->count; i++) {
        struct peer_child *child = &a->children[i];
        if (child->pid > 0 && !child->killed &&
            now - atomic_load(&a->slots[i].progress_us) > patience_us(a, i)) {
            log_event(LOG_WARNING, "association gets nowhere: ended", "assoc=%s peer=%s", child->id,
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
    log_event(LOG_WARNING, "association rejected: too many are open",
              "peer=%s open=%zu connections=%u", peer, a->live, (unsigned)a->turned_away);
    a->turned_away = 0;
    a->told_us = now;
}

static bool full(const struct acceptor *a, const char *peer)
{
    return a->live >= a->count ||
           live_of_peer(a, peer) >= (size_t)a->settings->receiver.associations_per_peer;
}

static void accept_one(struct acceptor *a, size_t listener)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    char peer[INET6_ADDRSTRLEN];
    int fd = accept4(a->listen_fds[listener], (struct sockaddr *)&address, &n, SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            struct error err = {0};
            error_set_errno(&err, STATUS_IO, errno, "cannot accept a connection");
            log_error(LOG_ERROR, "connection lost", &err, NULL);
            role_wait(a->role, ACCEPT_PAUSE_US); /* it would be readable again at once */
        }
        return;
    }
    listener_name(&address, n, peer);
    if (!full(a, peer)) {
        child_fork(a, fd, listener == TLS, peer);
        return;
    }
    tell_turned_away(a, peer);
    if (listener == PLAIN)
        turn_away_add(&a->turn_away, fd, now_us());
    else
        close(fd); /* a handshake for no more than that would cost too much */
}

/* What the supervisor has handed over. Associations that run keep what they began with. */
static void reload(struct acceptor *a)
{
    const struct settings *settings;
    struct admission admission;
    struct error err = {0};
    int status = role_settings_next(a->role, &settings, &err);
    if (status == STATUS_NOT_FOUND)
        return;
    if (status == 0) {
        status = admission_open(a->role, settings, &admission, &err);
        if (status < 0)
            settings_free(settings);
    }
    if (status < 0) {
        log_error(LOG_ERROR, "settings not reloaded, the old ones stay", &err, NULL);
        return;
    }
    admission_close(&a->admission);
    if (a->settings != a->role->settings)
        settings_free(a->settings);
    a->admission = admission;
    a->settings = settings;
    log_event(LOG_INFO, "settings reloaded", "peers=%zu tls=%s", settings->peer_count,
              admission.tls ? "yes" : "no");
}

/* One turn: wait for a connection, the end of a child, settings, or the request to stop. */
static void turn(struct acceptor *a)
{
    enum { CHILD, STOP, SETTINGS, LISTEN, REST = LISTEN + LISTENERS };
    bool draining = a->listen_fds[PLAIN] < 0;
    struct pollfd fds[REST + TURN_AWAY_MAX] = {
        [CHILD] = {.fd = a->child_fd, .events = POLLIN},
        /* readable for good once stopping: watched until then only */
        [STOP] = {.fd = draining ? -1 : a->role->stop_fd, .events = POLLIN},
        [SETTINGS] = {.fd = draining ? -1 : a->role->beat_fd, .events = POLLIN},
    };
    for (size_t i = 0; i < LISTENERS; i++)
        fds[LISTEN + i] = (struct pollfd){.fd = a->listen_fds[i], .events = POLLIN};
    turn_away_poll(&a->turn_away, fds + REST);
    role_beat(a->role);
    int ready = poll(fds, REST + a->turn_away.count, TURN_MS);
    turn_away_tend(&a->turn_away, fds + REST, now_us());
    if (ready > 0) {
        if (fds[CHILD].revents)
            children_reap(a);
        if (fds[SETTINGS].revents)
            reload(a);
        for (size_t i = 0; i < LISTENERS; i++)
            if (fds[LISTEN + i].revents)
                accept_one(a, i);
    }
    children_tend(a);
}

/* Open associations get three quarters of the drain time to end by themselves, then they are
 * aborted at the next pause between two messages. */
static void drain(struct acceptor *a)
{
    int64_t end_us = now_us() + a->settings->supervisor.drain_timeout_us / 4 * 3;
    bool told = false;
    for (size_t i = 0; i < LISTENERS; i++) {
        if (a->listen_fds[i] >= 0)
            close(a->listen_fds[i]);
        a->listen_fds[i] = -1;
    }
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
    const struct settings *settings = a->settings;
    struct store_options options = {
        .min_free_bytes = (uint64_t)settings->limits.store_min_free_mib << 20};
    a->count = (size_t)settings->receiver.max_associations;
    a->children = calloc(a->count, sizeof *a->children);
    if (!a->children)
        return error_set(err, STATUS_NOMEM, "out of memory");
    void *shared = mmap(NULL, a->count * sizeof *a->slots, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return error_set_errno(err, STATUS_NOMEM, errno, "cannot share memory with associations");
    a->slots = shared;
    int status = dicom_setup(err);
    if (status == 0)
        status = store_open(settings->store, &options, &a->store, err);
    if (status == 0)
        status = store_clean(a->store, err);
    if (status == 0)
        status = store_settle(a->store, err);
    if (status == 0)
        status = child_signals_open(&a->child_fd, err);
    if (status == 0)
        status = admission_open(a->role, settings, &a->admission, err);
    if (status == 0)
        status = listener_open(settings->receiver.address, settings->receiver.port,
                               &a->listen_fds[PLAIN], err);
    if (status == 0 && settings->tls.port)
        status = listener_open(settings->receiver.address, settings->tls.port, &a->listen_fds[TLS],
                               err);
    return status;
}

static void acceptor_release(struct acceptor *a)
{
    store_close(a->store);
    if (a->child_fd >= 0)
        close(a->child_fd);
    if (a->slots)
        munmap(a->slots, a->count * sizeof *a->slots);
    free(a->children);
    turn_away_close(&a->turn_away);
    admission_close(&a->admission);
    if (a->settings != a->role->settings)
        settings_free(a->settings);
}

int axnode_role_main(const struct role *role)
{
    struct acceptor a = {
        .role = role, .settings = role->settings, .listen_fds = {-1, -1}, .child_fd = -1};
    struct error err = {0};
    role_enter(role);
    int status = acceptor_open(&a, &err);
    if (status == 0) {
        log_event(LOG_INFO, "listening", "address=%s port=%d tls_port=%d ae_title=%s peers=%zu",
                  role->settings->receiver.address, role->settings->receiver.port,
                  role->settings->tls.port, LOG_QUOTE(role->settings->receiver.ae_title),
                  role->settings->peer_count);
        while (!role_stopping(role))
            turn(&a);
        drain(&a);
    } else {
        log_error(LOG_ERROR, "receiver not started", &err, NULL);
    }
    acceptor_release(&a);
    return status < 0;
}
