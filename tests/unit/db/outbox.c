#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fixture.h"

static const int64_t SECOND = 1000000;

/* A study whose two objects wait for "PACS". */
static void study_deliver(struct db *db)
{
    struct result result;
    enum queue_committed committed;
    study_receive(db, 1, 1, 5 * SECOND);
    assert_int_equal(complete(db), 1);
    struct queue_job job = claim(db);
    result_make(&result, "1");
    assert_int_equal(queue_commit(db, job.id, job.token, &result.r, &committed, NULL), 0);
    queue_job_release(&job);
}

static size_t take(struct db *db, int64_t lease_us, struct outbox_item *items)
{
    size_t count;
    assert_int_equal(outbox_claim(db, "PACS", lease_us, items, 2, &count, NULL), 0);
    return count;
}

static void the_last_delivery_ends_the_study(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    size_t count;
    int64_t due;
    assert_int_equal(outbox_next_due(f->db, &due, NULL), 0);
    assert_int_equal(due, -1);
    study_deliver(f->db);
    assert_int_equal(outbox_next_due(f->db, &due, NULL), 0);
    assert_int_equal(due, 0);
    assert_int_equal(outbox_claim(f->db, "ELSEWHERE", SECOND, items, 4, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(take(f->db, 60 * SECOND, items), 2);
    assert_string_equal(items[0].object.kind, "sr");
    assert_string_equal(items[0].object.sop_instance_uid, "2.25.1.0");
    assert_string_equal(items[0].object.sha256, "bytes of 1.0");
    assert_string_equal(items[0].destination, "PACS");
    assert_int_equal(items[0].object.size, 1000);
    assert_int_equal(items[0].attempt, 1);
    assert_int_equal(take(f->db, SECOND, items + 2), 0);
    assert_int_equal(outbox_next_due(f->db, &due, NULL), 0);
    assert_true(due > 50 * SECOND && due <= 60 * SECOND);
    assert_int_equal(outbox_delivered(f->db, &items[0], 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(outbox_delivered(f->db, &items[0], 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(outbox_delivered(f->db, &items[1], 0xB000, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(outbox_next_due(f->db, &due, NULL), 0);
    assert_int_equal(due, -1);
}

static void deferred_waits_and_counts(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    struct outbox_failure refused = {"connection refused", -1, false};
    char text[64];
    study_deliver(f->db);
    assert_int_equal(take(f->db, 60 * SECOND, items), 2);
    assert_int_equal(outbox_deferred(f->db, &items[0], &refused, 30 * SECOND, NULL), 0);
    assert_int_equal(outbox_deferred(f->db, &items[0], &refused, 0, NULL), STATUS_CONFLICT);
    assert_int_equal(take(f->db, 60 * SECOND, items + 2), 0);
    sql_run(f->db, "UPDATE outbox SET next_attempt_at = 'epoch' WHERE state = 'pending'");
    assert_int_equal(take(f->db, 60 * SECOND, items + 2), 1);
    assert_int_equal(items[2].id, items[0].id);
    assert_int_equal(items[2].attempt, 2);
    assert_string_equal(sql_text(f->db, "SELECT last_error FROM outbox WHERE attempts = 2", text,
                                 sizeof text), "connection refused");
    /* Given back at shutdown: not counted, due at once. */
    assert_int_equal(outbox_released(f->db, &items[2], NULL), 0);
    assert_int_equal(outbox_released(f->db, &items[2], NULL), STATUS_CONFLICT);
    assert_int_equal(take(f->db, 60 * SECOND, items + 2), 1);
    assert_int_equal(items[2].attempt, 2);
}

static void an_expired_claim_is_fenced(void **state)
{
    struct fixture *f = *state;
    struct outbox_item old[4], new[4];
    struct outbox_failure failure = {"timeout", -1, true};
    study_deliver(f->db);
    assert_int_equal(take(f->db, 1, old), 2);
    assert_int_equal(take(f->db, 60 * SECOND, new), 2);
    assert_int_equal(new[0].attempt, 2);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox WHERE possibly_sent"), 2);
    assert_int_equal(outbox_deferred(f->db, &old[0], &failure, 0, NULL), STATUS_CONFLICT);
    assert_int_equal(outbox_failed(f->db, &old[0], &failure, NULL), STATUS_CONFLICT);
    /* But a delivery is a fact. */
    assert_int_equal(outbox_delivered(f->db, &old[0], 0, NULL), 0);
    assert_int_equal(outbox_deferred(f->db, &new[0], &failure, 0, NULL), STATUS_CONFLICT);
    assert_int_equal(outbox_delivered(f->db, &new[1], 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
}

static void a_refused_object_fails_the_study_until_retry(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    struct outbox_failure refused = {"0xA900 does not match SOP class", 0xA900, false};
    char text[200];
    study_deliver(f->db);
    assert_int_equal(take(f->db, 60 * SECOND, items), 2);
    assert_int_equal(outbox_failed(f->db, &items[1], &refused, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study", text, sizeof text),
                        "delivery of seg to PACS failed: 0xA900 does not match SOP class");
    assert_int_equal(outbox_delivered(f->db, &items[0], 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(take(f->db, SECOND, items), 0);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(take(f->db, SECOND, items), 1);
    assert_string_equal(items[0].object.kind, "seg");
    assert_int_equal(items[0].attempt, 1);
    assert_int_equal(outbox_delivered(f->db, &items[0], 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
}

/* A person need not wait for the next attempt; what is being sent goes on. */
static void retry_makes_a_deferred_object_due(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    struct outbox_failure refused = {"connection refused", -1, false};
    study_deliver(f->db);
    assert_int_equal(take(f->db, 60 * SECOND, items), 2);
    assert_int_equal(outbox_deferred(f->db, &items[0], &refused, 3600 * SECOND, NULL), 0);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    assert_int_equal(take(f->db, 60 * SECOND, items + 2), 1);
    assert_int_equal(items[2].id, items[0].id);
    assert_int_equal(outbox_delivered(f->db, &items[1], 0, NULL), 0);
    assert_int_equal(outbox_delivered(f->db, &items[2], 0, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(the_last_delivery_ends_the_study),
        TEST(deferred_waits_and_counts),
        TEST(an_expired_claim_is_fenced),
        TEST(a_refused_object_fails_the_study_until_retry),
        TEST(retry_makes_a_deferred_object_due),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
