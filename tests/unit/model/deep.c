#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/png.h"
#include "image/resize.h"
#include "model/deep.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

enum { SIDE = 16, CELLS = 4, COUNT = 3 };

static struct net_library *library;
static struct net *average, *maximum;
static struct image grey;
static struct mask mask;

/* What make_deep.py writes. */
static const struct deep_network POOLED = {
    .roi = ROI_TUMOUR, .input_rows = SIDE, .input_columns = SIDE, .channels = 3, .scale = 1 / 255.0,
    .mean = {0.5, 0.4, 0.3}, .std = {0.2, 0.25, 0.3}, .crop = DEEP_BOX, .input = "image",
    .output = "features", .count = COUNT, .prefix = "f_", .first = 1,
    .activations = "activations", .pooling = DEEP_AVERAGE};
static const double FACTORS[COUNT] = {1, -2, 0.5}, BIASES[COUNT] = {0, 1, 0};
static const double WEIGHTS[COUNT] = {0.7, 0.4, -1.3};

static int set_up(void **state)
{
    (void)state;
    return net_library_open(ORT_LIBRARY, &library, NULL) < 0 ||
                   net_open(library, DATA "deep-average.onnx", NULL, &average, NULL) < 0 ||
                   net_open(library, DATA "deep-max.onnx", NULL, &maximum, NULL) < 0 ||
                   image_read_png(DATA "deep.png", &grey, NULL) < 0 ||
                   mask_read_png(DATA "deep-mask.png", &mask, NULL) < 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_free(average);
    net_free(maximum);
    net_library_free(library);
    image_release(&grey);
    mask_release(&mask);
    return 0;
}

/* ---- what the network sees ---- */

static void check_pillow(const struct deep_network *network, const char *file)
{
    struct image expected;
    float *values;
    assert_int_equal(image_read_png(file, &expected, NULL), 0);
    assert_int_equal(deep_input(network, &grey, &mask, NULL, &values, NULL), 0);
    assert_int_equal(expected.rows, network->input_rows);
    for (int i = 0; i < expected.rows * expected.columns; i++)
        if ((int)values[i] != expected.pixels[i])
            fail_msg("%s: %g at %d instead of %d", file, values[i], i, expected.pixels[i]);
    free(values);
    image_release(&expected);
}

static void test_as_pillow(void **state)
{
    (void)state;
    struct deep_network network = {.input_rows = 28, .input_columns = 28, .channels = 1, .scale = 1, .std = {1, 1, 1},
                                   .crop = DEEP_BOX, .margin = 0.2};
    check_pillow(&network, DATA "deep-box.png");
    network.margin = 0;
    network.crop = DEEP_MASKED;
    check_pillow(&network, DATA "deep-masked.png");
    network.crop = DEEP_PICTURE;
    check_pillow(&network, DATA "deep-picture.png");
    network.crop = DEEP_BOX;
    network.resize = DEEP_SHORTER_SIDE;
    network.resize_to = 32;
    check_pillow(&network, DATA "deep-shorter.png");
}

/* Beside each other in a wide frame: black around the tissue that was seen, and around the outline. */
static void test_segmented(void **state)
{
    (void)state;
    const struct deep_network network = {.input_rows = 20, .input_columns = 40, .channels = 1,
                                         .scale = 1, .mean = {100}, .std = {1},
                                         .crop = DEEP_SEGMENTED, .resize = DEEP_FIT};
    const struct bounds seen = {10, 5, 29, 24}; /* as large as the frame is high: nothing is resized */
    struct image flat;
    struct mask spot;
    float *values;
    assert_int_equal(image_init(&flat, 40, 60, 1, NULL), 0);
    assert_int_equal(mask_init(&spot, 40, 60, NULL), 0);
    memset(flat.pixels, 200, 40 * 60);
    for (int y = 8; y < 12; y++)
        memset(spot.pixels + y * 60 + 15, 1, 6);
    assert_int_equal(deep_input(&network, &flat, &spot, &seen, &values, NULL), 0);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 40; x++) {
            const bool inside = y >= 3 && y < 7 && x >= 15 && x < 21; /* 10 columns of black first */
            assert_float_equal(values[y * 40 + x], inside ? 100 : -100, 1e-6);
        }
    free(values);
    image_release(&flat);
    mask_release(&spot);
}

static void test_channels_are_normalised(void **state)
{
    (void)state;
    struct deep_network plain = POOLED;
    float *values, *levels;
    plain.channels = 1;
    plain.scale = 1;
    plain.mean[0] = 0;
    plain.std[0] = 1;
    assert_int_equal(deep_input(&POOLED, &grey, &mask, NULL, &values, NULL), 0);
    assert_int_equal(deep_input(&plain, &grey, &mask, NULL, &levels, NULL), 0);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < SIDE * SIDE; i++)
            assert_float_equal(values[c * SIDE * SIDE + i],
                               (levels[i] / 255 - POOLED.mean[c]) / POOLED.std[c], 1e-5);
    free(values);
    free(levels);
}

