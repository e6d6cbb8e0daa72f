#include "db/activation.h"

#include <stdio.h>

#include "db/query.h"

static void take(const struct pg_result *rows, int row, int column, struct activation *a)
{
    *a = (struct activation){.id = db_get_int(rows, row, column)};
    snprintf(a->name, sizeof a->name, "%s", db_get(rows, row, column + 1));
    snprintf(a->version, sizeof a->version, "%s", db_get(rows, row, column + 2));
    snprintf(a->sha256, sizeof a->sha256, "%s", db_get(rows, row, column + 3));
}

int activation_get(struct db *db, struct activation *ret_now, struct activation *ret_previous,
                   struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT n.id, n.name, n.version, n.sha256, coalesce(p.id, 0), coalesce(p.name, ''),"
        " coalesce(p.version, ''), coalesce(p.sha256, '')"
        " FROM activation n LEFT JOIN activation p ON p.id = n.previous ORDER BY n.id DESC LIMIT 1",
        0, NULL, &rows, err);
    if (status < 0)
        return status;
    const bool any = db_row_count(rows) > 0;
    *ret_now = (struct activation){0};
    if (any)
        take(rows, 0, 0, ret_now);
    if (!ret_previous)
        return 0;
    *ret_previous = (struct activation){0};
    if (any)
        take(rows, 0, 4, ret_previous);
    return 0;
}

/* One more row, if `now` is still the newest. */
static int add(struct db *db, const struct activation *now, const char *insert, size_t count,
               const struct db_value *values, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    DB_ROWS_AUTO struct pg_result *added = NULL;
    int status = db_execute(db, "LOCK TABLE activation IN SHARE ROW EXCLUSIVE MODE", err);
    if (status == 0)
        status = db_query(db, "SELECT coalesce(max(id), 0) FROM activation", 0, NULL, &rows, err);
    if (status < 0)
        return status;
    if (db_get_int(rows, 0, 0) != now->id)
        return error_set(err, STATUS_CONFLICT, "another package was activated meanwhile");
    return db_query(db, insert, count, values, &added, err);
}

int activation_set(struct db *db, const char *who, const struct activation *now,
                   const struct activation *package, struct error *err)
{
    int status = db_begin(db, err);
    if (status < 0)
        return status;
    status = add(db, now,
        "INSERT INTO activation (who, action, name, version, sha256, previous)"
        " VALUES ($1, 'activate', $2, $3, $4, $5)",
        DB_VALUES(db_text(who), db_text(package->name), db_text(package->version),
                  db_text(package->sha256), now->id ? db_int(now->id) : db_null()), err);
    return db_end(db, status, err);
}

int activation_roll_back(struct db *db, const char *who, const struct activation *now,
                         struct error *err)
{
    if (!*now->name)
        return error_set(err, STATUS_NOT_FOUND,
                         "the settings' package is active: there is none before it");
    int status = db_begin(db, err);
    if (status < 0)
        return status;
    status = add(db, now,
        "INSERT INTO activation (who, action, name, version, sha256, previous)"
        " SELECT $1, 'rollback', coalesce(p.name, ''), coalesce(p.version, ''),"
        " coalesce(p.sha256, ''), p.previous"
        " FROM activation n LEFT JOIN activation p ON p.id = n.previous WHERE n.id = $2",
        DB_VALUES(db_text(who), db_int(now->id)), err);
    return db_end(db, status, err);
}
