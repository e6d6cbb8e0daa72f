/* The receiver's child process: one association, from the accepted socket to the objects in the
 * store. */
#ifndef AXNODE_SERVICE_ASSOCIATION_H
#define AXNODE_SERVICE_ASSOCIATION_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "service/admission.h"
#include "service/role.h"
#include "store/store.h"

/* What the acceptor sees of an association: shared memory. */
struct association_slot {
    _Atomic int64_t progress_us; /* monotonic, whenever it gets on */
    _Atomic int admitted;        /* its request was read and accepted */
};

struct association {
    const struct role *role;
    const struct admission *admission;
    struct store *store;
    bool tls;                           /* came to the port for TLS */
    const char *id;                     /* of the association, for log and file meta information */
    const char *peer;                   /* numeric address */
    const volatile sig_atomic_t *stop;  /* set: end at the next pause between two messages */
    struct association_slot *slot;
};

/* Serve it; `fd` is closed. Writes its own log lines. Returns the exit status. */
int association_serve(const struct association *association, int fd);

#endif
