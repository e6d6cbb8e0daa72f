#include "db/db.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "db/query.h"

struct db {
    PGconn *connection;
    enum db_fault (*fault)(void *context, const char *sql);
    void *fault_context;
    bool lost;
    char sqlstate[6];
};

enum {
    CONNECT_TIMEOUT_S = 10,
    STATEMENT_TIMEOUT_MS = 60000,
    LOCK_TIMEOUT_MS = 10000,
    PARAMETERS_MAX = 32,
};

/* libpq prints notices to stderr, where a logger would find their values. */
static void notice_drop(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static int connection_failed(const PGconn *connection, struct error *err)
{
    char reason[256];
    snprintf(reason, sizeof reason, "%s", PQerrorMessage(connection));
    reason[strcspn(reason, "\n")] = '\0';
    error_set(err, STATUS_UNAVAILABLE, "cannot connect to the database");
    error_detail(err, "%s", reason);
    return STATUS_UNAVAILABLE;
}

static int session_setup(struct db *db, const struct db_options *options, struct error *err)
{
    int statement_ms = options && options->statement_timeout_ms ? options->statement_timeout_ms
                                                                : STATEMENT_TIMEOUT_MS;
    int lock_ms = options && options->lock_timeout_ms ? options->lock_timeout_ms : LOCK_TIMEOUT_MS;
    char sql[512];
    /* A committed answer is a durable one, whatever the server's default. */
    snprintf(sql, sizeof sql,
             "SET statement_timeout = %d; SET lock_timeout = %d;"
             "SET idle_in_transaction_session_timeout = %d;"
             "SET synchronous_commit = on; SET timezone = 'UTC'; SET datestyle = 'ISO';"
             "SET extra_float_digits = 1; SET client_min_messages = warning;"
             "SET default_transaction_isolation = 'read committed'",
             statement_ms, lock_ms, statement_ms);
    return db_execute(db, sql, err);
}

int db_open(const char *conninfo, const char *application, const struct db_options *options,
            struct db **ret_db, struct error *err)
{
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d",
             options && options->connect_timeout_s ? options->connect_timeout_s
                                                   : CONNECT_TIMEOUT_S);
    /* What stands behind dbname wins over what conninfo says. */
    const char *const keywords[] = {"connect_timeout",     "keepalives",
                                    "keepalives_idle",     "keepalives_interval",
                                    "keepalives_count",    "tcp_user_timeout",
                                    "dbname",              "application_name",
                                    "client_encoding",     "password", NULL};
    const char *const values[] = {timeout, "1", "30",     "10",        "3",
                                  "60000", conninfo, application, "UTF8",
                                  options ? options->password : NULL, NULL};
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return error_set(err, STATUS_NOMEM, "no memory for a database connection");
    if (options) {
        db->fault = options->fault;
        db->fault_context = options->fault_context;
    }
    db->connection = PQconnectdbParams(keywords, values, 1);
    int status = 0;
    if (!db->connection)
        status = error_set(err, STATUS_NOMEM, "no memory for a database connection");
    else if (PQstatus(db->connection) != CONNECTION_OK)
        status = connection_failed(db->connection, err);
    if (status == 0) {
        PQsetNoticeProcessor(db->connection, notice_drop, NULL);
        status = session_setup(db, options, err);
    }
    if (status < 0) {
        db_close(db);
        return status;
    }
    *ret_db = db;
    return 0;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->connection);
    free(db);
}

