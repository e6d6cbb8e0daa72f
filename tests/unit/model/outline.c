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
static struct net *tumour, *node, *wild;

/* probability = grey / 255 */
static const struct outline_network TUMOUR = {
    .input_size = 32, .scale = 1 / 255.0, .mean = 0, .std = 1, .input = "image",
    .output = "probability", .channels = 1, .region_channel = 0, .hilum_channel = -1,
    .threshold = 0.5, .min_area_fraction = 0.01};
/* region from grey 64, hilum from grey 192 on */
static const struct outline_network NODE = {
    .input_size = 32, .scale = 1 / 255.0, .mean = 0, .std = 1, .input = "image",
    .output = "probability", .channels = 2, .region_channel = 0, .hilum_channel = 1,
    .threshold = 0.5, .min_area_fraction = 0.01};

static int set_up(void **state)
{
    (void)state;
    return net_library_open(ORT_LIBRARY, &library, NULL) < 0 ||
                   net_open(library, DATA "tumour.onnx", NULL, &tumour, NULL) < 0 ||
                   net_open(library, DATA "node.onnx", NULL, &node, NULL) < 0 ||
                   net_open(library, DATA "wild.onnx", NULL, &wild, NULL) < 0
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_free(tumour);
    net_free(node);
    net_free(wild);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_largest_part_in_place), cmocka_unit_test(test_tissue_box),
        cmocka_unit_test(test_hilum),                 cmocka_unit_test(test_nothing_found),
        cmocka_unit_test(test_output_that_is_no_probability),
        cmocka_unit_test(test_narrow_pictures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
