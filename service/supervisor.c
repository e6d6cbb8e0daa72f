#include "service/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "service/board.h"
#include "service/handover.h"
#include "service/journal.h"
#include "service/settings.h"

enum { SETTINGS_BYTES_MAX = 1 << 20, IDLE_MS_MAX = 60000 };

struct child {
    const char *role;
    char label[32];
    pid_t pid;   /* 0 while it is not running */
    int beat_fd; /* beats come, settings go; -1 while nothing can come */
    bool beaten; /* since its start: in service */
    bool killed; /* SIGKILL is on its way */
    int64_t started_us, beat_us;
    int64_t start_at_us; /* while not running */
    int failures;        /* in a row */
};

struct supervisor {
    const char *config_path;
    const struct settings *settings;
    int settings_fd; /* sealed copy of the file, for the children */
    int signal_fd;
    struct board *board;
    int board_fd;    /* the same, for the children */
    struct child *children; /* owned */
    size_t count;
    bool draining, hurried;  /* one, two requests to stop */
    int64_t drain_end_us;
    bool ready;              /* systemd was told */
    int64_t watchdog_us;     /* interval of WATCHDOG=1; 0: nobody listens */
    int64_t watchdog_at_us;
    char status[256];        /* last STATUS= */
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* --- Settings ----------------------------------------------------------------------------- */

static int settings_take(struct supervisor *s, struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    const struct settings *settings = NULL;
    int fd = -1;
    int status = file_read(s->config_path, SETTINGS_BYTES_MAX, &text, err);
    if (status == 0)
        status = settings_parse(buffer_text(&text), text.size, s->config_path, &settings, err);
    const char *fixed =
        status == 0 && s->settings ? settings_fixed_difference(s->settings, settings) : NULL;
    if (fixed) {
        status = error_set(err, STATUS_UNSUPPORTED,
                           "setting '%s' cannot change while the service runs", fixed);
        error_hint(err, "restart the service, or restore the setting and reload again");
    }
    /* Before the receiver and the sender meet them. */
    if (status == 0 && *settings->tls.certificate)
        status = certificate_check(settings->tls.certificate, settings->tls.key, settings->tls.ca,
                                   err);
    if (status == 0)
        status = handover_copy(buffer_text(&text), text.size, &fd, err);
    if (status < 0) {
        settings_free(settings);
        return status;
    }
    settings_free(s->settings);
    if (s->settings_fd >= 0)
        close(s->settings_fd);
    s->settings = settings;
    s->settings_fd = fd;
    return 0;
}

/* --- Children ----------------------------------------------------------------------------- */

static int children_init(struct supervisor *s, struct error *err)
{
    static const char *const names[] = {"receiver", "indexer", "sender", "metrics"};
    size_t workers = (size_t)s->settings->workers.count;
    size_t singles = s->settings->metrics.port > 0 ? 4 : 3;
    s->children = calloc(singles + workers, sizeof *s->children);
    if (!s->children)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < singles + workers; i++) {
        struct child *child = &s->children[i];
        child->role = i < singles ? names[i] : "worker";
        child->beat_fd = -1;
        if (i < singles)
            snprintf(child->label, sizeof child->label, "%s", child->role);
        else
            snprintf(child->label, sizeof child->label, "%s-%zu", child->role, i - singles);
        snprintf(s->board->processes[i].label, BOARD_LABEL_SIZE, "%s", child->label);
    }
    s->count = singles + workers;
    return 0;
}

/* In the forked child. Does not return. */
static void child_exec(const struct supervisor *s, const struct child *child, int beat_fd,
                       pid_t parent)
{
    char beat[16], board[16], config[64];
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* the supervisor died before the line above took hold */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    fcntl(beat_fd, F_SETFD, 0);
    fcntl(s->board_fd, F_SETFD, 0);
    fcntl(s->settings_fd, F_SETFD, 0);
    snprintf(beat, sizeof beat, "%d", beat_fd);
    snprintf(board, sizeof board, "%d", s->board_fd);
    snprintf(config, sizeof config, "/proc/self/fd/%d", s->settings_fd);
    execl("/proc/self/exe", "axnoded", "--role", child->role, "--label", child->label,
          "--beat-fd", beat, "--board-fd", board, "--config", config, (char *)NULL);
    _exit(127);
}

