/* Peers' requests for storage commitment: what is compared, what retention leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "db/pledge.h"
#include "db/retention.h"
#include "fixture.h"

static const int64_t SECOND = 1000000;
static const char US_CLASS[] = "1.2.840.10008.5.1.4.1.1.6.1";

/* Two objects of a study that has ended, with nothing to report on. */
static void study_ended(struct db *db, int study)
{
    study_receive(db, study, 2, 5 * SECOND);
    sql_run(db, "UPDATE study SET state = 'not_applicable'");
}

/* Studies that retention would end now. */
static int ending(struct db *db)
{
    const struct retention_policy at_once = {.not_applicable_us = 1};
    int marked;
    assert_int_equal(retention_mark_due(db, &at_once, 10, &marked, NULL), 0);
    return marked;
}

static enum pledge_found look(struct db *db, const char *class, const char *uid, int64_t keep_us)
{
    struct pledge_object object = {.sop_class_uid = class, .sop_instance_uid = uid};
    assert_int_equal(pledge_keep(db, &object, 1, keep_us, NULL), 0);
    if (object.found == PLEDGE_INDEXED)
        assert_int_equal(strlen(object.key), 64);
    return object.found;
}

static void objects_are_compared(void **state)
{
    struct fixture *f = *state;
    struct pledge_object objects[] = {{.sop_class_uid = US_CLASS, .sop_instance_uid = "1.2.1.2"},
                                      {.sop_class_uid = "1.2.3", .sop_instance_uid = "1.2.1.1"},
                                      {.sop_class_uid = US_CLASS, .sop_instance_uid = "1.2.1.3"},
                                      {.sop_class_uid = US_CLASS, .sop_instance_uid = "1.2.2.1"}};
    struct object first, last;
    study_ended(f->db, 1);
    study_ended(f->db, 2);
    object_make(&first, 1, 2);
    object_make(&last, 2, 1);
    assert_int_equal(pledge_keep(f->db, objects, 4, SECOND, NULL), 0);
    assert_int_equal(objects[0].found, PLEDGE_INDEXED);
    assert_string_equal(objects[0].key, first.key);
    assert_int_equal(objects[1].found, PLEDGE_OTHER_CLASS);
    assert_int_equal(objects[2].found, PLEDGE_UNKNOWN);
    assert_int_equal(objects[3].found, PLEDGE_INDEXED);
    assert_string_equal(objects[3].key, last.key);
}

static void files_are_kept_as_long_as_was_said(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    study_ended(f->db, 1);
    study_ended(f->db, 2);
    assert_int_equal(look(f->db, US_CLASS, "1.2.1.1", 3600 * SECOND), PLEDGE_INDEXED);
    assert_int_equal(ending(f->db), 1); /* the other one */
    assert_int_equal(look(f->db, US_CLASS, "1.2.2.1", 3600 * SECOND), PLEDGE_UNKNOWN);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM study WHERE kept_until IS NOT NULL"), 1);
    /* Said for shorter afterwards: the longer time counts. A person cannot end it either. */
    assert_int_equal(look(f->db, US_CLASS, "1.2.1.2", 1), PLEDGE_INDEXED);
    assert_int_equal(ending(f->db), 0);
    assert_int_equal(retention_mark_study(f->db, "1.2.1", "test", &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.message, "we keep it until 20"));
    sql_run(f->db, "UPDATE study SET kept_until = clock_timestamp()");
    assert_int_equal(ending(f->db), 1);
}

/* Ask for objects first … last of study 1; studies that are whole now. */
static int ask(struct db *db, int first, int last)
{
    struct pledge_object objects[8] = {0};
    char uids[8][16];
    int studies = -1;
    for (int i = first; i <= last; i++) {
        snprintf(uids[i], sizeof uids[i], "1.2.1.%d", i);
        objects[i].sop_class_uid = US_CLASS;
        objects[i].sop_instance_uid = uids[i];
    }
    assert_int_equal(pledge_whole(db, objects + first, (size_t)(last - first + 1), &studies, NULL),
                     0);
    return studies;
}

