/* Clinical inputs and evidence of a package: read, refused, scored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "model/score/score.h"
#include "package_folder.h"

static const struct package_options MAKING = {.allow_unsigned = true, .without_manifest = true};

#define INPUTS "inputs: {regions: [tumour, node], sizes_require_calibration: region}\n"
#define BEGIN "inputs:\n  regions: [tumour, node]\n  sizes_require_calibration: region\n  clinical:\n"
#define AGE \
    "    - {name: age, text: Age, kind: number, unit: years, sources: [dicom, import],\n" \
    "       max_age_days: 365, side: any, tolerance: 1, missing: 50}\n"
#define STATUS \
    "    - {name: us_node_status, text: Node status, kind: binary,\n" \
    "       sources: [import, measured], max_age_days: 90, max_after_days: 3, side: same,\n" \
    "       criteria: {axis_ratio_below: 2, cortex_above_mm: 3.5, hilum: partly_lost},\n" \
    "       missing: refuse}\n"
#define MARGIN \
    "    - {name: margin, text: Margin, kind: binary, sources: [sr], max_age_days: 0, side: same,\n" \
    "       values: [circumscribed, [not_circumscribed, indistinct, spiculated]], missing: refuse}\n"
#define GRADE \
    "    - {name: nuclear_grade, text: Grade, kind: ordinal, sources: [import], max_age_days: 9,\n" \
    "       side: same, values: ['1', '2', '3'], missing: refuse}\n"

static int try(const char *text, struct package **ret_package, struct error *err)
{
    return package_open(package_folder_make(text), &MAKING, ret_package, err);
}

static struct package *open_edited(const char *from, const char *to)
{
    char *text = package_edit(from, to);
    struct package *package = NULL;
    struct error err = {0};
    if (try(text, &package, &err) < 0)
        fail_msg("%s", err.message);
    free(text);
    package_folder_remove();
    return package;
}

static void reads_everything(void **state)
{
    (void)state;
    struct package *p = open_edited(INPUTS, BEGIN AGE STATUS MARGIN GRADE);
    assert_int_equal(p->clinical_count, 4);
    const struct clinical_input *age = &p->clinical[0], *status = &p->clinical[1];
    assert_string_equal(age->variable->name, "age");
    assert_true(age->kind == CLINICAL_NUMBER && age->tolerance == 1 && age->has_fallback &&
                age->fallback == 50 && !age->same_side && age->max_age_days == 365);
    assert_true(age->source_count == 2 && age->sources[1] == CLINICAL_IMPORT);
    assert_true(status->same_side && !status->has_fallback && status->max_after_days == 3);
    assert_true(status->step_count == 2 && status->steps[1].number == 1);
    assert_string_equal(status->steps[1].code, "suspicious");
    assert_true(status->criteria.partly_lost && status->criteria.cortex_above_mm == 3.5);
    const struct clinical_input *margin = &p->clinical[2], *grade = &p->clinical[3];
    assert_true(margin->step_count == 4 && margin->steps[0].number == 0 &&
                margin->steps[3].number == 1);
    assert_true(grade->step_count == 3 && grade->steps[0].number == 1 &&
                grade->steps[2].number == 3);
    package_free(p);
}

static void reads_the_population(void **state)
{
    (void)state;
    struct package *p = open_edited(
        "  - {evidence: synthetic_data, text: the study is synthetic}\n",
        "  - {evidence: synthetic_data, text: the study is synthetic}\n"
        "  - {evidence: malignancy_confirmed, text: proven, sources: [import], max_age_days: 90,\n"
        "     max_after_days: 30, side: any}\n"
        "  - {evidence: single_lesion, text: one lesion}\n");
    const struct clinical_input *synthetic = &p->population[0].rule;
    const struct clinical_input *proven = &p->population[1].rule, *one = &p->population[2].rule;
    assert_true(synthetic->source_count == 1 && synthetic->sources[0] == CLINICAL_DICOM);
    assert_true(proven->source_count == 1 && proven->max_age_days == 90 &&
                proven->max_after_days == 30 && !proven->same_side);
    assert_true(one->source_count == 2 && one->max_age_days == 180 && one->max_after_days == 0 &&
                one->same_side);
    package_free(p);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *reason;
        int line;
    } rows[] = {
        {INPUTS, BEGIN "    - {name: ca153}\n", "no clinical value", 12},
        {INPUTS, BEGIN "    - {name: single_lesion}\n", "'population'", 12},
        {INPUTS, BEGIN AGE AGE, "stands twice", 14},
        {INPUTS, BEGIN "    - {name: age, text: A, kind: ordinal}\n", "has numbers", 12},
        {INPUTS, BEGIN "    - {name: bi_rads, text: A, kind: number}\n", "has codes", 12},
        {INPUTS, BEGIN "    - {name: age, text: A, kind: number}\n", "'unit' is missing", 12},
        {INPUTS, BEGIN "    - {name: age, text: A, kind: number, unit: months}\n", "'years'", 12},
        {INPUTS, BEGIN "    - {name: age, text: A, kind: number, unit: years, values: [a]}\n",
         "kind 'number'", 12},
        {INPUTS, BEGIN "    - {name: bi_rads, text: A, kind: ordinal}\n", "'values' is missing", 12},
        {INPUTS, BEGIN "    - {name: bi_rads, text: A, kind: ordinal, values: [4A, 4D]}\n",
         "'4D' is no code", 12},
        {INPUTS, BEGIN "    - {name: bi_rads, text: A, kind: ordinal, values: [4A, [5, 4A]]}\n",
         "stands twice", 12},
        {INPUTS, BEGIN "    - {name: bi_rads, text: A, kind: ordinal, values: [4A]}\n",
         "two or more", 12},
        {INPUTS, BEGIN "    - {name: margin, text: A, kind: binary}\n", "'values' is missing", 12},
        {INPUTS, BEGIN "    - {name: margin, text: A, kind: binary, values: [angular, [], []]}\n",
         "two entries", 12},
        {INPUTS, BEGIN "    - {name: sex, text: A, kind: binary, values: [male, []]}\n",
         "at least one", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [hearsay]}\n",
         "'hearsay'", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr, sr]}\n",
         "twice", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [measured]}\n",
         "not measured", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr]}\n",
         "'max_age_days' is missing", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr],\n"
                       "       max_age_days: -1}\n", "max_age_days", 13},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr],\n"
                       "       max_age_days: 1}\n", "'side' is missing", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr],\n"
                       "       max_age_days: 1, side: both}\n", "'both'", 13},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr],\n"
                       "       max_age_days: 1, side: any}\n", "'missing' is missing", 12},
        {INPUTS, BEGIN "    - {name: er_status, text: A, kind: binary, sources: [sr],\n"
                       "       max_age_days: 1, side: any, missing: .nan}\n", "missing", 13},
        {INPUTS, BEGIN "    - {name: us_node_status, text: A, kind: binary, sources: [measured],\n"
                       "       max_age_days: 1, side: any}\n", "'criteria' is missing", 12},
        {INPUTS, BEGIN "    - {name: us_node_status, text: A, kind: binary, sources: [sr],\n"
                       "       max_age_days: 1, side: any, criteria: {}}\n", "may be measured", 13},
        {INPUTS, "inputs: {regions: [tumour, node], sizes_require_calibration: region, "
                 "clinical: []}\n", "list of 1", 8},
        {"text: the study is synthetic}", "text: x, sources: [import]}", "images alone", 7},
        {"text: the study is synthetic}", "text: x}\n  - {evidence: synthetic_data, text: y}",
         "twice", 8},
        {"feature: tumour_original_firstorder_Entropy", "feature: clinical_age",
         "no clinical value of the inputs", 33},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = package_edit(rows[i].from, rows[i].to), place[64];
        struct package *package;
        struct error err = {0};
        int status = try(text, &package, &err);
        snprintf(place, sizeof place, "package.yaml:%d: ", rows[i].line);
        if (status != STATUS_INVALID || !strstr(err.message, rows[i].reason) ||
            !strstr(err.message, place))
            fail_msg("'%s' gave status %d: %s", rows[i].to, status, err.message);
        free(text);
        package_folder_remove();
    }
}

/* Two of the terms are clinical values; the third is left for the regions. */
static void scores(void **state)
{
    (void)state;
    char *first = package_edit(INPUTS, BEGIN AGE STATUS);
    char *at = strstr(first, "tumour_original_firstorder_Entropy, centre: 2, scale: 0.5");
    assert_non_null(at);
    struct buffer text = {0};
    assert_int_equal(buffer_print(&text, NULL, "%.*sclinical_us_node_status, centre: 0, scale: 1%s",
                                  (int)(at - first), first, at + 57), 0);
    struct package *p = NULL;
    struct error err = {0};
    if (try(buffer_text(&text), &p, &err) < 0)
        fail_msg("%s", err.message);
    struct region_finding regions[ROI_COUNT];
    struct evidence evidence = {.kind = EVIDENCE_SYNTHETIC_DATA, .source = "x"};
    struct clinical_choice choices[] = {
        {.input = &p->clinical[0], .has_number = true, .number = 50, .reason = "too old"},
        {.input = &p->clinical[1], .has_number = true, .number = 1}};
    struct score_input input = {.evidence = &evidence, .evidence_count = 1, .clinical = choices,
                                .clinical_count = 2};
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        regions[roi] = (struct region_finding){
            .found = true, .agreement = 0.9, .calibration = {CALIBRATION_REGION, 0.1, 0.1, 0}};
        input.regions[roi] = &regions[roi];
        input.sides[roi] = SIDE_LEFT;
    }
    feature_list_add(&regions[ROI_NODE].features, "node_measure_ShortAxis", 7, false, NULL);
    feature_list_add(&regions[ROI_NODE].features, "node_measure_HilumFraction", 0.2, false, NULL);
    struct score score;
    assert_int_equal(score_compute(p, &input, &score, NULL), 0);
    assert_true(score.has_risk && fabs(score.linear_predictor - (-0.5 + 0.7 + 0.9)) < 1e-12);
    assert_string_equal(score.contributions[0].name, "clinical_us_node_status");
    score_release(&score);
    choices[1] = (struct clinical_choice){.input = &p->clinical[1], .reason = "it is too old"};
    assert_int_equal(score_compute(p, &input, &score, NULL), 0);
    assert_true(!score.has_risk && score.contribution_count == 0);
    assert_string_equal(score.reasons[0],
                        "a clinical value is missing (it is too old): Node status");
    score_release(&score);
    input.clinical_count = 0; /* nobody looked */
    assert_int_equal(score_compute(p, &input, &score, NULL), 0);
    assert_true(!score.has_risk && score.reason_count == 2);
    score_release(&score);
    for (int roi = 0; roi < ROI_COUNT; roi++)
        region_finding_release(&regions[roi]);
    package_free(p);
    buffer_release(&text);
    free(first);
    package_folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_everything),
                                       cmocka_unit_test(reads_the_population),
                                       cmocka_unit_test(refuses), cmocka_unit_test(scores)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
