#include "plugin/analyst.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "plugin/orthanc.h"

enum { ANSWER_MAX = 1 << 20, START_US = 600000000, TICK_MS = 100 };

extern char **environ;

void analyst_init(struct analyst *analyst, const char *program, const char *settings_text)
{
    *analyst = (struct analyst){.program = program, .settings_text = settings_text, .socket = -1};
}

/* How it ended, in words. */
static int reap(struct analyst *a, bool kill_it, struct error *err)
{
    int how = 0;
    if (kill_it)
        kill(a->pid, SIGKILL);
    while (waitpid(a->pid, &how, 0) < 0 && errno == EINTR)
        ;
    close(a->socket);
    analyst_init(a, a->program, a->settings_text);
    if (WIFSIGNALED(how))
        return error_set(err, STATUS_UNAVAILABLE, "the analysing process was ended by signal %d (%s)",
                         WTERMSIG(how), strsignal(WTERMSIG(how)));
    return error_set(err, STATUS_UNAVAILABLE, "the analysing process ended with status %d",
                     WEXITSTATUS(how));
}

void analyst_stop(struct analyst *analyst)
{
    if (analyst->pid)
        reap(analyst, true, NULL);
}

static int spawn_with(struct analyst *a, int theirs, struct error *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *arguments[] = {(char *)(uintptr_t)a->program, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, theirs, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, theirs, STDOUT_FILENO);
    /* Orthanc's sockets stay its own: its ports are to be free when it ends. */
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int errnum = posix_spawn(&a->pid, a->program, &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (errnum == 0)
        return 0;
    a->pid = 0;
    return error_set_errno(err, STATUS_INVALID, errnum, "cannot start %s", a->program);
}

static int line_send(struct analyst *a, const char *text, struct error *err)
{
    size_t n = strlen(text), at = 0;
    while (at <= n) {
        /* The text, then a line's end; no signal when nobody reads. */
        const char *from = at < n ? text + at : "\n";
        ssize_t sent = send(a->socket, from, at < n ? n - at : 1, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return reap(a, true, err);
        at += (size_t)sent;
    }
    return 0;
}

/* One line, without its end. */
static int line_receive(struct analyst *a, int64_t time_us, const atomic_bool *stopping,
                        struct buffer *ret_line, struct error *err)
{
    const int64_t end_us = clock_monotonic_us(clock_system()) + time_us;
    char bytes[4096];
    for (;;) {
        struct pollfd wait = {.fd = a->socket, .events = POLLIN};
        int ready = poll(&wait, 1, TICK_MS);
        if (stopping && atomic_load(stopping)) {
            reap(a, true, NULL);
            return error_set(err, STATUS_UNAVAILABLE, "Orthanc is stopping");
        }
        if (ready <= 0 && clock_monotonic_us(clock_system()) < end_us)
            continue;
        if (ready <= 0) {
            reap(a, true, NULL);
            return error_set(err, STATUS_UNAVAILABLE, "took longer than %lld s",
                             (long long)(time_us / 1000000));
        }
        ssize_t n = recv(a->socket, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || ret_line->size + (size_t)n > ANSWER_MAX)
            return reap(a, n > 0, err);
        int status = buffer_add(ret_line, bytes, (size_t)n, err);
        if (status < 0)
            return status;
        if (ret_line->data[ret_line->size - 1] == '\n')
            return 0;
    }
}

static int answer_receive(struct analyst *a, int64_t time_us, const atomic_bool *stopping,
                          cJSON **ret_answer, struct error *err)
{
    struct buffer line BUFFER_AUTO = {0};
    int status = line_receive(a, time_us, stopping, &line, err);
    if (status < 0)
        return status;
    cJSON *answer = cJSON_Parse(line.data);
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(answer, "status");
    if (!cJSON_IsNumber(code) || code->valueint > 0) {
        cJSON_Delete(answer);
        reap(a, true, NULL);
        return error_set(err, STATUS_UNAVAILABLE, "the analysing process talks nonsense");
    }
    if (code->valueint == 0) {
        *ret_answer = answer;
        return 0;
    }
    status = error_set(err, code->valueint, "%s", orthanc_text(answer, "message"));
    error_hint(err, "%s", orthanc_text(answer, "hint"));
    cJSON_Delete(answer);
    return status;
}

static int begin(struct analyst *a, struct error *err)
{
    int ends[2];
    cJSON *ready = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a socket");
    int status = spawn_with(a, ends[1], err);
    close(ends[1]);
    if (status < 0) {
        close(ends[0]);
        return status;
    }
    a->socket = ends[0];
    status = line_send(a, a->settings_text, err);
    if (status == 0)
        status = answer_receive(a, START_US, NULL, &ready, err);
    cJSON_Delete(ready);
    if (status == 0)
        return 0;
    analyst_stop(a);
    if (status != STATUS_UNAVAILABLE && err)
        err->status = STATUS_INVALID; /* whatever the package lacks */
    return status == STATUS_UNAVAILABLE ? status : STATUS_INVALID;
}

int analyst_start(struct analyst *analyst, struct error *err)
{
    return analyst->pid ? 0 : begin(analyst, err);
}

int analyst_ask(struct analyst *analyst, const cJSON *request, int64_t time_us,
                const atomic_bool *stopping, cJSON **ret_answer, struct error *err)
{
    struct error why = {0};
    int status = analyst_start(analyst, &why);
    if (status < 0) /* its package is at fault, not the study */
        return error_set(err, STATUS_UNAVAILABLE, "%s", why.message);
    char *text = cJSON_PrintUnformatted(request);
    if (!text)
        return error_set(err, STATUS_NOMEM, "out of memory");
    analyst->studies++;
    status = line_send(analyst, text, err);
    free(text);
    return status < 0 ? status : answer_receive(analyst, time_us, stopping, ret_answer, err);
}
