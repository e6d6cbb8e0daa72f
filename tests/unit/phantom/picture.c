/* Pictures agree with the truth they claim. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "phantom/picture.h"
#include "phantom/screen.h"

/* Mean grey of the pixels of `inside` that are not in `except` (may be NULL). */
static double mean_grey(const struct picture *p, const struct mask *inside,
                        const struct mask *except)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < (size_t)p->image.rows * p->image.columns; i++)
        if (inside->pixels[i] && !(except && except->pixels[i])) {
            sum += p->image.pixels[i * p->image.channels];
            count++;
        }
    return sum / count;
}

static void check_masks(const struct picture *p)
{
    for (int y = 0; y < p->image.rows; y++)
        for (int x = 0; x < p->image.columns; x++) {
            size_t i = (size_t)y * p->image.columns + x;
            if (p->lesion.pixels[i]) {
                assert_in_range(x, p->region.x0, p->region.x1);
                assert_in_range(y, p->region.y0, p->region.y1);
            }
            assert_true(p->lesion.pixels[i] >= p->hilum.pixels[i]);
        }
}

/* Extent of the mask along the direction of its own longest diameter is at most a pixel or two
 * from the diameter claimed: here by its bounding box, which that diameter must fit. */
static void check_size(const struct picture *p)
{
    int left = p->image.columns, right = 0, top = p->image.rows, bottom = 0;
    for (int y = 0; y < p->image.rows; y++)
        for (int x = 0; x < p->image.columns; x++)
            if (p->lesion.pixels[(size_t)y * p->image.columns + x]) {
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
                bottom = y > bottom ? y : bottom;
            }
    double width_mm = (right - left + 1) * p->spacing_mm;
    double height_mm = (bottom - top + 1) * p->spacing_mm;
    assert_true(p->long_mm <= hypot(width_mm, height_mm) + p->spacing_mm);
    assert_true(p->long_mm >= fmax(width_mm, height_mm) - 2 * p->spacing_mm);
    assert_true(p->short_mm <= p->long_mm + 1e-6);
}

static void truth_is_visible(void **state)
{
    (void)state;
    int breasts = 0, axillae = 0, hila = 0;
    for (int number = 1; number <= 12; number++) {
        struct study_plan plan;
        study_plan_draw(5, number, &plan);
        assert_in_range(plan.picture_count, 2, PICTURES_MAX);
        double largest[2] = {0};
        for (int i = 0; i < plan.picture_count; i++) {
            struct picture p;
            assert_int_equal(picture_render(&plan, i, &p, NULL), STATUS_OK);
            check_masks(&p);
            check_size(&p);
            enum view view = plan.pictures[i].view;
            largest[view] = fmax(largest[view], p.long_mm);
            if (view == VIEW_BREAST) {
                breasts++;
                assert_int_equal(mask_count(&p.hilum), 0);
            } else {
                axillae++;
                if (plan.pictures[i].principal)
                    assert_true(fabs(p.hilum_fraction - plan.latents.hilum_fraction) < 0.05);
                else
                    assert_true(p.hilum_fraction >= plan.latents.hilum_fraction - 0.05);
            }
            if (mask_count(&p.hilum) > 500) {
                hila++;
                assert_true(mean_grey(&p, &p.hilum, NULL) >
                            mean_grey(&p, &p.lesion, &p.hilum) + 20);
            }
            picture_release(&p);
        }
        assert_true(fabs(largest[VIEW_BREAST] - plan.latents.tumour_size_mm) < 1e-3);
        assert_true(fabs(largest[VIEW_AXILLA] - plan.latents.node_long_mm) < 1e-3);
    }
    assert_true(breasts >= 12 && axillae >= 12 && hila >= 3);
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    struct study_plan plan;
    struct picture a, b;
    study_plan_draw(9, 3, &plan);
    assert_int_equal(picture_render(&plan, 1, &a, NULL), STATUS_OK);
    assert_int_equal(picture_render(&plan, 1, &b, NULL), STATUS_OK);
    size_t n = (size_t)a.image.rows * a.image.columns * a.image.channels;
    assert_memory_equal(a.image.pixels, b.image.pixels, n);
    picture_release(&a);
    picture_release(&b);
}

static void drawing_stays_inside(void **state)
{
    (void)state;
    struct image picture;
    assert_int_equal(image_init(&picture, 20, 20, 3, NULL), STATUS_OK);
    const struct colour white = {255, 255, 255};
    screen_text(&picture, -7, -3, 2, white, "PHANTOM^0001 ?");
    screen_cross(&picture, 19, 19, 9, white);
    screen_box(&picture, -100, -100, 50, 50, white);
    screen_box(&picture, 18, 18, 50, 50, white);
    assert_int_equal(picture.pixels[3 * (20 * 20 - 1)], 255);
    assert_int_equal(screen_text_width(2, "AB"), 24);
    image_release(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truth_is_visible),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(drawing_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
