/* The metrics as Prometheus reads them: text exposition format 0.0.4. Numbers and the names of
 * states, destinations and processes; nothing of patients or studies. */
#ifndef AXNODE_SERVICE_METRICS_PAGE_H
#define AXNODE_SERVICE_METRICS_PAGE_H

#include "base/buffer.h"
#include "db/db.h"
#include "service/board.h"
#include "service/settings.h"
#include "store/store.h"

/* All borrowed. `db` NULL, or lost while it is asked: axnode_database_up is 0 and what only the
 * database knows is left out. */
struct metrics_source {
    const struct settings *settings;
    struct board *board;
    struct store *store;
    struct db *db;
};

int metrics_page(const struct metrics_source *source, struct buffer *ret_page,
                 struct error *err);

#endif
