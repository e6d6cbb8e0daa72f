/* A connection to PostgreSQL (libpq, which enters through this folder alone).
 *
 * Statements carry their values as parameters only. Errors hold the SQLSTATE and the server's
 * primary message, and of messages that can quote a value the SQLSTATE alone: no patient data.
 *
 * STATUS_UNAVAILABLE: connection lost, server stopping, lock or statement timeout, deadlock,
 * serialisation, disk full: try later. The caller reconnects as it sees fit: close, open.
 * STATUS_INVALID: a value that the database does not take. STATUS_CONFLICT: a constraint.
 *
 * One struct db belongs to one thread. All times are taken by the database's clock, in
 * microseconds since 1970-01-01 UTC. */
#ifndef AXNODE_DB_DB_H
#define AXNODE_DB_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct db;

enum db_fault {
    DB_FAULT_NONE,
    DB_FAULT_BEFORE, /* the connection breaks before the statement is sent */
    DB_FAULT_AFTER,  /* the server carries it out, the connection breaks before the answer */
};

struct db_options {
    int connect_timeout_s;    /* 0: 10 */
    int statement_timeout_ms; /* 0: 60000 */
    int lock_timeout_ms;      /* 0: 10000 */
    const char *password;     /* NULL: what libpq finds by itself; borrowed */
    /* Asked before each statement; NULL outside fault tests. */
    enum db_fault (*fault)(void *context, const char *sql);
    void *fault_context;
};

/* `conninfo`: libpq's keywords or URI. `application`: shown in pg_stat_activity, for example
 * "axnoded worker". `options` may be NULL. */
int db_open(const char *conninfo, const char *application, const struct db_options *options,
            struct db **ret_db, struct error *err);
void db_close(struct db *db); /* NULL is fine; an open transaction is rolled back */
/* False once the connection was lost: every later call is STATUS_UNAVAILABLE. */
bool db_alive(const struct db *db);

/* The database's clock. */
int db_now(struct db *db, int64_t *ret_us, struct error *err);

#endif
