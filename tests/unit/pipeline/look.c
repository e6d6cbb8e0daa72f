/* Places on the screen, and outlines in them, on drawn pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "pipeline/look.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

static void places(void **state)
{
    (void)state;
    static const struct {
        enum screen_kind left, right;
        bool dual;
        int count, first;
    } rows[] = {
        {SCREEN_B_MODE, SCREEN_B_MODE, true, 2, 0},
        {SCREEN_B_MODE, SCREEN_ELASTOGRAPHY, true, 1, 0},
        {SCREEN_COLOUR_DOPPLER, SCREEN_B_MODE, true, 1, 1},
        {SCREEN_ELASTOGRAPHY, SCREEN_ELASTOGRAPHY, true, 2, 0},
        {SCREEN_B_MODE, SCREEN_SPECTRAL, false, 1, 0},
        {SCREEN_SPECTRAL, SCREEN_OTHER, false, 0, 0},
        {SCREEN_M_MODE, SCREEN_M_MODE, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct screen screen = {.count = 2, .dual = rows[i].dual};
        int found[SCREEN_REGIONS_MAX];
        screen.regions[0] = (struct screen_region){.box = {0, 0, 99, 99}, .kind = rows[i].left};
        screen.regions[1] = (struct screen_region){.box = {100, 0, 199, 99}, .kind = rows[i].right};
        const int count = look_places(&screen, found);
        if (count != rows[i].count || (count && found[0] != rows[i].first))
            fail_msg("row %zu: %d places, first %d", i, count, count ? found[0] : -1);
    }
}

/* Speckled tissue with a bright disc, which the identity network takes for the region. */
static void draw(struct image *picture, int x0, int x1, double cx, double cy, double radius)
{
    uint32_t noise = 7;
    for (int y = 30; y < 270; y++)
        for (int x = x0; x <= x1; x++) {
            noise = noise * 1664525u + 1013904223u;
            picture->pixels[y * picture->columns + x] =
                hypot(x - cx, y - cy) <= radius ? 240 : (uint8_t)(20 + (noise >> 26));
        }
}

static void the_larger_of_two_images_side_by_side(void **state)
{
    (void)state;
    const struct outline_network network = {
        .input_rows = 32, .input_columns = 32, .scale = 1 / 255.0, .std = 1, .input = "image", .output = "probability",
        .channels = 1, .hilum_channel = -1, .threshold = 0.5, .min_area_fraction = 0.001};
    const struct us_region regions[] = {
        {.x0 = 20, .y0 = 30, .x1 = 249, .y1 = 269, .spatial_format = 1, .data_type = 1,
         .units_x = 3, .units_y = 3, .delta_x = 0.01, .delta_y = 0.01},
        {.x0 = 260, .y0 = 30, .x1 = 489, .y1 = 269, .spatial_format = 1, .data_type = 1,
         .units_x = 3, .units_y = 3, .delta_x = 0.02, .delta_y = 0.02}};
    struct net_library *library;
    struct image picture;
    struct look look;
    struct region_finding region;
    struct look_outliner outliner = {.network = &network, .roi = ROI_TUMOUR, .agreement_min = 0.6,
                                     .regions = regions, .region_count = 2};
    struct net *net;
    assert_int_equal(net_library_open(ORT_LIBRARY, &library, NULL), 0);
    assert_int_equal(net_open(library, DATA "tumour.onnx", NULL, &net, NULL), 0);
    outliner.net = net;
    assert_int_equal(image_init(&picture, 300, 510, 1, NULL), 0);
    draw(&picture, 20, 249, 120, 150, 50); /* 10 mm */
    draw(&picture, 260, 489, 380, 150, 40); /* 16 mm */
    const struct look_input input = {.regions = regions, .region_count = 2};
    assert_int_equal(look_init(&look, &picture, &input, NULL), 0);
    assert_null(picture.pixels);
    assert_true(look.sight.screen.dual);
    assert_int_equal(look_outline(&look, &outliner, &region, NULL), 0);
    assert_true(region.found && region.grey && !region.unsure);
    assert_int_equal(region.calibration.source, CALIBRATION_REGION);
    assert_true(fabs(region.measurements.long_axis.length_mm - 16) < 1);
    assert_true(region.measurements.long_axis.x0 > 300);
    assert_true(region.measurements.skin_visible);
    region_finding_release(&region);
    look_release(&look);
    net_free(net);
    net_library_free(library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places),
                                       cmocka_unit_test(the_larger_of_two_images_side_by_side)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