static int64_t restart_wait_us(const struct supervisor *s, const struct child *child)
{
    int64_t wait = s->settings->supervisor.restart_first_us;
    for (int i = 1; i < child->failures && wait < s->settings->supervisor.restart_max_us; i++)
        wait *= 2;
    return wait < s->settings->supervisor.restart_max_us ? wait
                                                         : s->settings->supervisor.restart_max_us;
}

static struct board_process *board_of(const struct supervisor *s, const struct child *child)
{
    return &s->board->processes[child - s->children];
}

static void child_start(struct supervisor *s, struct child *child)
{
    int ends[2] = {-1, -1}; /* ours, the child's */
    pid_t parent = getpid();
    pid_t pid = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0
                    ? -1
                    : fork();
    if (pid == 0)
        child_exec(s, child, ends[1], parent);
    int64_t now = now_us();
    if (pid < 0) {
        struct error err = {0};
        error_set_errno(&err, STATUS_IO, errno, "cannot start a process");
        child->failures++;
        child->start_at_us = now + restart_wait_us(s, child);
        log_error(LOG_ERROR, "role not started", &err, "child=%s", child->label);
        if (ends[0] >= 0) {
            close(ends[0]);
            close(ends[1]);
        }
        return;
    }
    close(ends[1]);
    child->pid = pid;
    child->beat_fd = ends[0];
    child->beaten = child->killed = false;
    child->started_us = child->beat_us = now;
    atomic_store(&board_of(s, child)->pid, pid);
    atomic_fetch_add(&board_of(s, child)->starts, 1);
    log_event(LOG_INFO, "role started", "child=%s child_pid=%d", child->label,
              (int)pid);
}

static void child_beat_close(struct child *child)
{
    if (child->beat_fd >= 0)
        close(child->beat_fd);
    child->beat_fd = -1;
}

static void child_ended(struct supervisor *s, struct child *child, int how)
{
    int64_t now = now_us(), ran = now - child->started_us;
    bool clean = WIFEXITED(how) && WEXITSTATUS(how) == 0;
    child_beat_close(child);
    child->pid = 0;
    atomic_store(&board_of(s, child)->pid, 0);
    child->beaten = false;
    if (clean || ran > s->settings->supervisor.restart_max_us)
        child->failures = 0;
    if (!clean)
        child->failures++;
    /* Even a role that ends well does not get a processor for ending over and over. */
    bool soon = clean && ran >= s->settings->supervisor.restart_first_us;
    int64_t wait = soon ? 0 : restart_wait_us(s, child);
    child->start_at_us = now + wait;
    log_event(clean ? LOG_INFO : LOG_ERROR, "role ended",
              "child=%s %s=%d ran_s=%lld restart_in_ms=%lld", child->label,
              WIFSIGNALED(how) ? "signal" : "exit",
              WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how), (long long)(ran / 1000000),
              s->draining ? -1 : (long long)(wait / 1000));
}

static void children_reap(struct supervisor *s)
{
    for (size_t i = 0; i < s->count; i++) {
        int how;
        if (s->children[i].pid > 0 && waitpid(s->children[i].pid, &how, WNOHANG) > 0)
            child_ended(s, &s->children[i], how);
    }
}

static void children_signal(struct supervisor *s, int signal_number)
{
    for (size_t i = 0; i < s->count; i++) {
        struct child *child = &s->children[i];
        if (child->pid > 0 && !child->killed) {
            child->killed = signal_number == SIGKILL;
            kill(child->pid, signal_number);
        }
    }
}

