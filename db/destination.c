#include "db/destination.h"

#include "db/query.h"

/* Each part finds its answer in an index, however much waits. */
int destination_due(struct db *db, const char *name, bool *ret_due, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT NOT EXISTS (SELECT 1 FROM destination WHERE name = $1 AND paused_at IS NOT NULL)"
        " AND (EXISTS (SELECT 1 FROM outbox WHERE destination = $1 AND state = 'pending'"
        "  AND next_attempt_at <= clock_timestamp())"
        " OR EXISTS (SELECT 1 FROM outbox WHERE destination = $1 AND state = 'sending'"
        "  AND lease_until < clock_timestamp())"
        " OR EXISTS (SELECT 1 FROM outbox WHERE destination = $1"
        "  AND commitment IN ('wanted', 'asked') AND commitment_at <= clock_timestamp()))",
        DB_VALUES(db_text(name)), &rows, err);
    if (status == 0)
        *ret_due = db_get_bool(rows, 0, 0);
    return status;
}

/* A limited rate takes a row that is written for each object; no limit writes nothing. */
int destination_turn(struct db *db, const char *name, int64_t interval_us, int64_t *ret_wait_us,
                     bool *ret_paused, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = interval_us <= 0
        ? db_query(db, "SELECT 0, paused_at IS NOT NULL FROM destination WHERE name = $1",
                   DB_VALUES(db_text(name)), &rows, err)
        : db_query(db,
            "INSERT INTO destination AS d (name, turn_at) VALUES"
            " ($1, clock_timestamp() + $2::bigint * interval '1 microsecond')"
            " ON CONFLICT (name) DO UPDATE SET turn_at = $2::bigint * interval '1 microsecond'"
            "  + greatest(clock_timestamp(), coalesce(d.turn_at, clock_timestamp()))"
            " RETURNING greatest(0, " DB_US("turn_at - clock_timestamp()") " - $2::bigint),"
            " paused_at IS NOT NULL",
            DB_VALUES(db_text(name), db_int(interval_us)), &rows, err);
    if (status < 0)
        return status;
    bool known = db_row_count(rows) > 0;
    *ret_wait_us = known ? db_get_int(rows, 0, 0) : 0;
    *ret_paused = known && db_get_bool(rows, 0, 1);
    return 0;
}

int destination_pause(struct db *db, const char *name, const char *who, bool *ret_changed,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "INSERT INTO destination AS d (name, paused_at, paused_by)"
        " VALUES ($1, clock_timestamp(), $2) ON CONFLICT (name) DO UPDATE"
        " SET paused_at = clock_timestamp(), paused_by = $2 WHERE d.paused_at IS NULL",
        DB_VALUES(db_text(name), db_text(who)), &rows, err);
    if (status == 0)
        *ret_changed = db_changed(rows) == 1;
    return status;
}

int destination_resume(struct db *db, const char *name, bool *ret_changed, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE destination SET paused_at = NULL, paused_by = '' WHERE name = $1"
        " AND paused_at IS NOT NULL", DB_VALUES(db_text(name)), &rows, err);
    if (status == 0)
        *ret_changed = db_changed(rows) == 1;
    return status;
}

#define COUNT(condition) "count(*) FILTER (WHERE " condition ")"

int destination_list(struct db *db, cJSON **ret_list, struct error *err)
{
    return db_json(db,
        "SELECT coalesce(json_agg(json_build_object('name', name,"
        " 'paused_at', " DB_ISO("d.paused_at") ", 'paused_by', CASE WHEN d.paused_at IS NOT NULL"
        "  THEN d.paused_by END, 'pending', coalesce(pending, 0), 'sending', coalesce(sending, 0),"
        " 'delivered', coalesce(delivered, 0), 'failed', coalesce(failed, 0),"
        " 'superseded', coalesce(superseded, 0), 'committed', coalesce(committed, 0),"
        " 'uncommitted', coalesce(uncommitted, 0), 'unconfirmed', coalesce(unconfirmed, 0),"
        " 'last_delivered_at', " DB_ISO("last_delivered_at") ", 'attempts', coalesce(attempts, 0),"
        " 'last_error', coalesce(last_error, '')) ORDER BY name), '[]')"
        " FROM destination d FULL JOIN (SELECT destination AS name,"
        "  " COUNT("state = 'pending'") " AS pending, " COUNT("state = 'sending'") " AS sending,"
        "  " COUNT("state = 'delivered'") " AS delivered, " COUNT("state = 'failed'") " AS failed,"
        "  " COUNT("state = 'superseded'") " AS superseded,"
        "  " COUNT("commitment = 'committed'") " AS committed,"
        "  " COUNT("commitment IN ('wanted', 'asked')") " AS uncommitted,"
        "  " COUNT("commitment = 'unconfirmed'") " AS unconfirmed,"
        "  max(delivered_at) AS last_delivered_at,"
        "  max(attempts) FILTER (WHERE state = 'pending') AS attempts,"
        "  (array_agg(last_error ORDER BY state = 'pending' DESC, id DESC)"
        "   FILTER (WHERE last_error <> ''))[1] AS last_error"
        "  FROM outbox GROUP BY destination) b USING (name)",
        0, NULL, ret_list, err);
}
