#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"

/* What a second object does to a study that was left in some state by its first. */
enum left { FRESH, RECEIVING, QUEUED, DONE, FAILED, NOT_APPLICABLE };
enum second { SAME, SAME_CONTENT, OTHER_BYTES, OWN_FLAG, OWN_SENT, INPUT, OTHER, PATIENT };

static const struct row {
    enum left left;
    enum second second;
    enum index_outcome outcome;
    const char *state; /* afterwards */
    bool reopened;
} table[] = {
    {FRESH, INPUT, INDEX_NEW, "receiving", false},
    {FRESH, OTHER, INDEX_NEW, "receiving", false},
    {FRESH, OWN_FLAG, INDEX_OWN, "not_applicable", false},
    {RECEIVING, SAME, INDEX_IDENTICAL, "receiving", false},
    {RECEIVING, OTHER_BYTES, INDEX_VARIANT, "receiving", false},
    {RECEIVING, INPUT, INDEX_NEW, "receiving", false},
    {RECEIVING, PATIENT, INDEX_MIXED, "failed", false},
    {QUEUED, SAME, INDEX_IDENTICAL, "queued", false},
    {QUEUED, INPUT, INDEX_NEW, "receiving", true},
    {QUEUED, PATIENT, INDEX_MIXED, "failed", false},
    {DONE, SAME, INDEX_IDENTICAL, "done", false},
    {DONE, SAME_CONTENT, INDEX_IDENTICAL, "done", false},
    {DONE, OTHER_BYTES, INDEX_VARIANT, "done", false},
    {DONE, OWN_FLAG, INDEX_OWN, "done", false},
    {DONE, OWN_SENT, INDEX_OWN, "done", false},
    {DONE, OTHER, INDEX_NEW, "done", false},
    {DONE, INPUT, INDEX_NEW, "receiving", true},
    {DONE, PATIENT, INDEX_MIXED, "failed", false},
    {FAILED, SAME, INDEX_IDENTICAL, "failed", false},
    {FAILED, INPUT, INDEX_NEW, "receiving", true},
    {NOT_APPLICABLE, OWN_FLAG, INDEX_OWN, "not_applicable", false},
    {NOT_APPLICABLE, INPUT, INDEX_NEW, "receiving", false},
};

static void leave(struct db *db, enum left left)
{
    struct queue_job job;
    struct result result;
    enum queue_committed committed;
    struct object own;
    if (left == FRESH)
        return;
    if (left == NOT_APPLICABLE) {
        object_make(&own, 1, 1);
        own.o.own = true;
        assert_int_equal(object_index(db, &own), INDEX_OWN);
        return;
    }
    study_receive(db, 1, 1, 5000000);
    if (left == RECEIVING)
        return;
    assert_int_equal(complete(db), 1);
    if (left == QUEUED)
        return;
    job = claim(db);
    if (left == FAILED) {
        assert_int_equal(queue_fail(db, job.id, job.token, "no pixels", true, &policy, NULL), 0);
    } else {
        result_make(&result, "1");
        result.r.destination_count = 0;
        assert_int_equal(queue_commit(db, job.id, job.token, &result.r, &committed, NULL), 0);
    }
    queue_job_release(&job);
}

static void second_make(struct object *ret_object, enum second second)
{
    bool first = second == SAME || second == SAME_CONTENT || second == OTHER_BYTES;
    object_make(ret_object, 1, first ? 1 : 2);
    struct index_object *o = &ret_object->o;
    switch (second) {
    case SAME:
    case INPUT:
        break;
    case SAME_CONTENT:
    case OTHER_BYTES:
        o->content_sha256 = second == SAME_CONTENT ? "canonical" : "";
        o->dataset_sha256 = "other";
        snprintf(ret_object->key + 64, sizeof ret_object->key - 64, "-0123456789abcdef");
        break;
    case OWN_FLAG:
        o->own = true;
        break;
    case OWN_SENT:
        o->sop_instance_uid = "2.25.1.0";
        break;
    case OTHER:
        o->kind = INDEX_KIND_OTHER;
        break;
    case PATIENT:
        o->patient_id = "P2";
        break;
    }
}

