/* Packages whose model stands on scores of their own, and how sure its risk is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "model/cohort.h"
#include "model/package/package.h"
#include "model/score/score.h"
#include "model/score/table.h"
#include "package_folder.h"

static const struct package_options MAKING = {.allow_unsigned = true, .without_manifest = true};

/* Two scores of features, one of them on the other, and one that nothing takes. */
static const char SCORES[] =
    "scores:\n"
    "  - name: tumour_score\n"
    "    intercept: 0.25\n"
    "    terms:\n"
    "      - {feature: tumour_original_firstorder_Entropy, centre: 2, scale: 0.5,\n"
    "         coefficient: 0.7, needs_calibration: false, missing: refuse}\n"
    "  - name: unused\n"
    "    intercept: 0\n"
    "    terms:\n"
    "      - {feature: tumour_original_firstorder_Mean, centre: 0, scale: 1,\n"
    "         coefficient: 1, needs_calibration: false, missing: refuse}\n"
    "  - name: both\n"
    "    intercept: -1\n"
    "    terms:\n"
    "      - {feature: tumour_score, centre: 0, scale: 1, coefficient: 2,\n"
    "         needs_calibration: false, missing: refuse}\n"
    "      - {feature: node_measure_ShortAxis, centre: 5, scale: 2,\n"
    "         coefficient: 0.9, needs_calibration: true, missing: refuse}\n"
    "model:\n"
    "  link: logistic\n"
    "  intercept: -0.5\n"
    "  terms:\n"
    "    - {feature: both, centre: 1, scale: 4, coefficient: 3,\n"
    "       needs_calibration: false, missing: refuse}\n"
    "    - {feature: node_measure_HilumFraction, centre: 0.2, scale: 0.1,\n"
    "       coefficient: -0.4, needs_calibration: false, missing: refuse}\n"
    "  risk_groups: [{name: low, from: 0}, {name: middle, from: 0.3}, {name: high, from: 0.6}]\n"
    "  covariance:\n    - [0.04]\n    - [0.01, 0.09]\n    - [0, -0.02, 0.16]\n"
    "  cutoff: {value: 0.4, rule: Youden}\n";

/* The good package with another model; the caller frees. */
static char *with_model(const char *model)
{
    const char *from = strstr(GOOD_PACKAGE, "model:\n"), *to = strstr(GOOD_PACKAGE, "provenance:");
    struct buffer text = {0};
    assert_int_equal(buffer_print(&text, NULL, "%.*s%s%s", (int)(from - GOOD_PACKAGE),
                                  GOOD_PACKAGE, model, to), 0);
    return text.data;
}

static int open_with(const char *model, struct package **ret_package, struct error *err)
{
    char *text = with_model(model);
    int status = package_open(package_folder_make(text), &MAKING, ret_package, err);
    package_folder_remove();
    free(text);
    return status;
}

static struct package *open_scores(void)
{
    struct package *package;
    struct error err = {0};
    if (open_with(SCORES, &package, &err) < 0)
        fail_msg("%s", err.message);
    return package;
}

static const double ENTROPY = 2.6, AXIS = 6.5, HILUM = 0.15;

static struct feature_list features(void)
{
    struct feature_list list = {0};
    feature_list_add(&list, "tumour_original_firstorder_Entropy", ENTROPY, false, NULL);
    feature_list_add(&list, "node_measure_ShortAxis", AXIS, false, NULL);
    feature_list_add(&list, "node_measure_HilumFraction", HILUM, false, NULL);
    return list;
}

static double tumour_score(void)
{
    return 0.25 + 0.7 * (ENTROPY - 2) / 0.5;
}

static double both(void)
{
    return -1 + 2 * tumour_score() + 0.9 * (AXIS - 5) / 2;
}

static double predictor(void)
{
    return -0.5 + 3 * (both() - 1) / 4 - 0.4 * (HILUM - 0.2) / 0.1;
}

