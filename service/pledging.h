/* The sender's child process that answers peers' requests for storage commitment: what each names is
 * compared with what is stored for good, and the answer goes over an association of its own. */
#ifndef AXNODE_SERVICE_PLEDGING_H
#define AXNODE_SERVICE_PLEDGING_H

#include "db/db.h"
#include "service/delivery.h"
#include "service/role.h"
#include "store/store.h"

/* Whether any request in the store is to be looked at now. */
int pledging_due(struct db *db, struct store *store, bool *ret_due, struct error *err);

/* Look at all that are due. `store`: open, borrowed. Needs dicom_setup. SIGALRM ends a process whose
 * step takes too long. */
enum delivery_end pledging_run(const struct role *role, struct store *store);

#endif
