/* Figures of small cohorts that can be checked by hand, and what happens at the edges: ties, constant
 * scores, one outcome only, complete separation, a single patient, scores that are no risks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/statistics/bootstrap.h"
#include "model/statistics/evaluation.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SAMPLE(scores, positive) ((struct sample){scores, positive, COUNT(scores)})

static void assert_near(double a, double b, double bound)
{
    if (!(fabs(a - b) <= bound))
        fail_msg("%.17g is not %.17g", a, b);
}

static void expect_invalid(int status, const struct error *err, const char *words)
{
    assert_int_equal(status, STATUS_INVALID);
    if (!strstr(err->message, words))
        fail_msg("'%s' lacks '%s'", err->message, words);
}

static const double MIXED[] = {0.1, 0.4, 0.35, 0.8, 0.4, 0.6};
static const bool MIXED_OUTCOME[] = {false, false, true, true, true, false};

/* Pairs (with, without): 0.35 beats 0.1; 0.8 beats all three; 0.4 beats 0.1 and ties 0.4. 5.5 of 9;
 * parts of those with: 1/3, 1, 0.5; of those without: 1, 0.5, 1/3. */
static void test_auc(void **state)
{
    (void)state;
    const struct sample s = SAMPLE(MIXED, MIXED_OUTCOME);
    struct auc auc;
    assert_int_equal(roc_auc(&s, &auc, NULL), 0);
    assert_near(auc.area, 5.5 / 9, 1e-15);
    const double mean = 5.5 / 9;
    const double one = pow(1 / 3.0 - mean, 2) + pow(1 - mean, 2) + pow(0.5 - mean, 2);
    assert_near(auc.variance, one / 2 / 3 + one / 2 / 3, 1e-15);
    const double reach = 1.959963984540054 * sqrt(auc.variance);
    assert_near(auc.ci95.low, mean - reach, 1e-12);
    assert_near(auc.ci95.high, fmin(1, mean + reach), 1e-12);
}

static void test_auc_edges(void **state)
{
    (void)state;
    struct auc auc;
    struct error err = {0};
    static const double equal[] = {3, 3, 3, 3}, apart[] = {1, 2, 3, 4};
    static const bool half[] = {false, false, true, true}, all[] = {true, true, true, true},
                      single[] = {false, false, false, true};
    struct sample s = SAMPLE(equal, half);
    assert_int_equal(roc_auc(&s, &auc, &err), 0);
    assert_true(auc.area == 0.5 && auc.variance == 0 && auc.ci95.low == 0.5);
    s = SAMPLE(apart, half);
    assert_int_equal(roc_auc(&s, &auc, &err), 0);
    assert_true(auc.area == 1 && auc.variance == 0 && auc.ci95.high == 1);
    s = SAMPLE(apart, single);
    assert_int_equal(roc_auc(&s, &auc, &err), 0);
    assert_true(auc.area == 1 && isnan(auc.variance) && isnan(auc.ci95.low));
    s = SAMPLE(apart, all);
    expect_invalid(roc_auc(&s, &auc, &err), &err, "all 4 patients have the same outcome");
    s.n = 0;
    expect_invalid(roc_auc(&s, &auc, &err), &err, "no patient");
    static const double wrong[] = {1, 2, (double)INFINITY, 4};
    s = SAMPLE(wrong, half);
    expect_invalid(roc_auc(&s, &auc, &err), &err, "not finite");
}

static void test_comparison_edges(void **state)
{
    (void)state;
    struct auc_comparison c;
    static const double tenfold[] = {1, 4, 3.5, 8, 4, 6}, reversed[] = {-1, -4, -3.5, -8, -4, -6};
    const struct sample a = SAMPLE(MIXED, MIXED_OUTCOME), b = SAMPLE(tenfold, MIXED_OUTCOME),
                        r = SAMPLE(reversed, MIXED_OUTCOME);
    assert_int_equal(roc_compare(&a, &b, &c, NULL), 0);
    assert_true(c.difference == 0 && c.z == 0 && c.p == 1);
    assert_int_equal(roc_compare(&a, &r, &c, NULL), 0);
    assert_near(c.difference, 2 * 5.5 / 9 - 1, 1e-15);
    assert_near(c.variance, 4 * c.first.variance, 1e-15);
    static const double perfect[] = {0, 0, 1, 1, 1, 0}, useless[] = {1, 1, 0, 0, 0, 1};
    const struct sample p = SAMPLE(perfect, MIXED_OUTCOME), u = SAMPLE(useless, MIXED_OUTCOME);
    assert_int_equal(roc_compare(&p, &u, &c, NULL), 0);
    assert_true(c.difference == 1 && c.variance == 0 && isnan(c.p));
}

