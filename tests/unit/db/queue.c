#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "db/status.h"
#include "fixture.h"

static const int64_t SECOND = 1000000;

static int commit_result(struct db *db, const struct queue_job *job, const char *content,
                         enum queue_committed *ret_committed)
{
    struct result result;
    result_make(&result, content);
    return queue_commit(db, job->id, job->token, &result.r, ret_committed, NULL);
}

/* Deliver all that is due at the only destination; how many objects. */
static size_t deliver(struct db *db)
{
    struct outbox_item items[16];
    size_t count;
    assert_int_equal(outbox_claim(db, "PACS", 60 * SECOND, items, 16, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(outbox_delivered(db, &items[i], &taken, NULL), 0);
    return count;
}

/* ---- completion --------------------------------------------------------------------------- */

static void a_study_completes_when_it_is_quiet_and_not_carried(void **state)
{
    struct fixture *f = *state;
    struct queue_completion completion = {.quiet_us = 10 * SECOND};
    char open[1][DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_SIZE];
    int jobs, studies;
    study_receive(f->db, 1, 2, 5 * SECOND);
    study_receive(f->db, 2, 1, 15 * SECOND);
    digest_bytes("1.2.2", 5, digest);
    digest_format(digest, open[0]);
    assert_int_equal(db_now(f->db, &completion.as_of_us, NULL), 0);
    completion.open_digests = open;
    completion.open_count = 1;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(jobs, 0);
    completion.open_count = 0;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(jobs, 1);
    assert_int_equal(studies, 1);
    assert_string_equal(study_state(f->db, 1), "receiving");
    assert_string_equal(study_state(f->db, 2), "queued");
    completion.as_of_us += 6 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(jobs, 1);
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(studies, 0);
    struct queue_job second = claim(f->db), first;
    first = claim(f->db);
    assert_int_equal(first.instance_count + second.instance_count, 3);
    assert_int_equal(first.generation, 1);
    assert_int_equal(first.predecessor_generation, 0);
    queue_job_release(&first);
    queue_job_release(&second);
}

/* Who sent it says how long it must be quiet; the longest counts. */
static void quiet_depends_on_the_source(void **state)
{
    struct fixture *f = *state;
    const struct queue_source sources[] = {{"US1", 20 * SECOND}, {"US,\"2}", 5 * SECOND}};
    struct queue_completion completion = {
        .quiet_us = 10 * SECOND, .sources = sources, .source_count = 2};
    struct object object;
    int jobs, studies;
    study_receive(f->db, 1, 1, 15 * SECOND); /* by US1 */
    assert_int_equal(db_now(f->db, &completion.as_of_us, NULL), 0);
    object_make(&object, 2, 1);
    object.o.calling_ae = "US,\"2}";
    object.o.received_us = completion.as_of_us - 7 * SECOND;
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    object_make(&object, 3, 1);
    object.o.calling_ae = "OTHER";
    object.o.received_us = completion.as_of_us - 7 * SECOND;
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(jobs, 1);
    assert_string_equal(study_state(f->db, 2), "queued");
    completion.as_of_us += 4 * SECOND; /* OTHER has been quiet for 11 s, US1 for 19 */
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "receiving");
    assert_string_equal(study_state(f->db, 3), "queued");
    completion.as_of_us += 2 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_string_equal(study_state(f->db, 1), "queued");
}

static void a_required_series_is_waited_for_until_over_age(void **state)
{
    struct fixture *f = *state;
    const struct queue_required required[] = {{"US1", "US", "AXILLA"}, {"OTHER", "SR", ""}};
    struct queue_completion completion = {.quiet_us = SECOND,
                                          .required = required,
                                          .required_count = 2,
                                          .age_max_us = 1000 * SECOND};
    struct object object;
    int jobs, studies;
    study_receive(f->db, 1, 1, 5 * SECOND);
    study_receive(f->db, 2, 1, 5 * SECOND);
    object_make(&object, 1, 2);
    object.o.series_instance_uid = "1.2.10";
    object.o.series_description = "Left axilla";
    assert_int_equal(object_index(f->db, &object), INDEX_NEW);
    assert_int_equal(db_now(f->db, &completion.as_of_us, NULL), 0);
    completion.as_of_us += 2 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(jobs, 1);
    assert_string_equal(study_state(f->db, 1), "queued");
    assert_string_equal(study_state(f->db, 2), "receiving");
    completion.as_of_us += 990 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(studies, 0);
    completion.as_of_us += 10 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_string_equal(study_state(f->db, 2), "queued");
}

/* Neither an association that never ends nor objects that never do hold up a study for ever. */
static void age_completes_what_still_comes(void **state)
{
    struct fixture *f = *state;
    char open[1][DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_SIZE];
    struct queue_completion completion = {.quiet_us = SECOND,
                                          .open_digests = open,
                                          .open_count = 1,
                                          .age_max_us = 60 * SECOND};
    int jobs, studies;
    digest_bytes("1.2.1", 5, digest);
    digest_format(digest, open[0]);
    study_receive(f->db, 1, 1, 5 * SECOND);
    assert_int_equal(db_now(f->db, &completion.as_of_us, NULL), 0);
    completion.as_of_us += 50 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(studies, 0);
    completion.as_of_us += 15 * SECOND;
    assert_int_equal(queue_complete(f->db, &completion, &jobs, &studies, NULL), 0);
    assert_int_equal(jobs, 1);
}

static void the_set_is_frozen_and_sorted(void **state)
{
    struct fixture *f = *state;
    struct object own, variant, other;
    study_receive(f->db, 1, 3, 5 * SECOND);
    object_make(&own, 1, 7);
    own.o.own = true;
    object_make(&variant, 1, 1);
    variant.o.dataset_sha256 = "else";
    memcpy(variant.key + 64, "-0123456789abcdef", 18);
    object_make(&other, 1, 8);
    other.o.kind = INDEX_KIND_OTHER;
    assert_int_equal(object_index(f->db, &own), INDEX_OWN);
    assert_int_equal(object_index(f->db, &variant), INDEX_VARIANT);
    assert_int_equal(object_index(f->db, &other), INDEX_NEW);
    assert_int_equal(complete(f->db), 1);
    struct queue_job job = claim(f->db);
    assert_int_equal(job.instance_count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct object expected;
        object_make(&expected, 1, (int)i + 1);
        assert_string_equal(job.instances[i].sop_instance_uid, expected.sop);
        assert_string_equal(job.instances[i].key, expected.key);
        assert_string_equal(job.instances[i].dataset_sha256, expected.digest);
    }
    queue_job_release(&job);
}

/* ---- claims ------------------------------------------------------------------------------- */

static void a_job_is_claimed_once(void **state)
{
    struct fixture *f = *state;
    struct db *second = fixture_connect(f, NULL);
    struct queue_job job, none = {0};
    study_receive(f->db, 1, 1, 5 * SECOND);
    assert_int_equal(queue_claim(f->db, "a", &policy, &none, NULL), STATUS_NOT_FOUND);
    complete(f->db);
    job = claim(f->db);
    assert_string_equal(study_state(f->db, 1), "working");
    assert_int_equal(job.attempt, 1);
    assert_int_equal(strlen(job.token), 36);
    assert_int_equal(queue_claim(second, "b", &policy, &none, NULL), STATUS_NOT_FOUND);
    assert_null(none.instances);
    queue_job_release(&job);
    db_close(second);
}

/* Two jobs, one of them locked by a claim that has not committed: the other session takes the
 * second without waiting. */
static void a_locked_job_is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct db_options options = {.lock_timeout_ms = 200};
    struct db *second = fixture_connect(f, &options);
    study_receive(f->db, 1, 1, 5 * SECOND);
    study_receive(f->db, 2, 1, 4 * SECOND);
    complete(f->db);
    sql_run(f->db, "BEGIN; SELECT * FROM study WHERE study_uid = '1.2.1' FOR UPDATE");
    struct queue_job job;
    assert_int_equal(queue_claim(second, "b", &policy, &job, NULL), 0);
    assert_string_equal(job.study_instance_uid, "1.2.2");
    queue_job_release(&job);
    assert_int_equal(queue_claim(second, "b", &policy, &job, NULL), STATUS_NOT_FOUND);
    sql_run(f->db, "ROLLBACK");
    db_close(second);
}

