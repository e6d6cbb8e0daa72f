#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/features.h"
#include "model/measure.h"

static const struct calibration NONE = {CALIBRATION_NONE, 0, 0, -1};

static struct mask ellipse(int rows, int columns, double cx, double cy, double a, double b)
{
    struct mask mask;
    assert_int_equal(mask_init(&mask, rows, columns, NULL), 0);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            mask.pixels[y * columns + x] =
                (x - cx) * (x - cx) / (a * a) + (y - cy) * (y - cy) / (b * b) <= 1;
    return mask;
}

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%g instead of %g ± %g", found, expected, tolerance);
}

static void test_ellipse_in_pixels(void **state)
{
    (void)state;
    struct mask mask = ellipse(200, 300, 150, 100, 90, 45);
    struct measurements m;
    assert_int_equal(measure_region(&mask, NULL, &NONE, &m, NULL), 0);
    near(m.long_axis.length_px, 180, 1);
    near(m.short_axis.length_px, 90, 1);
    near(m.axis_ratio, 2, 0.03);
    near(m.area_px, M_PI * 90 * 45, 40);
    near(m.circularity, 4 * M_PI * M_PI * 90 * 45 / (436.0 * 436.0), 0.1);
    near(m.long_axis.y0, 100, 4);
    assert_true(m.long_axis.length_mm == 0 && m.area_mm2 == 0 && m.perimeter_mm == 0);
    assert_false(m.hilum_marked);
    mask_release(&mask);
}

/* Rows twice as far apart as columns: a circle in mm is an ellipse in pixels. */
static void test_anisotropic_pixels(void **state)
{
    (void)state;
    struct mask mask = ellipse(200, 300, 150, 100, 100, 50);
    struct calibration c = {CALIBRATION_REGION, 0.2, 0.1, 0};
    struct measurements m;
    assert_int_equal(measure_region(&mask, NULL, &c, &m, NULL), 0);
    near(m.long_axis.length_mm, 20, 0.25); /* 100 half pixels and one */
    near(m.short_axis.length_mm, 20, 0.3);
    near(m.axis_ratio, 1, 0.02);
    near(m.area_mm2, M_PI * 100, 1);
    near(m.perimeter_mm, 2 * M_PI * 10, 6.3); /* steps along pixel edges are longer */
    near(m.long_axis.length_px * 0.1, m.long_axis.length_mm, 1e-9);
    double dx = (m.long_axis.x1 - m.long_axis.x0) * 0.1, dy = (m.long_axis.y1 - m.long_axis.y0) * 0.2;
    near(hypot(dx, dy), m.long_axis.length_mm, 1e-9);
    double ex = (m.short_axis.x1 - m.short_axis.x0) * 0.1;
    double ey = (m.short_axis.y1 - m.short_axis.y0) * 0.2;
    near(dx * ex + dy * ey, 0, 1e-6);
    mask_release(&mask);
}

static void test_hilum(void **state)
{
    (void)state;
    struct calibration c = {CALIBRATION_REGION, 0.1, 0.1, 0};
    struct mask node = ellipse(200, 300, 150, 100, 90, 45);
    struct mask hilum = ellipse(200, 300, 150, 100, 50, 20);
    struct measurements m;
    assert_int_equal(measure_region(&node, &hilum, &c, &m, NULL), 0);
    assert_true(m.hilum_marked);
    near(m.hilum_fraction, 50.0 * 20 / (90 * 45), 0.01);
    near(m.cortex_thickness_mm, 4.0, 0.1); /* at the poles: 90 − 50 pixels */
    memset(hilum.pixels, 0, 200 * 300);
    assert_int_equal(measure_region(&node, &hilum, &c, &m, NULL), 0);
    assert_true(m.hilum_marked && m.hilum_fraction == 0);
    near(m.cortex_thickness_mm, m.short_axis.length_mm / 2, 1e-12);
    mask_release(&hilum);
    mask_release(&node);
}

static void test_tiny_and_empty(void **state)
{
    (void)state;
    struct mask mask;
    struct measurements m;
    assert_int_equal(mask_init(&mask, 9, 9, NULL), 0);
    assert_int_equal(measure_region(&mask, NULL, &NONE, &m, NULL), STATUS_NOT_FOUND);
    mask.pixels[40] = 1;
    assert_int_equal(measure_region(&mask, NULL, &NONE, &m, NULL), 0);
    near(m.long_axis.length_px, 1, 1e-12);
    near(m.short_axis.length_px, 1, 1e-12);
    mask_release(&mask);
}

static void test_features(void **state)
{
    (void)state;
    struct region_finding region = {.found = true};
    region.mask = ellipse(200, 300, 150, 100, 90, 45);
    region.calibration = NONE;
    assert_int_equal(measure_region(&region.mask, NULL, &NONE, &region.measurements, NULL), 0);
    assert_int_equal(measure_features(&region, ROI_TUMOUR, &region.features, NULL), 0);
    assert_true(isnan(feature_list_find(&region.features, "tumour_measure_LongAxis")->value));
    near(feature_list_find(&region.features, "tumour_measure_AxisRatio")->value, 2, 0.03);
    assert_null(feature_list_find(&region.features, "tumour_measure_HilumFraction"));
    region_finding_release(&region);
    assert_true(feature_depends_on_size("node_measure_CortexThickness"));
    assert_true(feature_depends_on_size("tumour_original_shape2D_MajorAxisLength"));
    assert_false(feature_depends_on_size("tumour_original_firstorder_Entropy"));
    assert_false(feature_depends_on_size("node_measure_AxisRatio"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ellipse_in_pixels), cmocka_unit_test(test_anisotropic_pixels),
        cmocka_unit_test(test_hilum),             cmocka_unit_test(test_tiny_and_empty),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