static void test_too_narrow(void **state)
{
    (void)state;
    struct deep_network network = POOLED;
    struct image line;
    struct mask all;
    float *values;
    assert_int_equal(image_init(&line, 1, 600, 1, NULL), 0);
    assert_int_equal(mask_init(&all, 1, 600, NULL), 0);
    memset(all.pixels, 1, 600);
    network.resize = DEEP_SHORTER_SIDE;
    network.resize_to = SIDE;
    assert_int_equal(deep_input(&network, &line, &all, NULL, &values, NULL), STATUS_LIMIT);
    network.resize = DEEP_STRETCH;
    assert_int_equal(deep_input(&network, &line, &all, NULL, &values, NULL), 0);
    free(values);
    image_release(&line);
    mask_release(&all);
}

/* ---- features and where they come from, against the closed form ---- */

/* Means of the input's 4 × 4 blocks, from which make_deep.py's networks make everything. */
static void block_means(const struct deep_network *network, double means[CELLS * CELLS])
{
    float *values;
    assert_int_equal(deep_input(network, &grey, &mask, NULL, &values, NULL), 0);
    memset(means, 0, CELLS * CELLS * sizeof *means);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                means[y / 4 * CELLS + x / 4] += values[(c * SIDE + y) * SIDE + x] / 48.0;
    free(values);
}

static double activation(const double means[CELLS * CELLS], int channel, int cell)
{
    return FACTORS[channel] * means[cell] + BIASES[channel];
}

/* In each cell the sum over the channels of activation times gradient. */
static void expected_cells(const double means[CELLS * CELLS], enum deep_pooling pooling,
                           double cells[CELLS * CELLS], double features[COUNT])
{
    memset(cells, 0, CELLS * CELLS * sizeof *cells);
    for (int k = 0; k < COUNT; k++) {
        int top = 0;
        features[k] = 0;
        for (int i = 0; i < CELLS * CELLS; i++) {
            features[k] += activation(means, k, i) / (CELLS * CELLS);
            top = activation(means, k, i) > activation(means, k, top) ? i : top;
            if (pooling == DEEP_AVERAGE)
                cells[i] += WEIGHTS[k] * activation(means, k, i) / (CELLS * CELLS);
        }
        if (pooling == DEEP_MAX) {
            features[k] = activation(means, k, top);
            cells[top] += WEIGHTS[k] * features[k];
        }
    }
}

/* The value of the map at the middle of a cell. The box is as large as the network's square or
 * twice that, so that such a middle lies between four pixels. */
static double at_middle(const struct heat_map *heat, int row, int column, int step)
{
    const int y = heat->seen.y0 + (2 * row + 1) * 2 * step - 1;
    const int x = heat->seen.x0 + (2 * column + 1) * 2 * step - 1;
    double sum = 0;
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++)
            sum += heat->plane.values[(y + dy) * heat->plane.columns + x + dx];
    return sum / 4;
}

/* A square region whose box is 32 × 32 from (20, 10). */
static struct mask square_region(void)
{
    struct mask square;
    assert_int_equal(mask_init(&square, grey.rows, grey.columns, NULL), 0);
    for (int y = 10; y < 42; y++)
        for (int x = 20; x < 52; x++)
            square.pixels[y * grey.columns + x] = 1;
    return square;
}

