/* Inside db/: statements, their parameters and what comes back. */
#ifndef AXNODE_DB_QUERY_H
#define AXNODE_DB_QUERY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

struct pg_result; /* libpq's PGresult */

enum db_kind { DB_TEXT, DB_INT, DB_DOUBLE, DB_BOOL, DB_TIME };

struct db_value {
    enum db_kind kind;
    bool null;
    const char *text; /* borrowed */
    int64_t integer;
    double number;
};
struct db_value db_text(const char *text); /* NULL becomes "" */
struct db_value db_int(int64_t value);
struct db_value db_double(double value);
struct db_value db_bool(bool value);
struct db_value db_time(int64_t realtime_us);
struct db_value db_null(void);

#define DB_VALUES(...) \
    sizeof((struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), \
        (const struct db_value[]){__VA_ARGS__}

/* One statement with its parameters. `ret_rows` may be NULL; else the caller owns it
 * (db_rows_free). Must return rows or complete. */
int db_query(struct db *db, const char *sql, size_t count, const struct db_value *values,
             struct pg_result **ret_rows, struct error *err);
/* Without parameters; several statements with ';' are fine. For constant text alone. */
int db_execute(struct db *db, const char *sql, struct error *err);

/* The first column of the first row, which is JSON; the caller owns it. STATUS_NOT_FOUND: no row. */
int db_json(struct db *db, const char *sql, size_t count, const struct db_value *values,
            cJSON **ret_json, struct error *err);

void db_rows_free(struct pg_result **rows);
#define DB_ROWS_AUTO __attribute__((cleanup(db_rows_free)))

int db_row_count(const struct pg_result *rows);
/* Rows changed by INSERT, UPDATE or DELETE. */
int64_t db_changed(struct pg_result *rows);
bool db_is_null(const struct pg_result *rows, int row, int column);
/* Borrowed until the rows are freed; "" for NULL. */
const char *db_get(const struct pg_result *rows, int row, int column);
int64_t db_get_int(const struct pg_result *rows, int row, int column); /* 0 for NULL */
bool db_get_bool(const struct pg_result *rows, int row, int column);
/* Copied and cut to `size`. */
void db_get_text(const struct pg_result *rows, int row, int column, char *out, size_t size);

/* A transaction. db_end commits when `status` is 0, rolls back otherwise, and returns what became
 * of it: status, or the commit's own failure. */
int db_begin(struct db *db, struct error *err);
int db_end(struct db *db, int status, struct error *err);

/* SQLSTATE of the last failed statement, "" when there was none. */
const char *db_sqlstate(const struct db *db);

/* A line of the audit; study or job 0: none. */
int db_event(struct db *db, int64_t study, int64_t job, const char *kind, const char *text,
             struct error *err);

/* A time column as microseconds since 1970, in SQL. */
#define DB_US(expression) "(extract(epoch FROM " expression ") * 1000000)::bigint"
/* A time as people and programs read it, in SQL; NULL stays NULL. */
#define DB_ISO(expression) \
    "to_char(" expression " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#endif
