#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "image/callipers.h"

enum { ROWS = 120, COLUMNS = 160 };

/* Grey tissue with a little grain. */
static struct image tissue(int level)
{
    struct image image;
    assert_int_equal(image_init(&image, ROWS, COLUMNS, 1, NULL), 0);
    uint32_t state = 1;
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        state = state * 1664525 + 1013904223;
        image.pixels[i] = (uint8_t)(level + (int)(state >> 28));
    }
    return image;
}

static void draw(struct image *image, int x, int y, int arm, bool diagonal, uint8_t level)
{
    for (int k = -arm; k <= arm; k++) {
        image->pixels[(y + k) * COLUMNS + x + (diagonal ? k : 0)] = level;
        image->pixels[(y + (diagonal ? -k : 0)) * COLUMNS + x + k] = level;
    }
}

static void test_marks(void **state)
{
    (void)state;
    for (int arm = 3; arm <= 9; arm++) {
        struct image image = tissue(60);
        draw(&image, 30, 40, arm, false, 220);
        draw(&image, 110, 44, arm, false, 220);
        draw(&image, 70, 20, arm, true, 180);
        struct callipers found;
        callipers_find(&image, NULL, &found);
        assert_int_equal(found.count, 3);
        for (int i = 0; i < 3; i++) {
            assert_in_range(found.marks[i].arm, arm - 1, arm);
            assert_int_equal(found.marks[i].diagonal, i == 2); /* the faintest comes last */
        }
        assert_int_equal(found.marks[2].x, 70);
        assert_int_equal(found.marks[2].y, 20);
        image_release(&image);
    }
}

static void test_area(void **state)
{
    (void)state;
    struct image image = tissue(60);
    draw(&image, 30, 40, 5, false, 220);
    draw(&image, 110, 44, 5, false, 220);
    struct callipers found;
    callipers_find(&image, &(struct bounds){80, 10, 159, 119}, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.marks[0].x, 110);
    callipers_find(&image, &(struct bounds){-50, -50, 1000, 1000}, &found);
    assert_int_equal(found.count, 2);
    callipers_find(&image, &(struct bounds){50, 50, 40, 40}, &found);
    assert_int_equal(found.count, 0);
    image_release(&image);
}

/* Lines, corners, dots and bright spots of tissue are not marks. */
static void test_others(void **state)
{
    (void)state;
    struct image image = tissue(60);
    for (int x = 0; x < COLUMNS; x++)
        image.pixels[30 * COLUMNS + x] = 220;
    for (int y = 0; y < ROWS; y++)
        image.pixels[y * COLUMNS + 50] = 220; /* a cross without ends */
    for (int k = 0; k < 9; k++) {
        image.pixels[(60 + k) * COLUMNS + 90] = 220;
        image.pixels[60 * COLUMNS + 90 + k] = 220;
    }
    for (int y = -4; y <= 4; y++)
        for (int x = -4; x <= 4; x++)
            if (x * x + y * y <= 16)
                image.pixels[(90 + y) * COLUMNS + 120 + x] = 230;
    struct callipers found;
    callipers_find(&image, NULL, &found);
    assert_int_equal(found.count, 0);
    image_release(&image);
}

static void test_many(void **state)
{
    (void)state;
    struct image image = tissue(40);
    for (int i = 0; i < 30; i++)
        draw(&image, 12 + 25 * (i % 6), 12 + 22 * (i / 6), 4, i % 2, (uint8_t)(150 + 3 * i));
    struct callipers found;
    callipers_find(&image, NULL, &found);
    assert_int_equal(found.count, CALLIPERS_MAX);
    for (int i = 1; i < found.count; i++)
        assert_true(found.marks[i].contrast <= found.marks[i - 1].contrast);
    assert_true(found.marks[CALLIPERS_MAX - 1].contrast > 120);
    image_release(&image);

    struct image small;
    assert_int_equal(image_init(&small, 5, 5, 1, NULL), 0);
    callipers_find(&small, NULL, &found);
    assert_int_equal(found.count, 0);
    image_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_area),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
