#include "service/database.h"

#include <stdio.h>

#include "base/log.h"
#include "db/migrate.h"

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

static int open_checked(struct database *database, struct error *err)
{
    char application[64];
    snprintf(application, sizeof application, "axnoded %.40s", database->role->label);
    int status = db_open(database->role->settings->database, application, NULL, &database->db, err);
    if (status == 0)
        status = db_schema_check(database->db, err);
    if (status < 0)
        database_release(database);
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
        if (open_checked(database, &err) == 0) {
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
