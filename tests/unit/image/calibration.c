#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "image/calibration.h"

static const struct us_region GOOD = {10, 10, 89, 69, 1, 1, 3, 3, 0.01, 0.02};

/* Set pixels (20…30, 20…40) of 100 × 80. */
static struct mask make_mask(void)
{
    struct mask mask;
    assert_int_equal(mask_init(&mask, 80, 100, NULL), 0);
    for (int y = 20; y <= 40; y++)
        for (int x = 20; x <= 30; x++)
            mask.pixels[y * 100 + x] = 1;
    return mask;
}

static void test_rules(void **state)
{
    (void)state;
#define WITH(...) ({ struct us_region r = GOOD; __VA_ARGS__; r; })
    const struct {
        struct us_region region;
        bool counts;
    } cases[] = {
        {GOOD, true},
        {WITH(r.spatial_format = 2), false}, /* M-mode */
        {WITH(r.data_type = 2), false},      /* colour flow */
        {WITH(r.units_x = 4), false},        /* seconds */
        {WITH(r.units_y = 0), false},
        {WITH(r.delta_x = 0), false},
        {WITH(r.delta_y = -0.01), false},
        {WITH(r.delta_x = NAN), false},
        {WITH(r.delta_y = INFINITY), false},
        {WITH(r.delta_x = 1.5), false},
        {WITH(r.delta_x = 1.0), true},
        {WITH(r.x0 = 20), true}, /* edges are inclusive */
        {WITH(r.x0 = 21), false},
        {WITH(r.x1 = 30), true},
        {WITH(r.x1 = 29), false},
        {WITH(r.y0 = 20), true},
        {WITH(r.y0 = 21), false},
        {WITH(r.y1 = 40), true},
        {WITH(r.y1 = 39), false},
    };
    struct mask mask = make_mask();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct calibration c = calibration_for_mask(&cases[i].region, 1, &mask);
        assert_int_equal(c.source, cases[i].counts ? CALIBRATION_REGION : CALIBRATION_NONE);
        assert_int_equal(c.region, cases[i].counts ? 0 : -1);
        if (i == 0) {
            assert_true(fabs(c.spacing_column_mm - 0.1) < 1e-12);
            assert_true(fabs(c.spacing_row_mm - 0.2) < 1e-12);
        }
        if (!cases[i].counts)
            assert_true(c.spacing_row_mm == 0 && c.spacing_column_mm == 0);
    }
    mask_release(&mask);
}

static void test_several_regions(void **state)
{
    (void)state;
    struct mask mask = make_mask(), empty;
    struct us_region regions[3] = {GOOD, GOOD, GOOD};
    regions[0].data_type = 2;
    assert_int_equal(calibration_for_mask(regions, 3, &mask).region, 1);
    regions[2].delta_x = 0.011; /* contradicts region 1 */
    assert_int_equal(calibration_for_mask(regions, 3, &mask).source, CALIBRATION_NONE);
    assert_int_equal(calibration_for_mask(NULL, 0, &mask).source, CALIBRATION_NONE);
    assert_int_equal(mask_init(&empty, 80, 100, NULL), 0);
    assert_int_equal(calibration_for_mask(&GOOD, 1, &empty).source, CALIBRATION_NONE);
    mask_release(&empty);
    mask_release(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_several_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
