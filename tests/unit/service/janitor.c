/* The end of files under faults: each statement and each change of the disk fails in turn, once and
 * for good. Whatever broke off, states, rows and files agree; whoever comes after it finishes the
 * work, and the audit tells it once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "db/query.h"
#include "service/janitor.h"
#include "tests/unit/db/fixture.h"

enum { STATEMENTS_MAX = 200, LIVES = 3 };

/* What fails. Statements and calls are counted through one life. */
struct trouble {
    int statement, call;     /* number, from 1; 0: none */
    const char *always;      /* this statement, whenever it comes; NULL: none */
    bool call_for_good;      /* every call from that number on */
    enum db_fault fault;
    int statements, calls;   /* so far */
    const char *texts[STATEMENTS_MAX]; /* of the statements; the program's own constants */
};

struct world {
    struct fixture *f;
    char folder[64];
    struct store *store;
    struct store_io io;
    struct trouble trouble;
};

/* Study 1 was delivered and its time is over. Study 2 failed and is purged. Study 3 failed and
 * stays, with one image that somebody removed. One file cannot be read and its time is over. */
#define LOST_IMAGE "1.2.3.2"
static const struct retention_policy soon = {1, 1, 1};

static enum db_fault statement_fails(void *context, const char *sql)
{
    struct trouble *t = context;
    if (t->statements < STATEMENTS_MAX)
        t->texts[t->statements] = sql;
    t->statements++;
    bool fails = t->statements == t->statement || (t->always && strcmp(t->always, sql) == 0);
    return fails ? t->fault : DB_FAULT_NONE;
}

static bool call_fails(struct world *w)
{
    struct trouble *t = &w->trouble;
    t->calls++;
    errno = EIO;
    return t->call && (t->calls == t->call || (t->call_for_good && t->calls > t->call));
}

static int unlink_or_fail(void *context, int folder, const char *path, int flags)
{
    return call_fails(context) ? -1 : unlinkat(folder, path, flags);
}

static int fsync_or_fail(void *context, int fd)
{
    return call_fails(context) ? -1 : fsync(fd);
}

/* ---- the world -------------------------------------------------------------------------- */

/* Empty files: nobody reads them here. */
static void file_put(const struct world *w, bool outgoing, const char *key)
{
    char path[STORE_PATH_SIZE];
    int n = snprintf(path, sizeof path, "%s/%s/%.2s", w->folder, outgoing ? "outgoing" : "stored",
                     key);
    assert_int_equal(folder_make(path, NULL), 0);
    snprintf(path + n, sizeof path - (size_t)n, "/%s.dcm", key);
    assert_int_equal(file_write(path, "", 0, NULL), 0);
}

static bool file_there(const struct world *w, bool outgoing, const char *key)
{
    char path[STORE_PATH_SIZE];
    return (outgoing ? store_outgoing_find(w->store, key, path, NULL)
                     : store_find(w->store, key, path, NULL)) == 0;
}

/* Of every file: whether it is our own, its key, whether its row is marked, whether it says that
 * the file is gone. */
static struct pg_result *files_of_rows(const struct world *w)
{
    struct pg_result *rows;
    assert_int_equal(db_query(w->f->db,
        "SELECT false, key, removing_at IS NOT NULL, removed_at IS NOT NULL FROM instance UNION ALL"
        " SELECT true, key, removing_at IS NOT NULL, removed_at IS NOT NULL FROM outgoing UNION ALL"
        " SELECT false, key, removing_at IS NOT NULL, removed_at IS NOT NULL FROM unreadable",
        0, NULL, &rows, NULL), 0);
    return rows;
}

static void world_clear(const struct world *w)
{
    struct pg_result *rows = files_of_rows(w);
    for (int i = 0; i < db_row_count(rows); i++)
        assert_int_equal(store_remove(w->store, db_get_bool(rows, i, 0) ? STORE_OUTGOING
                                                                        : STORE_STORED,
                                      db_get(rows, i, 1), NULL), 0);
    db_rows_free(&rows);
    sql_run(w->f->db, "DELETE FROM study; DELETE FROM patient; DELETE FROM unreadable;"
                      " DELETE FROM event");
}

