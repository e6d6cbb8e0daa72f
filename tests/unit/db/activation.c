/* Which package is active, what shadows say, and the views of what was found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/activation.h"
#include "fixture.h"

static const struct activation A = {.name = "a", .version = "1", .sha256 = "aa"},
                               B = {.name = "b", .version = "2", .sha256 = "bb"};

static struct activation now(struct db *db)
{
    struct activation active;
    assert_int_equal(activation_get(db, &active, NULL, NULL), 0);
    return active;
}

static void set(struct db *db, const struct activation *package)
{
    struct activation active = now(db);
    assert_int_equal(activation_set(db, "someone", &active, package, NULL), 0);
}

static void roll_back(struct db *db)
{
    struct activation active = now(db);
    assert_int_equal(activation_roll_back(db, "someone", &active, NULL), 0);
}

static void roll_back_goes_one_further_each_time(void **state)
{
    struct fixture *f = *state;
    struct activation active, previous;
    assert_int_equal(activation_get(f->db, &active, &previous, NULL), 0);
    assert_true(active.id == 0 && !*active.name && !*previous.name);
    assert_int_equal(activation_roll_back(f->db, "someone", &active, NULL), STATUS_NOT_FOUND);
    set(f->db, &A);
    set(f->db, &B);
    assert_int_equal(activation_get(f->db, &active, &previous, NULL), 0);
    assert_string_equal(active.name, "b");
    assert_string_equal(previous.name, "a");
    assert_string_equal(previous.sha256, "aa");
    roll_back(f->db);
    assert_string_equal(now(f->db).name, "a");
    roll_back(f->db);
    active = now(f->db);
    assert_true(active.id > 0 && !*active.name); /* the settings' package */
    assert_int_equal(activation_roll_back(f->db, "someone", &active, NULL), STATUS_NOT_FOUND);
    set(f->db, &B);
    roll_back(f->db);
    assert_string_equal(now(f->db).name, "");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM activation WHERE who = 'someone'"), 6);
}

static void two_people_do_not_overrule_each_other(void **state)
{
    struct fixture *f = *state;
    struct activation seen = now(f->db);
    set(f->db, &A);
    assert_int_equal(activation_set(f->db, "other", &seen, &B, NULL), STATUS_CONFLICT);
    assert_string_equal(now(f->db).name, "a");
}

static void work(struct fixture *f, struct queue_result *r, int64_t *ret_job)
{
    enum queue_committed committed;
    struct queue_job job = claim(f->db);
    assert_int_equal(queue_commit(f->db, job.id, job.token, r, &committed, NULL), 0);
    *ret_job = job.id;
    queue_job_release(&job);
}

static void a_shadow_stands_beside_the_report(void **state)
{
    struct fixture *f = *state;
    struct result reported, shadow;
    int64_t job;
    char text[200];
    study_receive(f->db, 1, 1, 5000000);
    complete(f->db);
    result_make(&reported, "1");
    reported.r.settings_sha256 = "55";
    work(f, &reported.r, &job);
    result_make(&shadow, "2");
    shadow.r.package_name = "other";
    shadow.r.json = "{\"risk\": {\"contributions\": [{\"stage\": \"model\", \"feature\": \"f\","
                    " \"value\": 2, \"contribution\": null}]}}";
    for (int i = 0; i < 2; i++) /* the second replaces the first */
        assert_int_equal(queue_shadow(f->db, job, &shadow.r, NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 2);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_result"), 1);
    assert_string_equal(sql_text(f->db, "SELECT settings_sha256 FROM v_result", text, sizeof text),
                        "55");
    assert_string_equal(sql_text(f->db, "SELECT package_name FROM v_shadow"
                                 " WHERE reported_risk IS NOT NULL", text, sizeof text), "other");
    assert_int_equal(sql_int(f->db, "SELECT value::int FROM v_contribution"
                             " WHERE kind = 'shadow' AND stage = 'model' AND feature = 'f'"), 2);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outgoing"), 2); /* the report's */
}

/* One transaction, one report: rows of both packages; a second attempt replaces both. */
static void packages_of_one_report_stand_beside_each_other(void **state)
{
    struct fixture *f = *state;
    struct result leading, beside;
    int64_t job;
    char text[200];
    study_receive(f->db, 1, 1, 5000000);
    complete(f->db);
    result_make(&leading, "1");
    result_make(&beside, "1");
    beside.r.package_name = "other";
    beside.r.has_risk = false;
    beside.r.outcome = "no_risk";
    beside.r.reason = "Ki-67 is missing";
    leading.r.beside = &beside.r;
    leading.r.beside_count = 1;
    work(f, &leading.r, &job);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_result"), 2);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_result WHERE leads"), 1);
    assert_string_equal(sql_text(f->db, "SELECT package_name || ': ' || reason FROM v_result"
                                 " WHERE NOT leads", text, sizeof text), "other: Ki-67 is missing");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_shadow"), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_newest_result"), 1);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outgoing"), 2); /* the leading one's */
    /* The same package may be a shadow too; and it stands once beside. */
    assert_int_equal(queue_shadow(f->db, job, &beside.r, NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 3);
}

static void features_are_those_of_the_newest_report(void **state)
{
    struct fixture *f = *state;
    struct result r;
    int64_t job;
    char text[200];
    study_receive(f->db, 1, 1, 5000000);
    complete(f->db);
    for (int generation = 1; generation <= 2; generation++) {
        result_make(&r, generation == 1 ? "1" : "2");
        r.values[0] = 0.1 * generation;
        work(f, &r.r, &job);
        struct object more;
        object_make(&more, 1, 7);
        object_index(f->db, &more);
        complete(f->db);
    }
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_feature"), 2);
    assert_string_equal(sql_text(f->db, "SELECT value::text FROM v_feature WHERE feature ="
                                 " 'tumour_original_firstorder_Mean' AND generation = 2", text,
                                 sizeof text), "0.2");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_feature WHERE value = 'NaN'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(roll_back_goes_one_further_each_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(two_people_do_not_overrule_each_other, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_shadow_stands_beside_the_report, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(packages_of_one_report_stand_beside_each_other,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(features_are_those_of_the_newest_report, fixture_setup,
                                        fixture_teardown),
    };
    int skip = fixture_skip();
    return skip ? skip : cmocka_run_group_tests(tests, NULL, NULL);
}