static void many_workers_share_without_doubles(void **state)
{
    struct fixture *f = *state;
    enum { STUDIES = 40, WORKERS = 4 };
    for (int i = 1; i <= STUDIES; i++)
        study_receive(f->db, i, 1, 5 * SECOND);
    assert_int_equal(complete(f->db), STUDIES);
    for (int w = 0; w < WORKERS; w++)
        if (fork() == 0) {
            struct db *db = fixture_connect(f, NULL);
            struct queue_job job;
            int failures = 0;
            while (queue_claim(db, "w", &policy, &job, NULL) == 0) {
                enum queue_committed committed;
                char content[24];
                snprintf(content, sizeof content, "%lld", (long long)job.id);
                failures += commit_result(db, &job, content, &committed) < 0;
                queue_job_release(&job);
            }
            _exit(failures != 0);
        }
    for (int w = 0; w < WORKERS; w++) {
        int ended;
        assert_true(wait(&ended) > 0);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM job WHERE state = 'done'"
                             " AND attempt = 1"), STUDIES);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox"), 2 * STUDIES);
}

static void an_expired_lease_moves_the_fence(void **state)
{
    struct fixture *f = *state;
    struct queue_policy brief = {.attempts_max = 3, .lease_us = 1};
    enum queue_committed committed;
    struct queue_job first, second;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    assert_int_equal(queue_claim(f->db, "a", &brief, &first, NULL), 0);
    /* As long as nobody else has it, a late renewal is welcome. */
    assert_int_equal(queue_renew(f->db, first.id, first.token, 1, NULL), 0);
    second = claim(f->db);
    assert_int_equal(second.id, first.id);
    assert_int_equal(second.attempt, 2);
    assert_int_equal(second.created_us, first.created_us);
    assert_string_not_equal(second.token, first.token);
    assert_int_equal(queue_renew(f->db, first.id, first.token, SECOND, NULL), STATUS_CONFLICT);
    assert_int_equal(queue_fail(f->db, first.id, first.token, "x", false, &policy, NULL),
                     STATUS_CONFLICT);
    assert_int_equal(commit_result(f->db, &first, "1", &committed), STATUS_CONFLICT);
    assert_int_equal(commit_result(f->db, &first, "not-a-token", &committed), STATUS_CONFLICT);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 0);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outgoing"), 0);
    assert_int_equal(queue_renew(f->db, second.id, second.token, SECOND, NULL), 0);
    assert_int_equal(commit_result(f->db, &second, "1", &committed), 0);
    assert_int_equal(committed, QUEUE_DELIVERING);
    assert_int_equal(commit_result(f->db, &second, "1", &committed), STATUS_CONFLICT);
    queue_job_release(&first);
    queue_job_release(&second);
}

