#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "service/backoff.h"

static void test_doubles_up_to_the_cap(void **state)
{
    (void)state;
    static const struct {
        int attempt;
        int64_t middle_us;
    } cases[] = {{1, 5000000}, {2, 10000000}, {3, 20000000}, {9, 1280000000}, {11, 3600000000},
                 {200, 3600000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t least = INT64_MAX, most = 0;
        for (int k = 0; k < 500; k++) {
            int64_t us = backoff_us(5000000, 3600000000, cases[i].attempt);
            least = us < least ? us : least;
            most = us > most ? us : most;
        }
        assert_true(least >= cases[i].middle_us / 10 * 8 && most <= cases[i].middle_us / 10 * 12);
        /* What failed together does not come back together. */
        assert_true(most - least > cases[i].middle_us / 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_doubles_up_to_the_cap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
