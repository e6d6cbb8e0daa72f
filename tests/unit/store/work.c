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
#include "base/file.h"
#include "fixture.h"

static void outgoing_keeps_the_first_bytes(void **state)
{
    struct fixture *f = *state;
    struct store_outgoing first, again;
    struct store_work work;
    char path[STORE_PATH_SIZE + 16], found[STORE_PATH_SIZE], hex[DIGEST_TEXT_SIZE];
    uint64_t size;
    struct error err;
    assert_int_equal(store_work_make(f->store, 7, 1, &work, &err), 0);
    snprintf(path, sizeof path, "%s/sr.dcm", work.path);
    assert_int_equal(file_write(path, "report", 6, NULL), 0);
    assert_int_equal(store_outgoing_write(f->store, path, "2.25.1", &first, &err), 0);
    assert_int_equal(first.size, 6);
    assert_int_equal(store_outgoing_find(f->store, first.key, found, NULL), 0);
    assert_int_equal(digest_file(found, hex, &size, NULL), 0);
    assert_string_equal(hex, first.sha256);
    assert_int_equal(store_outgoing_write(f->store, path, "2.25.1", &again, &err), 0);
    assert_string_equal(again.key, first.key);
    assert_int_equal(file_write(path, "Report", 6, NULL), 0);
    assert_int_equal(store_outgoing_write(f->store, path, "2.25.1", &again, &err),
                     STATUS_CONFLICT);
    assert_true(file_holds(found, "eport"));
    assert_int_equal(digest_file(found, hex, &size, NULL), 0);
    assert_string_equal(hex, first.sha256);
    store_work_remove(&work);
    assert_int_equal(folder_count(f, "work"), 0);
    assert_int_equal(folder_count(f, "outgoing/.tmp"), 0);
    assert_int_equal(store_outgoing_write(f->store, path, "2.25.1", &again, &err),
                     STATUS_NOT_FOUND);
    assert_int_equal(area_count(f->store, STORE_OUTGOING), 1);
}

static void work_folders_of_dead_processes_are_cleaned(void **state)
{
    struct fixture *f = *state;
    struct store_work mine, again;
    char path[STORE_PATH_SIZE + 16];
    pid_t child = fork();
    if (child == 0) {
        struct store_work work;
        if (store_work_make(f->store, 8, 1, &work, NULL) < 0)
            _exit(1);
        snprintf(path, sizeof path, "%s/deep/er", work.path);
        if (folder_make(path, NULL) < 0)
            _exit(1);
        snprintf(path, sizeof path, "%s/deep/x", work.path);
        _exit(file_write(path, "x", 1, NULL) < 0);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_int_equal(store_work_make(f->store, 7, 1, &mine, NULL), 0);
    assert_int_equal(store_work_make(f->store, 7, 1, &again, NULL), STATUS_CONFLICT);
    assert_int_equal(folder_count(f, "work"), 2);
    assert_int_equal(store_clean(f->store, NULL), 0);
    assert_int_equal(folder_count(f, "work"), 1);
    assert_int_equal(access(mine.path, F_OK), 0);
    store_work_remove(&mine);
}

static void a_leftover_of_the_same_attempt_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct store_work work;
    char path[160];
    snprintf(path, sizeof path, "%s/work/9-1/old", f->root);
    assert_int_equal(folder_make(path, NULL), 0);
    assert_int_equal(store_work_make(f->store, 9, 1, &work, NULL), 0);
    assert_int_equal(folder_count(f, "work/9-1"), 0);
    store_work_remove(&work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(outgoing_keeps_the_first_bytes),
        TEST(work_folders_of_dead_processes_are_cleaned),
        TEST(a_leftover_of_the_same_attempt_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
