/* Rules that need the whole study, on runs made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pipeline/run.h"

/* A model without terms: every patient has a risk of one half unless a rule forbids it. */
static const struct package PACKAGE = {
    .name = "test", .has_model = true, .has_intercept = true, .agreement_min = 0.6};

struct made {
    enum roi roi;
    enum side side;
    int clock_minutes;
    double long_mm;
    bool side_contradicted, identity_contradicted;
};

enum { MADE_MAX = 4 };

struct study {
    struct run run;
    struct pipeline_settings settings;
    struct study_image images[MADE_MAX];
    struct dicom_instance headers[MADE_MAX];
    struct sight sights[MADE_MAX];
};

static struct study *make(const struct made *made, size_t count)
{
    struct study *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->run = (struct run){.settings = &s->settings, .package = &PACKAGE, .images = s->images,
                          .image_count = count};
    arena_init(&s->run.arena);
    for (size_t i = 0; i < count; i++) {
        struct candidate c = {.side = made[i].side};
        s->images[i] = (struct study_image){.header = &s->headers[i], .sight = &s->sights[i],
                                            .tumour_found = made[i].roi == ROI_TUMOUR};
        s->images[i].class.role = made[i].roi;
        s->images[i].class.side = made[i].side;
        s->images[i].class.side_contradicted = made[i].side_contradicted;
        s->images[i].class.identity_contradicted = made[i].identity_contradicted;
        s->sights[i].words.clock_minutes = made[i].clock_minutes;
        c.region = (struct region_finding){.found = true, .image = (int)i, .agreement = 1};
        c.region.measurements.long_axis.length_mm = made[i].long_mm;
        c.region.calibration.source = CALIBRATION_REGION;
        selection_offer(&s->run.selection, made[i].roi, &c);
    }
    return s;
}

static void drop(struct study *s)
{
    selection_release(&s->run.selection);
    score_release(&s->run.score);
    arena_release(&s->run.arena);
    free(s);
}

static bool noted(const struct study *s, const char *words)
{
    for (size_t i = 0; i < s->run.note_count; i++)
        if (strstr(s->run.notes[i], words))
            return true;
    return false;
}

static bool refused(const struct study *s, const char *words)
{
    for (int i = 0; i < s->run.score.reason_count; i++)
        if (strstr(s->run.score.reasons[i], words))
            return !s->run.score.has_risk;
    return false;
}

static void one_side_has_a_risk(void **state)
{
    (void)state;
    const struct made made[] = {{ROI_TUMOUR, SIDE_LEFT, 120, 20, false, false},
                                {ROI_TUMOUR, SIDE_LEFT, 180, 14, false, false}, /* the same lesion */
                                {ROI_NODE, SIDE_LEFT, 0, 12, false, false}};
    struct study *s = make(made, 3);
    assert_int_equal(run_assess(&s->run, NULL), 0);
    assert_true(s->run.score.has_risk && s->run.score.risk == 0.5);
    assert_int_equal(s->run.chosen[ROI_TUMOUR]->region.image, 0);
    assert_int_equal(run_role_side(&s->run, ROI_NODE), SIDE_LEFT);
    drop(s);
}

static void both_sides(void **state)
{
    (void)state;
    const struct made made[] = {{ROI_TUMOUR, SIDE_LEFT, 0, 20, false, false},
                                {ROI_TUMOUR, SIDE_RIGHT, 0, 14, false, false},
                                {ROI_NODE, SIDE_RIGHT, 0, 12, false, false},
                                {ROI_NODE, SIDE_LEFT, 0, 9, false, false}};
    for (int allowed = 0; allowed < 2; allowed++) {
        struct study *s = make(made, 4);
        s->settings.score_bilateral = allowed;
        assert_int_equal(run_assess(&s->run, NULL), 0);
        assert_true(noted(s, "on both sides: the published models exclude bilateral disease"));
        assert_int_equal(s->run.chosen[ROI_NODE]->region.image, 3); /* of the tumour's side */
        assert_int_equal(s->run.score.has_risk, allowed);
        assert_int_equal(refused(s, "both sides"), !allowed);
        assert_int_equal(noted(s, "the right side, scored by itself: 50.0 %"), allowed);
        drop(s);
    }
}

static void two_places_of_one_breast(void **state)
{
    (void)state;
    const struct {
        int first, second;
        bool apart;
    } rows[] = {{60, 660, true}, {720, 120, true}, {60, 150, false}, {690, 60, false}, {0, 300, false}};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const bool allowed = i % 2, apart = rows[i / 2].apart;
        const struct made made[] = {
            {ROI_TUMOUR, SIDE_RIGHT, rows[i / 2].first, 20, false, false},
            {ROI_TUMOUR, SIDE_RIGHT, rows[i / 2].second, 14, false, false},
            {ROI_TUMOUR, SIDE_UNKNOWN, 360, 3, false, false}};
        struct study *s = make(made, 3);
        s->settings.score_multifocal = allowed;
        assert_int_equal(run_assess(&s->run, NULL), 0);
        assert_int_equal(noted(s, "multifocal"), apart);
        assert_int_equal(s->run.score.has_risk, !apart || allowed);
        drop(s);
    }
}

static void contradictions(void **state)
{
    (void)state;
    struct made made[] = {{ROI_TUMOUR, SIDE_LEFT, 0, 20, false, false},
                          {ROI_NODE, SIDE_LEFT, 0, 12, true, false}};
    struct study *s = make(made, 2);
    assert_int_equal(run_assess(&s->run, NULL), 0);
    assert_true(refused(s, "contradict each other on the side"));
    drop(s);
    made[1].side_contradicted = false;
    made[1].identity_contradicted = true;
    s = make(made, 2);
    assert_int_equal(run_assess(&s->run, NULL), 0);
    assert_true(refused(s, "another patient"));
    drop(s);
}