static void test_points(void **state)
{
    (void)state;
    const struct sample s = SAMPLE(MIXED, MIXED_OUTCOME);
    struct roc_point *points;
    size_t count;
    assert_int_equal(roc_points(&s, &points, &count, NULL), 0);
    assert_int_equal(count, 6); /* five different scores */
    assert_true(isinf(points[0].cutoff) && points[0].sensitivity == 1 &&
                points[0].specificity == 0);
    assert_true(isinf(points[5].cutoff) && points[5].sensitivity == 0 &&
                points[5].specificity == 1);
    assert_near(points[2].cutoff, 0.375, 1e-15);
    /* Above 0.1 and above 0.6 are equally good; the first is more sensitive. */
    const struct roc_point *best = roc_youden(points, count);
    assert_near(best->cutoff, 0.225, 1e-15);
    assert_true(best->sensitivity == 1);
    assert_near(roc_sensitivity_at(points, count, 0.9), 1 / 3.0, 1e-15);
    free(points);
}

static void test_operating_point(void **state)
{
    (void)state;
    const struct sample s = SAMPLE(MIXED, MIXED_OUTCOME);
    const struct operating_point o = operating_point(&s, 0.4);
    assert_true(o.true_positive == 2 && o.false_positive == 2 && o.true_negative == 1 &&
                o.false_negative == 1);
    const struct operating_point none = operating_point(&s, 0.9);
    assert_true(isnan(none.ppv.value) && isnan(none.ppv.ci95.low) && none.npv.value == 0.5);
    /* By hand: with 0 of n the upper end is 1 − 0.025^(1/n), with n of n the lower one its mirror. */
    const struct proportion zero = proportion_of(0, 10), ten = proportion_of(10, 10);
    assert_true(zero.ci95.low == 0 && ten.ci95.high == 1);
    assert_near(zero.ci95.high, 1 - pow(0.025, 0.1), 1e-14);
    assert_near(ten.ci95.low, pow(0.025, 0.1), 1e-14);
    assert_true(isnan(proportion_of(0, 0).value));
}

static void test_calibration(void **state)
{
    (void)state;
    /* Two risks, 0.2 and 0.6, in groups of 10 of which 3 and 5 have the outcome: the slope takes the
     * logits of 0.2 and 0.6 to those of 0.3 and 0.5 exactly. */
    double risks[20];
    bool positive[20];
    for (int i = 0; i < 20; i++) {
        risks[i] = i < 10 ? 0.2 : 0.6;
        positive[i] = i < 10 ? i < 3 : i < 15;
    }
    const struct sample s = SAMPLE(risks, positive);
    struct recalibration fit;
    assert_int_equal(calibration_fit(&s, &fit, NULL), 0);
    const double low = log(0.25), high = log(1.5), to = log(3 / 7.0);
    assert_near(fit.slope, (0 - to) / (high - low), 1e-10);
    assert_near(fit.intercept + fit.slope * high, 0, 1e-10);
    struct brier brier;
    assert_int_equal(calibration_brier(&s, &brier, NULL), 0);
    assert_near(brier.score, (3 * 0.64 + 7 * 0.04 + 5 * 0.16 + 5 * 0.36) / 20, 1e-15);
    struct calibration_groups groups;
    assert_int_equal(calibration_groups(&s, &groups, NULL), 0);
    assert_int_equal(groups.groups[0].observed.count + groups.groups[1].observed.count, 8);
    const struct hosmer_lemeshow h = calibration_hosmer_lemeshow(&groups);
    assert_near(h.chi2, 1 / 1.6 + 1 / 2.4, 1e-12);
    assert_int_equal(h.groups, 2);
    assert_true(isnan(h.p_same_patients) && h.p_other_patients > 0.5);
}

