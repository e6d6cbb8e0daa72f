/* A role's connection to the database: opened again, with growing waits, whenever it is lost. */
#ifndef AXNODE_SERVICE_DATABASE_H
#define AXNODE_SERVICE_DATABASE_H

#include "db/db.h"
#include "service/role.h"
#include "service/watch.h"

struct database {
    const struct role *role; /* borrowed */
    struct watch *watch;     /* borrowed */
    struct db *db;           /* NULL while there is no connection */
    int failures;            /* in a row */
};

/* Connect as the settings say, with the password that their credential holds; `options` without
 * password, may be NULL. Also checks that the schema is of this program. */
int database_open(const struct role *role, const struct db_options *options, struct db **ret_db,
                  struct error *err);

void database_init(struct database *database, const struct role *role, struct watch *watch);
void database_release(struct database *database);

/* Return once there is a living connection to a schema that this program knows; each failure is
 * logged. False: the role shall stop. */
bool database_need(struct database *database);
/* After a failed statement: close a lost connection, wait before the next try. Returns false
 * when the role shall stop. */
bool database_failed(struct database *database, const char *what, const struct error *err);
/* After one that went well. */
void database_worked(struct database *database);

/* One pass of a role's work; *ret_wait_us: how long to rest before the next. */
typedef int database_pass(void *context, int64_t *ret_wait_us, struct error *err);
/* Pass after pass while there is a connection, until the role shall stop. One that fails stands in the
 * log as `interrupted` and is made again. */
void database_loop(struct database *database, database_pass *pass, void *context,
                   const char *interrupted);

#endif
