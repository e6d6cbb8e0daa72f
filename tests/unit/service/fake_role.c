/* A role that does what files in the store folder tell it: LABEL.crash, LABEL.silent,
 * LABEL.stubborn, LABEL.slow, LABEL.leave. Each start adds a line "PID MICROSECONDS" to
 * LABEL.starts; a stop that was heeded makes LABEL.stopped. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/role.h"

static void path_of(const struct role *role, const char *suffix, char path[512])
{
    snprintf(path, 512, "%s/%s.%s", role->settings->store, role->label, suffix);
}

static bool told(const struct role *role, const char *suffix)
{
    char path[512];
    path_of(role, suffix, path);
    return access(path, F_OK) == 0;
}

static void note(const struct role *role, const char *suffix)
{
    char path[512], line[64];
    path_of(role, suffix, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int n = snprintf(line, sizeof line, "%d %lld\n", (int)getpid(),
                     (long long)clock_monotonic_us(clock_system()));
    if (fd < 0 || write(fd, line, (size_t)n) != n)
        abort();
    close(fd);
}

int axnode_role_main(const struct role *role)
{
    role_enter(role);
    note(role, "starts");
    for (;;) {
        if (told(role, "crash"))
            _exit(9);
        if (told(role, "leave"))
            return 0;
        if (!told(role, "silent"))
            role_beat(role);
        if (role_stopping(role) && !told(role, "stubborn")) {
            if (told(role, "slow"))
                usleep(700000);
            note(role, "stopped");
            return 0;
        }
        usleep(20000);
    }
}
