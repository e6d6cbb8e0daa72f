#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/score/score.h"

static struct package_criterion population[] = {
    {.evidence = EVIDENCE_SYNTHETIC_DATA, .text = "the study is synthetic"},
};
static struct package_term terms[] = {
    {"tumour_original_firstorder_Entropy", 4, 0.5, 1.25, false, NULL},
    {"node_measure_ShortAxis", 8, 2, -0.75, true, NULL},
};

static struct package make_package(void)
{
    return (struct package){
        .name = "test",
        .population = population, .population_count = 1,
        .required = {true, true},
        .sizes = PACKAGE_SIZES_REGION,
        .agreement_min = 0.7,
        .has_model = true, .has_intercept = true, .intercept = -0.3,
        .terms = terms, .term_count = 2,
        .has_cutoff = true, .cutoff = 0.4,
    };
}

struct study {
    struct region_finding regions[ROI_COUNT];
    struct evidence evidence[1];
    struct score_input input;
};

static void study_init(struct study *s)
{
    *s = (struct study){.evidence = {{.kind = EVIDENCE_SYNTHETIC_DATA, .source = "DICOM (0008,001C)"}}};
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        s->regions[roi] = (struct region_finding){
            .found = true, .agreement = 0.9, .calibration = {CALIBRATION_REGION, 0.1, 0.1, 0}};
        s->input.regions[roi] = &s->regions[roi];
        s->input.sides[roi] = SIDE_LEFT;
    }
    feature_list_add(&s->regions[ROI_TUMOUR].features, terms[0].feature, 4.6, false, NULL);
    feature_list_add(&s->regions[ROI_NODE].features, terms[1].feature, 6.5, false, NULL);
    s->input.evidence = s->evidence;
    s->input.evidence_count = 1;
}

static void study_release(struct study *s)
{
    for (int roi = 0; roi < ROI_COUNT; roi++)
        region_finding_release(&s->regions[roi]);
}

static void test_numbers(void **state)
{
    (void)state;
    struct package package = make_package();
    struct study study;
    struct score score;
    study_init(&study);
    assert_int_equal(score_compute(&package, &study.input, &score, NULL), 0);
    double predictor = -0.3 + 1.25 * (4.6 - 4) / 0.5 + -0.75 * (6.5 - 8) / 2;
    assert_true(score.has_risk);
    assert_true(fabs(score.linear_predictor - predictor) < 1e-12);
    assert_true(fabs(score.risk - 1 / (1 + exp(-predictor))) < 1e-12);
    assert_true(score.above_cutoff && score.cutoff == 0.4);
    assert_int_equal(score.contribution_count, 2);
    assert_string_equal(score.contributions[1].name, "node_measure_ShortAxis");
    assert_true(fabs(score.contributions[1].contribution - 0.5625) < 1e-12);
    assert_int_equal(score.reason_count, 0);
    score_release(&score);
    study_release(&study);
}

static void test_extreme_predictors(void **state)
{
    (void)state;
    struct package package = make_package();
    package.term_count = 0;
    const double predictors[] = {-1000, 1000, 0};
    const double risks[] = {0, 1, 0.5};
    for (int i = 0; i < 3; i++) {
        struct score score;
        package.intercept = predictors[i];
        assert_int_equal(score_predict(&package, NULL, 0, &score, NULL), 0);
        assert_true(score.has_risk && fabs(score.risk - risks[i]) < 1e-300);
        score_release(&score);
    }
}

enum fault {
    NO_EVIDENCE, OTHER_EVIDENCE, UNSOURCED, TUMOUR_SIDE_UNKNOWN, NODE_SIDE_UNKNOWN, OTHER_SIDE,
    NO_NODE_PICTURE, NO_TUMOUR, UNSURE, AGREEMENT_NAN, UNCALIBRATED, ESTIMATED, FEATURE_MISSING,
    FEATURE_NAN, FEATURE_INFINITE, FEATURE_MEANINGLESS, INCOMPLETE, NO_INTERCEPT, NO_MODEL, FAULTS,
};

static const char *break_it(enum fault fault, struct package *package, struct study *s)
{
    static const char *const missing[] = {"the weights of the network"};
    struct region_finding *node = &s->regions[ROI_NODE], *tumour = &s->regions[ROI_TUMOUR];
    struct feature *feature = &tumour->features.items[0];
    switch (fault) {
    case NO_EVIDENCE: s->input.evidence_count = 0; return "eligibility not established: the study is synthetic";
    case OTHER_EVIDENCE: s->evidence[0].kind = EVIDENCE_SINGLE_LESION; return "eligibility";
    case UNSOURCED: s->evidence[0].source[0] = '\0'; return "eligibility";
    case TUMOUR_SIDE_UNKNOWN: s->input.sides[ROI_TUMOUR] = SIDE_UNKNOWN; return "side of the tumour";
    case NODE_SIDE_UNKNOWN: s->input.sides[ROI_NODE] = SIDE_UNKNOWN; return "side of the node";
    case OTHER_SIDE: s->input.sides[ROI_NODE] = SIDE_RIGHT; return "different sides";
    case NO_NODE_PICTURE: s->input.regions[ROI_NODE] = NULL; return "no picture of the node";
    case NO_TUMOUR: tumour->found = false; return "no tumour was found";
    case UNSURE: node->agreement = 0.69; return "outline of the node is unsure";
    case AGREEMENT_NAN: node->agreement = NAN; return "unsure";
    case UNCALIBRATED: node->calibration.source = CALIBRATION_NONE; return "picture of the node is not calibrated";
    case ESTIMATED: node->calibration.source = CALIBRATION_ESTIMATED; return "not calibrated";
    case FEATURE_MISSING: feature->name[0] = 'x'; return "is missing: tumour_original";
    case FEATURE_NAN: feature->value = NAN; return "is missing";
    case FEATURE_INFINITE: feature->value = INFINITY; return "is missing";
    case FEATURE_MEANINGLESS: feature->meaningless = true; return "means nothing";
    case INCOMPLETE:
        package->incomplete = (const char **)(uintptr_t)missing;
        package->incomplete_count = 1;
        return "incomplete: the weights of the network";
    case NO_INTERCEPT: package->has_intercept = false; return "incomplete";
    default: package->has_model = false; return "incomplete";
    }
}

