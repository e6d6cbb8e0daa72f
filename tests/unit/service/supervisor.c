/* The supervisor with roles that misbehave on purpose (fake_role.c). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "process.h"

#define SETTINGS_BEAT(timeout_s)                                                                   \
    "database: none\nworkers: {count: 2}\n"                                                       \
    "supervisor: {beat_timeout_s: " timeout_s ", restart_first_s: 0.1, restart_max_s: 0.8, "      \
    "drain_timeout_s: 5}\n"
/* However slow the machine is, nobody is late, but in the tests of that. */
#define SETTINGS SETTINGS_BEAT("60")
#define SETTINGS_IMPATIENT SETTINGS_BEAT("1")

static struct service service;

static int setup(void **state)
{
    (void)state;
    service_prepare(&service, SETTINGS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    service_end(&service);
    return 0;
}

static void rewrite(const char *settings)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "store: %s\n%s", service.folder, settings);
    assert_int_equal(file_write(service.config, text, (size_t)n, NULL), 0);
}

static void start_all(void)
{
    service_start(&service, AXNODED);
    WAIT_FOR(service_notified(&service, "READY=1"));
}

static bool runs(pid_t pid)
{
    char path[64];
    struct buffer stat BUFFER_AUTO = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (file_read(path, 4096, &stat, NULL) < 0)
        return false;
    const char *state = strrchr(buffer_text(&stat), ')');
    return state && state[2] != 'Z';
}

static void test_ready_and_stop(void **state)
{
    (void)state;
    static const char *const labels[] = {"receiver", "indexer", "sender", "worker-0", "worker-1"};
    char name[64];
    start_all();
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s.starts", labels[i]);
        assert_int_equal(file_lines(&service, name), 1);
    }
    WAIT_FOR(service_notified(&service, "WATCHDOG=1"));
    WAIT_FOR(service_notified(&service, "STATUS=receiver up, indexer up, sender up, worker-0 up, "
                                        "worker-1 up"));
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    int how = service_wait(&service);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_true(service_notified(&service, "STOPPING=1"));
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s.stopped", labels[i]);
        assert_int_equal(file_lines(&service, name), 1);
    }
}

/* READY waits for every first beat. */
static void test_not_ready_without_beat(void **state)
{
    (void)state;
    rewrite(SETTINGS_IMPATIENT);
    file_touch(&service, "receiver.silent");
    service_start(&service, AXNODED);
    WAIT_FOR(file_lines(&service, "receiver.starts") >= 2); /* killed once for its silence */
    assert_false(service_notified(&service, "READY=1"));
    file_remove(&service, "receiver.silent");
    WAIT_FOR(service_notified(&service, "READY=1"));
}

static void test_crash_backoff(void **state)
{
    (void)state;
    pid_t pid;
    long long at[5];
    start_all();
    file_touch(&service, "indexer.crash");
    WAIT_FOR(file_lines(&service, "indexer.starts") >= 6);
    file_remove(&service, "indexer.crash");
    for (int i = 0; i < 5; i++)
        start_read(&service, "indexer", i + 1, &pid, &at[i]);
    /* 0.1 s (before the first of these), 0.2, 0.4, 0.8, 0.8 */
    assert_true(at[1] - at[0] >= 200000);
    assert_true(at[2] - at[1] >= 400000);
    assert_true(at[3] - at[2] >= 800000);
    assert_true(at[4] - at[3] >= 800000);
    assert_int_equal(file_lines(&service, "receiver.starts"), 1);
    /* Having run well, it starts from the shortest wait again. */
    int starts = file_lines(&service, "indexer.starts");
    long long before;
    WAIT_FOR(file_lines(&service, "indexer.starts") >= starts);
    service_pause(1500);
    starts = file_lines(&service, "indexer.starts");
    start_read(&service, "indexer", starts - 1, &pid, &before);
    assert_int_equal(kill(pid, SIGSEGV), 0);
    WAIT_FOR(!runs(pid));
    WAIT_FOR(file_lines(&service, "indexer.starts") == starts + 1);
    WAIT_FOR(service_notified(&service, "indexer waits for restart"));
}

/* Ending well is answered by a fresh start, yet never in a tight loop. */
static void test_clean_exit(void **state)
{
    (void)state;
    start_all();
    service_pause(200);
    file_touch(&service, "worker-0.leave");
    WAIT_FOR(file_lines(&service, "worker-0.starts") >= 4);
    file_remove(&service, "worker-0.leave");
    pid_t pid;
    long long first, last;
    start_read(&service, "worker-0", 1, &pid, &first);
    start_read(&service, "worker-0", 3, &pid, &last);
    assert_true(last - first >= 200000);
    assert_int_equal(file_lines(&service, "worker-1.starts"), 1);
}

