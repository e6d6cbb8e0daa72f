#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/screen.h"

/* Screens drawn here: black, with speckled boxes, words and bars. */
enum { ROWS = 480, COLUMNS = 640 };

static struct image blank(int channels)
{
    struct image image;
    assert_int_equal(image_init(&image, ROWS, COLUMNS, channels, NULL), 0);
    return image;
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 24;
}

static void set(struct image *image, int x, int y, int red, int green, int blue)
{
    size_t at = (size_t)y * COLUMNS + (size_t)x;
    if (image->channels == 1) {
        image->pixels[at] = (uint8_t)green;
        return;
    }
    image->pixels[3 * at] = (uint8_t)red;
    image->pixels[3 * at + 1] = (uint8_t)green;
    image->pixels[3 * at + 2] = (uint8_t)blue;
}

/* Speckle, blurred sideways. `sector`: only within a fan from the middle of the upper side. */
static void tissue(struct image *image, struct bounds b, int level, bool sector)
{
    uint32_t state = 7;
    for (int y = b.y0; y <= b.y1; y++) {
        int grey = level;
        for (int x = b.x0; x <= b.x1; x++) {
            grey = (3 * grey + level / 2 + (int)next(&state) * level / 255) / 4;
            int half = 30 + (y - b.y0) * (b.x1 - b.x0 - 60) / (2 * (b.y1 - b.y0));
            if (!sector || abs(x - (b.x0 + b.x1) / 2) <= half)
                set(image, x, y, grey, grey, grey);
        }
    }
}

static void box(struct image *image, struct bounds b, int red, int green, int blue)
{
    for (int y = b.y0; y <= b.y1; y++)
        for (int x = b.x0; x <= b.x1; x++)
            set(image, x, y, red, green, blue);
}

/* Words of one-pixel strokes, a grey bar and a depth scale around the image. */
static void furniture(struct image *image)
{
    for (int line = 0; line < 3; line++)
        for (int letter = 0; letter < 30; letter++) {
            int x = 10 + 9 * letter, y = 6 + 14 * line;
            box(image, (struct bounds){x, y, x, y + 9}, 220, 220, 220);
            box(image, (struct bounds){x, y + 4, x + 5, y + 4}, 220, 220, 220);
        }
    for (int y = 0; y < 150; y++)
        box(image, (struct bounds){610, 80 + y, 621, 80 + y}, 255 - y, 255 - y, 255 - y);
    for (int tick = 0; tick < 9; tick++)
        box(image, (struct bounds){560, 70 + 40 * tick, 566, 70 + 40 * tick}, 180, 180, 180);
}

static void assert_near(struct bounds a, struct bounds b, int tolerance)
{
    if (abs(a.x0 - b.x0) > tolerance || abs(a.y0 - b.y0) > tolerance ||
        abs(a.x1 - b.x1) > tolerance || abs(a.y1 - b.y1) > tolerance)
        fail_msg("box %d,%d to %d,%d instead of %d,%d to %d,%d", a.x0, a.y0, a.x1, a.y1, b.x0,
                 b.y0, b.x1, b.y1);
}

static struct screen analyse(const struct image *image, const struct us_region *regions,
                             size_t count)
{
    struct screen screen;
    assert_int_equal(screen_analyse(image, regions, count, &screen, NULL), 0);
    assert_in_range(screen.count, 1, SCREEN_REGIONS_MAX);
    for (int i = 0; i < screen.count; i++) {
        const struct bounds *b = &screen.regions[i].box;
        assert_true(b->x0 >= 0 && b->y0 >= 0 && b->x1 < image->columns && b->y1 < image->rows);
        assert_true(b->x0 <= b->x1 && b->y0 <= b->y1);
    }
    return screen;
}

static const struct bounds MIDDLE = {120, 70, 519, 429};

static struct us_region named(struct bounds b, int format, int data)
{
    return (struct us_region){b.x0, b.y0, b.x1, b.y1, format, data, 3, 3, 0.01, 0.01};
}

static void test_found(void **state)
{
    (void)state;
    for (int sector = 0; sector < 2; sector++) {
        struct image image = blank(1);
        tissue(&image, MIDDLE, 90, sector);
        furniture(&image);
        struct screen screen = analyse(&image, NULL, 0);
        assert_int_equal(screen.count, 1);
        assert_int_equal(screen.regions[0].source, SCREEN_FROM_PICTURE);
        assert_int_equal(screen.regions[0].kind, SCREEN_B_MODE);
        assert_int_equal(screen.regions[0].sequence_index, -1);
        assert_near(screen.regions[0].box, MIDDLE, sector ? 20 : 6);
        image_release(&image);
    }
}