static void attempts_are_capped(void **state)
{
    struct fixture *f = *state;
    char text[200];
    struct queue_job job;
    struct queue_policy brief = {.attempts_max = 3, .lease_us = 1};
    study_receive(f->db, 1, 1, 5 * SECOND);
    study_receive(f->db, 2, 1, 4 * SECOND);
    complete(f->db);
    /* Study 1 fails three times; study 2's workers die three times. */
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(queue_claim(f->db, "a", &policy, &job, NULL), 0);
        assert_string_equal(job.study_instance_uid, "1.2.1");
        assert_int_equal(job.attempt, i);
        sql_run(f->db, "UPDATE job SET not_before = 'epoch' WHERE state = 'working'");
        assert_int_equal(queue_fail(f->db, job.id, job.token, "out of memory", false, &policy,
                                    NULL), 0);
        sql_run(f->db, "UPDATE job SET not_before = 'epoch' WHERE attempt > 0");
        queue_job_release(&job);
    }
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study WHERE study_uid = '1.2.1'",
                                 text, sizeof text),
                        "gave up after 3 attempts: out of memory");
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(queue_claim(f->db, "a", &brief, &job, NULL), 0);
        assert_string_equal(job.study_instance_uid, "1.2.2");
        queue_job_release(&job);
    }
    assert_int_equal(queue_claim(f->db, "a", &brief, &job, NULL), STATUS_NOT_FOUND);
    assert_string_equal(study_state(f->db, 2), "failed");
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study WHERE study_uid = '1.2.2'",
                                 text, sizeof text),
                        "gave up after 3 attempts: the worker stopped without an answer");
}

