/* The frozen outcome model: its optimum, its prevalence, and a few values nobody may move. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "phantom/outcome.h"

enum { DRAWS = 20000 };

static int by_risk(const void *a, const void *b)
{
    double x = ((const struct latents *)a)->risk, y = ((const struct latents *)b)->risk;
    return (x > y) - (x < y);
}

static void optimum(void **state)
{
    (void)state;
    struct latents *drawn = calloc(DRAWS, sizeof *drawn);
    assert_non_null(drawn);
    for (int i = 0; i < DRAWS; i++)
        drawn[i] = latents_draw(1, (uint64_t)i + 1);
    qsort(drawn, DRAWS, sizeof *drawn, by_risk);
    /* Pairs in which the patient with the outcome has the higher risk; ties do not occur. */
    double positive = 0, ordered = 0;
    double negative = 0;
    for (int i = 0; i < DRAWS; i++) {
        if (drawn[i].outcome) {
            positive++;
            ordered += negative;
        } else {
            negative++;
        }
    }
    double auc = ordered / (positive * negative);
    double prevalence = positive / DRAWS;
    print_message("optimum AUC %.4f, prevalence %.4f\n", auc, prevalence);
    assert_true(auc >= 0.92 && auc <= 0.95);
    assert_true(prevalence >= 0.4 && prevalence <= 0.5);
    free(drawn);
}

static void ranges(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 2000; i++) {
        struct latents l = latents_draw(7, i);
        assert_true(l.tumour_size_mm >= 6 && l.tumour_size_mm <= 35);
        assert_true(l.tumour_irregularity >= 0 && l.tumour_irregularity < 1);
        assert_true(l.node_long_mm >= 7 && l.node_long_mm <= 25);
        assert_true(l.node_roundness >= 0.38 && l.node_roundness < 0.92);
        assert_true(l.hilum_fraction >= 0 && l.hilum_fraction < 1);
        assert_true(l.cortex_mm > 0 && l.cortex_mm <= l.node_long_mm * l.node_roundness / 2 + 1e-9);
        assert_true(l.risk > 0 && l.risk < 1);
    }
}

/* Printed by the version that was frozen. */
static void frozen(void **state)
{
    (void)state;
    struct latents l = latents_draw(1, 1);
    assert_true(fabs(l.risk - 0.988203078592) < 1e-9);
    assert_int_equal(l.outcome, 1);
    l = latents_draw(1, 4);
    assert_true(fabs(l.risk - 0.030057805193) < 1e-9);
    assert_int_equal(l.outcome, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimum),
        cmocka_unit_test(ranges),
        cmocka_unit_test(frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