/* Jobs made with a quiet period of an hour. `open`: of study 1, or NULL. */
static int jobs_made(struct db *db, const char (*open)[DIGEST_TEXT_SIZE])
{
    struct queue_completion completion = {
        .quiet_us = 3600 * SECOND, .open_digests = open, .open_count = open != NULL};
    int jobs, studies;
    assert_int_equal(db_now(db, &completion.as_of_us, NULL), 0);
    assert_int_equal(queue_complete(db, &completion, &jobs, &studies, NULL), 0);
    return jobs;
}

static void a_request_for_all_ends_the_quiet_period(void **state)
{
    struct fixture *f = *state;
    struct object object;
    char digest[1][DIGEST_TEXT_SIZE];
    study_receive(f->db, 1, 3, 0);
    study_receive(f->db, 2, 1, 0);
    assert_int_equal(ask(f->db, 1, 2), 0); /* not all of it */
    assert_int_equal(jobs_made(f->db, NULL), 0);
    assert_int_equal(ask(f->db, 1, 3), 1);
    sql_text(f->db, "SELECT uid_digest FROM study WHERE study_uid = '1.2.1'", digest[0],
             sizeof digest[0]);
    assert_int_equal(jobs_made(f->db, digest), 0); /* somebody still sends */
    object_make(&object, 1, 4);
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_int_equal(jobs_made(f->db, NULL), 0); /* it was not all */
    assert_int_equal(ask(f->db, 1, 3), 0);
    assert_int_equal(ask(f->db, 1, 5), 1); /* more than came, says the caller's own check */
    assert_int_equal(jobs_made(f->db, NULL), 1);
    assert_string_equal(study_state(f->db, 1), "queued");
    assert_string_equal(study_state(f->db, 2), "receiving");
    assert_int_equal(ask(f->db, 1, 4), 0); /* nothing to complete */
    /* What arrives later opens the study, and is waited for as ever. */
    object_make(&object, 1, 5);
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_string_equal(study_state(f->db, 1), "receiving");
    assert_int_equal(jobs_made(f->db, NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM event WHERE kind = 'whole'"), 2);
}

static bool due(struct db *db, const char *key)
{
    const char *const keys[] = {"ff", key};
    bool is[2];
    assert_int_equal(pledge_due(db, keys, 2, is, NULL), 0);
    assert_true(is[0]); /* nobody knows it yet */
    return is[1];
}

static int attempts(struct db *db, const char *key)
{
    struct pledge pledge;
    assert_int_equal(pledge_begin(db, key, "modality", &pledge, NULL), 0);
    assert_true(pledge.age_us >= 0 && pledge.age_us < 3600 * SECOND);
    return pledge.attempts;
}

static void a_request_waits_and_ends(void **state)
{
    struct fixture *f = *state;
    char text[80];
    assert_true(due(f->db, "aa"));
    assert_int_equal(attempts(f->db, "aa"), 0);
    assert_true(due(f->db, "aa"));
    assert_int_equal(pledge_deferred(f->db, "aa", 3600 * SECOND, NULL, NULL), 0);
    assert_false(due(f->db, "aa"));
    assert_int_equal(attempts(f->db, "aa"), 0); /* it waited for the index alone */
    assert_int_equal(pledge_deferred(f->db, "aa", 0, "nobody there", NULL), 0);
    assert_true(due(f->db, "aa"));
    assert_int_equal(attempts(f->db, "aa"), 1);
    assert_string_equal(sql_text(f->db, "SELECT reason FROM pledge", text, sizeof text),
                        "nobody there");
    assert_int_equal(pledge_answered(f->db, "aa", 3, 1, NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM pledge WHERE state = 'answered' AND"
                                    " committed = 3 AND refused = 1 AND reason = ''"), 1);
    /* The same once more begins anew. */
    assert_true(due(f->db, "aa"));
    assert_int_equal(attempts(f->db, "aa"), 0);
    assert_int_equal(pledge_failed(f->db, "aa", "never", NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM pledge WHERE state = 'failed'"), 1);
}

int main(void)
{
    if (fixture_skip())
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_are_compared, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(files_are_kept_as_long_as_was_said, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_request_for_all_ends_the_quiet_period, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_request_waits_and_ends, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
