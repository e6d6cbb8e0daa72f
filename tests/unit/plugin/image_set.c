#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "plugin/image_set.h"

static void test_the_same_in_any_order(void **state)
{
    (void)state;
    struct image_set_item a[] = {{"1.2", "x"}, {"1.3", "y"}}, b[] = {{"1.3", "y"}, {"1.2", "x"}};
    char one[DIGEST_TEXT_SIZE], other[DIGEST_TEXT_SIZE];
    assert_true(image_set_digest(a, 2, one));
    assert_true(image_set_digest(b, 2, other));
    assert_string_equal(one, other);
    assert_int_equal(strlen(one), 64);
}

static void test_everything_counts(void **state)
{
    (void)state;
    struct image_set_item sets[][2] = {{{"1.2", "x"}, {"1.3", "y"}},
                                       {{"1.2", "x"}, {"1.3", "z"}},   /* other bytes */
                                       {{"1.2", "x"}, {"1.4", "y"}},   /* another image */
                                       {{"1.2", "y"}, {"1.3", "x"}}};
    char digests[5][DIGEST_TEXT_SIZE];
    for (int i = 0; i < 4; i++)
        assert_true(image_set_digest(sets[i], 2, digests[i]));
    assert_true(image_set_digest(sets[0], 1, digests[4]));
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(digests[i], digests[k]);
    assert_true(image_set_digest(NULL, 0, digests[0]));
}

static void test_what_is_wanted(void **state)
{
    (void)state;
    assert_true(image_set_is_ultrasound("1.2.840.10008.5.1.4.1.1.6.1"));
    assert_true(image_set_is_ultrasound("1.2.840.10008.5.1.4.1.1.3"));
    assert_false(image_set_is_ultrasound("1.2.840.10008.5.1.4.1.1.66.4")); /* a segmentation */
    assert_true(image_set_wants("1.2.840.10008.5.1.4.1.1.88.33"));
    assert_false(image_set_wants("1.2.840.10008.5.1.4.1.1.2"));
    assert_false(image_set_wants(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_in_any_order),
        cmocka_unit_test(test_everything_counts),
        cmocka_unit_test(test_what_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
