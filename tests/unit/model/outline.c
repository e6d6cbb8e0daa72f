#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "image/geometry.h"
#include "model/outline.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

static struct net_library *library;
static struct net *tumour, *node, *wild, *marked;

/* probability = grey / 255 */
static const struct outline_network TUMOUR = {
    .input_rows = 32, .input_columns = 32, .scale = 1 / 255.0, .mean = 0, .std = 1, .input = "image",
    .output = "probability", .channels = 1, .region_channel = 0, .hilum_channel = -1,
    .threshold = 0.5, .min_area_fraction = 0.01};
/* region from grey 64, hilum from grey 192 on */
static const struct outline_network NODE = {
    .input_rows = 32, .input_columns = 32, .scale = 1 / 255.0, .mean = 0, .std = 1, .input = "image",
    .output = "probability", .channels = 2, .region_channel = 0, .hilum_channel = 1,
    .threshold = 0.5, .min_area_fraction = 0.01};

/* Input 1×2×32×32: the output is the plane of marks */
static const struct outline_network MARKED = {
    .input_rows = 32, .input_columns = 32, .scale = 1 / 255.0, .mean = 0, .std = 1, .input = "image",
    .output = "probability", .callipers = true, .channels = 1, .region_channel = 0,
    .hilum_channel = -1, .threshold = 0.5, .min_area_fraction = 0.001};

static int set_up(void **state)
{
    (void)state;
    return net_library_open(ORT_LIBRARY, &library, NULL) < 0 ||
                   net_open(library, DATA "tumour.onnx", NULL, &tumour, NULL) < 0 ||
                   net_open(library, DATA "node.onnx", NULL, &node, NULL) < 0 ||
                   net_open(library, DATA "wild.onnx", NULL, &wild, NULL) < 0 ||
                   net_open(library, DATA "callipers.onnx", NULL, &marked, NULL) < 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_free(tumour);
    net_free(node);
    net_free(wild);
    net_free(marked);
    net_library_free(library);
    return 0;
}

static struct image black(int rows, int columns)
{
    struct image image;
    assert_int_equal(image_init(&image, rows, columns, 1, NULL), 0);
    return image;
}

static void disc(struct image *image, double cx, double cy, double radius, int grey)
{
    for (int y = 0; y < image->rows; y++)
        for (int x = 0; x < image->columns; x++)
            if (hypot(x - cx, y - cy) <= radius)
                image->pixels[y * image->columns + x] = (uint8_t)grey;
}

static struct mask truth(const struct image *image, int from)
{
    struct mask mask;
    assert_int_equal(mask_init(&mask, image->rows, image->columns, NULL), 0);
    for (int i = 0; i < image->rows * image->columns; i++)
        mask.pixels[i] = image->pixels[i] >= from;
    return mask;
}

static void test_largest_part_in_place(void **state)
{
    (void)state;
    struct image image = black(120, 200);
    struct region_finding region;
    disc(&image, 130, 60, 30, 250);
    struct mask expected = truth(&image, 128);
    disc(&image, 130, 60, 8, 0);   /* a hole, filled */
    disc(&image, 30, 30, 12, 250); /* a smaller part, dropped */
    assert_int_equal(outline_check(tumour, &TUMOUR, NULL), 0);
    assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image}, &region, NULL), 0);
    assert_true(region.found);
    assert_int_equal(region.mask.rows, 120);
    assert_true(mask_dice(&region.mask, &expected) > 0.95);
    assert_true(region.agreement > 0.97);
    assert_true(region.probability > 0.8 && region.probability <= 1);
    assert_false(region.touches_border);
    assert_null(region.hilum.pixels);
    assert_int_equal(region.image, -1);
    region_finding_release(&region);
    mask_release(&expected);
    image_release(&image);
}