bool db_alive(const struct db *db)
{
    return !db->lost && PQstatus(db->connection) == CONNECTION_OK;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

/* ---- errors --------------------------------------------------------------------------- */

static int status_of_sqlstate(const char *state)
{
    static const struct {
        const char *prefix;
        int status;
    } table[] = {
        {"08", STATUS_UNAVAILABLE},    /* connection */
        {"57", STATUS_UNAVAILABLE},    /* shutdown, cancelled, statement timeout */
        {"53", STATUS_UNAVAILABLE},    /* disk full, out of memory, too many connections */
        {"55P03", STATUS_UNAVAILABLE}, /* lock timeout */
        {"40", STATUS_UNAVAILABLE},    /* deadlock, serialisation */
        {"25P03", STATUS_UNAVAILABLE}, /* idle in transaction for too long */
        {"58", STATUS_UNAVAILABLE},    /* the server's disk */
        {"22", STATUS_INVALID},        /* a value */
        {"54", STATUS_INVALID},        /* a value too large for an index */
        {"23", STATUS_CONFLICT},       /* a constraint */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strncmp(state, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].status;
    return STATUS_INTERNAL;
}

static int connection_lost(struct db *db, struct error *err)
{
    db->lost = true;
    return error_set(err, STATUS_UNAVAILABLE, "the connection to the database is lost");
}

/* The primary message of class 22 quotes the value, and so may others' details: left out. */
static int statement_failed(struct db *db, const PGresult *result, struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!state)
        return connection_lost(db, err);
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", state);
    if (PQstatus(db->connection) != CONNECTION_OK)
        db->lost = true;
    int status = status_of_sqlstate(state);
    if (status == STATUS_INVALID)
        return error_set(err, status, "the database does not take a value (SQLSTATE %s)", state);
    error_set(err, status, "database: %s (SQLSTATE %s)", primary ? primary : "failed", state);
    if (strcmp(state, "42P01") == 0 || strcmp(state, "42703") == 0)
        error_hint(err, "the schema does not fit this program: run `axnode db migrate`");
    return status;
}

/* ---- statements ------------------------------------------------------------------------ */

struct db_value db_text(const char *text)
{
    return (struct db_value){.kind = DB_TEXT, .text = text ? text : ""};
}

struct db_value db_int(int64_t value)
{
    return (struct db_value){.kind = DB_INT, .integer = value};
}

struct db_value db_double(double value)
{
    return (struct db_value){.kind = DB_DOUBLE, .number = value};
}

struct db_value db_bool(bool value)
{
    return (struct db_value){.kind = DB_BOOL, .integer = value};
}

struct db_value db_time(int64_t realtime_us)
{
    return (struct db_value){.kind = DB_TIME, .integer = realtime_us};
}

struct db_value db_null(void)
{
    return (struct db_value){.null = true};
}

enum { VALUE_SIZE = 40 };

static const char *value_format(const struct db_value *value, char out[VALUE_SIZE])
{
    if (value->null)
        return NULL;
    switch (value->kind) {
    case DB_TEXT:
        return value->text;
    case DB_INT:
        snprintf(out, VALUE_SIZE, "%lld", (long long)value->integer);
        return out;
    case DB_BOOL:
        return value->integer ? "t" : "f";
    case DB_DOUBLE:
        number_format(value->number, out);
        return out;
    case DB_TIME:
        break;
    }
    clock_format_iso(value->integer, out);
    return out;
}

static bool fault_before(struct db *db, const char *sql, enum db_fault *ret_fault)
{
    *ret_fault = db->fault ? db->fault(db->fault_context, sql) : DB_FAULT_NONE;
    if (*ret_fault == DB_FAULT_BEFORE)
        db->lost = true;
    return db->lost;
}

/* Takes `result`. */
static int result_check(struct db *db, PGresult *result, enum db_fault fault,
                        PGresult **ret_rows, struct error *err)
{
    if (!result || fault == DB_FAULT_AFTER) {
        PQclear(result);
        return connection_lost(db, err);
    }
    ExecStatusType kind = PQresultStatus(result);
    if (kind != PGRES_TUPLES_OK && kind != PGRES_COMMAND_OK) {
        int status = statement_failed(db, result, err);
        PQclear(result);
        return status;
    }
    if (ret_rows)
        *ret_rows = result;
    else
        PQclear(result);
    return 0;
}

int db_query(struct db *db, const char *sql, size_t count, const struct db_value *values,
             struct pg_result **ret_rows, struct error *err)
{
    char texts[PARAMETERS_MAX][VALUE_SIZE];
    const char *parameters[PARAMETERS_MAX];
    enum db_fault fault;
    if (count > PARAMETERS_MAX)
        return error_set(err, STATUS_INTERNAL, "a statement has too many parameters");
    db->sqlstate[0] = '\0';
    if (db->lost || fault_before(db, sql, &fault))
        return connection_lost(db, err);
    for (size_t i = 0; i < count; i++)
        parameters[i] = value_format(&values[i], texts[i]);
    PGresult *result = PQexecParams(db->connection, sql, (int)count, NULL, parameters, NULL, NULL,
                                    0);
    return result_check(db, result, fault, ret_rows, err);
}

int db_execute(struct db *db, const char *sql, struct error *err)
{
    enum db_fault fault;
    db->sqlstate[0] = '\0';
    if (db->lost || fault_before(db, sql, &fault))
        return connection_lost(db, err);
    return result_check(db, PQexec(db->connection, sql), fault, NULL, err);
}

int db_json(struct db *db, const char *sql, size_t count, const struct db_value *values,
            cJSON **ret_json, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, sql, count, values, &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "the database has no such row");
    cJSON *json = cJSON_Parse(db_get(rows, 0, 0));
    if (!json)
        return error_set(err, STATUS_NOMEM, "no memory for the database's answer");
    *ret_json = json;
    return 0;
}

