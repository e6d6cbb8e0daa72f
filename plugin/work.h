/* What a worker does with one study of the queue. */
#ifndef AXNODE_PLUGIN_WORK_H
#define AXNODE_PLUGIN_WORK_H

#include "plugin/analyst.h"
#include "plugin/plugin.h"
#include "plugin/study.h"

struct work {
    struct plugin *plugin; /* borrowed */
    struct analyst analyst;
    char folder[PATH_MAX]; /* of the study under way; made and removed with it */
    /* The study under way: */
    const char *id; /* Orthanc's */
    struct study study;
    struct record record;
};

/* Returns when to try again (monotonic), or 0: the study is settled for now. */
int64_t work_on(struct work *work, const struct queue_item *item);

/* The modes (local.c, forward.c): the record's next report is begun and written. */
int work_local(struct work *work, struct error *err);
int work_forward(struct work *work, struct error *err);
/* Whether a study that was forwarded has got its report, and if so, note it in the record. */
bool work_forward_reported(struct work *work);

/* Folders that a killed Orthanc left below the options' folder; make that folder. */
int work_folder_clean(const struct options *options, struct error *err);

#endif
