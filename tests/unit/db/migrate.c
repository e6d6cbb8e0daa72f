#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/migrate.h"
#include "db/query.h"
#include "fixture.h"

static void twice_applies_once(void **state)
{
    struct fixture *f = *state;
    struct error err;
    size_t count;
    int applied, there, ours;
    db_migrations(&count);
    assert_int_equal(db_schema_version(f->db, &there, &ours, &err), 0);
    assert_int_equal(there, 0);
    assert_int_equal(ours, count);
    assert_int_equal(db_schema_check(f->db, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.hint, "axnode db migrate"));
    assert_int_equal(db_migrate(f->db, &applied, &err), 0);
    assert_int_equal(applied, count);
    assert_int_equal(db_migrate(f->db, &applied, &err), 0);
    assert_int_equal(applied, 0);
    assert_int_equal(db_schema_check(f->db, &err), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM schema_migration"), count);
}

static void several_at_once_agree(void **state)
{
    struct fixture *f = *state;
    size_t count;
    enum { CHILDREN = 4 };
    db_migrations(&count);
    for (int i = 0; i < CHILDREN; i++)
        if (fork() == 0) {
            struct db *db;
            int applied;
            _exit(db_open(f->conninfo, "migrate", NULL, &db, NULL) < 0 ||
                  db_migrate(db, &applied, NULL) < 0);
        }
    for (int i = 0; i < CHILDREN; i++) {
        int ended;
        assert_true(wait(&ended) > 0);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM schema_migration"), count);
}

static void newer_and_altered_schemas_are_refused(void **state)
{
    struct fixture *f = *state;
    struct error err;
    int applied;
    assert_int_equal(db_migrate(f->db, &applied, &err), 0);
    sql_run(f->db, "INSERT INTO schema_migration (version, name, sha256)"
                   " SELECT max(version) + 1, '9999_later.sql', 'x' FROM schema_migration");
    assert_int_equal(db_schema_check(f->db, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.message, "newer"));
    assert_int_equal(db_migrate(f->db, &applied, &err), STATUS_CONFLICT);
    sql_run(f->db, "DELETE FROM schema_migration WHERE name = '9999_later.sql';"
                   "UPDATE schema_migration SET sha256 = 'y' WHERE version = 1");
    assert_int_equal(db_schema_check(f->db, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.message, "another content"));
    assert_int_equal(db_migrate(f->db, &applied, &err), STATUS_CONFLICT);
}

static void errors_hold_no_values(void **state)
{
    struct fixture *f = *state;
    struct error err;
    assert_int_equal(db_query(f->db, "SELECT $1::integer", DB_VALUES(db_text("Doe^Jane")), NULL,
                              &err),
                     STATUS_INVALID);
    assert_null(strstr(err.message, "Doe"));
    assert_null(strstr(err.detail, "Doe"));
    sql_run(f->db, "CREATE TABLE t (name text UNIQUE); INSERT INTO t VALUES ('Doe^Jane')");
    assert_int_equal(db_query(f->db, "INSERT INTO t VALUES ($1)", DB_VALUES(db_text("Doe^Jane")),
                              NULL, &err),
                     STATUS_CONFLICT);
    assert_null(strstr(err.message, "Doe"));
    assert_null(strstr(err.detail, "Doe"));
    assert_int_equal(db_query(f->db, "SELECT $1", DB_VALUES(db_text("\xff\xfe")), NULL, &err),
                     STATUS_INVALID);
}

static void a_lost_connection_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct db *db = fixture_connect(f, NULL);
    int64_t now;
    assert_int_equal(db_now(db, &now, &err), 0);
    assert_true(db_alive(db));
    sql_run(f->db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    assert_int_equal(db_now(db, &now, &err), STATUS_UNAVAILABLE);
    assert_false(db_alive(db));
    assert_int_equal(db_now(db, &now, &err), STATUS_UNAVAILABLE);
    db_close(db);
    assert_int_equal(db_open("host=/nonexistent dbname=x", "test", NULL, &db, &err),
                     STATUS_UNAVAILABLE);
}

static void waiting_ends(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct db_options options = {.statement_timeout_ms = 300, .lock_timeout_ms = 100};
    struct db *db = fixture_connect(f, &options);
    sql_run(f->db, "CREATE TABLE t (id integer); INSERT INTO t VALUES (1)");
    sql_run(f->db, "BEGIN; UPDATE t SET id = 2");
    assert_int_equal(db_execute(db, "UPDATE t SET id = 3", &err), STATUS_UNAVAILABLE);
    assert_string_equal(db_sqlstate(db), "55P03");
    sql_run(f->db, "COMMIT");
    assert_int_equal(db_execute(db, "SELECT pg_sleep(5)", &err), STATUS_UNAVAILABLE);
    assert_string_equal(db_sqlstate(db), "57014");
    assert_true(db_alive(db));
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_empty, fixture_teardown)
        TEST(twice_applies_once),
        TEST(several_at_once_agree),
        TEST(newer_and_altered_schemas_are_refused),
        TEST(errors_hold_no_values),
        TEST(a_lost_connection_is_unavailable),
        TEST(waiting_ends),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