static void failing_waits_its_backoff_or_is_permanent(void **state)
{
    struct fixture *f = *state;
    struct queue_policy slow = {3, 60 * SECOND, 100 * SECOND, 150 * SECOND};
    struct queue_job job;
    char text[100];
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    job = claim(f->db);
    assert_int_equal(queue_fail(f->db, job.id, job.token, "no network file", false, &slow, NULL),
                     0);
    queue_job_release(&job);
    assert_string_equal(study_state(f->db, 1), "queued");
    assert_int_equal(queue_claim(f->db, "a", &slow, &job, NULL), STATUS_NOT_FOUND);
    assert_int_equal(sql_int(f->db, "SELECT round(extract(epoch FROM not_before"
                             " - clock_timestamp())) FROM job"), 100);
    sql_run(f->db, "UPDATE job SET not_before = 'epoch'");
    job = claim(f->db);
    assert_int_equal(queue_fail(f->db, job.id, job.token, "again", false, &slow, NULL), 0);
    queue_job_release(&job);
    assert_int_equal(sql_int(f->db, "SELECT round(extract(epoch FROM not_before"
                             " - clock_timestamp())) FROM job"), 150);
    sql_run(f->db, "UPDATE job SET not_before = 'epoch'");
    job = claim(f->db);
    assert_int_equal(queue_fail(f->db, job.id, job.token, "no pixels", true, &slow, NULL), 0);
    queue_job_release(&job);
    assert_string_equal(sql_text(f->db, "SELECT reason FROM study", text, sizeof text),
                        "no pixels");
    assert_string_equal(study_state(f->db, 1), "failed");
}

/* ---- results ------------------------------------------------------------------------------ */

static void a_result_is_stored_whole(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    char text[200];
    study_receive(f->db, 1, 1, 5 * SECOND);
    study_receive(f->db, 2, 1, 5 * SECOND);
    complete(f->db);
    for (int i = 0; i < 2; i++) {
        struct queue_job job = claim(f->db);
        assert_int_equal(commit_result(f->db, &job, i ? "2" : "1", &committed), 0);
        queue_job_release(&job);
    }
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM feature_set"), 1);
    assert_string_equal(sql_text(f->db, "SELECT names::text FROM feature_set", text, sizeof text),
                        "{tumour_original_firstorder_Mean,\"odd \\\"name\\\" with \\\\\"}");
    assert_string_equal(sql_text(f->db, "SELECT DISTINCT values::text FROM feature", text,
                                 sizeof text), "{0.1,NaN}");
    assert_string_equal(sql_text(f->db, "SELECT DISTINCT content ->> 'risk' FROM result", text,
                                 sizeof text), "0.25");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_result WHERE deliveries = 2"), 2);
    assert_int_equal(deliver(f->db), 4);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_string_equal(study_state(f->db, 2), "done");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM v_study WHERE inputs = 1"), 2);
}

static void without_objects_or_destinations_it_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct result result;
    enum queue_committed committed;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    struct queue_job job = claim(f->db);
    result_make(&result, "1");
    result.r.destination_count = 0;
    assert_int_equal(queue_commit(f->db, job.id, job.token, &result.r, &committed, NULL), 0);
    assert_int_equal(committed, QUEUE_DONE);
    assert_string_equal(study_state(f->db, 1), "done");
    queue_job_release(&job);
    study_receive(f->db, 2, 1, 5 * SECOND);
    complete(f->db);
    job = claim(f->db);
    result_make(&result, "2");
    result.r.object_count = 0;
    result.r.not_applicable = true;
    result.r.reason = "no breast image";
    result.r.has_risk = false;
    assert_int_equal(queue_commit(f->db, job.id, job.token, &result.r, &committed, NULL), 0);
    assert_int_equal(committed, QUEUE_NOT_APPLICABLE);
    assert_string_equal(study_state(f->db, 2), "not_applicable");
    queue_job_release(&job);
}

static void a_destination_gets_what_it_wants(void **state)
{
    static const bool report_alone[] = {true, false}, nothing[] = {false, false};
    struct fixture *f = *state;
    struct result result;
    enum queue_committed committed;
    for (int study = 1; study <= 2; study++) {
        study_receive(f->db, study, 1, 5 * SECOND);
        complete(f->db);
        struct queue_job job = claim(f->db);
        result_make(&result, study == 1 ? "1" : "2");
        result.r.wanted = study == 1 ? report_alone : nothing;
        assert_int_equal(queue_commit(f->db, job.id, job.token, &result.r, &committed, NULL), 0);
        assert_int_equal(committed, study == 1 ? QUEUE_DELIVERING : QUEUE_DONE);
        queue_job_release(&job);
    }
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outgoing"), 4);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox"), 1);
    assert_int_equal(deliver(f->db), 1);
    assert_string_equal(study_state(f->db, 1), "done");
}

