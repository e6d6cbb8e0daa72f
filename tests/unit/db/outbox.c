#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/destination.h"
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

static bool due(struct db *db)
{
    bool is_due;
    assert_int_equal(destination_due(db, "ELSEWHERE", &is_due, NULL), 0);
    assert_false(is_due);
    assert_int_equal(destination_due(db, "PACS", &is_due, NULL), 0);
    return is_due;
}

static void the_last_delivery_ends_the_study(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    size_t count;
    assert_false(due(f->db));
    study_deliver(f->db);
    assert_true(due(f->db));
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
    assert_false(due(f->db));
    assert_int_equal(outbox_delivered(f->db, &items[0], &taken, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(outbox_delivered(f->db, &items[0], &taken, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(outbox_delivered(f->db, &items[1], &(struct outbox_receipt){.status_word = 0xB000}, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_false(due(f->db));
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
    assert_int_equal(outbox_delivered(f->db, &old[0], &taken, NULL), 0);
    assert_int_equal(outbox_deferred(f->db, &new[0], &failure, 0, NULL), STATUS_CONFLICT);
    assert_int_equal(outbox_delivered(f->db, &new[1], &taken, NULL), 0);
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
    assert_int_equal(outbox_delivered(f->db, &items[0], &taken, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(take(f->db, SECOND, items), 0);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    assert_string_equal(study_state(f->db, 1), "delivering");
    assert_int_equal(take(f->db, SECOND, items), 1);
    assert_string_equal(items[0].object.kind, "seg");
    assert_int_equal(items[0].attempt, 1);
    assert_int_equal(outbox_delivered(f->db, &items[0], &taken, NULL), 0);
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
    assert_int_equal(outbox_delivered(f->db, &items[1], &taken, NULL), 0);
    assert_int_equal(outbox_delivered(f->db, &items[2], &taken, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "done");
}

static void a_paused_destination_waits(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    cJSON *list;
    bool changed, paused;
    int64_t wait_us;
    study_deliver(f->db);
    assert_int_equal(destination_turn(f->db, "PACS", 0, &wait_us, &paused, NULL), 0);
    assert_false(paused);
    assert_int_equal(destination_pause(f->db, "PACS", "root", &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(destination_pause(f->db, "PACS", "other", &changed, NULL), 0);
    assert_false(changed);
    assert_false(due(f->db));
    assert_int_equal(take(f->db, SECOND, items), 0);
    assert_int_equal(destination_turn(f->db, "PACS", 0, &wait_us, &paused, NULL), 0);
    assert_true(paused);
    assert_int_equal(destination_list(f->db, &list, NULL), 0);
    const cJSON *pacs = cJSON_GetArrayItem(list, 0);
    assert_string_equal(cJSON_GetObjectItem(pacs, "paused_by")->valuestring, "root");
    assert_int_equal(cJSON_GetObjectItem(pacs, "pending")->valueint, 2);
    cJSON_Delete(list);
    assert_int_equal(destination_resume(f->db, "PACS", &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(destination_resume(f->db, "PACS", &changed, NULL), 0);
    assert_false(changed);
    assert_true(due(f->db));
    assert_int_equal(take(f->db, SECOND, items), 2);
}

static void a_limited_rate_spaces_the_turns(void **state)
{
    struct fixture *f = *state;
    bool paused;
    int64_t wait_us;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(destination_turn(f->db, "PACS", 60 * SECOND, &wait_us, &paused, NULL), 0);
        assert_false(paused);
        assert_true(wait_us <= i * 60 * SECOND && wait_us > (i * 60 - 30) * SECOND);
        assert_int_equal(destination_turn(f->db, "OTHER", 0, &wait_us, &paused, NULL), 0);
        assert_int_equal(wait_us, 0);
    }
}

static void deliver_all(struct db *db, size_t count)
{
    struct outbox_item items[4];
    assert_int_equal(take(db, 60 * SECOND, items), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(outbox_delivered(db, &items[i], &taken, NULL), 0);
}

static int resend(struct db *db, struct outbox_choice choice)
{
    int count = 0;
    int status = outbox_resend(db, &choice, &count, NULL);
    return status < 0 ? status : count;
}

static void what_was_delivered_is_sent_again(void **state)
{
    struct fixture *f = *state;
    bool changed;
    assert_int_equal(resend(f->db, (struct outbox_choice){.study_instance_uid = "1.2.1"}),
                     STATUS_NOT_FOUND);
    study_deliver(f->db);
    deliver_all(f->db, 2);
    assert_int_equal(resend(f->db, (struct outbox_choice){.sop_instance_uid = "2.25.1.1"}), 1);
    assert_string_equal(study_state(f->db, 1), "delivering");
    /* That it may be there already must not be forgotten. */
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox WHERE possibly_sent"), 1);
    deliver_all(f->db, 1);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(resend(f->db, (struct outbox_choice){.study_instance_uid = "1.2.1"}), 2);
    deliver_all(f->db, 2);
    assert_int_equal(resend(f->db, (struct outbox_choice){.since = "yesterday"}), 2);
    assert_int_equal(resend(f->db, (struct outbox_choice){.since = "tomorrow"}), STATUS_NOT_FOUND);
    assert_int_equal(resend(f->db, (struct outbox_choice){.since = "31.31.2026"}), STATUS_INVALID);
    deliver_all(f->db, 2);
    assert_int_equal(resend(f->db, (struct outbox_choice){.since = "yesterday",
                                                          .destination = "PACS"}), 2);
    assert_int_equal(destination_pause(f->db, "PACS", "root", &changed, NULL), 0);
    /* A destination that never had it gets what it may have. */
    assert_int_equal(resend(f->db, (struct outbox_choice){.study_instance_uid = "1.2.1",
                                                          .destination = "ARCHIVE",
                                                          .kinds = "sr,sc"}), 1);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox WHERE destination = 'ARCHIVE'"
                                    " AND state = 'pending'"), 1);
}

/* Sending one object again does not hide that another one failed. */
static void a_failed_delivery_stays_in_sight(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    struct outbox_failure refused = {"0xA900 does not match SOP class", 0xA900, false};
    study_deliver(f->db);
    assert_int_equal(take(f->db, 60 * SECOND, items), 2);
    assert_int_equal(outbox_delivered(f->db, &items[0], &taken, NULL), 0);
    assert_int_equal(outbox_failed(f->db, &items[1], &refused, NULL), 0);
    assert_int_equal(resend(f->db, (struct outbox_choice){.sop_instance_uid = "2.25.1.0"}), 1);
    assert_string_equal(study_state(f->db, 1), "failed");
    deliver_all(f->db, 1);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(resend(f->db, (struct outbox_choice){.sop_instance_uid = "2.25.1.1"}), 1);
    assert_string_equal(study_state(f->db, 1), "delivering");
    deliver_all(f->db, 1);
    assert_string_equal(study_state(f->db, 1), "done");
}

static void what_has_no_file_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    study_deliver(f->db);
    deliver_all(f->db, 2);
    sql_run(f->db, "UPDATE outgoing SET removing_at = clock_timestamp() WHERE kind = 'sr'");
    assert_int_equal(resend(f->db, (struct outbox_choice){.sop_instance_uid = "2.25.1.0"}),
                     STATUS_CONFLICT);
    assert_int_equal(resend(f->db, (struct outbox_choice){.study_instance_uid = "1.2.1"}), 1);
}

/* An object at which the peer hangs up each time is not the first to be tried again. */
static void what_is_due_for_longest_goes_first(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    struct outbox_failure hung_up = {"no answer", -1, true};
    study_deliver(f->db);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(take(f->db, 60 * SECOND, items), 2);
        assert_string_equal(items[0].object.kind, i == 0 ? "sr" : "seg");
        assert_int_equal(outbox_deferred(f->db, &items[0], &hung_up, 0, NULL), 0);
        assert_int_equal(outbox_released(f->db, &items[1], NULL), 0);
    }
}

static void a_warning_is_kept(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    char text[64];
    study_deliver(f->db);
    assert_int_equal(take(f->db, 60 * SECOND, items), 2);
    struct outbox_receipt receipt = {0xB000, "0xB000 Coercion of Data Elements", false};
    assert_int_equal(outbox_delivered(f->db, &items[0], &receipt, NULL), 0);
    assert_string_equal(sql_text(f->db, "SELECT warning FROM outbox WHERE status_word = 45056", text,
                                 sizeof text), receipt.warning);
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
        TEST(a_paused_destination_waits),
        TEST(a_limited_rate_spaces_the_turns),
        TEST(what_was_delivered_is_sent_again),
        TEST(a_failed_delivery_stays_in_sight),
        TEST(what_has_no_file_is_not_sent_again),
        TEST(what_is_due_for_longest_goes_first),
        TEST(a_warning_is_kept),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
