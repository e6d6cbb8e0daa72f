/* A thread that beats while the main thread gets on. The main thread says how long its next step
 * may take; once that is over the beats end, and the supervisor kills the process. */
#ifndef AXNODE_SERVICE_WATCH_H
#define AXNODE_SERVICE_WATCH_H

#include <stdint.h>

#include "base/error.h"
#include "service/role.h"

struct watch;

/* Called by the thread about every half second; may be NULL. What it does must be short, for it
 * holds up the beats. */
typedef void watch_tick(void *context);

/* `role` and `context` are borrowed until watch_stop. The first step may take two minutes. */
int watch_start(const struct role *role, watch_tick *tick, void *context,
                struct watch **ret_watch, struct error *err);
/* The main thread will call this again within `step_us`. */
void watch_allow(struct watch *watch, int64_t step_us);
/* Wait like role_wait, as a step of its own; the step after it may take two minutes. */
bool watch_wait(struct watch *watch, int64_t timeout_us);
/* End the thread and free; NULL is fine. */
void watch_stop(struct watch *watch);

#endif
