/* A role is one kind of process of the service: receiver, indexer, worker, sender, metrics. Each is a
 * module axnode-role-NAME.so that exports axnode_role_main; only the process that plays the role
 * loads it, and with it the libraries it needs. */
#ifndef AXNODE_SERVICE_ROLE_H
#define AXNODE_SERVICE_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "service/board.h"
#include "service/settings.h"

struct role {
    const char *name;  /* "worker" */
    const char *label; /* "worker-0": stands in log lines */
    const struct settings *settings;
    bool journal;      /* log lines carry their syslog priority */
    int stop_fd;       /* readable once the role shall end its work and return; never read */
    int beat_fd;       /* see role_beat; readable when settings were handed over */
    const char *beat;  /* what is written there */
    struct board *board; /* what the processes of the service count */
};

/* What a module exports. SIGTERM, SIGINT and SIGHUP are blocked, SIGPIPE is ignored. Calls
 * role_enter first. The return value is the exit status: 0 after a stop, or to be started afresh
 * at once. */
int axnode_role_main(const struct role *role);

/* Set up this module's own copy of the log. */
void role_enter(const struct role *role);
/* Tell the supervisor, or systemd where it runs this role by itself, that this process gets on. The
 * first beat says 'in service'; after it one is due at least every supervisor.beat_timeout_s. */
void role_beat(const struct role *role);
bool role_stopping(const struct role *role);
/* Wait until the time is over or the role shall stop; no beats meanwhile. Returns
 * role_stopping. */
bool role_wait(const struct role *role, int64_t timeout_us);

/* Settings that the supervisor has handed over at a reload, to a role that it does not restart for
 * it; the newest, when there were several. The caller frees them. STATUS_NOT_FOUND: none. */
int role_settings_next(const struct role *role, const struct settings **ret_settings,
                       struct error *err);

/* Play a role until its end: loads settings and module. `beat_fd`: the supervisor's socket; -1:
 * beats go to systemd ($NOTIFY_SOCKET), if anywhere. `board_fd`: see board.h; -1: a board of its
 * own. Returns the exit status. */
int role_play(const char *name, const char *label, const char *config_path, int beat_fd,
              int board_fd);

#endif