static void test_tissue_box(void **state)
{
    (void)state;
    struct image image = black(120, 200);
    struct region_finding region;
    struct us_region box = {.x0 = 100, .y0 = 20, .x1 = 179, .y1 = 99};
    disc(&image, 130, 60, 25, 250);
    struct mask expected = truth(&image, 128);
    disc(&image, 30, 60, 40, 255); /* outside the box: never seen */
    assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image, .tissue = &box}, &region, NULL), 0);
    assert_true(mask_dice(&region.mask, &expected) > 0.95);
    assert_false(region.touches_border);
    region_finding_release(&region);
    box.y0 = 50; /* now it cuts the disc */
    assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image, .tissue = &box}, &region, NULL), 0);
    assert_true(region.touches_border);
    assert_false(mask_touches_box(&region.mask, 0, 0, 199, 49));
    region_finding_release(&region);
    const struct us_region strange[] = {{.x0 = 500, .y0 = 500, .x1 = 600, .y1 = 600},
                                        {.x0 = -50, .y0 = -50, .x1 = 1 << 30, .y1 = 1 << 30},
                                        {.x0 = 20, .y0 = 20, .x1 = 10, .y1 = 10}};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image, .tissue = &strange[i]}, &region, NULL), 0);
        assert_true(region.found && region.mask.columns == 200);
        region_finding_release(&region);
    }
    mask_release(&expected);
    image_release(&image);
}

static void test_hilum(void **state)
{
    (void)state;
    struct image image = black(150, 150);
    struct region_finding region;
    disc(&image, 75, 75, 50, 120);
    disc(&image, 75, 75, 20, 250);
    struct mask whole = truth(&image, 100), core = truth(&image, 200);
    assert_int_equal(outline_check(node, &NODE, NULL), 0);
    assert_int_equal(outline_run(node, &NODE, &(struct outline_input){.grey = &image}, &region, NULL), 0);
    assert_true(mask_dice(&region.mask, &whole) > 0.94);
    assert_true(mask_dice(&region.hilum, &core) > 0.9);
    region_finding_release(&region);
    mask_release(&whole);
    mask_release(&core);
    image_release(&image);
}

static void test_nothing_found(void **state)
{
    (void)state;
    struct image image = black(100, 100), dot = black(1, 1);
    struct region_finding region;
    dot.pixels[0] = 255; /* bright, but without any contrast */
    assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &dot}, &region, NULL), 0);
    assert_false(region.found);
    assert_null(region.mask.pixels);
    image_release(&dot);
    assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image}, &region, NULL), 0);
    assert_false(region.found);
    assert_null(region.mask.pixels);
    disc(&image, 50, 50, 4, 255); /* 0.5 % of the picture */
    assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image}, &region, NULL), 0);
    assert_false(region.found);
    assert_null(region.mask.pixels);
    image_release(&image);
}

static void test_output_that_is_no_probability(void **state)
{
    (void)state;
    struct image image = black(100, 100);
    struct region_finding region;
    struct error err = {0};
    disc(&image, 50, 50, 30, 255);
    assert_int_equal(outline_run(wild, &TUMOUR, &(struct outline_input){.grey = &image}, &region, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "no probability"));
    image_release(&image);
}

static void test_narrow_pictures(void **state)
{
    (void)state;
    const int sizes[][2] = {{1, 2}, {1, 3000}, {3000, 2}};
    for (size_t i = 0; i < 3; i++) {
        struct image image = black(sizes[i][0], sizes[i][1]);
        struct region_finding region;
        memset(image.pixels, 255, (size_t)(sizes[i][0] * sizes[i][1]));
        image.pixels[0] = 0;
        assert_int_equal(outline_run(tumour, &TUMOUR, &(struct outline_input){.grey = &image}, &region, NULL), 0);
        assert_true(region.found && region.touches_border);
        region_finding_release(&region);
        image_release(&image);
    }
}

/* A small disc: in the whole picture a pixel of the network is 12 wide, in the crop 2. */
static void test_a_closer_look(void **state)
{
    (void)state;
    struct outline_network network = TUMOUR;
    network.min_area_fraction = 0.001;
    struct image image = black(300, 400);
    struct region_finding coarse, fine;
    disc(&image, 310, 100, 17, 250);
    struct mask expected = truth(&image, 128);
    const struct outline_input input = {.grey = &image};
    assert_int_equal(outline_run(tumour, &network, &input, &coarse, NULL), 0);
    assert_int_equal(coarse.passes, 2);
    network.zooms[0] = 2.2;
    network.zooms[1] = 2.8;
    network.zoom_count = 2;
    assert_int_equal(outline_run(tumour, &network, &input, &fine, NULL), 0);
    assert_int_equal(fine.passes, 6);
    assert_int_equal(fine.mask.columns, 400);
    assert_true(mask_dice(&fine.mask, &expected) > 0.97);
    assert_true(mask_dice(&fine.mask, &expected) > mask_dice(&coarse.mask, &expected));
    assert_true(fine.agreement > 0.5 && fine.agreement < coarse.agreement);
    region_finding_release(&coarse);
    region_finding_release(&fine);
    /* One that fills the picture: no closer look, and nothing changes. */
    disc(&image, 200, 150, 140, 250);
    assert_int_equal(outline_run(tumour, &network, &input, &fine, NULL), 0);
    assert_int_equal(fine.passes, 2);
    region_finding_release(&fine);
    mask_release(&expected);
    image_release(&image);
}

