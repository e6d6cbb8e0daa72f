#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugin/cursor.h"

enum { LAG = 100 };

/* An image whose study is not stable yet must be found again after a restart. */
static void test_young_changes_are_read_again(void **state)
{
    (void)state;
    struct cursor c;
    cursor_init(&c, 50, 0);
    c.read = 60;
    assert_int_equal(cursor_safe(&c, INT64_MAX, LAG, 10), 50);
    assert_int_equal(cursor_safe(&c, INT64_MAX, LAG, 100), 50); /* 60 was read just now */
    c.read = 70;
    assert_int_equal(cursor_safe(&c, INT64_MAX, LAG, 199), 50);
    assert_int_equal(cursor_safe(&c, INT64_MAX, LAG, 200), 60);
    assert_int_equal(cursor_safe(&c, INT64_MAX, LAG, 300), 70);
}

static void test_what_waits_holds_it_back(void **state)
{
    (void)state;
    struct cursor c;
    cursor_init(&c, 50, 0);
    c.read = 80;
    cursor_safe(&c, INT64_MAX, LAG, 100);
    assert_int_equal(cursor_safe(&c, 75, LAG, 200), 74);
    assert_int_equal(cursor_safe(&c, 80, LAG, 201), 79);
    assert_int_equal(cursor_safe(&c, 81, LAG, 202), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_young_changes_are_read_again),
        cmocka_unit_test(test_what_waits_holds_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
