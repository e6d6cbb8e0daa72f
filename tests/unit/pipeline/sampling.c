#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/sampling.h"

enum { MANY = 64 };

static void even(double *seconds, size_t count, double apart)
{
    for (size_t i = 0; i < count; i++)
        seconds[i] = (double)i * apart;
}

static void check(const double *seconds, size_t count, size_t wanted, const size_t *expected)
{
    size_t picks[MANY];
    sampling_pick(seconds, count, wanted, picks);
    for (size_t i = 0; i < wanted; i++)
        if (picks[i] != expected[i])
            fail_msg("pick %zu of %zu is frame %zu instead of %zu", i, wanted, picks[i], expected[i]);
}

/* The last frame stays as long as the others. */
static void test_duration(void **state)
{
    (void)state;
    double seconds[MANY];
    even(seconds, 32, 0.05);
    assert_float_equal(sampling_duration(seconds, 32), 1.6, 1e-9);
    assert_float_equal(sampling_duration(seconds, 1), 0, 0);
}

/* As many frames as are wanted: each once. Twice as many: every second. Half as many: each twice. */
static void test_even(void **state)
{
    (void)state;
    double seconds[MANY];
    even(seconds, MANY, 1 / 29.97); /* whose sums are no round numbers */
    check(seconds, 8, 8, (const size_t[]){0, 1, 2, 3, 4, 5, 6, 7});
    check(seconds, 16, 8, (const size_t[]){1, 3, 5, 7, 9, 11, 13, 15});
    check(seconds, 4, 8, (const size_t[]){0, 0, 1, 1, 2, 2, 3, 3});
    check(seconds, 1, 3, (const size_t[]){0, 0, 0});
}

/* Ten frames in the first second, two in the next: half of the looks fall into each. */
static void test_variable_rate(void **state)
{
    (void)state;
    const double seconds[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5};
    /* 1.5 s and the mean of 11 intervals, in 4 parts of 0.409 s */
    check(seconds, 12, 4, (const size_t[]){2, 6, 10, 10});
}

/* Frames of one moment: the last one is on the screen. */
static void test_no_time_between(void **state)
{
    (void)state;
    const double seconds[] = {0, 0, 0, 1, 1, 1};
    check(seconds, 6, 2, (const size_t[]){2, 2});
    check(seconds, 6, 6, (const size_t[]){2, 2, 2, 2, 2, 5});
}

static void stretch(const bool *seen, size_t look_count, const size_t *looks, const double *seconds,
                    size_t count, size_t first, size_t last)
{
    size_t a = 99, b = 99;
    assert_true(sampling_stretch(seconds, count, looks, seen, look_count, &a, &b));
    assert_int_equal(a, first);
    assert_int_equal(b, last);
}

static void test_stretch(void **state)
{
    (void)state;
    double seconds[MANY];
    const size_t looks[] = {2, 6, 10, 14, 18, 22, 26, 30};
    even(seconds, 32, 0.1);
    /* All, to the loop's ends. */
    stretch((const bool[]){1, 1, 1, 1, 1, 1, 1, 1}, 8, looks, seconds, 32, 0, 31);
    /* From half-way to half-way. */
    stretch((const bool[]){0, 0, 1, 1, 0, 0, 0, 0}, 8, looks, seconds, 32, 8, 16);
    stretch((const bool[]){0, 0, 0, 1, 0, 0, 0, 0}, 8, looks, seconds, 32, 12, 16);
    /* One missed look is forgiven, two are not. */
    stretch((const bool[]){0, 1, 0, 1, 0, 0, 1, 0}, 8, looks, seconds, 32, 4, 16);
    /* The longest one; of equal ones the first. */
    stretch((const bool[]){1, 1, 0, 0, 1, 1, 1, 0}, 8, looks, seconds, 32, 16, 28);
    stretch((const bool[]){1, 1, 0, 0, 0, 0, 1, 1}, 8, looks, seconds, 32, 0, 8);
}

/* Long in time, not in frames. */
static void test_stretch_by_time(void **state)
{
    (void)state;
    const double seconds[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 2.5};
    const size_t looks[] = {0, 1, 2, 3, 4, 5, 6};
    stretch((const bool[]){1, 1, 0, 0, 0, 1, 1}, 7, looks, seconds, 7, 5, 6);
}

static void test_nothing_seen(void **state)
{
    (void)state;
    const double seconds[] = {0, 1};
    const size_t looks[] = {0, 1};
    size_t a, b;
    assert_false(sampling_stretch(seconds, 2, looks, (const bool[]){0, 0}, 2, &a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),        cmocka_unit_test(test_even),
        cmocka_unit_test(test_variable_rate),   cmocka_unit_test(test_no_time_between),
        cmocka_unit_test(test_stretch),         cmocka_unit_test(test_stretch_by_time),
        cmocka_unit_test(test_nothing_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
