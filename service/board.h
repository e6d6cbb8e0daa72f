/* A page of shared memory that outlives every process but the supervisor, which makes it: what
 * the roles count, and which processes there are. Counters start at zero with the service and
 * never go back. Nobody acts on what stands here: it is for the metrics. */
#ifndef AXNODE_SERVICE_BOARD_H
#define AXNODE_SERVICE_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

enum { BOARD_PROCESSES_MAX = 4 + 64, BOARD_LABEL_SIZE = 32 };

struct board_process {
    char label[BOARD_LABEL_SIZE]; /* "" behind the last; set before the first process starts */
    _Atomic int32_t pid;          /* 0 while it is not running */
    _Atomic uint32_t starts;
};

/* What is counted; service/metrics_page.c has the name and the meaning of each. */
enum board_counter {
    BOARD_OBJECTS_NEW, /* an object that a peer sent is in one of these four */
    BOARD_OBJECTS_IDENTICAL,
    BOARD_OBJECTS_VARIANT,
    BOARD_OBJECTS_REFUSED,
    BOARD_BYTES,
    BOARD_REFUSED_NO_SPACE, /* a refused object is also in one of these five */
    BOARD_REFUSED_TOO_LARGE,
    BOARD_REFUSED_INVALID,
    BOARD_REFUSED_MISMATCH,
    BOARD_REFUSED_FAILURE,
    BOARD_ASSOCIATIONS,
    BOARD_ASSOCIATIONS_REJECTED,
    BOARD_ASSOCIATIONS_FAILED,
    BOARD_REJECTED_CALLED_AE, /* a rejected association is also in one of these six */
    BOARD_REJECTED_CALLING_AE,
    BOARD_REJECTED_ADDRESS,
    BOARD_REJECTED_WITHOUT_TLS,
    BOARD_REJECTED_CERTIFICATE,
    BOARD_REJECTED_CONTEXTS,
    BOARD_TLS_NO_CERTIFICATE, /* a connection without association, whose handshake failed */
    BOARD_TLS_EXPIRED,
    BOARD_TLS_UNTRUSTED,
    BOARD_TLS_OURS_REFUSED,
    BOARD_TLS_NO_COMMON,
    BOARD_TLS_NOT_TLS,
    BOARD_TLS_BROKEN,
    BOARD_TURNED_AWAY,
    BOARD_INDEXED_NEW, /* an object that was received is in one of these six */
    BOARD_INDEXED_IDENTICAL,
    BOARD_INDEXED_VARIANT,
    BOARD_INDEXED_OWN,
    BOARD_INDEXED_MIXED,
    BOARD_INDEXED_UNREADABLE,
    BOARD_RESULTS_RISK,
    BOARD_RESULTS_NO_RISK,
    BOARD_RESULTS_NOT_APPLICABLE,
    BOARD_ATTEMPTS_FAILED,
    BOARD_COUNTERS,
};

struct board {
    _Atomic uint64_t counters[BOARD_COUNTERS];
    struct board_process processes[BOARD_PROCESSES_MAX];
};

static inline void board_count(struct board *board, enum board_counter counter, uint64_t more)
{
    atomic_fetch_add(&board->counters[counter], more);
}

/* `ret_fd`: for other processes, sealed at its size; the caller closes it. */
int board_make(struct board **ret_board, int *ret_fd, struct error *err);
/* The board behind another process's fd, which may be closed afterwards. */
int board_open(int fd, struct board **ret_board, struct error *err);
void board_close(struct board *board); /* NULL is fine */

#endif
