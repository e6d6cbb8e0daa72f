/* What axnode doctor found, and its checks of the network, and of the store against the database. */
#ifndef AXNODE_CLI_DOCTOR_H
#define AXNODE_CLI_DOCTOR_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "db/db.h"
#include "service/settings.h"
#include "store/store.h"

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

struct doctor {
    bool repair;
    const struct settings *settings; /* NULL until read */
    struct db *db;                   /* NULL when there is none */
    struct store *store;             /* NULL when it cannot be used */
    cJSON *findings;                 /* owned: [ { "check", "verdict", "text", "advice" } ] */
    bool failed;                     /* a finding is VERDICT_FAIL */
};

/* Add one line. `advice` may be "". */
void doctor_find(struct doctor *d, const char *check, enum verdict verdict, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same, of an error. */
void doctor_error(struct doctor *d, const char *check, const struct error *err,
                  const char *advice);

/* Whether the receiver and the destinations answer, and our certificate and key for TLS. */
void doctor_network(struct doctor *d);

/* Files without rows, rows without files, leftovers. With `repair`: what the database does not
 * know goes back to incoming/ and is indexed again, rows whose file is missing say so, our own
 * files tell when their forgotten jobs were made, and those that nothing waits for are removed. */
void doctor_store(struct doctor *d);

#endif