/* The crop is cut at the picture's border, and what it finds lies in its place. */
static void test_a_closer_look_in_a_corner(void **state)
{
    (void)state;
    struct outline_network network = NODE;
    network.min_area_fraction = 0.001;
    network.zooms[0] = 2.2;
    network.zooms[1] = 2.8;
    network.zoom_count = 2;
    struct image image = black(300, 400);
    struct region_finding region;
    const struct us_region tissue = {.x0 = 40, .y0 = 30, .x1 = 399, .y1 = 299};
    disc(&image, 380, 280, 30, 120);
    disc(&image, 380, 280, 12, 250);
    struct mask whole = truth(&image, 100), core = truth(&image, 200);
    const struct outline_input input = {.grey = &image, .tissue = &tissue};
    assert_int_equal(outline_run(node, &network, &input, &region, NULL), 0);
    assert_int_equal(region.passes, 6);
    assert_true(mask_dice(&region.mask, &whole) > 0.95);
    assert_true(mask_dice(&region.hilum, &core) > 0.9);
    assert_true(region.touches_border);
    region_finding_release(&region);
    mask_release(&whole);
    mask_release(&core);
    image_release(&image);
}

/* The bell is 0.5 or more within 3 · √(2 ln 2) = 3.53 pixels of the input, 44 of the picture. */
static void test_marks_reach_the_network(void **state)
{
    (void)state;
    struct image image = black(400, 400), spot = black(400, 400);
    struct region_finding region;
    const struct point points[] = {{130, 250}, {900, 10}, {-5, 3}};
    disc(&image, 200, 200, 30, 200); /* some contrast */
    disc(&spot, 130, 250, 44, 255);
    struct mask expected = truth(&spot, 128);
    struct outline_input input = {.grey = &image, .marks = points, .mark_count = 3};
    assert_int_equal(outline_check(marked, &MARKED, NULL), 0);
    assert_int_equal(outline_check(marked, &TUMOUR, NULL), STATUS_INVALID);
    assert_int_equal(outline_run(marked, &MARKED, &input, &region, NULL), 0);
    assert_true(region.found);
    assert_int_equal(region.callipers, 1);
    assert_true(region.agreement > 0.9); /* mirrored with the picture */
    assert_true(mask_dice(&region.mask, &expected) > 0.9);
    region_finding_release(&region);
    /* Moved with the tissue box, and with the crop: bells are drawn at the network's scale. */
    struct outline_network zoomed = MARKED;
    zoomed.zooms[0] = 2.2;
    zoomed.zooms[1] = 2.8;
    zoomed.zoom_count = 2;
    const struct us_region tissue = {.x0 = 50, .y0 = 50, .x1 = 399, .y1 = 399};
    input.tissue = &tissue;
    assert_int_equal(outline_run(marked, &zoomed, &input, &region, NULL), 0);
    assert_int_equal(region.passes, 6);
    struct bounds box;
    assert_true(mask_bounds(&region.mask, &box));
    assert_in_range(box.x0 + box.x1, 2 * 130 - 4, 2 * 130 + 4);
    assert_in_range(box.y0 + box.y1, 2 * 250 - 4, 2 * 250 + 4);
    assert_in_range(box.x1 - box.x0, 30, 50);
    region_finding_release(&region);
    input.mark_count = 0; /* none: an empty plane */
    assert_int_equal(outline_run(marked, &MARKED, &input, &region, NULL), 0);
    assert_false(region.found);
    mask_release(&expected);
    image_release(&image);
    image_release(&spot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_largest_part_in_place), cmocka_unit_test(test_tissue_box),
        cmocka_unit_test(test_hilum),                 cmocka_unit_test(test_nothing_found),
        cmocka_unit_test(test_output_that_is_no_probability),
        cmocka_unit_test(test_narrow_pictures),       cmocka_unit_test(test_a_closer_look),
        cmocka_unit_test(test_a_closer_look_in_a_corner),
        cmocka_unit_test(test_marks_reach_the_network),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
