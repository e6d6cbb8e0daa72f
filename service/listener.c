#include "service/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 128 };

int listener_open(const char *address, int port, int *ret_fd, struct error *err)
{
    char service[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *where;
    int on = 1, off = 0;
    snprintf(service, sizeof service, "%d", port);
    int failed = getaddrinfo(address, service, &hints, &where);
    if (failed)
        return error_set(err, STATUS_INVALID, "cannot use address %s: %s", address,
                         gai_strerror(failed));
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (where->ai_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    bool listens = fd >= 0 && bind(fd, where->ai_addr, where->ai_addrlen) == 0 &&
                   listen(fd, BACKLOG) == 0;
    int errnum = errno;
    freeaddrinfo(where);
    if (!listens) {
        if (fd >= 0)
            close(fd);
        int status = error_set_errno(err, STATUS_IO, errnum, "cannot listen on %s port %d",
                                     address, port);
        if (errnum == EADDRINUSE)
            error_hint(err, "another program holds the port: see ss -ltnp, or set another one");
        return status;
    }
    *ret_fd = fd;
    return 0;
}

void listener_name(const struct sockaddr_storage *address, socklen_t n,
                   char ret_name[INET6_ADDRSTRLEN])
{
    char host[NI_MAXHOST] = "";
    getnameinfo((const struct sockaddr *)address, n, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    host[strcspn(host, "%")] = '\0'; /* scope of a link-local address */
    const char *plain = strncmp(host, "::ffff:", 7) == 0 ? host + 7 : host;
    snprintf(ret_name, INET6_ADDRSTRLEN, "%.45s", plain);
}