static void test_whole(void **state)
{
    (void)state;
    struct image image = blank(1);
    struct screen screen = analyse(&image, NULL, 0); /* nothing at all */
    assert_int_equal(screen.regions[0].source, SCREEN_WHOLE_PICTURE);
    tissue(&image, (struct bounds){0, 0, COLUMNS - 1, ROWS - 1}, 90, false);
    screen = analyse(&image, NULL, 0); /* a cropped still */
    assert_int_equal(screen.count, 1);
    assert_int_equal(screen.regions[0].source, SCREEN_WHOLE_PICTURE);
    assert_near(screen.regions[0].box, (struct bounds){0, 0, COLUMNS - 1, ROWS - 1}, 0);
    image_release(&image);
}

static void test_dual(void **state)
{
    (void)state;
    static const int gaps[] = {3, 40};
    for (size_t i = 0; i < 2; i++) {
        struct bounds left = {60, 100, 309 - gaps[i], 399}, right = {310, 100, 559 - gaps[i], 399};
        struct image image = blank(1);
        tissue(&image, left, 90, false);
        tissue(&image, right, 110, false);
        struct bounds both = {left.x0, left.y0, right.x1, right.y1};
        struct us_region region = named(both, 1, 1);
        for (size_t count = 0; count < 2; count++) { /* found; named as one */
            struct screen screen = analyse(&image, &region, count);
            assert_true(screen.dual);
            assert_int_equal(screen.count, 2);
            assert_near(screen.regions[0].box, left, 6);
            assert_near(screen.regions[1].box, right, 6);
            assert_int_equal(screen.regions[1].sequence_index, (int)count - 1);
        }
        struct us_region two[2] = {named(right, 1, 1), named(left, 1, 1)};
        struct screen screen = analyse(&image, two, 2);
        assert_true(screen.dual);
        assert_near(screen.regions[0].box, left, 0);
        assert_int_equal(screen.regions[0].sequence_index, 1);
        image_release(&image);
    }
}

static void test_sequence(void **state)
{
    (void)state;
    struct image image = blank(1);
    tissue(&image, MIDDLE, 90, false);
    furniture(&image);
    struct us_region good = named(MIDDLE, 1, 1);
    struct screen screen = analyse(&image, &good, 1);
    assert_int_equal(screen.doubts, 0);
    assert_int_equal(screen.regions[0].source, SCREEN_FROM_SEQUENCE);
    assert_near(screen.regions[0].box, MIDDLE, 0);

    struct us_region all = named((struct bounds){0, 0, COLUMNS - 1, ROWS - 1}, 1, 1);
    screen = analyse(&image, &all, 1);
    assert_int_equal(screen.doubts, SCREEN_DOUBT_WHOLE);
    assert_int_equal(screen.regions[0].source, SCREEN_FROM_PICTURE);
    assert_near(screen.regions[0].box, MIDDLE, 6);
    struct us_region tissue_region = screen_us_region(&screen.regions[0], &all);
    assert_int_equal(tissue_region.units_x, 3); /* the sequence's spacing, the picture's box */
    assert_int_equal(tissue_region.x0, screen.regions[0].box.x0);

    struct us_region elsewhere = named((struct bounds){0, 0, 200, 60}, 1, 1);
    screen = analyse(&image, &elsewhere, 1);
    assert_true(screen.doubts & SCREEN_DOUBT_ELSEWHERE);
    assert_near(screen.regions[0].box, MIDDLE, 6);

    struct us_region empty = named((struct bounds){10, 440, 500, 475}, 1, 1);
    screen = analyse(&image, &empty, 1);
    assert_true(screen.doubts & SCREEN_DOUBT_EMPTY);
    assert_near(screen.regions[0].box, MIDDLE, 6);

    struct us_region twice = named((struct bounds){240, 140, 1039, 859}, 1, 1); /* as if larger */
    screen = analyse(&image, &twice, 1);
    assert_true(screen.doubts & SCREEN_DOUBT_OUTSIDE);
    assert_int_equal(screen.regions[0].source, SCREEN_FROM_PICTURE);
    image_release(&image);
}

static void test_hostile(void **state)
{
    (void)state;
    static const int values[] = {INT_MIN, -1, 0, 1, 639, 640, INT_MAX};
    struct image image = blank(1);
    tissue(&image, MIDDLE, 90, false);
    uint32_t random = 3;
    for (int round = 0; round < 60; round++) {
        struct us_region regions[12];
        for (size_t i = 0; i < 12; i++) {
            struct bounds b = {values[next(&random) % 7], values[next(&random) % 7],
                               values[next(&random) % 7], values[next(&random) % 7]};
            regions[i] = named(b, (int)(next(&random) % 6), (int)(next(&random) % 4));
        }
        analyse(&image, regions, 12);
    }
    struct us_region many[12];
    for (int i = 0; i < 12; i++)
        many[i] = named((struct bounds){120 + 30 * i, 80, 149 + 30 * i, 400}, 3, 3);
    assert_true(analyse(&image, many, 12).doubts & SCREEN_DOUBT_TOO_MANY);
    image_release(&image);
    struct image dot;
    assert_int_equal(image_init(&dot, 1, 1, 3, NULL), 0);
    struct screen screen;
    assert_int_equal(screen_analyse(&dot, many, 1, &screen, NULL), 0);
    assert_int_equal(screen.count, 1);
    image_release(&dot);
}