static void one_uid_with_two_contents_stores_nothing(void **state)
{
    struct fixture *f = *state;
    struct result result;
    enum queue_committed committed;
    study_receive(f->db, 1, 1, 5 * SECOND);
    study_receive(f->db, 2, 1, 4 * SECOND);
    complete(f->db);
    struct queue_job job = claim(f->db);
    assert_int_equal(commit_result(f->db, &job, "1", &committed), 0);
    queue_job_release(&job);
    job = claim(f->db);
    result_make(&result, "1");
    assert_int_equal(queue_commit(f->db, job.id, job.token, &result.r, &committed, NULL),
                     STATUS_CONFLICT);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 1);
    assert_string_equal(study_state(f->db, 2), "working");
    queue_job_release(&job);
}

/* ---- generations --------------------------------------------------------------------------- */

static void receive_one_more(struct db *db, int number)
{
    struct object object;
    object_make(&object, 1, number);
    assert_int_equal(object_index(db, &object), INDEX_NEW);
}

static void a_newer_object_supersedes_a_result_on_its_way(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    char text[100];
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    struct queue_job first = claim(f->db);
    receive_one_more(f->db, 2);
    assert_string_equal(study_state(f->db, 1), "receiving");
    assert_int_equal(commit_result(f->db, &first, "1", &committed), 0);
    assert_int_equal(committed, QUEUE_SUPERSEDED);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 1);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outgoing"), 2);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox"), 0);
    assert_string_equal(study_state(f->db, 1), "receiving");
    complete(f->db);
    struct queue_job second = claim(f->db);
    assert_int_equal(second.generation, 2);
    assert_int_equal(second.instance_count, 2);
    assert_int_equal(second.predecessor_generation, 0);
    assert_string_equal(sql_text(f->db, "SELECT string_agg(state, ',' ORDER BY generation)"
                                 " FROM job", text, sizeof text), "superseded,working");
    queue_job_release(&first);
    queue_job_release(&second);
}

static void a_pending_job_is_superseded(void **state)
{
    struct fixture *f = *state;
    struct queue_job job;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    receive_one_more(f->db, 2);
    assert_int_equal(queue_claim(f->db, "a", &policy, &job, NULL), STATUS_NOT_FOUND);
    complete(f->db);
    job = claim(f->db);
    assert_int_equal(job.generation, 2);
    queue_job_release(&job);
    assert_int_equal(queue_claim(f->db, "a", &policy, &job, NULL), STATUS_NOT_FOUND);
}

static void a_dead_workers_old_generation_is_not_run_again(void **state)
{
    struct fixture *f = *state;
    struct queue_policy brief = {.attempts_max = 3, .lease_us = 1};
    struct queue_job job;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    assert_int_equal(queue_claim(f->db, "a", &brief, &job, NULL), 0);
    queue_job_release(&job);
    receive_one_more(f->db, 2);
    assert_int_equal(queue_claim(f->db, "a", &policy, &job, NULL), STATUS_NOT_FOUND);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM job WHERE state = 'superseded'"), 1);
    complete(f->db);
    job = claim(f->db);
    assert_int_equal(job.generation, 2);
    queue_job_release(&job);
}

static void an_undelivered_report_is_superseded(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    struct queue_job job = claim(f->db);
    assert_int_equal(commit_result(f->db, &job, "1", &committed), 0);
    queue_job_release(&job);
    receive_one_more(f->db, 2);
    complete(f->db);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox WHERE state = 'superseded'"), 2);
    assert_int_equal(deliver(f->db), 0);
    job = claim(f->db);
    assert_int_equal(job.predecessor_generation, 0);
    assert_int_equal(job.predecessor_count, 0);
    queue_job_release(&job);
}

