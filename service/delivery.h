/* The sender's child process: what is due for one destination goes over one association after the
 * other, until nothing is. Each object's answer is written down before the next is sent. */
#ifndef AXNODE_SERVICE_DELIVERY_H
#define AXNODE_SERVICE_DELIVERY_H

#include "service/role.h"
#include "store/store.h"

/* Exit statuses. */
enum delivery_end {
    DELIVERY_DONE,           /* nothing is due any more, paused, or stopping */
    DELIVERY_FAILED,         /* database or memory: what was claimed is due again after its lease */
    DELIVERY_NO_ASSOCIATION, /* the destination cannot be reached */
};

/* `store`: open, borrowed. Needs dicom_setup. SIGALRM ends a process whose step takes too long. */
enum delivery_end delivery_run(const struct role *role, struct store *store,
                               const struct settings_destination *destination);

#endif
