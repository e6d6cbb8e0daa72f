/* The parent of all processes of the service: single-threaded, without DCMTK, libpq and ONNX
 * Runtime, so that what kills a role cannot kill it. */
#ifndef AXNODE_SERVICE_SUPERVISOR_H
#define AXNODE_SERVICE_SUPERVISOR_H

#include "base/error.h"

/* Start every role as `/proc/self/exe --role NAME …`, keep it running, until SIGTERM or SIGINT.
 *
 *   dead child     started again after a wait that doubles from supervisor.restart_first_s on;
 *                  at once after exit status 0
 *   late beat      SIGKILL, then as above
 *   SIGHUP         read the settings again; roles other than the receiver start afresh with them
 *   SIGTERM        SIGTERM to all, then supervisor.drain_timeout_s until SIGKILL
 *   again          SIGKILL to all at once
 *
 * Children read the settings from a sealed copy, so that an edited file cannot stop one of them.
 * systemd hears READY, STATUS, RELOADING, STOPPING and WATCHDOG. Returns 0 after a complete
 * drain. */
int supervisor_run(const char *config_path, struct error *err);

#endif
