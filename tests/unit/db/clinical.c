/* Imported clinical values: checked, kept with their history, handed out, scored again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/clinical.h"
#include "fixture.h"

static const struct db_clinical_options plain = {.system_user = "anna"};

static struct db_clinical_row row(const char *name, const char *value)
{
    return (struct db_clinical_row){.patient_id = "P1", .issuer = "", .study_uid = "",
                                    .accession_number = "", .name = name, .side = "left",
                                    .observed = "2026-01-02", .value = value, .source = "reading"};
}

static enum db_clinical_outcome import(struct db *db, struct db_clinical_row r,
                                       const struct db_clinical_options *options,
                                       int *ret_rescored)
{
    enum db_clinical_outcome outcome = DB_CLINICAL_OUTCOMES;
    struct error err = {0};
    bool kept;
    int rescored;
    if (db_clinical_import(db, &r, 1, options, &outcome, &kept, &rescored, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    assert_int_equal(kept, !options->dry_run && !db_clinical_refused(outcome));
    if (ret_rescored)
        *ret_rescored = rescored;
    return outcome;
}

static void upsert_with_audit(void **state)
{
    struct fixture *f = *state;
    char text[200];
    assert_int_equal(import(f->db, row("bi_rads", "4A"), &plain, NULL), DB_CLINICAL_NEW);
    assert_int_equal(import(f->db, row("bi_rads", "4A"), &plain, NULL), DB_CLINICAL_SAME);
    assert_int_equal(import(f->db, row("bi_rads", "4B"), &plain, NULL), DB_CLINICAL_CHANGED);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical"), 1);
    assert_int_equal(import(f->db, row("bi_rads", NULL), &plain, NULL), DB_CLINICAL_WITHDRAWN);
    assert_int_equal(import(f->db, row("bi_rads", NULL), &plain, NULL), DB_CLINICAL_NOT_THERE);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical"), 0);
    assert_string_equal(
        sql_text(f->db, "SELECT string_agg(system_user || ' ' || coalesce(old_value, '-') || '>'"
                 " || coalesce(new_value, '-'), ' ' ORDER BY id) FROM clinical_audit"
                 " WHERE database_user = 'axnode'", text, sizeof text),
        "anna ->4A anna 4A>4B anna 4B>-");
    sql_run(f->db, "INSERT INTO clinical (patient_id, issuer, name, side, observed, study_uid,"
            " accession_number, value, source) VALUES ('P9', '', 'age', '', '2026-01-01', '', '',"
            " '50', '')"); /* by other means */
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical_audit WHERE system_user = ''"), 1);
}

static void all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct db_clinical_options options = plain;
    struct db_clinical_row rows[] = {row("bi_rads", "4A"), row("margin", "circumscribed"),
                                     row("age", "50")};
    enum db_clinical_outcome outcomes[3];
    bool kept;
    int rescored;
    rows[1].study_uid = "1.2.99";
    rows[2].observed = "2199-01-01";
    assert_int_equal(db_clinical_import(f->db, rows, 3, &options, outcomes, &kept, &rescored, NULL), 0);
    assert_false(kept);
    assert_int_equal(outcomes[0], DB_CLINICAL_NEW);
    assert_int_equal(outcomes[1], DB_CLINICAL_NO_STUDY);
    assert_int_equal(outcomes[2], DB_CLINICAL_FUTURE);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical"), 0);
    options.skip_bad = options.dry_run = true;
    assert_int_equal(db_clinical_import(f->db, rows, 3, &options, outcomes, &kept, &rescored, NULL), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical"), 0);
    options.dry_run = false;
    assert_int_equal(db_clinical_import(f->db, rows, 3, &options, outcomes, &kept, &rescored, NULL), 0);
    assert_true(kept);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical"), 1);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM clinical_audit"), 1);
}

static void a_named_study_must_be_the_patients(void **state)
{
    struct fixture *f = *state;
    study_receive(f->db, 1, 1, 5000000);
    struct db_clinical_row r = row("bi_rads", "4A");
    r.study_uid = "1.2.1";
    r.accession_number = "A1";
    assert_int_equal(import(f->db, r, &plain, NULL), DB_CLINICAL_NEW);
    r.accession_number = "A2";
    assert_int_equal(import(f->db, r, &plain, NULL), DB_CLINICAL_NO_STUDY);
    r.accession_number = "A1";
    r.issuer = "HOSPITAL";
    assert_int_equal(import(f->db, r, &plain, NULL), DB_CLINICAL_OTHER_PATIENT);
    r.issuer = "";
    r.patient_id = "p1";
    r.study_uid = "";
    assert_int_equal(import(f->db, r, &plain, NULL), DB_CLINICAL_OTHER_PATIENT);
}

static void jobs_carry_their_patients_values(void **state)
{
    struct fixture *f = *state;
    struct db_clinical_row other = row("margin", "spiculated");
    other.issuer = "HOSPITAL"; /* an empty issuer equals an empty one alone */
    import(f->db, row("bi_rads", "4A"), &plain, NULL);
    import(f->db, other, &plain, NULL);
    other.issuer = "";
    other.patient_id = "P2";
    import(f->db, other, &plain, NULL);
    study_receive(f->db, 1, 1, 5000000);
    assert_int_equal(complete(f->db), 1);
    struct queue_job job = claim(f->db);
    assert_int_equal(job.clinical_count, 1);
    assert_string_equal(job.clinical[0].name, "bi_rads");
    assert_string_equal(job.clinical[0].value, "4A");
    assert_string_equal(job.clinical[0].observed, "2026-01-02");
    queue_job_release(&job);
}

