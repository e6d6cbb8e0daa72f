#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "image/resize.h"

static struct plane ramp(int rows, int columns)
{
    struct plane plane;
    assert_int_equal(plane_init(&plane, rows, columns, NULL), 0);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            plane.values[y * columns + x] = (float)(2.0 * x + 3.0 * y + 1);
    return plane;
}

/* A linear picture stays linear away from the border, at the same place in both sizes. */
static void test_linear_stays_linear(void **state)
{
    (void)state;
    const int sizes[][4] = {{40, 60, 20, 30}, {40, 60, 97, 131}, {64, 64, 17, 23}, {30, 30, 30, 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int rows = sizes[i][0], columns = sizes[i][1], to_rows = sizes[i][2], to_columns = sizes[i][3];
        struct plane from = ramp(rows, columns), to;
        assert_int_equal(plane_resize(&from, to_rows, to_columns, &to, NULL), 0);
        double step_y = (double)rows / to_rows, step_x = (double)columns / to_columns;
        int margin_y = (int)ceil(1 / step_y) + 1, margin_x = (int)ceil(1 / step_x) + 1;
        for (int y = margin_y; y < to_rows - margin_y; y++)
            for (int x = margin_x; x < to_columns - margin_x; x++) {
                double expect = 2 * ((x + 0.5) * step_x - 0.5) + 3 * ((y + 0.5) * step_y - 0.5) + 1;
                assert_true(fabs(to.values[y * to_columns + x] - expect) < 0.25);
            }
        plane_release(&from);
        plane_release(&to);
    }
}

static void test_shrinking_keeps_the_mean(void **state)
{
    (void)state;
    struct plane from, to;
    assert_int_equal(plane_init(&from, 200, 200, NULL), 0);
    double mean = 0, small_mean = 0;
    for (int i = 0; i < 40000; i++) {
        from.values[i] = (float)((i * 7919) % 256);
        mean += from.values[i] / 40000.0;
    }
    assert_int_equal(plane_resize(&from, 25, 25, &to, NULL), 0);
    for (int i = 0; i < 625; i++)
        small_mean += to.values[i] / 625.0;
    assert_true(fabs(mean - small_mean) < 1.5);
    plane_release(&to);
    assert_int_equal(plane_resize(&from, 0, 25, &to, NULL), STATUS_INVALID);
    plane_release(&from);
}

static void test_fit(void **state)
{
    (void)state;
    struct fit fit = fit_frame(300, 600, 256, 256);
    assert_int_equal(fit.fit_rows, 128);
    assert_int_equal(fit.fit_columns, 256);
    assert_int_equal(fit.top, 64);
    assert_int_equal(fit.left, 0);
    fit = fit_frame(8000, 1, 256, 256);
    assert_int_equal(fit.fit_columns, 1);
    assert_int_equal(fit.fit_rows, 256);
    fit = fit_frame(600, 800, 256, 320); /* wider than the frame */
    assert_int_equal(fit.fit_rows, 240);
    assert_int_equal(fit.fit_columns, 320);
    assert_int_equal(fit.top, 8);
    fit = fit_frame(600, 700, 256, 320);
    assert_int_equal(fit.fit_rows, 256);
    assert_int_equal(fit.fit_columns, 299);
    assert_int_equal(fit.left, 10);
}

/* A disc goes to the frame and back to where it was. */
static void test_there_and_back(void **state)
{
    (void)state;
    const int sizes[][2] = {{300, 420}, {97, 61}, {1000, 333}, {20, 20}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int rows = sizes[i][0], columns = sizes[i][1], wrong = 0, inside = 0;
        double radius = fmin(rows, columns) / 3.0;
        struct plane picture, frame, back;
        struct fit fit = fit_frame(rows, columns, 256, i % 2 ? 320 : 256);
        assert_int_equal(plane_init(&picture, rows, columns, NULL), 0);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++)
                picture.values[y * columns + x] =
                    hypot(x - columns * 0.4, y - rows * 0.6) < radius ? 1.0f : 0.0f;
        assert_int_equal(fit_forward(&fit, &picture, 0, &frame, NULL), 0);
        assert_true(frame.values[0] == 0 || (fit.top == 0 && fit.left == 0));
        assert_int_equal(fit_back(&fit, &frame, &back, NULL), 0);
        for (int k = 0; k < rows * columns; k++) {
            inside += picture.values[k] > 0.5f;
            wrong += (picture.values[k] > 0.5f) != (back.values[k] > 0.5f);
        }
        assert_true(wrong <= inside / 50);
        plane_release(&picture);
        plane_release(&frame);
        plane_release(&back);
    }
}

static void test_mirror(void **state)
{
    (void)state;
    struct plane plane = ramp(2, 5);
    plane_mirror(&plane);
    assert_true(plane.values[0] == 9 && plane.values[4] == 1 && plane.values[5] == 12);
    plane_release(&plane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_stays_linear),
        cmocka_unit_test(test_shrinking_keeps_the_mean),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
