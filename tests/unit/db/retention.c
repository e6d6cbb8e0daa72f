#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "db/retention.h"
#include "fixture.h"

enum { SECOND = 1000000 };
static const struct retention_policy soon = {1, 1, 1}, never = {0, 0, 0},
                                     late = {3600LL * SECOND, 3600LL * SECOND, 3600LL * SECOND};

static void study_analyse(struct db *db, int study, const char *content)
{
    struct result result;
    enum queue_committed committed;
    study_receive(db, study, 2, 5 * SECOND);
    assert_int_equal(complete(db), 1);
    struct queue_job job = claim(db);
    result_make(&result, content);
    assert_int_equal(queue_commit(db, job.id, job.token, &result.r, &committed, NULL), 0);
    queue_job_release(&job);
}

static void send_all(struct db *db)
{
    struct outbox_item items[4];
    size_t count;
    assert_int_equal(outbox_claim(db, "PACS", 60 * SECOND, items, 4, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(outbox_delivered(db, &items[i], &taken, NULL), 0);
}

static int mark(struct db *db, const struct retention_policy *retention)
{
    int marked;
    struct error err;
    if (retention_mark_due(db, retention, 10, &marked, &err) < 0)
        fail_msg("%s", err.message);
    return marked;
}

/* What a janitor does, without files. */
static size_t remove_marked(struct db *db)
{
    struct retention_file files[16];
    size_t count;
    assert_int_equal(retention_next(db, files, 16, &count, NULL), 0);
    assert_int_equal(retention_removed(db, files, count, NULL), 0);
    return count;
}

static void delivered_files_end_after_their_time(void **state)
{
    struct fixture *f = *state;
    study_analyse(f->db, 1, "1");
    assert_int_equal(mark(f->db, &soon), 0); /* not delivered yet */
    send_all(f->db);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(mark(f->db, &never), 0);
    assert_int_equal(mark(f->db, &late), 0);
    assert_int_equal(mark(f->db, &soon), 1);
    assert_int_equal(mark(f->db, &soon), 0); /* once */
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM instance WHERE removed_at IS NULL"), 2);
    assert_int_equal(remove_marked(f->db), 4); /* two images, SR and SEG */
    assert_int_equal(remove_marked(f->db), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM instance WHERE removed_at IS NULL"), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outgoing WHERE removed_at IS NULL"), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 1);
    assert_int_equal(
        sql_int(f->db, "SELECT count(*) FROM event WHERE kind IN ('retention', 'removed')"), 3);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), STATUS_CONFLICT);
    assert_string_equal(study_state(f->db, 1), "done");
}