static void test_calibration_edges(void **state)
{
    (void)state;
    struct error err = {0};
    struct recalibration fit;
    struct brier brier;
    struct calibration_groups groups;
    static const bool half[] = {false, false, true, true}, mixed[] = {false, true, false, true};
    static const double apart[] = {0.1, 0.2, 0.3, 0.4}, equal[] = {0.5, 0.5, 0.5, 0.5},
                        ends[] = {0, 0.2, 0.3, 1}, outside[] = {0.1, 0.2, 0.3, 1.5};
    struct sample s = SAMPLE(apart, half);
    expect_invalid(calibration_fit(&s, &fit, &err), &err, "separate the outcomes completely");
    s = SAMPLE(equal, mixed);
    expect_invalid(calibration_fit(&s, &fit, &err), &err, "all risks are equal");
    assert_int_equal(calibration_groups(&s, &groups, &err), 0);
    assert_int_equal(groups.count, 1);
    s = SAMPLE(ends, mixed);
    expect_invalid(calibration_fit(&s, &fit, &err), &err, "exactly 0 or 1");
    assert_int_equal(calibration_brier(&s, &brier, &err), 0);
    s = SAMPLE(outside, mixed);
    expect_invalid(calibration_brier(&s, &brier, &err), &err, "no probabilities");
    expect_invalid(calibration_groups(&s, &groups, &err), &err, "no probabilities");
    /* A risk of 0 that came true: no chi² says how wrong that is. */
    static const double sure[] = {0, 0, 1, 1};
    s = SAMPLE(sure, mixed);
    assert_int_equal(calibration_groups(&s, &groups, &err), 0);
    assert_true(isnan(calibration_hosmer_lemeshow(&groups).chi2));
}

static void test_benefit(void **state)
{
    (void)state;
    const struct sample s = SAMPLE(MIXED, MIXED_OUTCOME);
    static const double thresholds[] = {0.4, 0.99}, wrong[] = {1};
    struct benefit curve[2];
    struct error err = {0};
    assert_int_equal(benefit_curve(&s, thresholds, 2, curve, &err), 0);
    assert_near(curve[0].model, 2 / 6.0 - 2 / 6.0 * 0.4 / 0.6, 1e-15);
    assert_near(curve[0].all, 0.5 - 0.5 * 0.4 / 0.6, 1e-15);
    assert_near(curve[0].treated, 4 / 6.0, 1e-15);
    assert_true(curve[1].model == 0 && curve[1].treated == 0);
    expect_invalid(benefit_curve(&s, wrong, 1, curve, &err), &err, "between 0 and 1");
}

static void test_reclassification(void **state)
{
    (void)state;
    static const double before[] = {0.2, 0.2, 0.2, 0.2}, after[] = {0.3, 0.6, 0.1, 0.2};
    static const bool half[] = {true, true, false, false};
    const struct sample a = SAMPLE(before, half), b = SAMPLE(after, half);
    static const double cutoff = 0.5;
    struct nri nri;
    struct estimate idi;
    assert_int_equal(reclassification_nri(&a, &b, NULL, 0, &nri, NULL), 0);
    assert_near(nri.total.value, 1 + 0.5, 1e-15);
    assert_int_equal(reclassification_nri(&a, &b, &cutoff, 1, &nri, NULL), 0);
    assert_near(nri.total.value, 0.5, 1e-15);
    assert_int_equal(reclassification_idi(&a, &b, &idi, NULL), 0);
    assert_near(idi.value, 0.25 + 0.05, 1e-15);
    assert_int_equal(reclassification_nri(&a, &a, NULL, 0, &nri, NULL), 0);
    assert_true(nri.total.value == 0 && nri.total.se == 0 && isnan(nri.total.p));
}

static int count_places(void *context, const size_t *patients, size_t n, double *ret_figures,
                        struct error *err)
{
    (void)err;
    const bool *positive = context;
    ret_figures[0] = ret_figures[1] = 0;
    for (size_t i = 0; i < n; i++) {
        ret_figures[0] += positive[patients[i]];
        ret_figures[1] += (double)patients[i];
    }
    ret_figures[2] = patients[0] % 2 ? (double)NAN : 1;
    return 0;
}

static void test_bootstrap(void **state)
{
    (void)state;
    bool positive[50];
    struct interval first[3], again[3], other[3];
    for (size_t i = 0; i < COUNT(positive); i++)
        positive[i] = i % 5 == 0;
    assert_int_equal(bootstrap_intervals(positive, 50, 500, 7, count_places, positive, 3, first,
                                         NULL), 0);
    assert_int_equal(bootstrap_intervals(positive, 50, 500, 7, count_places, positive, 3, again,
                                         NULL), 0);
    assert_int_equal(bootstrap_intervals(positive, 50, 500, 8, count_places, positive, 3, other,
                                         NULL), 0);
    assert_true(first[0].low == 10 && first[0].high == 10); /* stratified */
    assert_memory_equal(first, again, sizeof first);
    assert_true(first[1].low != other[1].low || first[1].high != other[1].high);
    struct error err = {0};
    expect_invalid(bootstrap_intervals(positive, 1, 500, 7, count_places, positive, 3, first,
                                       &err), &err, "with and without the outcome");
    expect_invalid(bootstrap_intervals(positive, 50, 9, 7, count_places, positive, 3, first, &err),
                   &err, "between 10 and");
}

/* ---- a whole evaluation ---- */

