/* Indexer, workers and sender at once on the same studies, each in its own process and as fast as
 * it can: no deadlock, no object left out of the last report, and every report that a destination
 * has names the one before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { STUDIES = 4, ROUNDS = 12 };

static void complete_now(struct db *db)
{
    struct queue_completion completion = {.quiet_us = 1000};
    struct error err;
    int jobs, studies;
    if (db_now(db, &completion.as_of_us, &err) < 0 ||
        queue_complete(db, &completion, &jobs, &studies, &err) < 0)
        fail_msg("completing: %s", err.message);
}

static void index_all(struct db *db)
{
    for (int round = 1; round <= ROUNDS; round++)
        for (int study = 1; study <= STUDIES; study++) {
            struct object object;
            object_make(&object, study, round);
            assert_int_equal(object_index(db, &object), INDEX_NEW);
            complete_now(db);
            /* Now slower, now faster than the others, so that they meet in every state. */
            usleep((useconds_t)((round * 7 + study * 3) % 8) * 2000);
        }
    /* A study that another session has locked is left for the next call. */
    while (sql_int(db, "SELECT count(*) FROM study WHERE state = 'receiving'") > 0)
        complete_now(db);
    sql_run(db, "CREATE TABLE indexed ()");
}

static bool over(struct db *db)
{
    return sql_int(db, "SELECT (to_regclass('indexed') IS NOT NULL)::int") == 1 &&
           sql_int(db, "SELECT count(*) FROM study WHERE state <> 'done'") == 0;
}

static void work_all(struct db *db)
{
    while (!over(db)) {
        struct queue_job job;
        struct error err;
        int status = queue_claim(db, "w", &policy, &job, &err);
        if (status == STATUS_NOT_FOUND)
            continue;
        if (status < 0)
            fail_msg("claiming: %s", err.message);
        struct result result;
        enum queue_committed committed;
        char content[24];
        snprintf(content, sizeof content, "%lld", (long long)job.id);
        result_make(&result, content);
        usleep((useconds_t)(job.id % 5) * 20000);
        if (queue_renew(db, job.id, job.token, 1000000, &err) < 0 ||
            queue_commit(db, job.id, job.token, &result.r, &committed, &err) < 0)
            fail_msg("committing: %s", err.message);
        queue_job_release(&job);
    }
}

static void send_all(struct db *db)
{
    for (int turn = 0; !over(db); turn++) {
        struct outbox_item items[3];
        struct outbox_failure failure = {"lost", -1, turn % 2};
        struct error err;
        size_t count;
        if (outbox_claim(db, "PACS", 60000000, items, 3, &count, &err) < 0)
            fail_msg("claiming deliveries: %s", err.message);
        for (size_t i = 0; i < count; i++) {
            usleep((useconds_t)(turn % 3) * 2000);
            int status = (turn + (int)i) % 4 == 0
                             ? outbox_deferred(db, &items[i], &failure, 0, &err)
                             : outbox_delivered(db, &items[i], &taken, &err);
            if (status < 0)
                fail_msg("answering: %s", err.message);
        }
    }
}

static void start(const struct fixture *f, void (*act)(struct db *db))
{
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    struct db *db = fixture_connect(f, NULL);
    act(db); /* a failed assertion ends the process: it is no test of cmocka's here */
    db_close(db);
    _exit(0);
}

#define DELIVERED(job) \
    "EXISTS (SELECT 1 FROM outgoing g JOIN outbox b ON b.outgoing = g.id" \
    " WHERE g.job = " job ".id AND b.state = 'delivered')"

static void all_at_once(void **state)
{
    struct fixture *f = *state;
    /* cmocka jumps back into this function when a child's assertion fails. */
    pid_t parent = getpid();
    start(f, work_all);
    start(f, work_all);
    start(f, send_all);
    start(f, index_all);
    for (int i = 0; i < 4; i++) {
        int ended;
        assert_true(wait(&ended) > 0);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(getpid(), parent);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM study WHERE state = 'done'"), STUDIES);
    assert_int_equal(sql_int(f->db,
        "SELECT count(*) FROM study s JOIN job j ON j.study = s.id AND j.generation = s.generation"
        " WHERE (SELECT count(*) FROM job_instance x WHERE x.job = j.id) <> "
        " (SELECT count(*) FROM instance i WHERE i.study = s.id AND i.role = 'input')"), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM instance"), STUDIES * ROUNDS);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM job WHERE state IN ('pending',"
                             " 'working', 'failed')"), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox WHERE state NOT IN"
                             " ('delivered', 'superseded')"), 0);
    /* Half a report at the destination would be worse than an old one. */
    assert_int_equal(sql_int(f->db,
        "SELECT count(*) FROM job j WHERE " DELIVERED("j") " AND EXISTS (SELECT 1 FROM outgoing g"
        " JOIN outbox b ON b.outgoing = g.id WHERE g.job = j.id AND b.state <> 'delivered')"), 0);
    assert_int_equal(sql_int(f->db,
        "SELECT count(*) FROM job j WHERE " DELIVERED("j") " AND coalesce(j.predecessor, 0) <>"
        " (SELECT coalesce(max(p.generation), 0) FROM job p WHERE p.study = j.study"
        "  AND p.generation < j.generation AND " DELIVERED("p") ")"), 0);
    print_message("%lld generations, %lld superseded, %lld with a predecessor\n",
                  (long long)sql_int(f->db, "SELECT count(*) FROM job"),
                  (long long)sql_int(f->db, "SELECT count(*) FROM job WHERE state = 'superseded'"),
                  (long long)sql_int(f->db, "SELECT count(predecessor) FROM job"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_at_once, fixture_setup, fixture_teardown),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
