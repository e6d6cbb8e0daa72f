#include "service/turn_away.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dicom/receiver.h"

enum { PATIENCE_US = 2000000, PIECE_BYTES = 4096, PIECES_A_TURN = 16 };

void turn_away_add(struct turn_away *t, int fd, int64_t now_us)
{
    if (t->count == TURN_AWAY_MAX || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        close(fd);
        return;
    }
    t->peers[t->count].fd = fd;
    t->peers[t->count].until_us = now_us + PATIENCE_US;
    t->peers[t->count].told = false;
    t->count++;
}

void turn_away_poll(const struct turn_away *t, struct pollfd *fds)
{
    for (size_t i = 0; i < t->count; i++)
        fds[i] = (struct pollfd){.fd = t->peers[i].fd, .events = POLLIN};
}

/* Bytes that nobody has read when a socket is closed would take our answer with them. False: the
 * peer has gone. */
static bool read_away(int fd)
{
    char piece[PIECE_BYTES];
    ssize_t n = 1;
    for (int i = 0; i < PIECES_A_TURN && n > 0; i++)
        n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

void turn_away_tend(struct turn_away *t, const struct pollfd *fds, int64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        bool there = now_us < t->peers[i].until_us;
        if (there && fds[i].revents) {
            there = read_away(t->peers[i].fd);
            if (there && !t->peers[i].told) {
                there = send(t->peers[i].fd, dicom_reject_busy, sizeof dicom_reject_busy,
                             MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof dicom_reject_busy;
                t->peers[i].told = true;
            }
        }
        if (there)
            t->peers[kept++] = t->peers[i];
        else
            close(t->peers[i].fd);
    }
    t->count = kept;
}

void turn_away_close(struct turn_away *t)
{
    for (size_t i = 0; i < t->count; i++)
        close(t->peers[i].fd);
    t->count = 0;
}
