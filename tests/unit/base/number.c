#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/number.h"

static void only_whole_numbers_in_range_pass(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1",  "1 ", "1.0", "0x10", "ten", "+",
                                      "99", "-1", "9223372036854775808", NULL};
    int64_t value = 42;
    for (int i = 0; bad[i]; i++) {
        struct error err = {0};
        assert_int_equal(number_parse_int(bad[i], 0, 98, &value, &err), STATUS_INVALID);
        assert_int_equal(value, 42);
        assert_true(err.message[0]);
    }
    assert_int_equal(number_parse_int(NULL, 0, 1, &value, NULL), STATUS_INVALID);
    assert_int_equal(number_parse_int("98", 0, 98, &value, NULL), 0);
    assert_int_equal(value, 98);
    assert_int_equal(number_parse_int("-7", -8, 0, &value, NULL), 0);
    assert_int_equal(value, -7);
}

static void doubles_ignore_the_locale(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where installed */
    double value = 0;
    char text[NUMBER_TEXT_SIZE];
    assert_int_equal(number_parse_double("1.5", &value, NULL), 0);
    assert_true(value == 1.5);
    assert_int_equal(number_parse_double("1,5", &value, NULL), STATUS_INVALID);
    number_format(1.5, text);
    assert_string_equal(text, "1.5");
    setlocale(LC_ALL, "C");
}

static void odd_doubles_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "nan", "inf", "-inf", "1e999", "1.5x", " 1", NULL};
    double value = 7;
    for (int i = 0; bad[i]; i++)
        assert_int_equal(number_parse_double(bad[i], &value, NULL), STATUS_INVALID);
    assert_true(value == 7);
}

static void formatting_is_short_and_reads_back(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 1e-300, -2.5, 123456789.123456789, 5e-324, 0};
    char text[NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double back = NAN;
        number_format(values[i], text);
        assert_int_equal(number_parse_double(text, &back, NULL), 0);
        assert_true(back == values[i]);
        number_format_ds(values[i], text);
        assert_true(strlen(text) <= 16);
    }
    number_format(0.1, text);
    assert_string_equal(text, "0.1");
    number_format(NAN, text);
    assert_string_equal(text, "null");
    number_format_ds(-1.0 / 3 * 1e-7, text);
    assert_true(strlen(text) <= 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_numbers_in_range_pass),
        cmocka_unit_test(doubles_ignore_the_locale),
        cmocka_unit_test(odd_doubles_are_refused),
        cmocka_unit_test(formatting_is_short_and_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