static void commit_as(struct db *db, const char *content, enum queue_committed expected)
{
    struct queue_job job = claim(db);
    struct result result;
    enum queue_committed committed;
    result_make(&result, content);
    assert_int_equal(queue_commit(db, job.id, job.token, &result.r, &committed, NULL), 0);
    assert_int_equal(committed, expected);
    queue_job_release(&job);
}

static void deliver(struct db *db)
{
    struct outbox_item items[16];
    size_t count;
    assert_int_equal(outbox_claim(db, "PACS", 60000000, items, 16, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(outbox_delivered(db, &items[i], &taken, NULL), 0);
}

static void a_change_scores_again(void **state)
{
    struct fixture *f = *state;
    const struct db_clinical_options again = {.system_user = "anna", .rescore = true};
    int rescored;
    study_receive(f->db, 1, 1, 5000000);
    assert_int_equal(import(f->db, row("bi_rads", "3"), &again, &rescored), DB_CLINICAL_NEW);
    assert_int_equal(rescored, 1); /* it waits anyway */
    complete(f->db);
    commit_as(f->db, "1", QUEUE_DELIVERING);
    deliver(f->db);
    assert_string_equal(study_state(f->db, 1), "done");
    import(f->db, row("bi_rads", "3"), &again, &rescored);
    assert_int_equal(rescored, 0); /* nothing changed */
    import(f->db, row("bi_rads", "4A"), &again, &rescored);
    assert_int_equal(rescored, 1);
    assert_string_equal(study_state(f->db, 1), "queued");
    /* Other content than what was delivered becomes the next generation, of the same set. */
    commit_as(f->db, "2", QUEUE_NEXT_GENERATION);
    struct queue_job job = claim(f->db);
    assert_int_equal(job.generation, 2);
    assert_int_equal(job.predecessor_generation, 1);
    /* A change while it is worked on: its result is not sent. */
    import(f->db, row("bi_rads", "4B"), &again, &rescored);
    assert_int_equal(rescored, 1);
    struct result result;
    enum queue_committed committed;
    result_make(&result, "2");
    assert_int_equal(queue_commit(f->db, job.id, job.token, &result.r, &committed, NULL), 0);
    assert_int_equal(committed, QUEUE_SUPERSEDED);
    queue_job_release(&job);
    assert_int_equal(complete(f->db), 1);
    job = claim(f->db);
    assert_int_equal(job.generation, 3);
    assert_string_equal(job.clinical[0].value, "4B");
    queue_job_release(&job);
}

static void reports_go_with_the_images(void **state)
{
    struct fixture *f = *state;
    struct object report;
    object_make(&report, 1, 8);
    report.o.kind = INDEX_KIND_REPORT;
    study_receive(f->db, 1, 1, 5000000);
    assert_int_equal(object_index(f->db, &report), INDEX_NEW);
    complete(f->db);
    struct queue_job job = claim(f->db);
    assert_int_equal(job.instance_count, 2);
    queue_job_release(&job);
    /* A late one opens the next generation when it is final, and only then. */
    object_make(&report, 1, 9);
    report.o.kind = INDEX_KIND_REPORT;
    object_index(f->db, &report);
    assert_string_equal(study_state(f->db, 1), "working");
    object_make(&report, 1, 10);
    report.o.kind = INDEX_KIND_REPORT;
    report.o.final = true;
    object_index(f->db, &report);
    assert_string_equal(study_state(f->db, 1), "receiving");
    /* Without images there is nothing to report on. */
    object_make(&report, 2, 1);
    report.o.kind = INDEX_KIND_REPORT;
    report.o.final = true;
    object_index(f->db, &report);
    complete(f->db);
    assert_string_equal(study_state(f->db, 2), "not_applicable");
}

static void the_list(void **state)
{
    struct fixture *f = *state;
    cJSON *list;
    struct db_clinical_row bound = row("margin", "spiculated");
    study_receive(f->db, 1, 1, 5000000);
    study_receive(f->db, 2, 1, 5000000);
    bound.study_uid = "1.2.2";
    import(f->db, row("bi_rads", "4A"), &plain, NULL);
    import(f->db, row("bi_rads", "4B"), &plain, NULL);
    import(f->db, bound, &plain, NULL);
    assert_int_equal(db_clinical_list(f->db, "1.2.1", &list, NULL), 0);
    const cJSON *values = cJSON_GetObjectItem(list, "values");
    assert_int_equal(cJSON_GetArraySize(values), 1);
    assert_string_equal(cJSON_GetObjectItem(values->child, "observed")->valuestring, "2026-01-02");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(list, "history")), 2);
    cJSON_Delete(list);
    assert_int_equal(db_clinical_list(f->db, "1.2.3", &list, NULL), STATUS_NOT_FOUND);
}

int main(void)
{
    int skip = fixture_skip();
    if (skip)
        return skip;
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(upsert_with_audit),          TEST(all_or_nothing),
        TEST(a_named_study_must_be_the_patients), TEST(jobs_carry_their_patients_values),
        TEST(a_change_scores_again),      TEST(reports_go_with_the_images), TEST(the_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