static void a_report_that_may_be_there_is_the_predecessor(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    struct outbox_item items[2];
    size_t count;
    struct outbox_failure failure = {"connection broke", -1, true};
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    struct queue_job job = claim(f->db);
    assert_int_equal(commit_result(f->db, &job, "1", &committed), 0);
    queue_job_release(&job);
    /* One object under way and lost sight of, the other not tried. */
    assert_int_equal(outbox_claim(f->db, "PACS", SECOND, items, 1, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(outbox_deferred(f->db, &items[0], &failure, 0, NULL), 0);
    receive_one_more(f->db, 2);
    complete(f->db);
    job = claim(f->db);
    assert_int_equal(job.generation, 2);
    assert_int_equal(job.predecessor_generation, 1);
    assert_int_equal(job.predecessor_count, 2);
    assert_string_equal(job.predecessors[1].kind, "sr");
    assert_string_equal(job.predecessors[1].sop_instance_uid, "2.25.1.0");
    /* It is delivered to its end, without touching the study's newer state. */
    assert_int_equal(deliver(f->db), 2);
    assert_string_equal(study_state(f->db, 1), "working");
    assert_int_equal(commit_result(f->db, &job, "2", &committed), 0);
    assert_int_equal(committed, QUEUE_DELIVERING);
    assert_int_equal(deliver(f->db), 2);
    assert_string_equal(study_state(f->db, 1), "done");
    queue_job_release(&job);
}

/* ---- retry --------------------------------------------------------------------------------- */

static void retry_repeats_the_same_job(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), STATUS_NOT_FOUND);
    study_receive(f->db, 1, 1, 5 * SECOND);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), STATUS_CONFLICT);
    complete(f->db);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), STATUS_CONFLICT);
    struct queue_job first = claim(f->db), second;
    assert_int_equal(queue_fail(f->db, first.id, first.token, "no pixels", true, &policy, NULL),
                     0);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    second = claim(f->db);
    assert_int_equal(second.id, first.id);
    assert_int_equal(second.generation, 1);
    assert_int_equal(second.attempt, 1);
    assert_int_equal(second.created_us, first.created_us);
    queue_job_release(&first);
    assert_int_equal(commit_result(f->db, &second, "1", &committed), 0);
    queue_job_release(&second);
    assert_int_equal(deliver(f->db), 2);
    /* Done: made and sent once more, in the same bytes. */
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    second = claim(f->db);
    assert_int_equal(commit_result(f->db, &second, "1", &committed), 0);
    queue_job_release(&second);
    assert_int_equal(committed, QUEUE_DELIVERING);
    assert_int_equal(deliver(f->db), 2);
    assert_string_equal(study_state(f->db, 1), "done");
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM outbox"), 2);
    assert_int_equal(sql_int(f->db, "SELECT count(*) FROM result"), 1);
}

static void retry_with_other_content_is_the_next_generation(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    struct queue_job job = claim(f->db);
    assert_int_equal(commit_result(f->db, &job, "1", &committed), 0);
    queue_job_release(&job);
    assert_int_equal(deliver(f->db), 2);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    job = claim(f->db);
    assert_int_equal(commit_result(f->db, &job, "2", &committed), 0);
    assert_int_equal(committed, QUEUE_NEXT_GENERATION);
    queue_job_release(&job);
    job = claim(f->db);
    assert_int_equal(job.generation, 2);
    assert_int_equal(job.instance_count, 1);
    assert_int_equal(job.predecessor_generation, 1);
    assert_int_equal(job.predecessor_count, 2);
    assert_int_equal(commit_result(f->db, &job, "3", &committed), 0);
    assert_int_equal(committed, QUEUE_DELIVERING);
    queue_job_release(&job);
    assert_int_equal(deliver(f->db), 2);
    assert_string_equal(study_state(f->db, 1), "done");
}

static void retry_of_a_held_study_takes_the_first_patient(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    struct object object;
    study_receive(f->db, 1, 1, 5 * SECOND);
    complete(f->db);
    struct queue_job first = claim(f->db), second;
    object_make(&object, 1, 2);
    object.o.patient_id = "P2";
    assert_int_equal(object_index(f->db, &object), INDEX_MIXED);
    assert_int_equal(commit_result(f->db, &first, "1", &committed), 0);
    assert_int_equal(committed, QUEUE_SUPERSEDED);
    assert_string_equal(study_state(f->db, 1), "failed");
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    second = claim(f->db);
    assert_int_equal(second.id, first.id);
    assert_int_equal(second.instance_count, 1);
    assert_int_equal(commit_result(f->db, &second, "1", &committed), 0);
    assert_int_equal(committed, QUEUE_DELIVERING);
    queue_job_release(&first);
    queue_job_release(&second);
}

