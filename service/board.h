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

struct board_received {
    _Atomic uint64_t associations, turned_away;
    _Atomic uint64_t stored, identical, variants, refused; /* objects; each in one of them */
    _Atomic uint64_t bytes;
};

struct board {
    struct board_received received;
    struct board_process processes[BOARD_PROCESSES_MAX];
};

/* `ret_fd`: for other processes, sealed at its size; the caller closes it. */
int board_make(struct board **ret_board, int *ret_fd, struct error *err);
/* The board behind another process's fd, which may be closed afterwards. */
int board_open(int fd, struct board **ret_board, struct error *err);
void board_close(struct board *board); /* NULL is fine */

#endif
