#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image/quality.h"

enum { ROWS = 100, COLUMNS = 120 };

struct scene {
    struct image grey;
    struct mask outline, graphics;
    struct screen_region region;
};

static struct scene scene_of(struct bounds outline)
{
    struct scene s = {.region = {.box = {10, 10, 109, 89}, .kind = SCREEN_B_MODE}};
    assert_int_equal(image_init(&s.grey, ROWS, COLUMNS, 1, NULL), 0);
    assert_int_equal(mask_init(&s.outline, ROWS, COLUMNS, NULL), 0);
    assert_int_equal(mask_init(&s.graphics, ROWS, COLUMNS, NULL), 0);
    memset(s.grey.pixels, 80, (size_t)ROWS * COLUMNS);
    for (int y = outline.y0; y <= outline.y1; y++)
        for (int x = outline.x0; x <= outline.x1; x++)
            s.outline.pixels[y * COLUMNS + x] = 1;
    return s;
}

static void scene_release(struct scene *s)
{
    image_release(&s->grey);
    mask_release(&s->outline);
    mask_release(&s->graphics);
}

static struct quality measure(const struct scene *s, bool calibrated)
{
    struct quality q;
    quality_measure(&(struct quality_input){&s->grey, &s->outline, &s->graphics, &s->region,
                                            calibrated},
                    &q);
    return q;
}

static void test_sound(void **state)
{
    (void)state;
    struct scene s = scene_of((struct bounds){30, 30, 69, 59});
    struct quality q = measure(&s, true);
    assert_int_equal(q.faults, 0);
    assert_int_equal(q.pixels, 40 * 30);
    q = measure(&s, false);
    assert_int_equal(q.faults, QUALITY_UNCALIBRATED);
    s.region.kind = SCREEN_COLOUR_DOPPLER;
    assert_int_equal(measure(&s, true).faults, QUALITY_NOT_GREY);
    scene_release(&s);
}

static void test_pixels(void **state)
{
    (void)state;
    struct scene s = scene_of((struct bounds){30, 30, 69, 59});
    for (int x = 30; x < 70; x++) {
        s.graphics.pixels[40 * COLUMNS + x] = 1;
        s.grey.pixels[40 * COLUMNS + x] = 255; /* drawn: not counted as saturated */
        s.grey.pixels[45 * COLUMNS + x] = 255;
    }
    struct quality q = measure(&s, true);
    assert_int_equal(q.faults, QUALITY_GRAPHICS | QUALITY_BRIGHT);
    assert_float_equal(q.graphics_share, 40.0 / 1200, 1e-12);
    assert_float_equal(q.white_share, 40.0 / 1160, 1e-12);
    memset(s.grey.pixels, 0, (size_t)ROWS * COLUMNS);
    assert_true(measure(&s, true).faults & QUALITY_DARK);
    scene_release(&s);
}

static void test_place(void **state)
{
    (void)state;
    struct scene s = scene_of((struct bounds){10, 30, 49, 59});
    struct quality q = measure(&s, true);
    assert_int_equal(q.faults, QUALITY_CUT_OFF);
    assert_true(q.cut_left && !q.cut_right && !q.cut_top && !q.cut_bottom);
    scene_release(&s);
    s = scene_of((struct bounds){90, 60, 115, 95});
    q = measure(&s, true);
    assert_int_equal(q.faults, QUALITY_CUT_OFF | QUALITY_SPLIT);
    assert_true(q.cut_right && q.cut_bottom);
    assert_float_equal(q.outside_share, 1 - 20.0 * 30 / (26 * 36), 1e-12);
    scene_release(&s);
    s = scene_of((struct bounds){50, 50, 61, 59});
    assert_int_equal(measure(&s, true).faults, QUALITY_SMALL);
    scene_release(&s);
    s = scene_of((struct bounds){50, 50, 49, 49});
    q = measure(&s, true);
    assert_int_equal(q.pixels, 0);
    assert_int_equal(q.faults, QUALITY_SMALL);
    scene_release(&s);
}

static void test_words(void **state)
{
    (void)state;
    char text[300], small[12];
    quality_words(0, text, sizeof text);
    assert_string_equal(text, "");
    quality_words(QUALITY_GRAPHICS | QUALITY_SMALL, text, sizeof text);
    assert_string_equal(text, "graphics inside, too small");
    quality_words(~0U, text, sizeof text);
    assert_non_null(strstr(text, "beyond the image"));
    quality_words(~0U, small, sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
    for (int i = 0; i < QUALITY_FAULTS; i++) {
        assert_true(quality_fault_name((enum quality_fault)(1U << i))[0] != '\0');
        assert_true(quality_fault_text((enum quality_fault)(1U << i))[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_pixels),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
