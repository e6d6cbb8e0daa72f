#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"

static void new_object_is_found_with_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct store_committed committed;
    char path[STORE_PATH_SIZE], hex[DIGEST_TEXT_SIZE], key[STORE_KEY_SIZE];
    struct stat info;
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abc", &committed, NULL), 0);
    assert_int_equal(committed.outcome, STORE_NEW);
    store_key("1.2.3", key);
    assert_string_equal(committed.key, key);
    assert_int_equal(store_find(f->store, key, path, NULL), 0);
    assert_true(file_holds(path, "abc"));
    assert_int_equal(store_dataset_digest(path, hex, NULL), 0);
    /* printf abc | sha256sum */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(f->root, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 0);
}

static void same_data_set_is_identical_whatever_its_meta_information(void **state)
{
    struct fixture *f = *state;
    struct store_committed first, second;
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abc", &first, NULL), 0);
    assert_int_equal(object_store(f->store, "1.2.3", 60, "abc", &second, NULL), 0);
    assert_int_equal(second.outcome, STORE_IDENTICAL);
    assert_string_equal(second.key, first.key);
    assert_int_equal(area_count(f->store, STORE_INCOMING), 1);
    /* Also when the indexer has moved it. */
    assert_int_equal(store_incoming_to_stored(f->store, first.key, NULL), 0);
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abc", &second, NULL), 0);
    assert_int_equal(second.outcome, STORE_IDENTICAL);
    assert_int_equal(area_count(f->store, STORE_INCOMING), 0);
    assert_int_equal(area_count(f->store, STORE_STORED), 1);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 0);
}

static void other_bytes_are_kept_under_their_own_key(void **state)
{
    struct fixture *f = *state;
    struct store_committed first, second, third;
    char expected[2 * STORE_KEY_SIZE];
    char path[STORE_PATH_SIZE], hex[DIGEST_TEXT_SIZE];
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abc", &first, NULL), 0);
    assert_int_equal(store_incoming_to_stored(f->store, first.key, NULL), 0);
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abd", &second, NULL), 0);
    assert_int_equal(second.outcome, STORE_VARIANT);
    assert_int_equal(store_find(f->store, second.key, path, NULL), 0);
    assert_int_equal(store_dataset_digest(path, hex, NULL), 0);
    snprintf(expected, sizeof expected, "%s-%.16s", first.key, hex);
    assert_string_equal(second.key, expected);
    assert_true(store_key_valid(second.key));
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abd", &third, NULL), 0);
    assert_int_equal(third.outcome, STORE_IDENTICAL);
    assert_string_equal(third.key, second.key);
    assert_int_equal(store_find(f->store, second.key, path, NULL), 0);
    assert_true(file_holds(path, "abd"));
    assert_int_equal(store_find(f->store, first.key, path, NULL), 0);
    assert_true(file_holds(path, "abc"));
}

static void the_first_version_has_to_be_known_first(void **state)
{
    struct fixture *f = *state;
    struct store_committed first, second;
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abc", &first, NULL), 0);
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abd", &second, NULL), 0);
    assert_true(store_first_waits(f->store, second.key));
    assert_false(store_first_waits(f->store, first.key));
    assert_int_equal(store_incoming_to_stored(f->store, first.key, NULL), 0);
    assert_false(store_first_waits(f->store, second.key));
    assert_false(store_first_waits(f->store, "no key"));
}

static void bad_objects_are_refused_and_leave_nothing(void **state)
{
    static const struct {
        const char *uid;
        const char *bytes;
        size_t n;
    } cases[] = {
        {"1.2.3", "", 0},
        {"1.2.3", "not a DICOM file", 16},
        {"", NULL, 0},
        {"../../etc/passwd", NULL, 0},
        {"1.2.03", NULL, 0},
        {"1.2.3456789012345678901234567890123456789012345678901234567890123", NULL, 0},
    };
    struct fixture *f = *state;
    struct store_committed committed;
    char good[512];
    size_t good_size = object_make(good, sizeof good, 20, "abc");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_temp temp;
        struct error err = {0};
        const char *bytes = cases[i].bytes ? cases[i].bytes : good;
        size_t n = cases[i].bytes ? cases[i].n : good_size;
        assert_int_equal(store_incoming_begin(f->store, &temp, &err), 0);
        assert_int_equal(store_temp_write(&temp, bytes, n, &err), 0);
        assert_int_equal(store_incoming_commit(&temp, cases[i].uid, &committed, &err),
                         STATUS_INVALID);
        assert_true(err.message[0] != '\0');
    }
    /* Meta information alone, and a length that points past the end. */
    assert_int_equal(object_store(f->store, "1.2.3", 40, "", &committed, NULL), STATUS_INVALID);
    good[141] = 50;
    struct store_temp temp;
    assert_int_equal(store_incoming_begin(f->store, &temp, NULL), 0);
    assert_int_equal(store_temp_write(&temp, good, good_size, NULL), 0);
    assert_int_equal(store_incoming_commit(&temp, "1.2.3", &committed, NULL),
                     STATUS_INVALID);
    assert_int_equal(area_count(f->store, STORE_INCOMING), 0);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 0);
}

