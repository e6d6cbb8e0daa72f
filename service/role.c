#include "service/role.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "service/handover.h"

void role_enter(const struct role *role)
{
    log_setup(role->label, (enum log_level)role->settings->log.level, role->journal);
}

void role_beat(const struct role *role)
{
    /* A full socket already holds beats that nobody read: then this one adds nothing. */
    ssize_t written = write(role->beat_fd, role->beat, strlen(role->beat));
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

int role_settings_next(const struct role *role, const struct settings **ret_settings,
                       struct error *err)
{
    char path[64];
    int newest = -1, fd;
    while ((fd = handover_receive(role->beat_fd)) >= 0) {
        if (newest >= 0)
            close(newest);
        newest = fd;
    }
    if (newest < 0)
        return error_set(err, STATUS_NOT_FOUND, "no settings were handed over");
    snprintf(path, sizeof path, "/proc/self/fd/%d", newest);
    int status = settings_load(path, ret_settings, err);
    close(newest);
    return status;
}
