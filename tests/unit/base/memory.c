#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"

static void arena_memory_is_zero_and_aligned(void **state)
{
    (void)state;
    struct arena a ARENA_AUTO;
    arena_init(&a);
    for (size_t size = 1; size < 40000; size = size * 3 + 1) {
        unsigned char *p = arena_alloc(&a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
    }
    assert_null(arena_array(&a, SIZE_MAX / 2, 8));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_string_equal(arena_print(&a, "%d-%s", 5, "x"), "5-x");
    assert_string_equal(arena_text(&a, ""), "");
}

static void buffer_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct buffer b BUFFER_AUTO = {0};
    assert_string_equal(buffer_text(&b), "");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer_print(&b, NULL, "%d,", i), 0);
    assert_int_equal(b.size, 3890);
    assert_int_equal(b.data[b.size], 0);
    assert_int_equal(buffer_add(&b, NULL, SIZE_MAX / 2, NULL), STATUS_NOMEM);
    assert_int_equal(b.size, 3890);
}

static void files_are_private_and_bounded(void **state)
{
    (void)state;
    char folder[] = "/tmp/axnode-test-XXXXXX", path[64], deep[96];
    struct error err = {0};
    struct stat info;
    struct buffer b BUFFER_AUTO = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    assert_int_equal(folder_make(deep, &err), 0);
    assert_int_equal(folder_make(deep, &err), 0);
    stat(deep, &info);
    assert_int_equal(info.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/f", folder);
    assert_int_equal(file_write(path, "hello", 5, &err), 0);
    stat(path, &info);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 4, &b, &err), STATUS_LIMIT);
    assert_int_equal(b.size, 0);
    assert_int_equal(file_read(path, 5, &b, &err), 0);
    assert_string_equal(buffer_text(&b), "hello");
    assert_int_equal(folder_make(path, &err), STATUS_INVALID);
    unlink(path);
    assert_int_equal(file_read(path, 5, &b, &err), STATUS_NOT_FOUND);
    assert_string_equal(buffer_text(&b), "hello");
    rmdir(deep);
    snprintf(deep, sizeof deep, "%s/a", folder);
    rmdir(deep);
    rmdir(folder);
}

static void times_format_in_utc(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE], date[CLOCK_TEXT_SIZE], time[CLOCK_TEXT_SIZE];
    clock_format_iso(1767323045678901, text);
    assert_string_equal(text, "2026-01-02T03:04:05.678901Z");
    clock_format_dicom(1767323045678901, date, time);
    assert_string_equal(date, "20260102");
    assert_string_equal(time, "030405.678901");
    clock_format_iso(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zero_and_aligned),
        cmocka_unit_test(buffer_grows_and_stays_terminated),
        cmocka_unit_test(files_are_private_and_bounded),
        cmocka_unit_test(times_format_in_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
