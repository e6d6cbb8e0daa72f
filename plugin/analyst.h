/* The child process that analyses: a corrupt picture ends it, not Orthanc. It opens networks once,
 * then takes one study after the other, a line of JSON each way. One struct serves one thread. */
#ifndef AXNODE_PLUGIN_ANALYST_H
#define AXNODE_PLUGIN_ANALYST_H

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct analyst {
    const char *program;       /* borrowed */
    const char *settings_text; /* borrowed: what it is started with */
    pid_t pid;                 /* 0: none runs */
    int socket;                /* its standard input and output; -1: none */
    int studies;               /* that it has had */
};

void analyst_init(struct analyst *analyst, const char *program, const char *settings_text);
/* Start it unless it runs, and wait until package and networks are open: the reason why they are
 * not is STATUS_INVALID, a process that ends or is silent STATUS_UNAVAILABLE. */
int analyst_start(struct analyst *analyst, struct error *err);
/* Have one request answered within the time; starts it where needed. A negative status of the
 * answer itself becomes the function's. A process that ends, or is over time, is ended and
 * STATUS_UNAVAILABLE. `stopping` is asked about every tenth of a second. */
int analyst_ask(struct analyst *analyst, const cJSON *request, int64_t time_us,
                const atomic_bool *stopping, cJSON **ret_answer, struct error *err);
/* End it at once; one that does not run is fine. */
void analyst_stop(struct analyst *analyst);

#endif
