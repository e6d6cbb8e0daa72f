#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/graphics.h"

enum { ROWS = 200, COLUMNS = 260 };

/* Speckle: blurred sideways by the beam, short in depth. */
static struct image tissue(int channels, int level)
{
    struct image image;
    assert_int_equal(image_init(&image, ROWS, COLUMNS, channels, NULL), 0);
    uint32_t state = 11;
    for (int y = 0; y < ROWS; y++) {
        int grey = level;
        for (int x = 0; x < COLUMNS; x++) {
            state = state * 1664525 + 1013904223;
            grey = (4 * grey + level / 2 + (int)((state >> 24) * (uint32_t)level / 255)) / 5;
            for (int c = 0; c < channels; c++)
                image.pixels[(y * COLUMNS + x) * channels + c] = (uint8_t)grey;
        }
    }
    return image;
}

static void line(struct image *image, int x, int y, int dx, int dy, int length, uint8_t level)
{
    for (int i = 0; i < length; i++)
        for (int c = 0; c < image->channels; c++)
            image->pixels[((y + i * dy) * COLUMNS + x + i * dx) * image->channels + c] = level;
}

static bool drawn(const struct mask *mask, int x, int y)
{
    return mask->pixels[y * COLUMNS + x];
}

static struct mask find(const struct image *image, const struct bounds *region)
{
    struct mask mask;
    assert_int_equal(graphics_find(image, region, NULL, &mask, NULL), 0);
    assert_int_equal(mask.rows, image->rows);
    assert_int_equal(mask.columns, image->columns);
    return mask;
}

/* Bright fascia, a bright spot, a needle-like reflection: tissue, all of it. */
static void test_tissue_is_not_drawn(void **state)
{
    (void)state;
    for (int level = 40; level <= 160; level += 40) {
        struct image image = tissue(1, level);
        for (int x = 0; x < COLUMNS; x++)
            for (int y = 0; y < 6; y++) { /* a ridge that fades out above and below */
                int at = (120 + x / 20 + y) * COLUMNS + x;
                int bright = image.pixels[at] + (y < 3 ? y + 1 : 6 - y) * 40;
                image.pixels[at] = (uint8_t)(bright > 250 ? 250 : bright);
            }
        for (int y = -2; y <= 2; y++)
            for (int x = -3; x <= 3; x++)
                image.pixels[(60 + y) * COLUMNS + 80 + x] =
                    (uint8_t)(240 - 20 * (x * x / 2 + y * y));
        line(&image, 120, 40, 2, 1, 40, 230);
        struct mask mask = find(&image, NULL);
        assert_in_range(mask_count(&mask), 0, ROWS * COLUMNS / 2000);
        mask_release(&mask);
        image_release(&image);
    }
}

static void test_marks_and_letters(void **state)
{
    (void)state;
    struct image image = tissue(1, 60);
    line(&image, 50, 44, 0, 1, 13, 220); /* + */
    line(&image, 44, 50, 1, 0, 13, 220);
    for (int i = 0; i < 6; i++) { /* six letters L, the last one cut short */
        line(&image, 100 + 9 * i, 150, 0, 1, i < 5 ? 9 : 5, 200);
        line(&image, 100 + 9 * i, i < 5 ? 158 : 154, 1, 0, 5, 200);
    }
    for (int y = 0; y < 8; y++) /* a filled mark */
        line(&image, 200, 20 + y, 1, 0, 12, 255);
    struct mask mask = find(&image, NULL);
    assert_true(drawn(&mask, 50, 44) && drawn(&mask, 50, 56) && drawn(&mask, 44, 50) &&
                drawn(&mask, 56, 50));
    for (int i = 0; i < 6; i++) {
        assert_true(drawn(&mask, 100 + 9 * i, 152));
        assert_true(drawn(&mask, 103 + 9 * i, i < 5 ? 158 : 154));
    }
    assert_true(drawn(&mask, 205, 24));
    assert_in_range(mask_count(&mask), 150, 600);
    mask_release(&mask);

    struct bounds region = {90, 140, 99, 170}; /* beside them all */
    mask = find(&image, &region);
    assert_int_equal(mask_count(&mask), 0);
    mask_release(&mask);
    region = (struct bounds){500, 500, 600, 600}; /* not in the picture */
    mask = find(&image, &region);
    assert_int_equal(mask_count(&mask), 0);
    mask_release(&mask);
    image_release(&image);
}

static void test_colour(void **state)
{
    (void)state;
    struct image image = tissue(3, 90);
    for (int i = 0; i < 30; i += 3) { /* a dotted yellow line */
        uint8_t *p = image.pixels + ((70 + i) * COLUMNS + 60 + 2 * i) * 3;
        p[0] = 240;
        p[1] = 220;
        p[2] = 40;
    }
    struct mask mask = find(&image, NULL);
    for (int i = 0; i < 30; i += 3)
        assert_true(drawn(&mask, 60 + 2 * i, 70 + i));
    assert_int_equal(mask_count(&mask), 90);
    mask_release(&mask);
    image_release(&image);
}

static void test_paint_over(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        struct image image = tissue(channels, 100), painted, again;
        struct mask mask;
        assert_int_equal(mask_init(&mask, ROWS, COLUMNS, NULL), 0);
        for (int y = 90; y < 96; y++)
            for (int x = 0; x < 60; x++) {
                mask.pixels[y * COLUMNS + x] = 1;
                for (int c = 0; c < channels; c++)
                    image.pixels[(y * COLUMNS + x) * channels + c] = 255;
            }
        assert_int_equal(graphics_paint_over(&image, &mask, &painted, NULL), 0);
        for (int i = 0; i < ROWS * COLUMNS * channels; i++)
            if (mask.pixels[i / channels])
                assert_in_range(painted.pixels[i], 40, 120);
            else
                assert_int_equal(painted.pixels[i], image.pixels[i]);
        assert_int_equal(graphics_paint_over(&image, &mask, &again, NULL), 0);
        assert_memory_equal(painted.pixels, again.pixels, (size_t)ROWS * COLUMNS * channels);
        image_release(&again);
        image_release(&painted);
        memset(mask.pixels, 1, (size_t)ROWS * COLUMNS); /* nothing is known */
        assert_int_equal(graphics_paint_over(&image, &mask, &painted, NULL), 0);
        assert_memory_equal(painted.pixels, image.pixels, (size_t)ROWS * COLUMNS * channels);
        image_release(&painted);
        image_release(&image);
        mask_release(&mask);
    }
}

static void test_small(void **state)
{
    (void)state;
    for (int side = 1; side <= 12; side++) {
        struct image image, painted;
        assert_int_equal(image_init(&image, side, 2 * side, side % 2 ? 1 : 3, NULL), 0);
        memset(image.pixels, 200, (size_t)side * (size_t)side * 2 * (side % 2 ? 1 : 3));
        struct mask mask = find(&image, NULL);
        mask.pixels[0] = 1;
        assert_int_equal(graphics_paint_over(&image, &mask, &painted, NULL), 0);
        assert_int_equal(painted.pixels[0], 200);
        image_release(&painted);
        image_release(&image);
        mask_release(&mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tissue_is_not_drawn), cmocka_unit_test(test_marks_and_letters),
        cmocka_unit_test(test_colour),              cmocka_unit_test(test_paint_over),
        cmocka_unit_test(test_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
