#include "db/migrate.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "db/query.h"

/* Any number will do, as long as nobody else's advisory lock has it. */
#define MIGRATION_LOCK "5218007414471236421"

static void migration_digest(const struct db_migration *migration, char ret_hex[DIGEST_TEXT_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(migration->sql, migration->size, digest);
    digest_format(digest, ret_hex);
}

static int versions_read(struct db *db, struct pg_result **ret_rows, int *ret_version,
                         struct error *err)
{
    DB_ROWS_AUTO struct pg_result *there = NULL;
    int status = db_query(db, "SELECT to_regclass('schema_migration') IS NOT NULL", 0, NULL,
                          &there, err);
    if (status < 0)
        return status;
    if (!db_get_bool(there, 0, 0)) {
        *ret_version = 0;
        return 0;
    }
    status = db_query(db, "SELECT version, name, sha256 FROM schema_migration ORDER BY version", 0,
                      NULL, ret_rows, err);
    if (status == 0)
        *ret_version = db_row_count(*ret_rows);
    return status;
}

/* Every version in the database must be one of ours, unchanged. */
static int versions_check(const struct pg_result *rows, int version, struct error *err)
{
    size_t count;
    const struct db_migration *migrations = db_migrations(&count);
    for (int i = 0; i < version; i++) {
        char hex[DIGEST_TEXT_SIZE];
        if ((size_t)i >= count) {
            error_set(err, STATUS_CONFLICT, "the database's schema is version %lld, newer than "
                      "%zu, which this program knows",
                      (long long)db_get_int(rows, version - 1, 0), count);
            error_hint(err, "install the axnode that migrated the database, or a newer one");
            return STATUS_CONFLICT;
        }
        migration_digest(&migrations[i], hex);
        if (db_get_int(rows, i, 0) != migrations[i].version ||
            strcmp(db_get(rows, i, 2), hex) != 0) {
            error_set(err, STATUS_CONFLICT,
                      "migration %s was applied to the database with another content",
                      migrations[i].name);
            error_hint(err, "the database was set up by another build: use that one, or a new "
                            "database");
            return STATUS_CONFLICT;
        }
    }
    return 0;
}

int db_schema_version(struct db *db, int *ret_database, int *ret_program, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    size_t count;
    int version;
    int status = versions_read(db, &rows, &version, err);
    if (status < 0)
        return status;
    db_migrations(&count);
    *ret_database = version;
    *ret_program = (int)count;
    return 0;
}

int db_schema_check(struct db *db, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    size_t count;
    int version;
    int status = versions_read(db, &rows, &version, err);
    if (status == 0)
        status = versions_check(rows, version, err);
    if (status < 0)
        return status;
    db_migrations(&count);
    if ((size_t)version < count) {
        error_set(err, STATUS_CONFLICT,
                  "the database's schema is version %d, this program needs %zu", version, count);
        error_hint(err, "run `axnode db migrate`");
        return STATUS_CONFLICT;
    }
    return 0;
}

static int migration_apply(struct db *db, const struct db_migration *migration,
                           struct error *err)
{
    char hex[DIGEST_TEXT_SIZE];
    migration_digest(migration, hex);
    int status = db_execute(db, (const char *)migration->sql, err);
    if (status < 0) {
        error_prefix(err, "migration %s", migration->name);
        return status;
    }
    return db_query(db, "INSERT INTO schema_migration (version, name, sha256) VALUES ($1, $2, $3)",
                    DB_VALUES(db_int(migration->version), db_text(migration->name), db_text(hex)),
                    NULL, err);
}

/* One step in one transaction: take the lock, look again, apply the next file if one is left. */
static int step_locked(struct db *db, bool *ret_applied, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    size_t count;
    int version;
    const struct db_migration *migrations = db_migrations(&count);
    /* Another's migration may take as long as it needs. */
    int status = db_execute(db, "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;"
                            "SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")", err);
    if (status == 0)
        status = db_execute(db, "CREATE TABLE IF NOT EXISTS schema_migration ("
                            "version integer PRIMARY KEY, name text NOT NULL,"
                            "sha256 text NOT NULL,"
                            "applied_at timestamptz NOT NULL DEFAULT clock_timestamp())", err);
    if (status == 0)
        status = versions_read(db, &rows, &version, err);
    if (status == 0)
        status = versions_check(rows, version, err);
    if (status < 0)
        return status;
    *ret_applied = (size_t)version < count;
    return *ret_applied ? migration_apply(db, &migrations[version], err) : 0;
}

int db_migrate(struct db *db, int *ret_applied, struct error *err)
{
    bool more = true;
    int applied = 0, status = 0;
    while (status == 0 && more) {
        status = db_begin(db, err);
        if (status == 0)
            status = db_end(db, step_locked(db, &more, err), err);
        applied += status == 0 && more;
    }
    if (status == 0)
        *ret_applied = applied;
    return status;
}
