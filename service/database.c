#include "service/database.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "db/migrate.h"
#include "service/credential.h"

enum { WAIT_FIRST_US = 250000, WAIT_MAX_US = 5000000, CONNECT_US = 120000000 };

void database_init(struct database *database, const struct role *role, struct watch *watch)
{
    *database = (struct database){.role = role, .watch = watch};
}

void database_release(struct database *database)
{
    db_close(database->db);
    database->db = NULL;
}

int database_open(const struct role *role, const struct db_options *options, struct db **ret_db,
                  struct error *err)
{
    char application[64], password[CREDENTIAL_TEXT_SIZE];
    const char *credential = role->settings->database_password_credential;
    struct db_options all = options ? *options : (struct db_options){0};
    struct db *db = NULL;
    int status = *credential ? credential_text(credential, password, err) : 0;
    if (status < 0)
        return status;
    all.password = *credential ? password : NULL;
    snprintf(application, sizeof application, "axnoded %.40s", role->label);
    status = db_open(role->settings->database, application, &all, &db, err);
    explicit_bzero(password, sizeof password);
    if (status == 0)
        status = db_schema_check(db, err);
    if (status < 0)
        db_close(db);
    else
        *ret_db = db;
    return status;
}

bool database_need(struct database *database)
{
    struct error err = {0};
    while (!role_stopping(database->role)) {
        if (database->db && db_alive(database->db))
            return true;
        database_release(database);
        watch_allow(database->watch, CONNECT_US);
        if (database_open(database->role, NULL, &database->db, &err) == 0) {
            log_event(LOG_INFO, "database connected", NULL);
            return true;
        }
        if (!database_failed(database, "no database", &err))
            return false;
    }
    return false;
}

bool database_failed(struct database *database, const char *what, const struct error *err)
{
    int64_t wait_us = WAIT_FIRST_US;
    for (int i = 0; i < database->failures && wait_us < WAIT_MAX_US; i++)
        wait_us *= 2;
    if (wait_us > WAIT_MAX_US)
        wait_us = WAIT_MAX_US;
    database->failures++;
    log_error(LOG_ERROR, what, err, "retry_in_ms=%lld", (long long)(wait_us / 1000));
    if (database->db && !db_alive(database->db))
        database_release(database);
    return !watch_wait(database->watch, wait_us);
}

void database_worked(struct database *database)
{
    database->failures = 0;
}

void database_loop(struct database *database, database_pass *pass, void *context,
                   const char *interrupted)
{
    while (database_need(database)) {
        struct error err = {0};
        int64_t wait_us = 0;
        if (pass(context, &wait_us, &err) < 0) {
            if (!database_failed(database, interrupted, &err))
                return;
            continue;
        }
        database_worked(database);
        if (watch_wait(database->watch, wait_us))
            return;
    }
}