static void retry_with_nothing_to_analyse_ends_again(void **state)
{
    struct fixture *f = *state;
    struct object own;
    object_make(&own, 1, 1);
    own.o.own = true;
    assert_int_equal(object_index(f->db, &own), INDEX_OWN);
    assert_int_equal(queue_retry(f->db, "1.2.1", NULL), 0);
    assert_string_equal(study_state(f->db, 1), "receiving");
    sql_run(f->db, "UPDATE study SET last_received_at = last_received_at - interval '1 minute'");
    assert_int_equal(complete(f->db), 0);
    assert_string_equal(study_state(f->db, 1), "not_applicable");
}

/* ---- status -------------------------------------------------------------------------------- */

static const cJSON *at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    assert_non_null(item);
    return item;
}

static void status_tells_what_waits_and_what_failed(void **state)
{
    struct fixture *f = *state;
    enum queue_committed committed;
    cJSON *json;
    struct error err;
    assert_int_equal(status_overview(f->db, 10, &json, &err), 0);
    assert_true(cJSON_IsNull(at(json, "oldest_waiting")));
    assert_int_equal(cJSON_GetArraySize(at(json, "failed")), 0);
    cJSON_Delete(json);
    study_receive(f->db, 1, 2, 5 * SECOND);
    complete(f->db);
    study_receive(f->db, 2, 1, 5 * SECOND);
    struct queue_job job = claim(f->db);
    assert_int_equal(commit_result(f->db, &job, "1", &committed), 0);
    queue_job_release(&job);
    complete(f->db);
    job = claim(f->db);
    assert_int_equal(queue_fail(f->db, job.id, job.token, "no pixels", true, &policy, NULL), 0);
    queue_job_release(&job);
    assert_int_equal(status_overview(f->db, 10, &json, &err), 0);
    assert_int_equal(at(at(json, "studies"), "delivering")->valueint, 1);
    assert_int_equal(at(at(json, "studies"), "failed")->valueint, 1);
    assert_int_equal(at(at(json, "studies"), "receiving")->valueint, 0);
    assert_int_equal(at(at(json, "outbox"), "pending")->valueint, 2);
    assert_string_equal(at(at(json, "oldest_waiting"), "study_uid")->valuestring, "1.2.1");
    assert_string_equal(at(cJSON_GetArrayItem(at(json, "failed"), 0), "reason")->valuestring,
                        "no pixels");
    cJSON_Delete(json);
    assert_int_equal(status_study(f->db, "1.2.1", &json, &err), 0);
    assert_string_equal(at(json, "state")->valuestring, "delivering");
    assert_int_equal(cJSON_GetArraySize(at(json, "objects")), 2);
    assert_int_equal(cJSON_GetArraySize(at(json, "deliveries")), 2);
    const cJSON *shown = cJSON_GetArrayItem(at(json, "jobs"), 0);
    assert_true(at(at(shown, "result"), "risk")->valuedouble == 0.25);
    assert_string_equal(at(at(json, "patient"), "name")->valuestring, "Doe^Jane");
    assert_true(cJSON_GetArraySize(at(json, "events")) >= 2);
    cJSON_Delete(json);
    assert_int_equal(status_study(f->db, "1.2.9", &json, &err), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_study_completes_when_it_is_quiet_and_not_carried),
        TEST(quiet_depends_on_the_source),
        TEST(a_required_series_is_waited_for_until_over_age),
        TEST(age_completes_what_still_comes),
        TEST(the_set_is_frozen_and_sorted),
        TEST(a_job_is_claimed_once),
        TEST(a_locked_job_is_passed_over),
        TEST(many_workers_share_without_doubles),
        TEST(an_expired_lease_moves_the_fence),
        TEST(attempts_are_capped),
        TEST(failing_waits_its_backoff_or_is_permanent),
        TEST(a_result_is_stored_whole),
        TEST(without_objects_or_destinations_it_ends_at_once),
        TEST(a_destination_gets_what_it_wants),
        TEST(one_uid_with_two_contents_stores_nothing),
        TEST(a_newer_object_supersedes_a_result_on_its_way),
        TEST(a_pending_job_is_superseded),
        TEST(a_dead_workers_old_generation_is_not_run_again),
        TEST(an_undelivered_report_is_superseded),
        TEST(a_report_that_may_be_there_is_the_predecessor),
        TEST(retry_repeats_the_same_job),
        TEST(retry_with_other_content_is_the_next_generation),
        TEST(retry_of_a_held_study_takes_the_first_patient),
        TEST(retry_with_nothing_to_analyse_ends_again),
        TEST(status_tells_what_waits_and_what_failed),
    };
    return fixture_skip() ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