static void study_make(struct world *w, int study, bool delivered)
{
    struct db *db = w->f->db;
    struct outbox_item items[4];
    struct result result;
    enum queue_committed committed;
    char content[4];
    size_t count;
    snprintf(content, sizeof content, "%d", study);
    study_receive(db, study, 2, 5000000);
    assert_int_equal(complete(db), 1);
    struct queue_job job = claim(db);
    result_make(&result, content);
    assert_int_equal(queue_commit(db, job.id, job.token, &result.r, &committed, NULL), 0);
    for (size_t i = 0; i < job.instance_count; i++)
        file_put(w, false, job.instances[i].key);
    for (size_t i = 0; i < result.r.object_count; i++)
        file_put(w, true, result.objects[i].key);
    queue_job_release(&job);
    assert_int_equal(outbox_claim(db, "PACS", 60000000, items, 4, &count, NULL), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        struct outbox_failure refused = {"refused", 0xC000, false};
        assert_int_equal(delivered ? outbox_delivered(db, &items[i], &taken, NULL)
                                   : outbox_failed(db, &items[i], &refused, NULL), 0);
    }
    assert_string_equal(study_state(db, study), delivered ? "done" : "failed");
}

static void world_make(struct world *w)
{
    char key[STORE_KEY_SIZE];
    w->trouble = (struct trouble){0};
    world_clear(w);
    study_make(w, 1, true);
    study_make(w, 2, false);
    study_make(w, 3, false);
    store_key(LOST_IMAGE, key);
    assert_int_equal(store_remove(w->store, STORE_STORED, key, NULL), 0);
    store_key("1.2.9.1", key);
    assert_int_equal(index_unreadable(w->f->db, key, "cut off", NULL), 0);
    file_put(w, false, key);
    w->trouble = (struct trouble){0};
}

/* A row that promises its file has it, one that says it is gone has not, and states are what they
 * were. Between the two marks a file may be there or not. */
static void assert_agree(struct world *w)
{
    struct pg_result *rows = files_of_rows(w);
    char lost[STORE_KEY_SIZE];
    store_key(LOST_IMAGE, lost);
    assert_int_equal(db_row_count(rows), 13);
    for (int i = 0; i < db_row_count(rows); i++) {
        const char *key = db_get(rows, i, 1);
        bool there = file_there(w, db_get_bool(rows, i, 0), key);
        if (db_get_bool(rows, i, 3))
            assert_false(there);
        else if (!db_get_bool(rows, i, 2) && strcmp(key, lost) != 0)
            assert_true(there);
    }
    db_rows_free(&rows);
    assert_string_equal(study_state(w->f->db, 1), "done");
    assert_string_equal(study_state(w->f->db, 2), "failed");
    assert_string_equal(study_state(w->f->db, 3), "failed");
}

/* All is done, and told once. */
static void assert_whole(struct world *w)
{
    static const struct {
        const char *what;
        int64_t count;
    } found[] = {
        {"SELECT count(*) FROM instance i JOIN study s ON s.id = i.study WHERE s.study_uid"
         " IN ('1.2.1', '1.2.2') AND removed_at IS NULL", 0},
        {"SELECT count(*) FROM outgoing g JOIN job j ON j.id = g.job JOIN study s ON s.id = j.study"
         " WHERE s.study_uid IN ('1.2.1', '1.2.2') AND removed_at IS NULL", 0},
        {"SELECT count(*) FROM unreadable WHERE removed_at IS NULL", 0},
        {"SELECT count(*) FROM instance WHERE removed_at IS NULL", 1},
        {"SELECT count(*) FROM outgoing WHERE removed_at IS NULL", 2},
        {"SELECT count(*) FROM outbox WHERE state = 'superseded'", 2},
        {"SELECT count(*) FROM event WHERE kind = 'retention'", 2},
        {"SELECT sum(split_part(text, ' ', 1)::int) FROM event WHERE kind = 'removed'"
         " AND study IS NOT NULL", 8}, /* files: an interrupted removal is told in parts */
        {"SELECT count(*) FROM event WHERE kind = 'missing'", 1},
    };
    assert_agree(w);
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (sql_int(w->f->db, found[i].what) != found[i].count)
            fail_msg("%s: %lld", found[i].what, (long long)sql_int(w->f->db, found[i].what));
}

/* ---- one life of a process -------------------------------------------------------------- */

static int purge_failed(struct db *db)
{
    struct retention_choice choice = {.failed = true};
    struct retention_study *studies = NULL, one;
    size_t count = 0;
    int status = retention_choose(db, &choice, &studies, &count, NULL);
    for (size_t i = 0; i < count && status == 0; i++)
        if (strcmp(studies[i].study_instance_uid, "1.2.2") == 0) {
            status = retention_study_read(db, "1.2.2", &one, NULL);
            if (status == 0)
                status = retention_mark_study(db, "1.2.2", "test", NULL);
        }
    free(studies);
    return status;
}