static void test_no_risk(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULTS; fault++) {
        struct package package = make_package();
        struct study study;
        struct score score;
        study_init(&study);
        const char *reason = break_it((enum fault)fault, &package, &study);
        assert_int_equal(score_compute(&package, &study.input, &score, NULL), 0);
        if (score.has_risk || score.reason_count == 0 || !strstr(score.reasons[0], reason))
            fail_msg("fault %d: risk %d, reason '%s'", fault, score.has_risk, score.reasons[0]);
        assert_true(score.risk == 0 && score.linear_predictor == 0);
        assert_false(score.above_cutoff);
        assert_int_equal(score.contribution_count, 0);
        score_release(&score);
        study_release(&study);
    }
}

static void test_unsure_where_the_package_allows_it(void **state)
{
    (void)state;
    struct package package = make_package();
    struct study study;
    struct score score;
    study_init(&study);
    package.unsure_allowed = true;
    study.regions[ROI_NODE].agreement = 0.2;
    assert_int_equal(score_compute(&package, &study.input, &score, NULL), 0);
    assert_true(score.has_risk);
    score_release(&score);
    study_release(&study);
}

/* The uncalibrated tumour does not matter: no term of its depends on size. */
static void test_calibration_rules(void **state)
{
    (void)state;
    const struct {
        enum package_sizes sizes;
        enum calibration_source source;
        bool risk;
    } cases[] = {
        {PACKAGE_SIZES_REGION, CALIBRATION_REGION, true},
        {PACKAGE_SIZES_REGION, CALIBRATION_ESTIMATED, false},
        {PACKAGE_SIZES_REGION, CALIBRATION_NONE, false},
        {PACKAGE_SIZES_ESTIMATED, CALIBRATION_REGION, true},
        {PACKAGE_SIZES_ESTIMATED, CALIBRATION_ESTIMATED, true},
        {PACKAGE_SIZES_ESTIMATED, CALIBRATION_NONE, false},
        {PACKAGE_SIZES_NONE, CALIBRATION_NONE, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct package package = make_package();
        struct study study;
        struct score score;
        study_init(&study);
        package.sizes = cases[i].sizes;
        study.regions[ROI_NODE].calibration.source = cases[i].source;
        study.regions[ROI_TUMOUR].calibration.source = CALIBRATION_NONE;
        assert_int_equal(score_compute(&package, &study.input, &score, NULL), 0);
        assert_int_equal(score.has_risk, cases[i].risk);
        score_release(&score);
        study_release(&study);
    }
}

static void test_several_reasons(void **state)
{
    (void)state;
    struct package package = make_package();
    struct score_input nothing = {0};
    struct score score;
    assert_int_equal(score_compute(&package, &nothing, &score, NULL), 0);
    assert_false(score.has_risk);
    assert_int_equal(score.reason_count, 3); /* eligibility, no tumour picture, no node picture */
    score_release(&score);
}

static void test_a_reason_withdraws_the_risk(void **state)
{
    (void)state;
    struct score score = {.has_risk = true, .risk = 0.8, .has_interval = true, .risk_low = 0.7,
                          .risk_high = 0.9, .above_cutoff = true, .group = "high"};
    score_add_reason(&score, "the side is not known");
    assert_false(score.has_risk || score.has_interval || score.above_cutoff);
    assert_true(score.risk == 0 && score.risk_low == 0 && score.risk_high == 0);
    assert_string_equal(score.group, "");
    assert_int_equal(score.reason_count, 1);
}

static void test_reasons_are_bounded(void **state)
{
    (void)state;
    struct score score = {0};
    for (int i = 0; i < 100; i++) {
        score_add_reason(&score, "reason %d %0300d", i, 7);
        score_add_reason(&score, "reason %d %0300d", i, 7);
    }
    assert_int_equal(score.reason_count, REASON_MAX);
    assert_int_equal(strlen(score.reasons[0]), sizeof score.reasons[0] - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_extreme_predictors),
        cmocka_unit_test(test_unsure_where_the_package_allows_it), cmocka_unit_test(test_no_risk),      cmocka_unit_test(test_calibration_rules),
        cmocka_unit_test(test_several_reasons), cmocka_unit_test(test_reasons_are_bounded),
        cmocka_unit_test(test_a_reason_withdraws_the_risk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