static void test_evaluation(void **state)
{
    (void)state;
    static const double outcomes[] = {0, 1, (double)NAN, 1, 0, 1, 0, 0},
                        scores[] = {0.1, 0.7, 0.5, 0.6, 0.3, (double)NAN, 0.65, 0.2};
    static const char *const groups[] = {"b", "a", "a", "a", NULL, "b", "b", "a"};
    const struct evaluation_grouping grouping = {"group", groups};
    const struct evaluation_input in = {.rows = 8,
                                        .outcomes = outcomes,
                                        .scores = {scores},
                                        .names = {"score"},
                                        .has_cutoff = true,
                                        .cutoff = 0.5,
                                        .groupings = &grouping,
                                        .grouping_count = 1,
                                        .replicates = 50};
    struct evaluation e;
    assert_int_equal(evaluation_run(&in, &e, NULL), 0);
    assert_true(e.rows == 8 && e.n == 6 && e.positive == 2 && e.missing_outcome == 1 &&
                e.missing_score == 1);
    assert_near(e.scores[0].auc.area, 7 / 8.0, 1e-15);
    assert_true(e.scores[0].is_risk && e.scores[0].at_cutoff.true_positive == 2 &&
                e.scores[0].at_cutoff.false_positive == 1);
    assert_int_equal(e.subgroup_count, 3);
    assert_string_equal(e.subgroups[0].level, "(missing)");
    assert_string_equal(e.subgroups[1].level, "a");
    assert_true(!e.subgroups[0].has_auc && e.subgroups[1].has_auc && !e.subgroups[2].has_auc);
    assert_true(e.note_count >= 2 && strstr(e.notes[0], "2 of 8 patients are left out"));
    evaluation_release(&e);
}

static bool has_note(const struct evaluation *e, const char *words)
{
    for (size_t i = 0; i < e->note_count; i++)
        if (strstr(e->notes[i], words))
            return true;
    return false;
}

static void test_evaluation_edges(void **state)
{
    (void)state;
    static const double outcomes[] = {0, 0, 1, 1}, constant[] = {7, 7, 7, 7},
                        reversed[] = {4, 3, 2, 1}, ones[] = {1, 1, 1, 1};
    struct evaluation e;
    struct error err = {0};
    struct evaluation_input in = {.rows = 4,
                                  .outcomes = outcomes,
                                  .scores = {constant, reversed},
                                  .names = {"same", "reversed"},
                                  .replicates = 20};
    assert_int_equal(evaluation_run(&in, &e, &err), 0);
    assert_true(e.scores[0].auc.area == 0.5 && e.scores[1].auc.area == 0);
    assert_true(!e.scores[0].is_risk && !e.has_reclassification);
    assert_true(has_note(&e, "same is the same for every patient"));
    assert_true(has_note(&e, "reversed has an area below 0.5"));
    assert_true(has_note(&e, "same is no probability"));
    evaluation_release(&e);
    in.outcomes = ones;
    expect_invalid(evaluation_run(&in, &e, &err), &err, "all 4 patients have the same outcome");
    in.rows = 0;
    expect_invalid(evaluation_run(&in, &e, &err), &err, "no patient");
    in.has_cutoff = true;
    in.cutoff = (double)NAN;
    expect_invalid(evaluation_run(&in, &e, &err), &err, "finite");
}

static void test_many_levels(void **state)
{
    (void)state;
    double outcomes[30], scores[30];
    const char *levels[30];
    char texts[30][4];
    for (int i = 0; i < 30; i++) {
        outcomes[i] = i % 2;
        scores[i] = i;
        texts[i][0] = (char)('A' + i % 26);
        texts[i][1] = (char)('a' + i);
        texts[i][2] = 0;
        levels[i] = texts[i];
    }
    const struct evaluation_grouping grouping = {"id", levels};
    const struct evaluation_input in = {.rows = 30,
                                        .outcomes = outcomes,
                                        .scores = {scores},
                                        .names = {"score"},
                                        .groupings = &grouping,
                                        .grouping_count = 1};
    struct evaluation e;
    struct error err = {0};
    expect_invalid(evaluation_run(&in, &e, &err), &err, "column 'id' has more than 20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auc),           cmocka_unit_test(test_auc_edges),
        cmocka_unit_test(test_comparison_edges), cmocka_unit_test(test_points),
        cmocka_unit_test(test_operating_point), cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_calibration_edges), cmocka_unit_test(test_benefit),
        cmocka_unit_test(test_reclassification), cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_evaluation),    cmocka_unit_test(test_evaluation_edges),
        cmocka_unit_test(test_many_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
