#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "db/commitment.h"
#include "db/destination.h"
#include "db/retention.h"
#include "fixture.h"

static const int64_t SECOND = 1000000;
static const struct commitment_policy twice = {.timeout_us = 60000000, .tries = 2};
static const struct outbox_receipt wanted = {.warning = "", .commitment = true};

/* A study whose two objects "PACS" has, to be asked for commitment. */
static void study_delivered(struct db *db)
{
    struct result result;
    struct outbox_item items[2];
    enum queue_committed committed;
    size_t count;
    study_receive(db, 1, 1, 5 * SECOND);
    assert_int_equal(complete(db), 1);
    struct queue_job job = claim(db);
    result_make(&result, "1");
    assert_int_equal(queue_commit(db, job.id, job.token, &result.r, &committed, NULL), 0);
    queue_job_release(&job);
    assert_int_equal(outbox_claim(db, "PACS", SECOND, items, 2, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(outbox_delivered(db, &items[i], &wanted, NULL), 0);
    assert_string_equal(study_state(db, 1), "done");
}

static size_t ask(struct db *db, const char *transaction)
{
    struct commitment_object objects[4];
    size_t count;
    assert_int_equal(commitment_ask(db, "PACS", transaction, &twice, objects, 4, &count, NULL), 0);
    if (count == 2) {
        assert_string_equal(objects[0].sop_instance_uid, "2.25.1.0");
        assert_string_equal(objects[1].sop_instance_uid, "2.25.1.1");
    }
    return count;
}

static int64_t count_of(struct db *db, const char *commitment)
{
    char sql[120];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM outbox WHERE commitment = '%s'", commitment);
    return sql_int(db, sql);
}

static int expire(struct db *db)
{
    int unconfirmed;
    assert_int_equal(commitment_expire(db, "PACS", &twice, &unconfirmed, NULL), 0);
    return unconfirmed;
}

static void over(struct db *db)
{
    sql_run(db, "UPDATE outbox SET commitment_at = 'epoch' WHERE commitment_at IS NOT NULL");
}

/* Studies that retention would end now. */
static int ending(struct db *db)
{
    const struct retention_policy at_once = {.delivered_us = 1};
    int marked;
    assert_int_equal(retention_mark_due(db, &at_once, 10, &marked, NULL), 0);
    return marked;
}

static const char *const both[] = {"2.25.1.0", "2.25.1.1"};

static void retention_waits_for_the_answer(void **state)
{
    struct fixture *f = *state;
    struct commitment_answer answer = {"1.9", both, 2, NULL, 0};
    study_delivered(f->db);
    assert_int_equal(ending(f->db), 0);
    assert_int_equal(ask(f->db, "1.9"), 2);
    assert_int_equal(ask(f->db, "1.10"), 0);
    assert_int_equal(ending(f->db), 0);
    assert_int_equal(commitment_answered(f->db, "OTHER", &answer, &twice, 0, NULL),
                     STATUS_NOT_FOUND);
    answer.transaction_uid = "1.10";
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(count_of(f->db, "asked"), 2);
    answer.transaction_uid = "1.9";
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_int_equal(count_of(f->db, "committed"), 2);
    assert_int_equal(ending(f->db), 1);
}

static void silence_ends_as_unconfirmed(void **state)
{
    struct fixture *f = *state;
    bool due;
    study_delivered(f->db);
    assert_int_equal(ask(f->db, "1.1"), 2);
    assert_int_equal(expire(f->db), 0);
    assert_int_equal(destination_due(f->db, "PACS", &due, NULL), 0);
    assert_false(due);
    over(f->db);
    assert_int_equal(destination_due(f->db, "PACS", &due, NULL), 0);
    assert_true(due);
    assert_int_equal(expire(f->db), 0);
    assert_int_equal(ask(f->db, "1.2"), 2);
    over(f->db);
    assert_int_equal(expire(f->db), 2);
    assert_int_equal(count_of(f->db, "unconfirmed"), 2);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(ending(f->db), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM event WHERE kind = 'unconfirmed'"), 2);
    /* Better late than never. */
    struct commitment_answer answer = {"1.1", both, 2, NULL, 0};
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_int_equal(count_of(f->db, "committed"), 2);
}

static void a_request_that_was_not_taken_is_made_again(void **state)
{
    struct fixture *f = *state;
    struct commitment_object objects[4];
    size_t count;
    study_delivered(f->db);
    assert_int_equal(commitment_ask(f->db, "PACS", "1.1", &twice, objects, 4, &count, NULL), 0);
    assert_int_equal(commitment_deferred(f->db, objects, count, 60 * SECOND, NULL), 0);
    assert_int_equal(ask(f->db, "1.2"), 0);
    over(f->db);
    assert_int_equal(expire(f->db), 0);
    assert_int_equal(ask(f->db, "1.2"), 2);
    assert_int_equal(commitment_deferred(f->db, objects, count, 0, NULL), 0);
    assert_int_equal(expire(f->db), 2);
}

static void a_refused_object_is_sent_again_and_fails_at_last(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    const struct commitment_refusal lost = {"2.25.1.1", 0x0112};
    struct commitment_answer answer = {"1.1", both, 1, &lost, 1};
    char text[160];
    size_t count;
    study_delivered(f->db);
    assert_int_equal(ask(f->db, "1.1"), 2);
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(count_of(f->db, "committed"), 1);
    assert_int_equal(outbox_claim(f->db, "PACS", SECOND, items, 4, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(items[0].object.sop_instance_uid, "2.25.1.1");
    assert_int_equal(outbox_delivered(f->db, &items[0], &wanted, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(ask(f->db, "1.2"), 1);
    answer.transaction_uid = "1.2";
    answer.committed_count = 0;
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study", text, sizeof text),
                        "delivery of seg to PACS failed: storage commitment refused: 0x0112 no such "
                        "object instance");
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    assert_int_equal(outbox_claim(f->db, "PACS", SECOND, items, 4, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(outbox_delivered(f->db, &items[0], &wanted, NULL), 0);
    assert_int_equal(ask(f->db, "1.3"), 1);
    answer = (struct commitment_answer){"1.3", both + 1, 1, NULL, 0};
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_int_equal(count_of(f->db, "committed"), 2);
}

/* An answer may name anything. */
static void an_answer_about_others_changes_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const others[] = {"1.2.3", "", "2.25.1.1'; DROP TABLE outbox; --"};
    const struct commitment_refusal unknown = {"9.9", -1};
    struct commitment_answer answer = {"1.1", others, 3, &unknown, 1};
    study_delivered(f->db);
    assert_int_equal(ask(f->db, "1.1"), 2);
    assert_int_equal(commitment_answered(f->db, "PACS", &answer, &twice, 0, NULL), 0);
    assert_int_equal(count_of(f->db, "asked"), 2);
    assert_string_equal(study_state(f->db, 1), "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(retention_waits_for_the_answer),
        TEST(silence_ends_as_unconfirmed),
        TEST(a_request_that_was_not_taken_is_made_again),
        TEST(a_refused_object_is_sent_again_and_fails_at_last),
        TEST(an_answer_about_others_changes_nothing),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