static void beat_read(struct child *child)
{
    char bytes[256];
    ssize_t n;
    while ((n = read(child->beat_fd, bytes, sizeof bytes)) > 0) {
        child->beat_us = now_us();
        child->beaten = true;
    }
    if (n == 0) /* closed: nothing can come any more */
        child_beat_close(child);
}

static size_t children_count(const struct supervisor *s, bool in_service)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->children[i].pid > 0 && (!in_service || s->children[i].beaten);
    return n;
}

/* --- Signals ------------------------------------------------------------------------------ */

static void stop(struct supervisor *s)
{
    if (s->draining) {
        log_event(LOG_WARNING, "second request to stop: ending at once", NULL);
        s->hurried = true;
        children_signal(s, SIGKILL);
        return;
    }
    log_event(LOG_INFO, "stopping", "drain_timeout_s=%lld",
              (long long)(s->settings->supervisor.drain_timeout_us / 1000000));
    sd_notify(0, "STOPPING=1");
    s->draining = true;
    s->drain_end_us = now_us() + s->settings->supervisor.drain_timeout_us;
    children_signal(s, SIGTERM);
}

/* The receiver takes new settings while it runs, so that no association is dropped; the others end
 * their work and are started afresh. */
static void child_reload(const struct supervisor *s, const struct child *child)
{
    bool handed = strcmp(child->role, "receiver") == 0 && child->beat_fd >= 0 &&
                  handover_send(child->beat_fd, s->settings_fd);
    if (child->pid > 0 && !handed)
        kill(child->pid, SIGTERM);
}

static void reload(struct supervisor *s)
{
    struct error err = {0};
    if (s->draining)
        return;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_us());
    if (settings_take(s, &err) < 0) {
        log_error(LOG_ERROR, "settings not reloaded, the old ones stay", &err, NULL);
    } else {
        log_event(LOG_INFO, "settings reloaded", NULL);
        for (size_t i = 0; i < s->count; i++)
            child_reload(s, &s->children[i]);
    }
    sd_notify(0, "READY=1");
}

static void signals_read(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            stop(s);
        else if (info.ssi_signo == SIGHUP)
            reload(s);
    }
    children_reap(s); /* several SIGCHLD may have come as one */
}

static int signals_open(struct supervisor *s, struct error *err)
{
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signal_fd < 0 ? error_set_errno(err, STATUS_IO, errno, "cannot open signalfd") : 0;
}

/* --- Time --------------------------------------------------------------------------------- */

static void sooner(int64_t *due, int64_t at)
{
    if (at < *due)
        *due = at;
}

/* Do what is due at `now` for one child; `due`: when to look again. */
static void child_tend(struct supervisor *s, struct child *child, int64_t now, int64_t *due)
{
    if (child->pid == 0 && !s->draining) {
        if (now >= child->start_at_us)
            child_start(s, child);
        else
            sooner(due, child->start_at_us);
    }
    if (child->pid > 0 && !child->killed) {
        int64_t stale_at = child->beat_us + s->settings->supervisor.beat_timeout_us;
        if (now >= stale_at) {
            log_event(LOG_ERROR, "role gives no sign of life: killed", "child=%s child_pid=%d",
                      child->label, (int)child->pid);
            child->killed = true;
            kill(child->pid, SIGKILL);
        } else {
            sooner(due, stale_at);
        }
    }
}

/* True while no running child's beat is overdue: a killed one that does not go away is. */
static bool beats_fresh(const struct supervisor *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->children[i].pid > 0 && s->children[i].killed)
            return false;
    return true;
}

static void status_tell(struct supervisor *s)
{
    char text[sizeof s->status];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->count && n + 64 < sizeof text; i++) {
        const struct child *child = &s->children[i];
        const char *state = child->pid == 0 ? s->draining ? "ended" : "waits for restart"
                            : child->killed ? "killed"
                            : child->beaten ? s->draining ? "draining" : "up"
                                            : "starting";
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s", i ? ", " : "", child->label,
                              state);
    }
    if (strcmp(text, s->status) == 0)
        return;
    memcpy(s->status, text, sizeof s->status);
    sd_notifyf(0, "STATUS=%s", text);
}

