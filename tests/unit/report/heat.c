/* Heat maps drawn onto their picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "report/heat.h"

enum { ROWS = 12, COLUMNS = 20, GREY = 100 };

/* A grey picture, and a map that raises the score at (5, 4), half as much lowers it at (8, 6). */
static void make(int channels, struct image *picture, struct heat_map *heat)
{
    assert_int_equal(image_init(picture, ROWS, COLUMNS, channels, NULL), 0);
    memset(picture->pixels, GREY, (size_t)ROWS * COLUMNS * (size_t)channels);
    *heat = (struct heat_map){.seen = {.x0 = 3, .y0 = 2, .x1 = 12, .y1 = 9}};
    assert_int_equal(plane_init(&heat->plane, ROWS, COLUMNS, NULL), 0);
    heat->plane.values[4 * COLUMNS + 5] = 2;
    heat->plane.values[6 * COLUMNS + 8] = -1;
}

static const uint8_t *at(const struct image *drawing, int x, int y)
{
    return drawing->pixels + 3 * ((size_t)(y - 2) * (size_t)drawing->columns + (size_t)(x - 3));
}

static void test_what_raises_and_what_lowers(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        struct image picture, drawing;
        struct heat_map heat;
        make(channels, &picture, &heat);
        assert_int_equal(heat_draw(&picture, &heat, &drawing, NULL), 0);
        assert_int_equal(drawing.columns, 10); /* what the networks saw, both ends included */
        assert_int_equal(drawing.rows, 8);
        assert_int_equal(drawing.channels, 3);
        const uint8_t *raised = at(&drawing, 5, 4), *lowered = at(&drawing, 8, 6);
        const uint8_t *plain = at(&drawing, 12, 9);
        assert_true(raised[0] > GREY + 90 && raised[2] < GREY - 40);  /* orange */
        assert_true(lowered[2] > GREY + 40 && lowered[0] < GREY - 15); /* blue, half as opaque */
        for (int c = 0; c < 3; c++)
            assert_in_range(plain[c], GREY - 1, GREY + 1); /* luma rounds */
        image_release(&picture);
        image_release(&drawing);
        heat_map_release(&heat);
    }
}

static void test_a_map_of_nothing_is_the_picture(void **state)
{
    struct image picture, drawing;
    struct heat_map heat;
    (void)state;
    make(1, &picture, &heat);
    memset(heat.plane.values, 0, sizeof *heat.plane.values * ROWS * COLUMNS);
    assert_int_equal(heat_draw(&picture, &heat, &drawing, NULL), 0);
    for (size_t i = 0; i < 10 * 8 * 3; i++)
        assert_int_equal(drawing.pixels[i], GREY);
    image_release(&picture);
    image_release(&drawing);
    heat_map_release(&heat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_raises_and_what_lowers),
        cmocka_unit_test(test_a_map_of_nothing_is_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