static double risk_of(double linear_predictor)
{
    return 1 / (1 + exp(-linear_predictor));
}

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void test_stages(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"tumour_score", "tumour_original_firstorder_Entropy"}, {"both", "tumour_score"},
        {"both", "node_measure_ShortAxis"}, {"model", "both"},
        {"model", "node_measure_HilumFraction"}};
    struct package *package = open_scores();
    struct feature_list list = features();
    const struct feature_list *lists[] = {&list};
    struct score score;
    double value;
    assert_int_equal(score_predict(package, lists, 1, &score, NULL), 0);
    assert_true(score.has_risk);
    assert_near(score.linear_predictor, predictor());
    assert_near(score.risk, risk_of(predictor()));
    assert_int_equal(score.contribution_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(score.contributions[i].stage, expected[i][0]);
        assert_string_equal(score.contributions[i].name, expected[i][1]);
    }
    assert_near(score.contributions[3].value, both());
    score_release(&score);
    assert_int_equal(score_value(package, "both", lists, 1, &value, NULL), 0);
    assert_near(value, both());
    assert_int_equal(score_value(package, "model", lists, 1, &value, NULL), 0);
    assert_near(value, predictor());
    assert_int_equal(score_value(package, "unused", lists, 1, &value, NULL), STATUS_NOT_FOUND);
    assert_int_equal(score_value(package, "other", lists, 1, &value, NULL), STATUS_NOT_FOUND);
    feature_list_release(&list);
    package_free(package);
}

/* A score's missing value is the model's, and said once, by the feature's name. */
static void test_missing(void **state)
{
    (void)state;
    struct package *package = open_scores();
    struct feature_list list = features();
    const struct feature_list *lists[] = {&list};
    struct score score;
    list.items[0].value = NAN;
    assert_int_equal(score_predict(package, lists, 1, &score, NULL), 0);
    assert_false(score.has_risk || score.has_interval);
    assert_int_equal(score.reason_count, 1);
    assert_string_equal(score.reasons[0], "a value that the model needs is missing: "
                                          "tumour_original_firstorder_Entropy");
    score_release(&score);
    feature_list_release(&list);
    package_free(package);
}

static void test_groups_and_covariance(void **state)
{
    (void)state;
    struct package *package = open_scores();
    struct feature_list list = features();
    const struct feature_list *lists[] = {&list};
    struct score score;
    const double z[] = {1, (both() - 1) / 4, (HILUM - 0.2) / 0.1};
    const double c[3][3] = {{0.04, 0.01, 0}, {0.01, 0.09, -0.02}, {0, -0.02, 0.16}};
    double variance = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            variance += c[i][j] * z[i] * z[j];
    assert_int_equal(score_predict(package, lists, 1, &score, NULL), 0);
    assert_true(score.has_interval);
    assert_near(score.risk_low, risk_of(predictor() - 1.959963984540054 * sqrt(variance)));
    assert_near(score.risk_high, risk_of(predictor() + 1.959963984540054 * sqrt(variance)));
    assert_string_equal(score.group, score.risk < 0.3 ? "low" : score.risk < 0.6 ? "middle"
                                                                                 : "high");
    score_release(&score);
    package->covariance[0] = -1000; /* no variance of anything */
    assert_int_equal(score_predict(package, lists, 1, &score, NULL), 0);
    assert_true(score.has_risk && !score.has_interval);
    score_release(&score);
    feature_list_release(&list);
    package_free(package);
}

/* 201 models that differ in the intercept alone: the 6th and the 196th of the sorted risks are the
 * 2.5th and the 97.5th percentile. */
