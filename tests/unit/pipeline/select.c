#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/select.h"

static struct candidate make(enum side side, int image, double long_mm, double long_px,
                             double agreement)
{
    struct candidate c = {.side = side};
    c.region.found = true;
    c.region.image = image;
    c.region.grey = true;
    c.region.unsure = agreement < 0.7;
    c.region.measurements.long_axis.length_mm = long_mm;
    c.region.measurements.long_axis.length_px = long_px;
    return c;
}

static struct candidate make_node(enum side side, int image, double cortex_px, double short_px)
{
    struct candidate c = make(side, image, 12, 120, 1);
    c.region.measurements.hilum_marked = true;
    c.region.measurements.cortex_thickness_px = cortex_px;
    c.region.measurements.short_axis.length_px = short_px;
    return c;
}

static void the_largest_sure_tumour_wins_whatever_the_order(void **state)
{
    (void)state;
    struct candidate in[] = {
        make(SIDE_LEFT, 0, 12, 100, 0.95), make(SIDE_LEFT, 1, 20, 90, 0.95),
        make(SIDE_LEFT, 2, 40, 300, 0.2), /* unsure */
        make(SIDE_LEFT, 3, 0, 900, 0.95), /* not calibrated */
        make(SIDE_LEFT, 4, 20, 90, 0.95), /* as large as image 1, later */
    };
    for (int first = 0; first < 5; first++) {
        struct selection s = {0};
        struct candidate *chosen[ROI_COUNT];
        for (int k = 0; k < 5; k++) {
            struct candidate c = in[(first + k) % 5];
            selection_offer(&s, ROI_TUMOUR, &c);
            assert_false(c.region.found);
        }
        selection_choose(&s, chosen);
        assert_int_equal(chosen[ROI_TUMOUR]->region.image, 1);
        assert_null(chosen[ROI_NODE]);
        selection_release(&s);
    }
}

static void the_node_of_the_tumours_side_comes_first(void **state)
{
    (void)state;
    struct selection s = {0};
    struct candidate *chosen[ROI_COUNT];
    struct candidate tumour = make(SIDE_RIGHT, 0, 12, 100, 1);
    struct candidate mild = make_node(SIDE_RIGHT, 1, 10, 60), lost = make_node(SIDE_LEFT, 2, 30, 60);
    struct candidate thick = make_node(SIDE_RIGHT, 3, 20, 60);
    selection_offer(&s, ROI_TUMOUR, &tumour);
    selection_offer(&s, ROI_NODE, &lost);
    selection_choose(&s, chosen);
    assert_int_equal(chosen[ROI_NODE]->region.image, 2); /* no other: the score refuses it */
    selection_offer(&s, ROI_NODE, &mild);
    selection_offer(&s, ROI_NODE, &thick);
    selection_choose(&s, chosen);
    assert_int_equal(chosen[ROI_NODE]->region.image, 3);
    assert_int_equal(chosen[ROI_NODE]->side, SIDE_RIGHT);
    assert_true(selection_bilateral(&s, ROI_NODE));
    assert_false(selection_bilateral(&s, ROI_TUMOUR));
    selection_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_sure_tumour_wins_whatever_the_order),
        cmocka_unit_test(the_node_of_the_tumours_side_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
