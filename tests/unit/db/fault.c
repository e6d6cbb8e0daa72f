/* The connection breaks at statement number 1, 2, 3 …, before it is sent or before its answer
 * comes back. Whoever reconnects and goes on ends with one job, one result, every object
 * delivered: nothing lost, nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "db/query.h"
#include "fixture.h"

struct breaker {
    int at;    /* number of the statement, from 1 */
    int count; /* so far */
    enum db_fault fault;
};

static enum db_fault break_at(void *context, const char *sql)
{
    struct breaker *breaker = context;
    (void)sql;
    return ++breaker->count == breaker->at ? breaker->fault : DB_FAULT_NONE;
}

/* Leases end at once, so that what a lost answer left behind can be had again. */
static const struct queue_policy brief = {.attempts_max = 10, .lease_us = 1};

static int index_both(struct db *db)
{
    struct object objects[2];
    struct index_object batch[2];
    struct index_answer answers[2];
    for (int i = 0; i < 2; i++) {
        object_make(&objects[i], 1, i + 1);
        batch[i] = objects[i].o;
    }
    return index_add(db, batch, 2, answers, NULL);
}

static int complete_all(struct db *db)
{
    struct queue_completion completion = {.quiet_us = 1};
    int jobs, studies;
    int status = db_now(db, &completion.as_of_us, NULL);
    return status < 0 ? status : queue_complete(db, &completion, &jobs, &studies, NULL);
}

static int work_all(struct db *db)
{
    struct queue_job job;
    int status;
    while ((status = queue_claim(db, "w", &brief, &job, NULL)) == 0) {
        struct result result;
        enum queue_committed committed;
        assert_int_equal(job.instance_count, 2);
        assert_int_equal(job.generation, 1);
        result_make(&result, "1");
        status = queue_renew(db, job.id, job.token, 1, NULL);
        if (status == 0)
            status = queue_commit(db, job.id, job.token, &result.r, &committed, NULL);
        queue_job_release(&job);
        if (status < 0)
            return status;
    }
    return status == STATUS_NOT_FOUND ? 0 : status;
}

static int send_all(struct db *db)
{
    struct outbox_item items[4];
    size_t count;
    do {
        int status = outbox_claim(db, "PACS", 1, items, 4, &count, NULL);
        for (size_t i = 0; i < count && status == 0; i++)
            status = outbox_delivered(db, &items[i], &taken, NULL);
        if (status < 0)
            return status;
    } while (count > 0);
    return 0;
}

/* One life of a process: everything from the start, until a statement fails. */
static int live(const struct fixture *f, struct breaker *breaker)
{
    struct db_options options = {.fault = break_at, .fault_context = breaker};
    struct db *db;
    fixture_alone(f);
    int status = db_open(f->conninfo, "axnode test", &options, &db, NULL);
    if (status < 0)
        return status;
    status = index_both(db);
    if (status == 0)
        status = complete_all(db);
    if (status == 0)
        status = work_all(db);
    if (status == 0)
        status = send_all(db);
    db_close(db);
    return status;
}

static void assert_whole(struct db *db)
{
    char text[64];
    assert_string_equal(study_state(db, 1), "done");
    assert_int_equal(sql_int(db, "SELECT count(*) FROM instance"), 2);
    assert_int_equal(sql_int(db, "SELECT count(*) FROM job"), 1);
    assert_int_equal(sql_int(db, "SELECT count(*) FROM result"), 1);
    assert_int_equal(sql_int(db, "SELECT count(*) FROM feature"), 1);
    assert_int_equal(sql_int(db, "SELECT count(*) FROM feature_set"), 1);
    assert_int_equal(sql_int(db, "SELECT count(*) FROM outgoing"), 2);
    assert_string_equal(sql_text(db, "SELECT string_agg(state, ',') FROM outbox", text,
                                 sizeof text), "delivered,delivered");
}

static void every_statement_fails_once(void **state)
{
    struct fixture *f = *state;
    static const enum db_fault faults[] = {DB_FAULT_BEFORE, DB_FAULT_AFTER};
    for (int i = 0; i < 2; i++) {
        int at = 0;
        bool broke;
        do {
            struct breaker breaker = {.at = ++at, .fault = faults[i]};
            sql_run(f->db, "DELETE FROM study; DELETE FROM patient");
            int status = live(f, &breaker);
            broke = breaker.count >= breaker.at;
            assert_int_equal(status, broke ? STATUS_UNAVAILABLE : 0);
            breaker = (struct breaker){0};
            assert_int_equal(live(f, &breaker), 0);
            assert_whole(f->db);
        } while (broke);
        print_message("%d statements failed in turn\n", at - 1);
        assert_true(at > 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_statement_fails_once, fixture_setup,
                                        fixture_teardown),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
