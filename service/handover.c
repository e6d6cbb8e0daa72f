#include "service/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int handover_copy(const char *text, size_t n, int *ret_fd, struct error *err)
{
    int fd = memfd_create("axnode-settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot make a copy of the settings");
    if (write(fd, text, n) != (ssize_t)n ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        int status = error_set_errno(err, STATUS_IO, errno, "cannot make a copy of the settings");
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}

/* A message of one byte with room for one descriptor. */
struct parcel {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte;
    struct iovec part;
    struct msghdr message;
};

static void parcel_init(struct parcel *p)
{
    *p = (struct parcel){.byte = 's'};
    p->part = (struct iovec){&p->byte, 1};
    p->message = (struct msghdr){.msg_iov = &p->part,
                                 .msg_iovlen = 1,
                                 .msg_control = p->control.bytes,
                                 .msg_controllen = sizeof p->control.bytes};
}

bool handover_send(int socket_fd, int fd)
{
    struct parcel p;
    parcel_init(&p);
    struct cmsghdr *head = CMSG_FIRSTHDR(&p.message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    return sendmsg(socket_fd, &p.message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

int handover_receive(int socket_fd)
{
    struct parcel p;
    int fd = -1;
    parcel_init(&p);
    if (recvmsg(socket_fd, &p.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
        return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&p.message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}