static void places_known_by_the_view_network_alone(void **state)
{
    (void)state;
    const struct made made[] = {{ROI_TUMOUR, SIDE_LEFT, 0, 20, false, false},
                                {ROI_TUMOUR, SIDE_RIGHT, 0, 14, false, false},
                                {ROI_NODE, SIDE_LEFT, 0, 12, false, false}};
    struct study *s = make(made, 3);
    s->images[2].class.role_by_view = true;
    assert_int_equal(run_assess(&s->run, NULL), 0);
    assert_true(refused(s, "that image 3 shows the axilla is known from the view network alone"));
    assert_non_null(s->run.chosen[ROI_NODE]);
    drop(s);
    s = make(made, 3); /* the other side by itself */
    s->images[1].class.role_by_view = true;
    s->settings.score_bilateral = true;
    assert_int_equal(run_assess(&s->run, NULL), 0);
    assert_true(s->run.score.has_risk);
    assert_true(noted(s, "scored by itself: no risk estimated: that image 2 shows the breast"));
    drop(s);
}

/* ---- several packages ---- */

static struct mask square(int from, int to)
{
    struct mask mask;
    assert_int_equal(mask_init(&mask, 40, 40, NULL), 0);
    for (int y = from; y < to; y++)
        memset(mask.pixels + y * 40 + from, 1, (size_t)(to - from));
    return mask;
}

static void a_contradiction_for_one_is_one_for_all(void **state)
{
    (void)state;
    struct made made[] = {{ROI_TUMOUR, SIDE_LEFT, 0, 20, false, false},
                          {ROI_NODE, SIDE_LEFT, 0, 12, false, false}};
    for (int identity = 0; identity < 2; identity++) {
        struct study *a = make(made, 2);
        made[1].identity_contradicted = identity;
        made[1].side_contradicted = !identity;
        struct study *b = make(made, 2);
        made[1].identity_contradicted = made[1].side_contradicted = false;
        struct study *unread = make(made, 0); /* a package that failed before it read anything */
        struct run *runs[] = {&a->run, &unread->run, &b->run};
        run_share_contradictions(runs, 3);
        assert_int_equal(run_assess(&a->run, NULL), 0);
        assert_true(refused(a, identity ? "another patient" : "contradict each other on the side"));
        drop(a);
        drop(unread);
        drop(b);
    }
}

static void no_risk_of_the_side_that_the_report_is_not_about(void **state)
{
    (void)state;
    const struct made left[] = {{ROI_TUMOUR, SIDE_LEFT, 0, 20, false, false}};
    struct made other[] = {{ROI_NODE, SIDE_LEFT, 0, 20, false, false}};
    for (enum side side = SIDE_UNKNOWN; side <= SIDE_RIGHT; side++) {
        struct study *a = make(left, 1);
        other[0].side = side;
        struct study *b = make(other, 1);
        assert_int_equal(run_assess(&a->run, NULL), 0);
        assert_int_equal(run_assess(&b->run, NULL), 0);
        run_refuse_other_side(&a->run, &b->run);
        assert_int_equal(refused(b, "right side, and this report is about the left side"),
                         side == SIDE_RIGHT);
        assert_true(a->run.score.has_risk);
        drop(a);
        drop(b);
    }
}

static void what_is_not_shown_is_said(void **state)
{
    (void)state;
    const struct {
        int to, frame;
        bool found; /* by the leading package */
        const char *words;
    } rows[] = {{30, 0, true, NULL},
                {22, 0, true, "another outline of the node"},
                {30, 1, true, "the node on image 1, frame 2; the outline shown is that on image 1, frame 1"},
                {30, 0, false, "which is not shown: package test outlined none"}};
    const struct made made[] = {{ROI_NODE, SIDE_LEFT, 0, 12, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct study *a = make(made, 1), *b = make(made, 1);
        assert_int_equal(run_assess(&a->run, NULL), 0);
        assert_int_equal(run_assess(&b->run, NULL), 0);
        a->run.chosen[ROI_NODE]->region.mask = square(10, 30);
        b->run.chosen[ROI_NODE]->region.mask = square(10, rows[i].to);
        b->run.chosen[ROI_NODE]->region.frame = rows[i].frame;
        if (!rows[i].found)
            a->run.chosen[ROI_NODE] = NULL;
        run_note(&a->run, "of both");
        run_note(&b->run, "of both");
        run_note(&b->run, "its own");
        run_note_beside(&a->run, &b->run);
        assert_false(noted(b, "of both"));
        assert_true(noted(b, "its own"));
        assert_int_equal(b->run.note_count, rows[i].words ? 2 : 1);
        if (rows[i].words)
            assert_non_null(strstr(b->run.notes[0], rows[i].words));
        drop(a);
        drop(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_side_has_a_risk), cmocka_unit_test(both_sides),
        cmocka_unit_test(two_places_of_one_breast), cmocka_unit_test(contradictions),
        cmocka_unit_test(places_known_by_the_view_network_alone),
        cmocka_unit_test(a_contradiction_for_one_is_one_for_all),
        cmocka_unit_test(no_risk_of_the_side_that_the_report_is_not_about),
        cmocka_unit_test(what_is_not_shown_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
