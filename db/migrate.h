/* The schema's versions: db/migrations/NNNN_name.sql, embedded at build, numbered from 1 without
 * a gap. A released file is never changed again: its SHA-256 is kept in the database. */
#ifndef AXNODE_DB_MIGRATE_H
#define AXNODE_DB_MIGRATE_H

#include <stddef.h>

#include "db/db.h"

struct db_migration {
    int version;
    const char *name; /* "0001_initial.sql" */
    const unsigned char *sql;
    size_t size;
};
/* All that this program carries, in order; static storage. */
const struct db_migration *db_migrations(size_t *ret_count);

/* Apply what is missing, each file in one transaction, under an advisory lock: several may call
 * at once. `ret_applied`: how many files this call applied. STATUS_CONFLICT: the database was
 * changed by a newer or other program. */
int db_migrate(struct db *db, int *ret_applied, struct error *err);
/* 0 when the database has exactly the versions of this program; else STATUS_CONFLICT, and what
 * to do about it as hint. */
int db_schema_check(struct db *db, struct error *err);
/* Version in the database, 0 when there is none; and this program's. */
int db_schema_version(struct db *db, int *ret_database, int *ret_program, struct error *err);

#endif
