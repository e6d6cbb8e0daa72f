/* Settings on their way from the supervisor to its processes: a sealed copy of the file in memory,
 * so that each reads what the supervisor has checked, and its descriptor over a local socket to
 * those that take new settings while they run. */
#ifndef AXNODE_SERVICE_HANDOVER_H
#define AXNODE_SERVICE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* `ret_fd`: the caller closes it. */
int handover_copy(const char *text, size_t n, int *ret_fd, struct error *err);
/* False when it cannot be sent now. */
bool handover_send(int socket_fd, int fd);
/* The next one that has come, which the caller closes; -1: none. Never waits. */
int handover_receive(int socket_fd);

#endif