/* Returns when to look again, in monotonic microseconds. */
static int64_t tend(struct supervisor *s)
{
    int64_t now = now_us(), due = INT64_MAX;
    for (size_t i = 0; i < s->count; i++)
        child_tend(s, &s->children[i], now, &due);
    if (s->draining && !s->hurried) {
        if (now >= s->drain_end_us) {
            log_event(LOG_WARNING, "drain time is over: killing what is left", NULL);
            s->hurried = true;
            children_signal(s, SIGKILL);
        } else {
            sooner(&due, s->drain_end_us);
        }
    }
    if (!s->ready && !s->draining && children_count(s, true) == s->count) {
        s->ready = true;
        log_event(LOG_INFO, "in service", "processes=%zu", s->count);
        sd_notify(0, "READY=1");
    }
    if (s->watchdog_us > 0) {
        if (now >= s->watchdog_at_us) {
            if (beats_fresh(s))
                sd_notify(0, "WATCHDOG=1");
            s->watchdog_at_us = now + s->watchdog_us;
        }
        sooner(&due, s->watchdog_at_us);
    }
    status_tell(s);
    return due;
}

static void wait_for_events(struct supervisor *s, int64_t due)
{
    struct pollfd fds[1 + BOARD_PROCESSES_MAX]; /* signals, children */
    struct child *of[1 + BOARD_PROCESSES_MAX];
    nfds_t n = 0;
    fds[n++] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < s->count && n < sizeof fds / sizeof *fds; i++) {
        if (s->children[i].beat_fd >= 0) {
            of[n] = &s->children[i];
            fds[n++] = (struct pollfd){.fd = s->children[i].beat_fd, .events = POLLIN};
        }
    }
    int64_t left_ms = due == INT64_MAX ? IDLE_MS_MAX : (due - now_us() + 999) / 1000;
    if (left_ms > IDLE_MS_MAX)
        left_ms = IDLE_MS_MAX;
    if (poll(fds, n, left_ms < 0 ? 0 : (int)left_ms) <= 0)
        return;
    for (nfds_t i = 1; i < n; i++)
        if (fds[i].revents)
            beat_read(of[i]);
    if (fds[0].revents)
        signals_read(s);
}

static int run(struct supervisor *s, struct error *err)
{
    uint64_t watchdog = 0;
    int status = settings_take(s, err);
    if (status == 0)
        status = board_make(&s->board, &s->board_fd, err);
    if (status == 0)
        status = children_init(s, err);
    if (status == 0)
        status = signals_open(s, err);
    if (status < 0)
        return status;
    log_setup("supervisor", (enum log_level)s->settings->log.level, journal_reads_stderr());
    log_event(LOG_INFO, "starting", "version=%s workers=%d", AXNODE_VERSION,
              s->settings->workers.count);
    if (sd_watchdog_enabled(0, &watchdog) > 0)
        s->watchdog_us = (int64_t)(watchdog / 2);
    do {
        int64_t due = tend(s);
        if (s->draining && children_count(s, false) == 0)
            break;
        wait_for_events(s, due);
    } while (true);
    log_event(LOG_INFO, "stopped", "complete=%s", s->hurried ? "no" : "yes");
    return s->hurried ? error_set(err, STATUS_UNAVAILABLE, "stopped before all work was done") : 0;
}

int supervisor_run(const char *config_path, struct error *err)
{
    struct supervisor s = {.config_path = config_path, .settings_fd = -1, .board_fd = -1,
                           .signal_fd = -1};
    umask(077);
    int status = run(&s, err);
    settings_free(s.settings);
    free(s.children);
    board_close(s.board);
    if (s.board_fd >= 0)
        close(s.board_fd);
    if (s.settings_fd >= 0)
        close(s.settings_fd);
    if (s.signal_fd >= 0)
        close(s.signal_fd);
    return status;
}
