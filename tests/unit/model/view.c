#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/view.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

/* (mean grey / 255, 1 − that, 0) */
static const struct view_network VIEW = {.input_size = 32, .scale = 1 / 255.0, .mean = 0, .std = 1,
                                         .input = "image", .output = "probability",
                                         .confidence_min = 0.7};

static void test_what_a_picture_shows(void **state)
{
    (void)state;
    struct net_library *library;
    struct net *net, *other;
    struct image grey;
    double p[VIEW_COUNT];
    assert_int_equal(net_library_open(ORT_LIBRARY, &library, NULL), 0);
    assert_int_equal(net_open(library, DATA "view.onnx", NULL, &net, NULL), 0);
    assert_int_equal(net_open(library, DATA "tumour.onnx", NULL, &other, NULL), 0);
    assert_int_equal(view_check(net, &VIEW, NULL), 0);
    assert_int_equal(view_check(other, &VIEW, NULL), STATUS_INVALID);
    assert_int_equal(image_init(&grey, 64, 64, 1, NULL), 0);
    memset(grey.pixels, 255, 32 * 64); /* the upper half */
    assert_int_equal(view_run(net, &VIEW, &grey, NULL, p, NULL), 0);
    assert_true(fabs(p[VIEW_TUMOUR] - 0.5) < 0.02 && p[VIEW_OTHER] == 0);
    assert_int_equal(view_decide(&VIEW, p), ROI_COUNT); /* not sure enough */
    const struct us_region upper = {.x0 = 0, .y0 = 0, .x1 = 63, .y1 = 31};
    assert_int_equal(view_run(net, &VIEW, &grey, &upper, p, NULL), 0);
    assert_true(fabs(p[VIEW_TUMOUR] - 0.5) < 0.02); /* fitted: black beneath */
    const struct us_region square = {.x0 = 0, .y0 = 0, .x1 = 31, .y1 = 31};
    assert_int_equal(view_run(net, &VIEW, &grey, &square, p, NULL), 0);
    assert_int_equal(view_decide(&VIEW, p), ROI_TUMOUR);
    memset(grey.pixels, 0, 64 * 64);
    assert_int_equal(view_run(net, &VIEW, &grey, NULL, p, NULL), 0);
    assert_int_equal(view_decide(&VIEW, p), ROI_NODE);
    image_release(&grey);
    net_free(net);
    net_free(other);
    net_library_free(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_a_picture_shows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