static void test_stale_beat(void **state)
{
    (void)state;
    pid_t pid, after;
    long long us;
    rewrite(SETTINGS_IMPATIENT);
    start_all();
    int starts = file_lines(&service, "sender.starts");
    start_read(&service, "sender", starts - 1, &pid, &us);
    file_touch(&service, "sender.silent");
    WAIT_FOR(!runs(pid));
    file_remove(&service, "sender.silent");
    WAIT_FOR(file_lines(&service, "sender.starts") > starts);
    start_read(&service, "sender", starts, &after, &us);
    assert_int_not_equal(pid, after);
    WAIT_FOR(runs(after));
}

static void test_drain_waits(void **state)
{
    (void)state;
    start_all();
    file_touch(&service, "worker-1.slow");
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    int how = service_wait(&service);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_int_equal(file_lines(&service, "worker-1.stopped"), 1);
    assert_int_equal(file_lines(&service, "receiver.starts"), 1); /* none came back */
}

static void test_second_signal(void **state)
{
    (void)state;
    pid_t pid;
    long long us;
    start_all();
    start_read(&service, "worker-0", 0, &pid, &us);
    file_touch(&service, "worker-0.stubborn");
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    WAIT_FOR(file_lines(&service, "receiver.stopped") == 1);
    service_pause(100);
    assert_true(runs(service.pid) && runs(pid));
    assert_int_equal(kill(service.pid, SIGINT), 0);
    int how = service_wait(&service);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 1);
    assert_false(runs(pid));
}

static void test_drain_limit(void **state)
{
    (void)state;
    pid_t pid;
    long long us;
    start_all();
    start_read(&service, "worker-0", 0, &pid, &us);
    file_touch(&service, "worker-0.stubborn");
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    int how = service_wait(&service); /* after supervisor.drain_timeout_s */
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 1);
    assert_false(runs(pid));
}

static void test_children_die_with_supervisor(void **state)
{
    (void)state;
    static const char *const labels[] = {"receiver", "indexer", "sender", "worker-0", "worker-1"};
    pid_t pids[5];
    long long us;
    start_all();
    for (size_t i = 0; i < 5; i++)
        start_read(&service, labels[i], 0, &pids[i], &us);
    assert_int_equal(kill(service.pid, SIGKILL), 0);
    service_wait(&service);
    for (size_t i = 0; i < 5; i++)
        WAIT_FOR(!runs(pids[i]));
}

static bool logged(const char *text)
{
    struct buffer log BUFFER_AUTO = {0};
    return file_read(service.log, 1 << 22, &log, NULL) == 0 && strstr(buffer_text(&log), text);
}

static void test_reload(void **state)
{
    (void)state;
    start_all();
    service_pause(200);
    rewrite(SETTINGS "study: {quiet_period_s: 2}\n");
    assert_int_equal(kill(service.pid, SIGHUP), 0);
    WAIT_FOR(file_lines(&service, "worker-1.starts") == 2);
    WAIT_FOR(file_lines(&service, "indexer.starts") == 2);
    WAIT_FOR(logged("settings reloaded"));
    assert_int_equal(file_lines(&service, "receiver.starts"), 1);

    rewrite(SETTINGS "receiver: {port: 4}\n");
    assert_int_equal(kill(service.pid, SIGHUP), 0);
    WAIT_FOR(logged("setting 'receiver.port' cannot change while the service runs"));

    /* A broken file stops nobody, not even a role that starts afresh. */
    rewrite("nonsense: yes\n");
    assert_int_equal(kill(service.pid, SIGHUP), 0);
    WAIT_FOR(logged("unknown setting 'nonsense'"));
    pid_t pid;
    long long us;
    start_read(&service, "receiver", 0, &pid, &us);
    assert_int_equal(kill(pid, SIGKILL), 0);
    WAIT_FOR(file_lines(&service, "receiver.starts") == 2);
}

static void test_bad_settings(void **state)
{
    (void)state;
    rewrite("nonsense: yes\n");
    service_start(&service, AXNODED);
    int how = service_wait(&service);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 1);
    assert_true(logged("unknown setting 'nonsense'"));
}

/* Idle costs next to nothing: no loop spins. */
static void test_idle(void **state)
{
    (void)state;
    char path[64];
    struct buffer stat BUFFER_AUTO = {0};
    start_all();
    service_pause(2000);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)service.pid);
    assert_int_equal(file_read(path, 4096, &stat, NULL), 0);
    const char *at = strrchr(buffer_text(&stat), ')') + 2;
    for (int field = 3; field < 14; field++) /* utime is field 14, stime 15, in ticks */
        at = strchr(at, ' ') + 1;
    char *end;
    long ticks = strtol(at, &end, 10);
    ticks += strtol(end, NULL, 10);
    assert_true(ticks <= sysconf(_SC_CLK_TCK) / 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_ready_and_stop), TEST(test_not_ready_without_beat),
        TEST(test_crash_backoff),  TEST(test_clean_exit),
        TEST(test_stale_beat),     TEST(test_drain_waits),
        TEST(test_second_signal),  TEST(test_drain_limit),
        TEST(test_children_die_with_supervisor),
        TEST(test_reload),         TEST(test_bad_settings),
        TEST(test_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
