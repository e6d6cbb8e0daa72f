/* The real service without a database: who loads what, and that the receiver needs no database. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "process.h"

static struct service service;
static int port;

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int setup(void **state)
{
    (void)state;
    char settings[512];
    port = free_port();
    snprintf(settings, sizeof settings,
             "database: host=/nonexistent dbname=none\nreceiver: {port: %d}\n"
             "package: /nonexistent\nlimits: {store_min_free_mib: 1}\n",
             port);
    service_prepare(&service, settings);
    service_start(&service, AXNODED);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    service_end(&service);
    return 0;
}

/* The child that plays a role; 0 when there is none. */
static pid_t role_pid(const char *role)
{
    char path[64], wanted[64];
    DIR *dir = opendir("/proc");
    pid_t found = 0;
    int wanted_length = snprintf(wanted, sizeof wanted, "--role%c%s", '\0', role) + 1;
    for (struct dirent *entry; !found && (entry = readdir(dir));) {
        struct buffer text BUFFER_AUTO = {0};
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        if (pid <= 0 || file_read(path, 4096, &text, NULL) < 0)
            continue;
        const char *parent = strrchr(buffer_text(&text), ')');
        if (!parent || strtol(parent + 4, NULL, 10) != service.pid)
            continue;
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        if (file_read(path, 4096, &text, NULL) == 0 &&
            memmem(text.data, text.size, wanted, (size_t)wanted_length))
            found = pid;
    }
    closedir(dir);
    return found;
}

static bool maps(pid_t pid, const char *library)
{
    char path[64];
    struct buffer text BUFFER_AUTO = {0};
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    assert_int_equal(file_read(path, 16 << 20, &text, NULL), 0);
    return strstr(buffer_text(&text), library) != NULL;
}

static bool connects(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return done;
}

static void test_address_spaces(void **state)
{
    (void)state;
    WAIT_FOR(service_notified(&service, "READY=1"));
    static const char *const foreign[] = {"libdcm", "libpq", "onnxruntime", "libcairo"};
    for (size_t i = 0; i < 4; i++)
        assert_false(maps(service.pid, foreign[i]));
    pid_t receiver = role_pid("receiver"), indexer = role_pid("indexer"),
          sender = role_pid("sender"), worker = role_pid("worker");
    assert_true(receiver > 0 && indexer > 0 && sender > 0 && worker > 0);
    assert_true(maps(receiver, "libdcmnet"));
    assert_false(maps(receiver, "libpq"));
    assert_false(maps(receiver, "onnxruntime"));
    assert_true(maps(indexer, "libpq"));
    assert_false(maps(indexer, "onnxruntime"));
    assert_true(maps(sender, "libpq") && maps(sender, "libdcmnet"));
    assert_true(maps(worker, "libpq"));
}

/* No database, no package: the receiver listens, a silent peer holds nobody up, SIGTERM drains. */
static void test_receiver_alone(void **state)
{
    (void)state;
    WAIT_FOR(connects());
    WAIT_FOR(service_notified(&service, "READY=1"));
    for (int i = 0; i < 30; i++) /* more than one peer may have open: the rest are turned away */
        assert_true(connects());
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    int how = service_wait(&service);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_false(connects());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_address_spaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_receiver_alone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
