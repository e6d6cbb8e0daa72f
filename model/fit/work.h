/* Tasks on threads. Results depend on the tasks alone, never on the number of threads: each task
 * writes to its own place. */
#ifndef AXNODE_MODEL_FIT_WORK_H
#define AXNODE_MODEL_FIT_WORK_H

#include <stddef.h>

#include "base/error.h"

/* `run` is called once for each index 0 … count − 1 by at most `threads` threads (1: in this one).
 * The failure of the lowest index that failed is returned with its error; tasks not yet begun are
 * then left out. */
int fit_work(int threads, size_t count,
             int (*run)(void *context, size_t index, struct error *err), void *context,
             struct error *err);

#endif
