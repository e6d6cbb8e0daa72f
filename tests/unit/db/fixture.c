#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "db/migrate.h"
#include "db/query.h"

const struct outbox_receipt taken = {.warning = ""};
const struct queue_policy policy = {.attempts_max = 3, .lease_us = 60000000};

int fixture_skip(void)
{
    if (getenv("AXNODE_TEST_DB"))
        return 0;
    fprintf(stderr, "AXNODE_TEST_DB names no cluster: run through ctest, or tests/postgres-start\n");
    return 77;
}

static struct db *connect_to(const char *conninfo, const struct db_options *options)
{
    struct db *db;
    struct error err;
    if (db_open(conninfo, "axnode test", options, &db, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    return db;
}

int fixture_setup_empty(void **state)
{
    static int number;
    struct fixture *f = calloc(1, sizeof *f);
    char sql[128];
    if (!f)
        return -1;
    snprintf(f->name, sizeof f->name, "t_%ld_%d", (long)getpid(), ++number);
    snprintf(f->conninfo, sizeof f->conninfo, "%s dbname=%s", getenv("AXNODE_TEST_DB"), f->name);
    struct db *admin = connect_to(getenv("AXNODE_TEST_DB"), NULL);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s STRATEGY file_copy", f->name);
    sql_run(admin, sql);
    db_close(admin);
    f->db = connect_to(f->conninfo, NULL);
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    struct error err;
    int applied;
    if (fixture_setup_empty(state) < 0)
        return -1;
    if (db_migrate(((struct fixture *)*state)->db, &applied, &err) < 0)
        fail_msg("%s", err.message);
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    char sql[128];
    db_close(f->db);
    struct db *admin = connect_to(getenv("AXNODE_TEST_DB"), NULL);
    snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", f->name);
    sql_run(admin, sql);
    db_close(admin);
    free(f);
    return 0;
}

struct db *fixture_connect(const struct fixture *f, const struct db_options *options)
{
    return connect_to(f->conninfo, options);
}

int64_t sql_int(struct db *db, const char *sql)
{
    struct pg_result *rows;
    struct error err;
    if (db_query(db, sql, 0, NULL, &rows, &err) < 0)
        fail_msg("%s: %s", sql, err.message);
    int64_t value = db_row_count(rows) ? db_get_int(rows, 0, 0) : -1;
    db_rows_free(&rows);
    return value;
}

void fixture_alone(const struct fixture *f)
{
    for (int i = 0; i < 3000; i++) {
        if (sql_int(f->db, "SELECT count(*) FROM pg_stat_activity WHERE"
                           " datname = current_database() AND pid <> pg_backend_pid()"
                           " AND backend_type = 'client backend'") == 0)
            return;
        usleep(10000);
    }
    fail_msg("a broken connection does not end");
}

const char *sql_text(struct db *db, const char *sql, char *out, size_t size)
{
    struct pg_result *rows;
    struct error err;
    if (db_query(db, sql, 0, NULL, &rows, &err) < 0)
        fail_msg("%s: %s", sql, err.message);
    snprintf(out, size, "%s", db_row_count(rows) ? db_get(rows, 0, 0) : "(none)");
    db_rows_free(&rows);
    return out;
}

void sql_run(struct db *db, const char *sql)
{
    struct error err;
    if (db_execute(db, sql, &err) < 0)
        fail_msg("%s: %s", sql, err.message);
}

static void hex_digest(const char *text, char out[65])
{
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(text, strlen(text), digest);
    digest_format(digest, out);
}

void object_make(struct object *ret_object, int study, int number)
{
    struct object *x = ret_object;
    *x = (struct object){0};
    snprintf(x->study, sizeof x->study, "1.2.%d", study);
    snprintf(x->sop, sizeof x->sop, "1.2.%d.%d", study, number);
    hex_digest(x->sop, x->key);
    snprintf(x->digest, sizeof x->digest, "bytes of %d.%d", study, number);
    x->o = (struct index_object){
        .key = x->key, .sop_instance_uid = x->sop, .sop_class_uid = "1.2.840.10008.5.1.4.1.1.6.1",
        .transfer_syntax_uid = "1.2.840.10008.1.2.1", .study_instance_uid = x->study,
        .series_instance_uid = "1.2.9", .dataset_sha256 = x->digest, .content_sha256 = "",
        .kind = INDEX_KIND_INPUT, .modality = "US", .patient_id = "P1", .patient_name = "Doe^Jane",
        .patient_birth_date = "19700101", .patient_sex = "F", .accession_number = "A1",
        .study_date = "20260102", .rows = 480, .columns = 640, .frames = 1,
        .calling_ae = "US1", .called_ae = "AXNODE", .peer_address = "127.0.0.1",
        .association = "a-1", .received_us = 1600000000000000,
    };
}

enum index_outcome object_index(struct db *db, const struct object *object)
{
    struct index_answer answer;
    struct error err;
    if (index_add(db, &object->o, 1, &answer, &err) < 0)
        fail_msg("%s", err.message);
    return answer.outcome;
}

void study_receive(struct db *db, int study, int count, int64_t age_us)
{
    int64_t now;
    assert_int_equal(db_now(db, &now, NULL), 0);
    for (int i = 1; i <= count; i++) {
        struct object object;
        object_make(&object, study, i);
        object.o.received_us = now - age_us;
        assert_int_equal(object_index(db, &object), INDEX_NEW);
    }
}

int complete(struct db *db)
{
    struct queue_completion completion = {.quiet_us = 1000000};
    struct error err;
    int jobs, studies;
    assert_int_equal(db_now(db, &completion.as_of_us, NULL), 0);
    if (queue_complete(db, &completion, &jobs, &studies, &err) < 0)
        fail_msg("%s", err.message);
    return jobs;
}

const char *study_state(struct db *db, int study)
{
    static char state[32];
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT state FROM study WHERE study_uid = '1.2.%d'", study);
    return sql_text(db, sql, state, sizeof state);
}

struct queue_job claim(struct db *db)
{
    struct queue_job job;
    struct error err;
    if (queue_claim(db, "test", &policy, &job, &err) < 0)
        fail_msg("%s", err.message);
    return job;
}

void result_make(struct result *ret_result, const char *content)
{
    static const char *const kinds[] = {"sr", "seg"};
    struct result *x = ret_result;
    *x = (struct result){0};
    for (int i = 0; i < 2; i++) {
        struct queue_object *o = &x->objects[i];
        snprintf(o->kind, sizeof o->kind, "%s", kinds[i]);
        snprintf(o->sop_instance_uid, sizeof o->sop_instance_uid, "2.25.%s.%d", content, i);
        snprintf(o->sop_class_uid, sizeof o->sop_class_uid, "1.2.840.10008.5.1.4.1.1.88.34");
        snprintf(o->series_instance_uid, sizeof o->series_instance_uid, "2.25.%s.9", content);
        snprintf(o->transfer_syntax_uid, sizeof o->transfer_syntax_uid, "1.2.840.10008.1.2.1");
        hex_digest(o->sop_instance_uid, o->key);
        snprintf(o->sha256, sizeof o->sha256, "bytes of %s.%d", content, i);
        o->size = 1000;
    }
    x->destinations[0] = "PACS";
    x->names[0] = "tumour_original_firstorder_Mean";
    x->names[1] = "odd \"name\" with \\";
    x->values[0] = 0.1;
    x->values[1] = 0.0 / 0.0;
    x->features = (struct queue_features){"tumour", x->names, x->values, 2};
    x->r = (struct queue_result){
        .outcome = "risk", .has_risk = true, .risk = 0.25, .reason = "",
        .package_name = "verification", .package_version = "1", .package_sha256 = "00",
        .software_version = "0.1.0", .content_sha256 = content, .json = "{\"risk\": 0.25}",
        .features = &x->features, .feature_count = 1, .objects = x->objects, .object_count = 2,
        .destinations = x->destinations, .destination_count = 1,
    };
}
