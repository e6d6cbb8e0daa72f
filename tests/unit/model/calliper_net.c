#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/calliper_net.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

/* The mean of a cell's four pixels / 255. */
static const struct calliper_network CELLS = {.scale = 1 / 255.0, .mean = 0, .std = 1,
                                              .input = "image", .output = "probability",
                                              .threshold = 0.4};

static struct net_library *library;
static struct net *cells;

static int open_networks(void **state)
{
    (void)state;
    return net_library_open(ORT_LIBRARY, &library, NULL) ||
           net_open(library, DATA "cells.onnx", NULL, &cells, NULL);
}

static int close_networks(void **state)
{
    (void)state;
    net_free(cells);
    net_library_free(library);
    return 0;
}

/* Two pixels square, its upper left one at (x, y). */
static void spot(struct image *image, int x, int y, uint8_t level)
{
    for (int v = y; v < y + 2; v++)
        memset(image->pixels + v * image->columns + x, level, 2);
}

static void assert_at(struct point p, double x, double y)
{
    assert_true(fabs(p.x - x) < 1e-5 && fabs(p.y - y) < 1e-5);
}

static void test_networks_of_another_shape_are_refused(void **state)
{
    (void)state;
    struct net *other;
    assert_int_equal(calliper_net_check(cells, &CELLS, NULL), 0);
    assert_int_equal(net_open(library, DATA "tumour.onnx", NULL, &other, NULL), 0);
    assert_int_equal(calliper_net_check(other, &CELLS, NULL), STATUS_INVALID);
    net_free(other);
}

/* The most probable first; one for each neighbourhood; the faint one counts for nothing; sides that
 * are odd are filled up. */
static void test_marks_are_peaks(void **state)
{
    (void)state;
    struct point points[CALLIPER_POINTS_MAX];
    struct image grey;
    size_t count;
    assert_int_equal(image_init(&grey, 61, 83, 1, NULL), 0);
    spot(&grey, 20, 10, 200);
    spot(&grey, 50, 40, 250);
    spot(&grey, 56, 40, 180); /* three cells beside it */
    spot(&grey, 10, 50, 90);
    assert_int_equal(calliper_net_find(cells, &CELLS, &grey, NULL, points, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_at(points[0], 50.5, 40.5);
    assert_at(points[1], 20.5, 10.5);
    spot(&grey, 52, 40, 250); /* as bright, the next cell: one mark between the two */
    assert_int_equal(calliper_net_find(cells, &CELLS, &grey, NULL, points, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_at(points[0], 51.5, 40.5);
    image_release(&grey);
}

/* Places are the picture's, and what lies outside the tissue box is not seen. */
static void test_marks_of_the_tissue(void **state)
{
    (void)state;
    const struct us_region tissue = {.x0 = 41, .y0 = 21, .x1 = 80, .y1 = 60};
    struct point points[CALLIPER_POINTS_MAX];
    struct image grey;
    size_t count;
    assert_int_equal(image_init(&grey, 64, 96, 1, NULL), 0);
    spot(&grey, 20, 10, 200);
    spot(&grey, 51, 41, 250);
    assert_int_equal(calliper_net_find(cells, &CELLS, &grey, &tissue, points, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_at(points[0], 51.5, 41.5);
    memset(grey.pixels, 0, 64 * 96);
    assert_int_equal(calliper_net_find(cells, &CELLS, &grey, &tissue, points, &count, NULL), 0);
    assert_int_equal(count, 0);
    image_release(&grey);
}

/* A picture full of marks gives the best eight; one with values that are no probability nothing. */
static void test_bounds(void **state)
{
    (void)state;
    struct calliper_network loud = CELLS;
    struct point points[CALLIPER_POINTS_MAX];
    struct image grey;
    size_t count;
    assert_int_equal(image_init(&grey, 200, 200, 1, NULL), 0);
    for (int i = 0; i < 100; i++)
        spot(&grey, 20 * (i % 10), 20 * (i / 10), (uint8_t)(110 + i));
    assert_int_equal(calliper_net_find(cells, &CELLS, &grey, NULL, points, &count, NULL), 0);
    assert_int_equal(count, CALLIPER_POINTS_MAX);
    assert_at(points[0], 180.5, 180.5);
    loud.scale = 1;
    assert_int_equal(calliper_net_find(cells, &loud, &grey, NULL, points, &count, NULL),
                     STATUS_INVALID);
    image_release(&grey);
    /* Too large to be looked at. */
    assert_int_equal(image_init(&grey, 2049, 2048, 1, NULL), 0);
    spot(&grey, 20, 10, 200);
    assert_int_equal(calliper_net_find(cells, &CELLS, &grey, NULL, points, &count, NULL), 0);
    assert_int_equal(count, 0);
    image_release(&grey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_of_another_shape_are_refused),
        cmocka_unit_test(test_marks_are_peaks),
        cmocka_unit_test(test_marks_of_the_tissue),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, open_networks, close_networks);
}