static enum screen_kind kind_of(const struct image *image)
{
    struct us_region region = named(MIDDLE, 1, 1);
    struct screen screen = analyse(image, &region, 1);
    return screen.regions[0].kind;
}

static void test_colours(void **state)
{
    (void)state;
    struct image image = blank(3);
    tissue(&image, MIDDLE, 90, false);
    furniture(&image);
    box(&image, (struct bounds){125, 75, 138, 88}, 30, 80, 230); /* a logo */
    box(&image, (struct bounds){200, 200, 200, 260}, 250, 220, 0); /* a calliper's line */
    assert_int_equal(kind_of(&image), SCREEN_B_MODE);
    box(&image, (struct bounds){250, 200, 300, 230}, 220, 40, 10);
    box(&image, (struct bounds){280, 240, 340, 260}, 20, 30, 200);
    assert_int_equal(kind_of(&image), SCREEN_COLOUR_DOPPLER);
    for (int y = 150; y <= 350; y++) /* red over yellow, green and cyan to blue */
        for (int x = 200; x <= 450; x++) {
            int hue = (x - 200) * 4, grey = image.pixels[3 * ((size_t)y * COLUMNS + (size_t)x)];
            int up = hue % 250, part = hue / 250;
            set(&image, x, y, part == 0 ? 250 : part == 1 ? 250 - up : grey / 4,
                part == 0 ? up : part == 3 ? 250 - up : 250, part < 2 ? 0 : part == 2 ? up : 250);
        }
    assert_int_equal(kind_of(&image), SCREEN_ELASTOGRAPHY);
    assert_false(screen_kind_is_grey(SCREEN_ELASTOGRAPHY));
    image_release(&image);
}

static void test_tint(void **state)
{
    (void)state;
    struct image image = blank(3);
    tissue(&image, MIDDLE, 150, false);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) /* brownish grey */
        image.pixels[3 * i + 2] = (uint8_t)(image.pixels[3 * i] / 2);
    assert_int_equal(kind_of(&image), SCREEN_B_MODE);
    box(&image, (struct bounds){250, 200, 320, 240}, 20, 30, 220);
    assert_int_equal(kind_of(&image), SCREEN_COLOUR_DOPPLER);
    image_release(&image);
}

static void test_kinds(void **state)
{
    (void)state;
    struct image image = blank(1);
    struct bounds above = {200, 40, 440, 200}, under = {60, 240, 580, 440};
    tissue(&image, above, 90, false);
    for (int x = under.x0; x <= under.x1; x++) {
        int height = 20 + (x * 3) % 120;
        for (int y = 400 - height; y <= 400; y++)
            set(&image, x, y, 100 + (x * 7 + y * 5) % 90, 100 + (x * 7 + y * 5) % 90, 100);
    }
    struct us_region regions[3] = {named(under, 3, 3), named(above, 1, 1), named(above, 1, 2)};
    struct screen screen = analyse(&image, regions, 3);
    assert_int_equal(screen.count, 2);
    assert_int_equal(screen.regions[0].kind, SCREEN_COLOUR_DOPPLER); /* named as flow too */
    assert_int_equal(screen.regions[1].kind, SCREEN_SPECTRAL);
    assert_false(screen.dual);
    regions[0].spatial_format = 2;
    screen = analyse(&image, regions, 2);
    assert_int_equal(screen.regions[0].kind, SCREEN_B_MODE);
    assert_int_equal(screen.regions[1].kind, SCREEN_M_MODE);
    assert_int_equal(screen_principal(&screen), 0);
    struct mask mask;
    assert_int_equal(mask_init(&mask, ROWS, COLUMNS, NULL), 0);
    assert_int_equal(screen_region_of(&screen, &mask), -1);
    mask.pixels[300 * COLUMNS + 300] = 1;
    assert_int_equal(screen_region_of(&screen, &mask), 1);
    mask_release(&mask);
    box(&image, above, 0, 0, 0); /* the spectrum by itself is no image */
    regions[0].spatial_format = 3;
    screen = analyse(&image, regions, 1);
    assert_int_equal(screen.count, 1);
    assert_int_equal(screen.regions[0].kind, SCREEN_SPECTRAL);
    image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),   cmocka_unit_test(test_whole),
        cmocka_unit_test(test_dual),    cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_colours),
        cmocka_unit_test(test_tint),    cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
