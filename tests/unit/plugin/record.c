#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/record.h"

/* As it is after Orthanc was killed and started again. */
static void through_text(struct record *r)
{
    struct error err = {0};
    char *text = record_print(r);
    assert_non_null(text);
    struct record read;
    assert_int_equal(record_parse(text, &read, &err), 0);
    free(text);
    assert_memory_equal(&read, r, sizeof read);
}

static void object_add(struct record_report *report, const char *kind, const char *uid)
{
    struct record_object *object = &report->objects[report->object_count++];
    snprintf(object->kind, sizeof object->kind, "%s", kind);
    snprintf(object->sop_instance_uid, sizeof object->sop_instance_uid, "%s", uid);
}

static void test_a_set_is_reported_once(void **state)
{
    (void)state;
    struct record r = {0};
    assert_int_equal(record_step(&r, "A", false, 100), RECORD_BEGIN);
    assert_int_equal(r.next.generation, 1);
    assert_int_equal(r.state, RECORD_RUNNING);
    through_text(&r);
    object_add(&r.next, "sr", "1.2");
    r.next.took_us = 1234567;
    record_succeed(&r);
    through_text(&r);
    assert_int_equal(r.state, RECORD_DONE);
    assert_int_equal(record_step(&r, "A", false, 200), RECORD_NOTHING);
    assert_int_equal(r.last.created_us, 100);
}

static void test_another_set_is_the_next_generation(void **state)
{
    (void)state;
    struct record r = {0};
    record_step(&r, "A", false, 100);
    record_succeed(&r);
    assert_int_equal(record_step(&r, "B", false, 200), RECORD_BEGIN);
    assert_int_equal(r.next.generation, 2);
    assert_int_equal(r.last.generation, 1);
    /* And back, before it was reported on. */
    assert_int_equal(record_step(&r, "A", false, 300), RECORD_NOTHING);
    assert_int_equal(r.next.generation, 0);
    assert_int_equal(r.state, RECORD_DONE);
}

/* Killed while it ran: the same objects are to come of it. */
static void test_resumed_with_the_same_date(void **state)
{
    (void)state;
    struct record r = {0};
    record_step(&r, "A", false, 100);
    through_text(&r);
    assert_int_equal(record_step(&r, "A", false, 900), RECORD_RESUME);
    assert_int_equal(r.next.created_us, 100);
    assert_int_equal(r.next.generation, 1);
}

/* Killed while it stored. */
static void test_stored_but_not_noted(void **state)
{
    (void)state;
    struct record r = {0};
    record_step(&r, "A", false, 100);
    object_add(&r.next, "sr", "1.2");
    r.state = RECORD_STORING;
    struct record partly = r, changed = r;
    assert_int_equal(record_step(&r, "A", true, 900), RECORD_NOTHING);
    assert_int_equal(r.state, RECORD_DONE);
    assert_int_equal(r.last.generation, 1);
    assert_int_equal(record_step(&partly, "A", false, 900), RECORD_RESUME);
    assert_int_equal(partly.next.created_us, 100);
    /* The images changed meanwhile: what is stored is the predecessor. */
    assert_int_equal(record_step(&changed, "B", true, 900), RECORD_BEGIN);
    assert_int_equal(changed.next.generation, 2);
    assert_string_equal(changed.last.objects[0].sop_instance_uid, "1.2");
}

static void test_failed_until_something_changes(void **state)
{
    (void)state;
    struct record r = {0};
    record_step(&r, "A", false, 100);
    record_fail(&r, "damaged");
    through_text(&r);
    assert_int_equal(record_step(&r, "A", false, 200), RECORD_NOTHING);
    assert_int_equal(r.state, RECORD_FAILED);
    assert_string_equal(r.reason, "damaged");
    assert_int_equal(record_step(&r, "B", false, 300), RECORD_BEGIN);
    assert_int_equal(r.next.generation, 1);
}

static void test_again_because_a_person_wants_it(void **state)
{
    (void)state;
    struct record r = {0};
    record_step(&r, "A", false, 100);
    record_succeed(&r);
    r.again = true;
    through_text(&r);
    assert_int_equal(record_step(&r, "A", false, 200), RECORD_BEGIN);
    assert_int_equal(r.next.generation, 2);
    record_succeed(&r);
    assert_int_equal(record_step(&r, "A", false, 300), RECORD_NOTHING);
}

static void test_foreign_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"state\": 3}",
                                        "{\"state\": \"other\"}", "null"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct record r;
        struct error err = {0};
        assert_int_equal(record_parse(texts[i], &r, &err), STATUS_INVALID);
    }
    struct record r;
    assert_int_equal(record_parse("{\"state\": \"done\", \"attempts\": -5, \"last\": {\"generation\": "
                                  "1e300, \"objects\": 7, \"set\": []}}", &r, NULL), 0);
    assert_int_equal(r.attempts, 0);
    assert_int_equal(r.last.generation, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_is_reported_once),
        cmocka_unit_test(test_another_set_is_the_next_generation),
        cmocka_unit_test(test_resumed_with_the_same_date),
        cmocka_unit_test(test_stored_but_not_noted),
        cmocka_unit_test(test_failed_until_something_changes),
        cmocka_unit_test(test_again_because_a_person_wants_it),
        cmocka_unit_test(test_foreign_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
