/* What the plugin's parts share. One exists per Orthanc. */
#ifndef AXNODE_PLUGIN_PLUGIN_H
#define AXNODE_PLUGIN_PLUGIN_H

#include <limits.h>
#include <stdatomic.h>

#include "plugin/options.h"
#include "plugin/orthanc.h"
#include "plugin/queue.h"

enum plugin_count {
    PLUGIN_RISK,           /* reports, by outcome, named as pipeline_outcome_name does */
    PLUGIN_NO_RISK,
    PLUGIN_NOT_APPLICABLE,
    PLUGIN_FORWARDED,      /* studies handed to axnoded */
    PLUGIN_ATTEMPTS_FAILED,
    PLUGIN_FAILED,         /* studies given up */
    PLUGIN_COUNTS,
};
/* "risk", "no_risk" …: as the metrics and /axnode/status name them. */
extern const char *const plugin_count_names[PLUGIN_COUNTS];

struct plugin {
    OrthancPluginContext *orthanc;
    struct options options;
    char program[PATH_MAX]; /* the analyst */
    struct queue *queue;
    atomic_bool stopping;
    atomic_ullong counts[PLUGIN_COUNTS]; /* since Orthanc started */
};

#endif