void db_rows_free(struct pg_result **rows)
{
    PQclear(*rows);
    *rows = NULL;
}

int db_row_count(const struct pg_result *rows)
{
    return PQntuples(rows);
}

int64_t db_changed(struct pg_result *rows)
{
    int64_t count = 0;
    return number_parse_int(PQcmdTuples(rows), 0, INT64_MAX, &count, NULL) < 0 ? 0 : count;
}

bool db_is_null(const struct pg_result *rows, int row, int column)
{
    return PQgetisnull(rows, row, column);
}

const char *db_get(const struct pg_result *rows, int row, int column)
{
    return PQgetvalue(rows, row, column);
}

int64_t db_get_int(const struct pg_result *rows, int row, int column)
{
    int64_t value = 0;
    return number_parse_int(db_get(rows, row, column), INT64_MIN, INT64_MAX, &value, NULL) < 0
               ? 0
               : value;
}

bool db_get_bool(const struct pg_result *rows, int row, int column)
{
    return db_get(rows, row, column)[0] == 't';
}

void db_get_text(const struct pg_result *rows, int row, int column, char *out, size_t size)
{
    snprintf(out, size, "%s", db_get(rows, row, column));
}

/* ---- transactions ---------------------------------------------------------------------- */

int db_begin(struct db *db, struct error *err)
{
    return db_execute(db, "BEGIN", err);
}

int db_end(struct db *db, int status, struct error *err)
{
    if (status == 0)
        status = db_execute(db, "COMMIT", err);
    if (status < 0 && !db->lost && PQtransactionStatus(db->connection) != PQTRANS_IDLE)
        db_execute(db, "ROLLBACK", NULL);
    return status;
}

int db_now(struct db *db, int64_t *ret_us, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, "SELECT " DB_US("clock_timestamp()"), 0, NULL, &rows, err);
    if (status == 0)
        *ret_us = db_get_int(rows, 0, 0);
    return status;
}

int db_event(struct db *db, int64_t study, int64_t job, const char *kind, const char *text,
             struct error *err)
{
    return db_query(db, "INSERT INTO event (study, job, kind, text) VALUES ($1, $2, $3, $4)",
                    DB_VALUES(study ? db_int(study) : db_null(), job ? db_int(job) : db_null(),
                              db_text(kind), db_text(text)),
                    NULL, err);
}