static void keys_are_checked(void **state)
{
    struct fixture *f = *state;
    char path[STORE_PATH_SIZE], key[STORE_KEY_SIZE];
    store_key("1.2.3", key);
    assert_true(store_key_valid(key));
    assert_false(store_key_valid("../../../etc/passwd"));
    assert_false(store_key_valid(""));
    key[3] = 'A';
    assert_false(store_key_valid(key));
    assert_int_equal(store_find(f->store, "..", path, NULL), STATUS_INVALID);
    assert_int_equal(store_incoming_to_stored(f->store, "x", NULL), STATUS_INVALID);
    store_key("1.2.3", key);
    assert_int_equal(store_find(f->store, key, path, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_outgoing_find(f->store, key, path, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_incoming_to_stored(f->store, key, NULL), STATUS_NOT_FOUND);
}

static void moving_twice_is_success(void **state)
{
    struct fixture *f = *state;
    struct store_committed committed;
    char path[STORE_PATH_SIZE];
    assert_int_equal(object_store(f->store, "1.2.3", 40, "abc", &committed, NULL), 0);
    assert_int_equal(store_incoming_to_stored(f->store, committed.key, NULL), 0);
    assert_int_equal(store_incoming_to_stored(f->store, committed.key, NULL), 0);
    assert_int_equal(store_find(f->store, committed.key, path, NULL), 0);
    assert_non_null(strstr(path, "/stored/"));
}

static void scan_passes_over_foreign_names(void **state)
{
    struct fixture *f = *state;
    struct store_committed committed;
    char path[256];
    for (int i = 0; i < 20; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.%d", i);
        assert_int_equal(object_store(f->store, uid, 40, "abc", &committed, NULL), 0);
    }
    snprintf(path, sizeof path, "%s/incoming/%.2s/notes.dcm", f->root, committed.key);
    assert_int_equal(file_write(path, "x", 1, NULL), 0);
    snprintf(path, sizeof path, "%s/incoming/README", f->root);
    assert_int_equal(file_write(path, "x", 1, NULL), 0);
    assert_int_equal(area_count(f->store, STORE_INCOMING), 20);
}

static void too_little_space_is_refused_before_the_disk_is_full(void **state)
{
    struct fixture *f = *state;
    struct store_options options = {.min_free_bytes = UINT64_MAX};
    struct store *store;
    struct store_temp temp;
    struct error err;
    assert_int_equal(store_open(f->root, &options, &store, &err), 0);
    assert_int_equal(store_incoming_begin(store, &temp, &err), STATUS_LIMIT);
    assert_string_equal(err.message, "the store's file system is nearly full");
    store_close(store);
}

static void leftovers_of_dead_processes_are_cleaned(void **state)
{
    struct fixture *f = *state;
    struct store_temp mine;
    pid_t child = fork();
    if (child == 0) {
        struct store_temp temp;
        _exit(store_incoming_begin(f->store, &temp, NULL) < 0);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_int_equal(store_incoming_begin(f->store, &mine, NULL), 0);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 2);
    assert_int_equal(store_clean(f->store, NULL), 0);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 1);
    assert_int_equal(access(mine.path, F_OK), 0);
    store_temp_abandon(&mine);
    store_temp_abandon(&mine);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 0);
}

enum { CHILDREN = 8, ROUNDS = 25 };

/* Several children store the same UIDs, half of them one version and half another, while the
 * parent moves what it finds, as the indexer does. */
static void concurrent_children_make_no_duplicate(void **state)
{
    struct fixture *f = *state;
    pid_t children[CHILDREN];
    for (int c = 0; c < CHILDREN; c++) {
        children[c] = fork();
        if (children[c] != 0)
            continue;
        int failures = 0;
        for (int i = 0; i < ROUNDS; i++) {
            char uid[32];
            struct store_committed committed;
            snprintf(uid, sizeof uid, "1.2.%d", i);
            failures += object_store(f->store, uid, (size_t)c, c % 2 ? "odd" : "even", &committed,
                                     NULL) < 0;
        }
        _exit(failures != 0);
    }
    int running = CHILDREN;
    bool last = false;
    while (!last) {
        int ended;
        while (running > 0 && waitpid(-1, &ended, WNOHANG) > 0) {
            assert_int_equal(ended, 0);
            running--;
        }
        last = running == 0; /* one more pass after the last child */
        struct store_file files[16];
        struct store_scan *scan;
        size_t count;
        assert_int_equal(store_scan_open(f->store, STORE_INCOMING, &scan, NULL), 0);
        do {
            assert_int_equal(store_scan_next(scan, files, 16, &count, NULL), 0);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(store_incoming_to_stored(f->store, files[i].key, NULL), 0);
        } while (count > 0);
        store_scan_close(scan);
    }
    assert_int_equal(area_count(f->store, STORE_INCOMING), 0);
    assert_int_equal(area_count(f->store, STORE_STORED), 2 * ROUNDS);
    assert_int_equal(folder_count(f, "incoming/.tmp"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(new_object_is_found_with_its_bytes),
        TEST(same_data_set_is_identical_whatever_its_meta_information),
        TEST(other_bytes_are_kept_under_their_own_key),
        TEST(the_first_version_has_to_be_known_first),
        TEST(bad_objects_are_refused_and_leave_nothing),
        TEST(keys_are_checked),
        TEST(moving_twice_is_success),
        TEST(scan_passes_over_foreign_names),
        TEST(too_little_space_is_refused_before_the_disk_is_full),
        TEST(leftovers_of_dead_processes_are_cleaned),
        TEST(concurrent_children_make_no_duplicate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
