#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static void live_associations_show_their_studies_once(void **state)
{
    struct fixture *f = *state;
    struct store_association *a, *b;
    struct store_studies studies;
    char one[DIGEST_TEXT_SIZE], two[DIGEST_TEXT_SIZE];
    store_study_digest("1.2.1", one);
    store_study_digest("1.2.2", two);
    assert_int_equal(store_association_open(f->store, "a-1", &a, NULL), 0);
    assert_int_equal(store_association_open(f->store, "b-1", &b, NULL), 0);
    assert_int_equal(store_association_add_study(a, "1.2.1", NULL), 0);
    assert_int_equal(store_association_add_study(a, "1.2.2", NULL), 0);
    assert_int_equal(store_association_add_study(a, "1.2.1", NULL), 0);
    assert_int_equal(store_association_add_study(b, "1.2.1", NULL), 0);
    assert_int_equal(store_associations_snapshot(f->store, &studies, NULL), 0);
    assert_int_equal(studies.count, 2);
    assert_true(strcmp(studies.digests[0], studies.digests[1]) < 0);
    assert_true(strcmp(studies.digests[0], one) == 0 || strcmp(studies.digests[0], two) == 0);
    store_studies_release(&studies);
    store_association_close(a);
    assert_int_equal(store_associations_snapshot(f->store, &studies, NULL), 0);
    assert_int_equal(studies.count, 1);
    assert_string_equal(studies.digests[0], one);
    store_studies_release(&studies);
    store_association_close(b);
    assert_int_equal(store_associations_snapshot(f->store, &studies, NULL), 0);
    assert_int_equal(studies.count, 0);
    assert_int_equal(folder_count(f, "open"), 0);
}

static void ids_are_checked_and_unique_among_the_living(void **state)
{
    struct fixture *f = *state;
    struct store_association *a, *b;
    assert_int_equal(store_association_open(f->store, "../x", &a, NULL), STATUS_INVALID);
    assert_int_equal(store_association_open(f->store, ".x", &a, NULL), STATUS_INVALID);
    assert_int_equal(store_association_open(f->store, "", &a, NULL), STATUS_INVALID);
    assert_int_equal(store_association_open(f->store, "same", &a, NULL), 0);
    assert_int_equal(store_association_open(f->store, "same", &b, NULL), STATUS_CONFLICT);
    store_association_close(a);
    assert_int_equal(store_association_open(f->store, "same", &b, NULL), 0);
    store_association_close(b);
}

static void a_killed_process_carries_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_studies studies;
    struct store_association *a;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (store_association_open(f->store, "child", &a, NULL) == 0 &&
            store_association_add_study(a, "1.2.3", NULL) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(store_associations_snapshot(f->store, &studies, NULL), 0);
    assert_int_equal(studies.count, 1);
    store_studies_release(&studies);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(folder_count(f, "open"), 1);
    assert_int_equal(store_associations_snapshot(f->store, &studies, NULL), 0);
    assert_int_equal(studies.count, 0);
    assert_int_equal(folder_count(f, "open"), 0);
    close(ready[0]);
    close(ready[1]);
}

/* Opening while another process snapshots all the time: nobody is taken for dead. */
static void opening_survives_constant_snapshots(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            struct store_studies studies;
            if (store_associations_snapshot(f->store, &studies, NULL) == 0)
                store_studies_release(&studies);
        }
    }
    for (int i = 0; i < 300; i++) {
        struct store_association *a;
        struct store_studies studies;
        assert_int_equal(store_association_open(f->store, "live", &a, NULL), 0);
        assert_int_equal(store_association_add_study(a, "1.2.3", NULL), 0);
        assert_int_equal(store_associations_snapshot(f->store, &studies, NULL), 0);
        assert_int_equal(studies.count, 1);
        store_studies_release(&studies);
        store_association_close(a);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(live_associations_show_their_studies_once),
        TEST(ids_are_checked_and_unique_among_the_living),
        TEST(a_killed_process_carries_nothing),
        TEST(opening_survives_constant_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