static void test_bootstrap(void **state)
{
    (void)state;
    enum { MODELS = 201, SIDE = 3 };
    struct package *package = open_scores();
    struct feature_list list = features();
    const struct feature_list *lists[] = {&list};
    struct score score;
    double models[MODELS][SIDE];
    for (int b = 0; b < MODELS; b++) {
        models[b][0] = -0.5 + 0.01 * ((b * 77) % MODELS - 100);
        models[b][1] = 3;
        models[b][2] = -0.4;
    }
    package->covariance = NULL;
    package->bootstrap = &models[0][0];
    package->bootstrap_count = MODELS;
    assert_int_equal(score_predict(package, lists, 1, &score, NULL), 0);
    assert_true(score.has_interval);
    assert_near(score.risk_low, risk_of(predictor() - 0.95));
    assert_near(score.risk_high, risk_of(predictor() + 0.95));
    score_release(&score);
    feature_list_release(&list);
    package_free(package);
}

/* Values of a table are added up in the same way. */
static void test_table(void **state)
{
    (void)state;
    struct package *package = open_scores();
    static const char *const names[] = {"tumour_original_firstorder_Entropy", "node_measure_ShortAxis",
                     "node_measure_HilumFraction"};
    double values[3][2] = {{ENTROPY, ENTROPY}, {AXIS, AXIS}, {HILUM, NAN}}, sums[2], risks[2];
    struct cohort_column columns[3], *by_name[3];
    for (int i = 0; i < 3; i++)
        columns[i] = (struct cohort_column){.name = names[i], .values = values[i]};
    by_name[0] = &columns[2];
    by_name[1] = &columns[1];
    by_name[2] = &columns[0];
    struct cohort table = {.columns = columns, .column_count = 3, .rows = 2, .by_name = by_name};
    struct error err = {0};
    assert_int_equal(score_table(package, NULL, &table, sums, risks, NULL), 0);
    assert_near(sums[0], predictor());
    assert_near(risks[0], risk_of(predictor()));
    assert_true(isnan(sums[1]) && isnan(risks[1]));
    assert_int_equal(score_table(package, "both", &table, sums, risks, NULL), 0);
    assert_near(sums[1], both());
    assert_true(isnan(risks[0]));
    assert_false(score_table_gives_risks(package, "both"));
    assert_int_equal(score_table(package, "unused", &table, sums, NULL, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "tumour_original_firstorder_Mean"));
    assert_int_equal(score_table(package, "none", &table, sums, NULL, &err), STATUS_NOT_FOUND);
    package->has_model = false; /* several scores: which one? */
    assert_int_equal(score_table(package, NULL, &table, sums, NULL, &err), STATUS_INVALID);
    package->score_count = 1;
    assert_int_equal(score_table(package, NULL, &table, sums, NULL, &err), 0);
    assert_near(sums[0], tumour_score());
    package_free(package);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"name: both", "name: model", "name of the last step"},
        {"name: both", "name: unused", "stands twice"},
        {"name: both", "name: Both", "lower-case letters"},
        {"feature: tumour_score", "feature: both", "no region's name"}, /* not an earlier one */
        {"    intercept: 0.25\n", "", "intercept of score 'tumour_score' is missing"},
        {"from: 0.6", "from: 0.3", "must rise"},
        {"from: 0}", "from: 0.1}", "must rise"},
        {"  cutoff:", "  bootstrap: [[1, 2, 3]]\n  cutoff:", "beside 'covariance'"},
        {"    - [0, -0.02, 0.16]\n", "", "a row for the intercept"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *place = strstr(SCORES, cases[i].from);
        struct buffer model = {0};
        struct package *package;
        struct error err = {0};
        assert_int_equal(buffer_print(&model, NULL, "%.*s%s%s", (int)(place - SCORES), SCORES,
                                      cases[i].to, place + strlen(cases[i].from)), 0);
        int status = open_with(model.data, &package, &err);
        if (status != STATUS_INVALID || !strstr(err.message, cases[i].reason))
            fail_msg("'%s' gave status %d: %s (expected %s)", cases[i].to, status, err.message,
                     cases[i].reason);
        buffer_release(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_groups_and_covariance),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