static void only_what_is_delivered_ends(void **state)
{
    struct fixture *f = *state;
    struct outbox_item items[4];
    size_t count;
    study_analyse(f->db, 1, "1");
    assert_int_equal(outbox_claim(f->db, "PACS", SECOND, items, 4, &count, NULL), 0);
    struct outbox_failure refused = {"refused", 0xC000, false};
    assert_int_equal(outbox_failed(f->db, &items[0], &refused, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(mark(f->db, &soon), 0);
    /* Nobody wanted an object: it is here alone. */
    struct result result;
    enum queue_committed committed;
    study_receive(f->db, 2, 1, 5 * SECOND);
    assert_int_equal(complete(f->db), 1);
    struct queue_job job = claim(f->db);
    result_make(&result, "2");
    result.r.destination_count = 0;
    assert_int_equal(queue_commit(f->db, job.id, job.token, &result.r, &committed, NULL), 0);
    queue_job_release(&job);
    assert_string_equal(study_state(f->db, 2), "done");
    assert_int_equal(mark(f->db, &soon), 0);
    /* By hand: not while an object is on its way. */
    assert_int_equal(retention_mark_study(f->db, "1.2.1", "test", NULL), STATUS_CONFLICT);
    assert_int_equal(outbox_deferred(f->db, &items[1], &refused, 0, NULL), 0);
    assert_int_equal(retention_mark_study(f->db, "1.2.1", "test", NULL), 0);
    assert_int_equal(remove_marked(f->db), 4);
    assert_int_equal(outbox_claim(f->db, "PACS", SECOND, items, 4, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(retention_mark_study(f->db, "1.2.9", "test", NULL), STATUS_NOT_FOUND);
}

/* Never a report on a part of what there was. */
static void a_late_object_fails_until_all_is_sent_again(void **state)
{
    struct fixture *f = *state;
    struct object object;
    char text[200];
    study_analyse(f->db, 1, "1");
    send_all(f->db);
    assert_int_equal(mark(f->db, &soon), 1);
    remove_marked(f->db);
    object_make(&object, 1, 3);
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_string_equal(study_state(f->db, 1), "receiving");
    assert_int_equal(complete(f->db), 0);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study", text, sizeof text),
                        "2 of the study's 3 images were removed from the store: send the whole "
                        "study again");
    for (int i = 1; i <= 2; i++) {
        object_make(&object, 1, i);
        assert_int_equal(object_index(f->db, &object), INDEX_IDENTICAL);
        assert_string_equal(study_state(f->db, 1), "receiving");
        sql_run(f->db, "UPDATE study SET last_received_at = 'epoch'");
        assert_int_equal(complete(f->db), i == 2);
    }
    assert_string_equal(study_state(f->db, 1), "queued");
    struct queue_job job = claim(f->db);
    assert_int_equal(job.generation, 2);
    assert_int_equal(job.instance_count, 3);
    assert_int_equal(job.predecessor_generation, 1);
    queue_job_release(&job);
}

static void other_bytes_of_a_removed_file_end_too(void **state)
{
    struct fixture *f = *state;
    struct object object;
    study_analyse(f->db, 1, "1");
    send_all(f->db);
    assert_int_equal(mark(f->db, &soon), 1);
    remove_marked(f->db);
    object_make(&object, 1, 1);
    object.o.dataset_sha256 = "other bytes";
    assert_int_equal(object_index(f->db, &object), INDEX_VARIANT);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(remove_marked(f->db), 1);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), STATUS_CONFLICT);
}

static void unreadable_files_have_their_own_time(void **state)
{
    struct fixture *f = *state;
    struct object object;
    int marked;
    object_make(&object, 1, 1);
    assert_int_equal(index_unreadable(f->db, object.key, "cut off", NULL), 0);
    assert_int_equal(mark(f->db, &late), 0);
    assert_int_equal(mark(f->db, &soon), 1);
    assert_int_equal(remove_marked(f->db), 1);
    assert_int_equal(index_unreadable(f->db, object.key, "cut off", NULL), 0); /* again */
    assert_int_equal(remove_marked(f->db), 0);
    assert_int_equal(retention_mark_unreadable(f->db, 0, "test", &marked, NULL), 0);
    assert_int_equal(marked, 1);
    assert_int_equal(object_index(f->db, &object), INDEX_NEW); /* readable after all */
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM unreadable"), 0);
}

static void the_store_is_compared_with_the_rows(void **state)
{
    struct fixture *f = *state;
    struct retention_file files[8];
    enum retention_known known[2];
    size_t count;
    struct object first, second, unknown;
    object_make(&first, 1, 1);
    object_make(&second, 1, 2);
    object_make(&unknown, 1, 7);
    study_analyse(f->db, 1, "1");
    assert_int_equal(retention_promised(f->db, false, "", files, 8, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_true(strcmp(files[0].key, files[1].key) < 0);
    assert_int_equal(retention_promised(f->db, false, files[0].key, files, 8, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(retention_promised(f->db, true, "", files + 1, 7, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(files[1].kind, RETENTION_OUTGOING);
    struct retention_file missing = {.kind = RETENTION_RECEIVED};
    memcpy(missing.key, first.key, sizeof first.key);
    assert_int_equal(retention_missing(f->db, &missing, NULL), 0);
    const char *keys[] = {first.key, unknown.key};
    assert_int_equal(retention_known(f->db, false, keys, 2, known, NULL), 0);
    assert_int_equal(known[0], RETENTION_GONE);
    assert_int_equal(known[1], RETENTION_UNKNOWN);
    keys[0] = second.key;
    assert_int_equal(retention_known(f->db, false, keys, 1, known, NULL), 0);
    assert_int_equal(known[0], RETENTION_KEPT);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM event WHERE kind = 'missing'"), 1);
}

static void a_forgotten_job_gets_its_time_back(void **state)
{
    struct fixture *f = *state;
    const int64_t then = 1700000000123456;
    assert_int_equal(retention_recover(f->db, "1.2.1", 1, then, NULL), 0);
    study_receive(f->db, 1, 1, 5 * SECOND);
    assert_int_equal(complete(f->db), 1);
    struct queue_job job = claim(f->db);
    assert_int_equal(job.created_us, then);
    queue_job_release(&job);
    /* Known jobs keep theirs. */
    assert_int_equal(retention_recover(f->db, "1.2.1", 1, then + 1, NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM recovered_job WHERE created_at"
                                    " = '2023-11-14 22:13:20.123456+00'"), 1);
}

static void studies_are_chosen(void **state)
{
    struct fixture *f = *state;
    struct retention_study *studies, one;
    size_t count;
    bool ours;
    study_analyse(f->db, 1, "1");
    assert_int_equal(retention_study_read(f->db, "1.2.1", &one, NULL), STATUS_CONFLICT);
    assert_int_equal(retention_mark_study(f->db, "1.2.1", "test", NULL), STATUS_CONFLICT);
    send_all(f->db);
    assert_int_equal(retention_study_read(f->db, "1.2.1", &one, NULL), 0);
    assert_int_equal(one.files, 4);
    struct retention_choice failed = {.failed = true}, old = {.older_us = 3600LL * SECOND},
                            all = {0};
    assert_int_equal(retention_choose(f->db, &failed, &studies, &count, NULL), 0);
    free(studies);
    assert_int_equal(count, 0);
    assert_int_equal(retention_choose(f->db, &old, &studies, &count, NULL), 0);
    free(studies);
    assert_int_equal(count, 0);
    assert_int_equal(retention_choose(f->db, &all, &studies, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(studies[0].study_instance_uid, "1.2.1");
    free(studies);
    struct db *other = fixture_connect(f, NULL);
    assert_int_equal(retention_lock(f->db, &ours, NULL), 0);
    assert_true(ours);
    assert_int_equal(retention_lock(other, &ours, NULL), 0);
    assert_false(ours);
    assert_int_equal(retention_unlock(f->db, NULL), 0);
    assert_int_equal(retention_lock(other, &ours, NULL), 0);
    assert_true(ours);
    db_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(delivered_files_end_after_their_time),
        TEST(only_what_is_delivered_ends),
        TEST(a_late_object_fails_until_all_is_sent_again),
        TEST(other_bytes_of_a_removed_file_end_too),
        TEST(unreadable_files_have_their_own_time),
        TEST(the_store_is_compared_with_the_rows),
        TEST(a_forgotten_job_gets_its_time_back),
        TEST(studies_are_chosen),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
