/* A TCP socket that listens. */
#ifndef AXNODE_SERVICE_LISTENER_H
#define AXNODE_SERVICE_LISTENER_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"

/* `address`: numeric; "::" takes IPv4, too. The socket does not block; the caller closes it. */
int listener_open(const char *address, int port, int *ret_fd, struct error *err);

/* An address in figures, without scope; IPv4 as such where it came in IPv6's form. */
void listener_name(const struct sockaddr_storage *address, socklen_t n,
                   char ret_name[INET6_ADDRSTRLEN]);

#endif
