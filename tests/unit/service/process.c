#include "process.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static struct service *current; /* whose messages service_pause reads */

static int notify_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void service_prepare(struct service *s, const char *settings)
{
    char text[4096], path[96];
    *s = (struct service){0};
    current = s;
    snprintf(s->folder, sizeof s->folder, "/tmp/axnode-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->config, sizeof s->config, "%s/axnode.yaml", s->folder);
    snprintf(s->log, sizeof s->log, "%s/log", s->folder);
    snprintf(path, sizeof path, "%s/notify", s->folder);
    s->notify_fd = notify_open(path);
    int n = snprintf(text, sizeof text, "store: %s\n%s", s->folder, settings);
    assert_int_equal(file_write(s->config, text, (size_t)n, NULL), 0);
}

void service_start(struct service *s, const char *program)
{
    s->pid = fork();
    if (s->pid == 0) {
        char notify[96];
        int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        snprintf(notify, sizeof notify, "%s/notify", s->folder);
        setenv("NOTIFY_SOCKET", notify, 1);
        setenv("WATCHDOG_USEC", "400000", 1);
        unsetenv("WATCHDOG_PID");
        execl(program, "axnoded", "--config", s->config, (char *)NULL);
        _exit(127);
    }
    assert_true(s->pid > 0);
}

void service_pause(int ms)
{
    for (; ms > 0; ms -= 10) {
        service_notified(current, "");
        usleep(10000);
    }
}

int service_wait(struct service *s)
{
    int how = 0;
    WAIT_FOR(waitpid(s->pid, &how, WNOHANG) == s->pid);
    s->pid = 0;
    return how;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void service_end(struct service *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    if (s->notify_fd > 0)
        close(s->notify_fd);
    if (s->folder[0])
        nftw(s->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    *s = (struct service){0};
}

bool service_notified(struct service *s, const char *text)
{
    char message[1024];
    ssize_t n;
    while ((n = recv(s->notify_fd, message, sizeof message - 1, 0)) > 0) {
        size_t used = strlen(s->notified);
        message[n] = '\0';
        snprintf(s->notified + used, sizeof s->notified - used, "%s\n", message);
    }
    return strstr(s->notified, text) != NULL;
}

static void name_path(const struct service *s, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", s->folder, name);
}

void file_touch(const struct service *s, const char *name)
{
    char path[256];
    name_path(s, name, path);
    assert_int_equal(file_write(path, "", 0, NULL), 0);
}

void file_remove(const struct service *s, const char *name)
{
    char path[256];
    name_path(s, name, path);
    assert_int_equal(unlink(path), 0);
}

int file_lines(const struct service *s, const char *name)
{
    struct buffer text BUFFER_AUTO = {0};
    char path[256];
    int lines = 0;
    name_path(s, name, path);
    if (file_read(path, 1 << 20, &text, NULL) < 0)
        return 0;
    for (const char *p = buffer_text(&text); (p = strchr(p, '\n')); p++)
        lines++;
    return lines;
}

void start_read(const struct service *s, const char *label, int index, pid_t *ret_pid,
                long long *ret_us)
{
    struct buffer text BUFFER_AUTO = {0};
    char path[256], name[64], *end;
    snprintf(name, sizeof name, "%s.starts", label);
    name_path(s, name, path);
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    const char *line = buffer_text(&text);
    for (int i = 0; i < index; i++) {
        line = strchr(line, '\n');
        assert_non_null(line);
        line++;
    }
    *ret_pid = (pid_t)strtol(line, &end, 10);
    *ret_us = strtoll(end, NULL, 10);
}