static void check_heat(const struct net *net, enum deep_pooling pooling)
{
    struct deep_network network = POOLED;
    struct heat_map heat = {0};
    struct mask kept = mask, square = square_region();
    double means[CELLS * CELLS], cells[CELLS * CELLS], features[COUNT], sum = 0, part = 0;
    float values[COUNT];
    network.pooling = pooling;
    mask = square;
    block_means(&network, means);
    mask = kept;
    expected_cells(means, pooling, cells, features);
    assert_int_equal(deep_check(net, &network, NULL), 0);
    assert_int_equal(deep_run(net, &network, &grey, &square, NULL, WEIGHTS, values, &heat, NULL), 0);
    for (int k = 0; k < COUNT; k++) {
        assert_float_equal(values[k], features[k], 1e-5);
        part += WEIGHTS[k] * features[k];
    }
    for (int i = 0; i < CELLS * CELLS; i++)
        sum += cells[i];
    assert_float_equal(sum, part, 1e-9); /* all of the features' part lies somewhere */
    assert_int_equal(heat.seen.x0, 20);
    assert_int_equal(heat.seen.y0, 10);
    assert_int_equal(heat.seen.x1, 51);
    assert_int_equal(heat.seen.y1, 41);
    /* Bilinear between the middles: a pixel's half from a middle takes 1/16 of the step to the
     * next, which the four around it balance but for the map's bend. */
    for (int y = 0; y < grey.rows; y++)
        for (int x = 0; x < grey.columns; x++)
            if (!square.pixels[y * grey.columns + x])
                assert_float_equal(heat.plane.values[y * grey.columns + x], 0, 0);
    for (int r = 0; r < CELLS; r++)
        for (int c = 0; c < CELLS; c++) {
            double bent = 0;
            for (int dy = -1; dy < 2; dy += 2)
                for (int dx = -1; dx < 2; dx += 2) {
                    const int r1 = r + dy < 0 || r + dy >= CELLS ? r : r + dy;
                    const int c1 = c + dx < 0 || c + dx >= CELLS ? c : c + dx;
                    const double a = 15 / 16.0, b = 1 / 16.0;
                    bent += (a * a * cells[r * CELLS + c] + a * b * cells[r * CELLS + c1] +
                             b * a * cells[r1 * CELLS + c] + b * b * cells[r1 * CELLS + c1]) / 4;
                }
            assert_float_equal(at_middle(&heat, r, c, 2), bent, 1e-5);
        }
    heat_map_release(&heat);
    mask_release(&square);
}

static void test_average(void **state)
{
    (void)state;
    check_heat(average, DEEP_AVERAGE);
}

static void test_max(void **state)
{
    (void)state;
    check_heat(maximum, DEEP_MAX);
}

/* Of a long region the network sees the middle square alone. */
static void test_seen(void **state)
{
    (void)state;
    struct deep_network network = POOLED;
    struct heat_map heat = {0};
    struct mask wide;
    float values[COUNT];
    network.resize = DEEP_SHORTER_SIDE;
    network.resize_to = SIDE;
    assert_int_equal(mask_init(&wide, grey.rows, grey.columns, NULL), 0);
    for (int y = 30; y < 50; y++)
        for (int x = 10; x < 90; x++)
            wide.pixels[y * grey.columns + x] = 1;
    assert_int_equal(deep_run(average, &network, &grey, &wide, NULL, WEIGHTS, values, &heat, NULL), 0);
    assert_int_equal(heat.seen.x0, 40);
    assert_int_equal(heat.seen.x1, 59);
    assert_int_equal(heat.seen.y0, 30);
    assert_int_equal(heat.seen.y1, 49);
    heat_map_release(&heat);
    mask_release(&wide);
}

/* ---- refusals ---- */

static void refused(const struct deep_network *network, const char *words)
{
    struct error err = {0};
    assert_int_equal(deep_check(average, network, &err), STATUS_INVALID);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
}

static void test_other_networks_are_refused(void **state)
{
    (void)state;
    struct deep_network network = POOLED;
    network.count = 4;
    refused(&network, "features");
    network = POOLED;
    network.channels = 1;
    refused(&network, "image");
    network = POOLED;
    network.activations = "features";
    refused(&network, "1 × 3 × rows × columns");
    network.activations = "nowhere";
    refused(&network, "no output 'nowhere'");
}

static void test_infinite_output(void **state)
{
    (void)state;
    struct deep_network network = POOLED;
    struct error err = {0};
    float values[COUNT];
    network.scale = 1e30;
    network.std[0] = network.std[1] = network.std[2] = 1e-6;
    assert_int_equal(deep_run(average, &network, &grey, &mask, NULL, NULL, values, NULL, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "not finite"));
    network = POOLED;
    assert_int_equal(deep_run(average, &network, &grey, &mask, NULL, NULL, values, NULL, &err), 0);
}

static void test_names(void **state)
{
    (void)state;
    char name[sizeof ((struct feature *)0)->name];
    deep_feature_name(&POOLED, 2, name);
    assert_string_equal(name, "tumour_f_3");
    assert_int_equal(deep_feature_index(&POOLED, "tumour_f_3"), 2);
    assert_int_equal(deep_feature_index(&POOLED, "tumour_f_1"), 0);
    static const char *const others[] = {"tumour_f_0", "tumour_f_4", "node_f_1", "tumour_f_",
                                         "tumour_f_01", "tumour_g_1", "tumour_f_1x", "f_1", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(deep_feature_index(&POOLED, others[i]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_pillow),
        cmocka_unit_test(test_segmented),
        cmocka_unit_test(test_channels_are_normalised),
        cmocka_unit_test(test_too_narrow),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_seen),
        cmocka_unit_test(test_other_networks_are_refused),
        cmocka_unit_test(test_infinite_output),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
