/* A database of its own for each test, in the cluster that AXNODE_TEST_DB names. */
#ifndef AXNODE_TESTS_UNIT_DB_FIXTURE_H
#define AXNODE_TESTS_UNIT_DB_FIXTURE_H

#include <stdint.h>

#include "db/db.h"
#include "db/index.h"
#include "db/outbox.h"
#include "db/queue.h"

struct fixture {
    char name[64], conninfo[600];
    struct db *db;
};

/* cmocka's per-test setup and teardown; *state is the struct fixture. */
int fixture_setup(void **state); /* migrated */
int fixture_setup_empty(void **state);
int fixture_teardown(void **state);
/* 77 when no cluster is named: the caller returns it as 'skipped'; else 0. */
int fixture_skip(void);

/* One more connection to the same database; the test fails when there is none. */
struct db *fixture_connect(const struct fixture *f, const struct db_options *options);
/* The first column of the first row. */
int64_t sql_int(struct db *db, const char *sql);
/* Wait until the fixture's own connection is the only one. One that broke off keeps its locks for as
 * long as its server process has not noticed. */
void fixture_alone(const struct fixture *f);
const char *sql_text(struct db *db, const char *sql, char *out, size_t size);
void sql_run(struct db *db, const char *sql);

/* Object `number` of study `study`; everything else is the same in each. */
struct object {
    char sop[65], study[65], key[82], digest[65];
    struct index_object o;
};
void object_make(struct object *ret_object, int study, int number);
enum index_outcome object_index(struct db *db, const struct object *object);
/* Receive objects 1 … count of a study, `age_us` ago. */
void study_receive(struct db *db, int study, int count, int64_t age_us);
/* queue_complete with a quiet time of 1 s; jobs made. */
int complete(struct db *db);
const char *study_state(struct db *db, int study);

extern const struct outbox_receipt taken; /* success, without a warning */
extern const struct queue_policy policy; /* 3 attempts, 1 min lease, no backoff */
/* Claim, which must succeed. */
struct queue_job claim(struct db *db);

/* A result with an SR and a SEG whose UIDs come from `content`, for destination "PACS". */
struct result {
    struct queue_object objects[2];
    const char *destinations[1];
    const char *names[2];
    double values[2];
    struct queue_features features;
    struct queue_result r;
};
void result_make(struct result *ret_result, const char *content);

#endif
