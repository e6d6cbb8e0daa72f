/* Connections for which there is no room: each hears an A-ASSOCIATE-RJ ('for the time being') once
 * its request has begun to arrive, and is closed when it has read that or time is over. The
 * acceptor does this itself: a process for each would be the load that it guards against. */
#ifndef AXNODE_SERVICE_TURN_AWAY_H
#define AXNODE_SERVICE_TURN_AWAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TURN_AWAY_MAX = 64 };

struct turn_away {
    struct {
        int fd;
        int64_t until_us; /* monotonic */
        bool told;
    } peers[TURN_AWAY_MAX];
    size_t count;
};

/* Takes over `fd`; when too many are waiting already, it is closed at once. */
void turn_away_add(struct turn_away *t, int fd, int64_t now_us);
/* What to poll for: `t->count` of them. */
void turn_away_poll(const struct turn_away *t, struct pollfd *fds);
/* After poll; `fds` as turn_away_poll filled them. */
void turn_away_tend(struct turn_away *t, const struct pollfd *fds, int64_t now_us);
void turn_away_close(struct turn_away *t);

#endif