static void the_second_object(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct row *row = &table[i];
        void *made;
        fixture_setup(&made);
        struct fixture *f = made;
        struct object second;
        struct index_answer answer = {.outcome = INDEX_REFUSED};
        print_message("row %zu\n", i);
        leave(f->db, row->left);
        if (row->second == SAME_CONTENT)
            sql_run(f->db, "UPDATE instance SET content_sha256 = 'canonical'");
        second_make(&second, row->second);
        assert_int_equal(index_add(f->db, &second.o, 1, &answer, NULL), 0);
        assert_int_equal(answer.outcome, row->outcome);
        assert_int_equal(answer.reopened, row->reopened);
        assert_string_equal(study_state(f->db, 1), row->state);
        /* Whatever it was, its file has a row. */
        struct index_answer again;
        int64_t rows = sql_int(f->db, "SELECT count(*) FROM instance");
        assert_int_equal(rows, (row->left != FRESH) + (row->second != SAME));
        /* After a crash before the file moved it comes again: nothing changes. */
        assert_int_equal(index_add(f->db, &second.o, 1, &again, NULL), 0);
        assert_int_equal(again.outcome, INDEX_IDENTICAL);
        assert_false(again.reopened);
        assert_string_equal(study_state(f->db, 1), row->state);
        assert_int_equal(sql_int(f->db, "SELECT count(*) FROM instance"), rows);
        fixture_teardown(&made);
    }
}

static void variants_are_recorded_beside_the_first(void **state)
{
    struct fixture *f = *state;
    struct object variant;
    char text[96];
    study_receive(f->db, 1, 1, 0);
    second_make(&variant, OTHER_BYTES);
    assert_int_equal(object_index(f->db, &variant), INDEX_VARIANT);
    assert_string_equal(sql_text(f->db, "SELECT string_agg(role, ',' ORDER BY id) FROM instance",
                                 text, sizeof text), "input,variant");
    assert_string_equal(sql_text(f->db, "SELECT kind FROM event", text, sizeof text), "variant");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM event WHERE text LIKE '%1.2.1%'"
                             " OR text LIKE '%Doe%'"), 0);
}

static void empty_patient_fields_contradict_nothing(void **state)
{
    struct fixture *f = *state;
    struct object object;
    study_receive(f->db, 1, 1, 0);
    object_make(&object, 1, 2);
    object.o.patient_birth_date = "";
    object.o.patient_id_issuer = "HOSPITAL";
    object.o.patient_name = "DOE^JANE^^^";
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    object_make(&object, 1, 3);
    object.o.patient_id = "";
    object.o.patient_name = "Roe^Richard";
    assert_int_equal(object_index(f->db, &object), INDEX_MIXED);
    assert_string_equal(study_state(f->db, 1), "failed");
    /* Held: further objects are kept, but only a person lets it go on. */
    object_make(&object, 1, 4);
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    assert_string_equal(study_state(f->db, 1), "receiving");
}

static void one_refused_value_keeps_no_other_out(void **state)
{
    struct fixture *f = *state;
    struct object objects[3];
    struct index_object batch[3];
    struct index_answer answers[3];
    char text[200];
    for (int i = 0; i < 3; i++) {
        object_make(&objects[i], 1, i + 1);
        batch[i] = objects[i].o;
    }
    batch[1].patient_name = "\xff\xfe";
    assert_int_equal(index_add(f->db, batch, 3, answers, NULL), 0);
    assert_int_equal(answers[0].outcome, INDEX_NEW);
    assert_int_equal(answers[1].outcome, INDEX_REFUSED);
    assert_int_equal(answers[2].outcome, INDEX_NEW);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM instance"), 2);
    assert_string_equal(sql_text(f->db, "SELECT reason FROM unreadable", text, sizeof text),
                        answers[1].reason);
    assert_int_equal(index_unreadable(f->db, objects[1].key, "cut off", NULL), 0);
    assert_int_equal(index_unreadable(f->db, "another", "cut off", NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM unreadable"), 2);
}

static void a_clock_ahead_keeps_no_study_waiting(void **state)
{
    struct fixture *f = *state;
    study_receive(f->db, 1, 1, -86400000000);
    assert_int_equal(sql_int(f->db, "SELECT (last_received_at <= clock_timestamp())::int"
                             " FROM study"), 1);
    assert_int_equal(sql_int(f->db, "SELECT (received_at > clock_timestamp())::int FROM instance"),
                     1);
}

static void studies_of_other_objects_end_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct object object;
    char text[96];
    object_make(&object, 1, 1);
    object.o.kind = INDEX_KIND_OTHER;
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_int_equal(complete(f->db), 0);
    assert_string_equal(study_state(f->db, 1), "not_applicable");
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study", text, sizeof text),
                        "the study holds no ultrasound images");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        cmocka_unit_test(the_second_object),
        TEST(variants_are_recorded_beside_the_first),
        TEST(empty_patient_fields_contradict_nothing),
        TEST(one_refused_value_keeps_no_other_out),
        TEST(a_clock_ahead_keeps_no_study_waiting),
        TEST(studies_of_other_objects_end_with_a_reason),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