/* As the doctor does. */
static int tell_missing(struct world *w, struct db *db)
{
    int status = 0;
    for (int outgoing = 0; outgoing <= 1 && status == 0; outgoing++) {
        struct retention_file files[16];
        size_t count = 0;
        status = retention_promised(db, outgoing, "", files, 16, &count, NULL);
        for (size_t i = 0; i < count && status == 0; i++)
            if (!file_there(w, outgoing, files[i].key))
                status = retention_missing(db, &files[i], NULL);
    }
    return status;
}

/* Everything from the start, until something fails. */
static int live(struct world *w)
{
    struct db_options options = {.fault = statement_fails, .fault_context = &w->trouble};
    struct db *db;
    size_t removed = 0;
    w->trouble.statements = w->trouble.calls = 0;
    fixture_alone(w->f);
    int status = db_open(w->f->conninfo, "axnode test", &options, &db, NULL);
    if (status < 0)
        return status;
    status = janitor_mark(db, &soon, NULL);
    if (status == 0)
        status = purge_failed(db);
    if (status == 0)
        status = tell_missing(w, db);
    do {
        if (status == 0)
            status = janitor_sweep(db, w->store, &removed, NULL);
    } while (status == 0 && removed > 0);
    db_close(db);
    return status;
}

static void live_well(struct world *w)
{
    w->trouble = (struct trouble){0};
    assert_int_equal(live(w), 0);
    assert_whole(w);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct store_options options = {.io = &w->io};
    void *fixture;
    if (fixture_setup(&fixture) < 0)
        return -1;
    w->f = fixture;
    w->io = *store_io_system();
    w->io.unlinkat = unlink_or_fail;
    w->io.fsync = fsync_or_fail;
    w->io.context = w;
    snprintf(w->folder, sizeof w->folder, "/dev/shm/axnode-test-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(store_open(w->folder, &options, &w->store, NULL), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    void *fixture = w->f;
    char command[128];
    store_close(w->store);
    snprintf(command, sizeof command, "rm -rf %s", w->folder);
    int failed = system(command) != 0;
    free(w);
    return fixture_teardown(&fixture) < 0 || failed ? -1 : 0;
}

/* ---- tests ------------------------------------------------------------------------------ */

static const enum db_fault faults[] = {DB_FAULT_BEFORE, DB_FAULT_AFTER};

static void every_statement_fails_once(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        int at = 0;
        bool broke;
        do {
            world_make(w);
            w->trouble.statement = ++at;
            w->trouble.fault = faults[i];
            int status = live(w);
            broke = w->trouble.statements >= at;
            assert_int_equal(status, broke ? STATUS_UNAVAILABLE : 0);
            assert_agree(w);
            live_well(w);
        } while (broke);
        print_message("%d statements failed once\n", at - 1);
        assert_true(at > 30);
    }
}

static void every_statement_fails_for_good(void **state)
{
    struct world *w = *state;
    const char *texts[STATEMENTS_MAX];
    world_make(w);
    assert_int_equal(live(w), 0);
    int count = w->trouble.statements, distinct = 0;
    assert_true(count <= STATEMENTS_MAX);
    memcpy(texts, w->trouble.texts, sizeof texts);
    for (int at = 0; at < count; at++) {
        bool known = false;
        for (int i = 0; i < at && !known; i++)
            known = strcmp(texts[i], texts[at]) == 0;
        if (known)
            continue;
        distinct++;
        for (int i = 0; i < 2; i++) {
            world_make(w);
            for (int n = 0; n < LIVES; n++) {
                w->trouble = (struct trouble){.always = texts[at], .fault = faults[i]};
                int status = live(w);
                /* Carried out, it may not be asked again. */
                assert_true(status == STATUS_UNAVAILABLE ||
                            (status == 0 && n > 0 && faults[i] == DB_FAULT_AFTER));
                assert_agree(w);
            }
            live_well(w);
        }
    }
    print_message("%d statements failed for good\n", distinct);
    assert_true(distinct > 15);
}

static void every_removal_fails(void **state)
{
    struct world *w = *state;
    for (int for_good = 0; for_good <= 1; for_good++) {
        int at = 0;
        bool broke;
        do {
            world_make(w);
            at++;
            for (int n = 0; n < (for_good ? LIVES : 1); n++) {
                w->trouble = (struct trouble){.call = at, .call_for_good = for_good};
                int status = live(w);
                if (n == 0)
                    broke = w->trouble.calls >= at;
                /* What went before it is done: later lives may not come so far. */
                assert_int_equal(status, w->trouble.calls >= at ? STATUS_IO : 0);
                assert_agree(w);
            }
            live_well(w);
        } while (broke);
        print_message("%d calls failed %s\n", at - 1, for_good ? "for good" : "once");
        assert_true(at > 9);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_statement_fails_once),
        TEST(every_statement_fails_for_good),
        TEST(every_removal_fails),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
