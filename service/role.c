#include "service/role.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { BEAT_US = 500000 };

void role_enter(const struct role *role)
{
    log_setup(role->label, (enum log_level)role->settings->log.level, role->journal);
}

void role_beat(const struct role *role)
{
    /* A full pipe already holds beats that nobody read: then this one adds nothing. */
    ssize_t written = write(role->beat_fd, "b", 1);
    (void)written;
}

bool role_wait(const struct role *role, int64_t timeout_us)
{
    struct pollfd stop = {.fd = role->stop_fd, .events = POLLIN};
    struct timespec timeout = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
    return ppoll(&stop, 1, &timeout, NULL) == 1;
}

bool role_stopping(const struct role *role)
{
    return role_wait(role, 0);
}

bool role_pause(const struct role *role, int64_t timeout_us)
{
    const struct clock *clock = clock_system();
    int64_t end = clock_monotonic_us(clock) + timeout_us;
    for (;;) {
        role_beat(role);
        int64_t left = end - clock_monotonic_us(clock);
        if (left <= 0)
            return role_stopping(role);
        if (role_wait(role, left < BEAT_US ? left : BEAT_US))
            return true;
    }
}
