/* The receiver's child process: one association, from the accepted socket to the objects in the
 * store. */
#ifndef AXNODE_SERVICE_ASSOCIATION_H
#define AXNODE_SERVICE_ASSOCIATION_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "service/role.h"
#include "store/store.h"

struct association {
    const struct role *role;
    struct store *store;
    const char *id;                     /* of the association, for log and file meta information */
    const char *peer;                   /* numeric address */
    const volatile sig_atomic_t *stop;  /* set: end at the next pause between two messages */
    _Atomic int64_t *progress_us;       /* set to the monotonic time whenever an object gets on */
};

/* Serve it; `fd` is closed. Writes its own log lines. Returns the exit status. */
int association_serve(const struct association *association, int fd);

#endif
