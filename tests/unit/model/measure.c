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

static void test_extents(void **state)
{
    (void)state;
    const struct calibration c = {CALIBRATION_REGION, 0.2, 0.1, 0};
    struct mask mask = ellipse(200, 300, 150, 100, 40, 60);
    struct measurements m;
    assert_int_equal(measure_region(&mask, NULL, &NONE, &m, NULL), 0);
    near(m.width_px, 81, 1e-12);
    near(m.depth_px, 121, 1e-12);
    near(m.depth_width, 121.0 / 81, 1e-12);
    assert_true(m.width_mm == 0 && m.depth_mm == 0);
    assert_int_equal(measure_region(&mask, NULL, &c, &m, NULL), 0);
    near(m.width_mm, 8.1, 1e-9);
    near(m.depth_mm, 24.2, 1e-9);
    near(m.depth_width, 24.2 / 8.1, 1e-9);
    mask_release(&mask);
}

/* A black gap of gel, then tissue from row `from` on. */
static struct image tissue_from(int rows, int columns, int from)
{
    struct image grey;
    assert_int_equal(image_init(&grey, rows, columns, 1, NULL), 0);
    memset(grey.pixels + (size_t)from * (size_t)columns, 90, (size_t)(rows - from) * (size_t)columns);
    return grey;
}

static void test_skin(void **state)
{
    (void)state;
    const struct calibration c = {CALIBRATION_REGION, 0.2, 0.1, 0};
    const struct us_region tissue = {.x0 = 10, .y0 = 20, .x1 = 289, .y1 = 189};
    struct mask mask = ellipse(200, 300, 150, 120, 40, 30);
    struct measurements m = {0};
    struct image grey = tissue_from(200, 300, 32);
    measure_skin(&grey, &tissue, &mask, &c, &m);
    assert_true(m.skin_visible);
    near(m.skin_distance_mm, (90 - 32) * 0.2, 1e-9);
    near(m.skin_distance_px, (90 - 32) * 2, 1e-9); /* column pixels */
    m = (struct measurements){0};
    measure_skin(&grey, &tissue, &mask, &NONE, &m);
    assert_true(m.skin_visible && m.skin_distance_mm == 0);
    near(m.skin_distance_px, 58, 1e-12);
    m = (struct measurements){0};
    measure_skin(&grey, NULL, &mask, &c, &m);
    assert_false(m.skin_visible);
    image_release(&grey);
    grey = tissue_from(200, 300, 80); /* deeper than a quarter */
    measure_skin(&grey, &tissue, &mask, &c, &m);
    assert_false(m.skin_visible);
    image_release(&grey);
    mask_release(&mask);
}

static void test_criteria(void **state)
{
    (void)state;
    static const struct {
        double long_px, short_px, hilum_a, hilum_b, spacing;
        enum hilum_state hilum;
        enum criterion_state state[CRITERION_COUNT];
    } rows[] = {
        /* 18 × 8 mm, cortex 2 mm */
        {90, 40, 60, 20, 0.1, HILUM_PRESENT,
         {CRITERION_NOT_MET, CRITERION_NOT_MET, CRITERION_NOT_MET, CRITERION_NOT_MET}},
        /* thicker cortex, rounder */
        {60, 45, 20, 12, 0.1, HILUM_PARTLY_LOST,
         {CRITERION_MET, CRITERION_MET, CRITERION_MET, CRITERION_NOT_MET}},
        {60, 45, 27, 20, 0.1, HILUM_PRESENT,
         {CRITERION_MET, CRITERION_MET, CRITERION_NOT_MET, CRITERION_NOT_MET}},
        /* no hilum: half the short axis */
        {60, 45, 0, 0, 0.1, HILUM_LOST,
         {CRITERION_MET, CRITERION_MET, CRITERION_MET, CRITERION_MET}},
        {60, 45, 0, 0, 0, HILUM_LOST,
         {CRITERION_MET, CRITERION_NOT_ASSESSABLE, CRITERION_NOT_ASSESSABLE, CRITERION_MET}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct region_finding node = {.found = true};
        struct criterion found[CRITERION_COUNT];
        node.mask = ellipse(200, 300, 150, 100, rows[i].long_px, rows[i].short_px);
        node.hilum = ellipse(200, 300, 150, 100, rows[i].hilum_a, rows[i].hilum_b);
        if (rows[i].hilum_a == 0)
            memset(node.hilum.pixels, 0, 200 * 300);
        node.calibration = rows[i].spacing > 0 ? (struct calibration){CALIBRATION_REGION, 0.1, 0.1, 0}
                                               : NONE;
        assert_int_equal(measure_region(&node.mask, &node.hilum, &node.calibration,
                                        &node.measurements, NULL),
                         0);
        assert_int_equal(node.measurements.hilum, rows[i].hilum);
        measure_criteria(&node, found);
        for (int k = 0; k < CRITERION_COUNT; k++)
            if (found[k].state != rows[i].state[k])
                fail_msg("row %zu, criterion %d: %d, value %g", i, k, (int)found[k].state,
                         found[k].value);
        const struct axis *cortex = &node.measurements.cortex;
        if (rows[i].hilum == HILUM_LOST) {
            assert_true(cortex->length_px == 0);
        } else { /* from the outline to the hilum, and no shorter way */
            assert_true(node.mask.pixels[(int)cortex->y0 * 300 + (int)cortex->x0]);
            assert_true(node.hilum.pixels[(int)cortex->y1 * 300 + (int)cortex->x1]);
            near(hypot(cortex->x1 - cortex->x0, cortex->y1 - cortex->y0),
                 node.measurements.cortex_thickness_px, 1e-9);
        }
        region_finding_release(&node);
    }
    struct region_finding bare = {.found = true, .measurements = {.axis_ratio = 1.5}};
    struct criterion found[CRITERION_COUNT];
    measure_criteria(&bare, found); /* a network without a hilum output */
    assert_int_equal(found[CRITERION_RATIO].state, CRITERION_MET);
    assert_int_equal(found[CRITERION_HILUM].state, CRITERION_NOT_ASSESSABLE);
    assert_true(isnan(found[CRITERION_HILUM].value) && *found[CRITERION_HILUM].reason);
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
        cmocka_unit_test(test_features),          cmocka_unit_test(test_extents),
        cmocka_unit_test(test_skin),              cmocka_unit_test(test_criteria),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
