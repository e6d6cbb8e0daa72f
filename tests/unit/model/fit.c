/* The parts of fitting: tests, agreement, information, forest, lasso, logistic regression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/fit/filter.h"
#include "model/fit/forest.h"
#include "model/fit/lasso.h"
#include "model/fit/logistic.h"
#include "model/fit/random.h"
#include "model/fit/rank.h"
#include "model/fit/work.h"

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

static double uniform(struct fit_random *random)
{
    return (double)(fit_random_next(random) >> 11) / 9007199254740992.0;
}

/* Columns of noise, the first two of which make the outcome; standardised. */
static void make(size_t rows, size_t columns, uint64_t seed, struct fit_matrix *x, double *y)
{
    struct fit_random random = fit_random_new(seed, 7);
    double centre, scale;
    assert_int_equal(fit_matrix_new(rows, columns, x, NULL), 0);
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++)
            fit_matrix_column(x, j)[i] = uniform(&random) + uniform(&random) + uniform(&random);
    for (size_t j = 0; j < columns; j++)
        fit_standardise(fit_matrix_column(x, j), rows, &centre, &scale);
    for (size_t i = 0; i < rows; i++) {
        double t = 1.5 * fit_matrix_column(x, 0)[i] - fit_matrix_column(x, 1)[i];
        y[i] = uniform(&random) < 1 / (1 + exp(-t));
    }
}

/* ---- filters ---- */

static void test_t_test(void **state)
{
    const double v[] = {1, 2, 3, 4, 2, 4, 6, 9}, y[] = {0, 0, 0, 0, 1, 1, 1, 1};
    const double same[] = {5, 5, 5, 5, 5, 5, 5, 5}, one[] = {0, 0, 0, 0, 0, 0, 0, 1};
    (void)state;
    assert_near(fit_t_test(v, y, 8), 0.1647021, 1e-6);
    assert_true(isnan(fit_t_test(same, y, 8)));
    assert_true(isnan(fit_t_test(v, one, 8)));
}

static void test_mann_whitney(void **state)
{
    const double v[] = {1, 2, 3, 4, 5, 6}, y[] = {0, 0, 0, 1, 1, 1}, ones[] = {1, 1, 1, 1, 1, 1};
    double p;
    (void)state;
    assert_int_equal(fit_mann_whitney(v, y, 6, &p, NULL), 0);
    assert_near(p, 0.1, 1e-12); /* 2 of 20 orders */
    assert_int_equal(fit_mann_whitney(ones, y, 6, &p, NULL), 0);
    assert_true(isnan(p));
    assert_int_equal(fit_mann_whitney(v, ones, 6, &p, NULL), 0);
    assert_true(isnan(p));
}

/* The table of Shrout and Fleiss (1979): 6 targets, 4 judges; 0.29 and 0.71. */
static void test_icc(void **state)
{
    const double v[] = {9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7};
    const double same[] = {3, 3, 3, 3};
    (void)state;
    assert_near(fit_icc(v, 6, 4, FIT_ICC_2_1), 0.29, 0.005);
    assert_near(fit_icc(v, 6, 4, FIT_ICC_3_1), 0.71, 0.006);
    assert_true(isnan(fit_icc(same, 2, 2, FIT_ICC_2_1)));
    assert_true(isnan(fit_icc(v, 1, 4, FIT_ICC_2_1)));
}

static void test_information(void **state)
{
    const double v[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const unsigned char other[] = {0, 1, 0, 1, 0, 1, 0, 1};
    unsigned char bins[8];
    (void)state;
    assert_int_equal(fit_bins(v, 8, 4, bins, NULL), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(bins[i], i / 2);
    assert_near(fit_entropy(bins, 8, 4), log(4), 1e-12);
    assert_near(fit_information(bins, bins, 8, 4), log(4), 1e-12);
    assert_near(fit_information(bins, other, 8, 4), 0, 1e-12);
}

static void test_auc(void **state)
{
    struct rank_pair pairs[] = {{1, false}, {2, false}, {2, true}, {3, true}};
    struct rank_pair positives[] = {{1, true}, {2, true}};
    (void)state;
    assert_near(rank_auc(pairs, 4), 3.5 / 4, 1e-12);
    assert_true(isnan(rank_auc(positives, 2)));
}

static void test_folds(void **state)
{
    double y[103];
    int folds[103], positive[10] = {0}, all[10] = {0};
    size_t scratch[103];
    (void)state;
    for (size_t i = 0; i < 103; i++)
        y[i] = i < 27;
    fit_folds(y, 103, 10, 5, folds, scratch);
    for (size_t i = 0; i < 103; i++) {
        all[folds[i]]++;
        positive[folds[i]] += i < 27;
    }
    for (int f = 0; f < 10; f++) {
        assert_in_range(all[f], 10, 11);
        assert_in_range(positive[f], 2, 3);
    }
}

/* ---- threads ---- */

static int fail_from_five(void *context, size_t index, struct error *err)
{
    (void)context;
    return index < 5 ? 0 : error_set(err, STATUS_INVALID, "task %zu", index);
}

static void test_work_reports_the_first_failure(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(fit_work(4, 5, fail_from_five, NULL, &err), 0);
    assert_int_equal(fit_work(1, 100, fail_from_five, NULL, &err), STATUS_INVALID);
    assert_string_equal(err.message, "task 5");
}

/* ---- forest ---- */

static void test_forest(void **state)
{
    struct fit_matrix x;
    double y[120], once[30], again[30], sum = 0;
    (void)state;
    make(120, 30, 1, &x, y);
    struct forest_options options = {.trees = 60, .leaf_rows = 1, .seed = 3, .threads = 1};
    assert_int_equal(forest_importance(&x, y, &options, once, NULL), 0);
    options.threads = 3;
    assert_int_equal(forest_importance(&x, y, &options, again, NULL), 0);
    assert_memory_equal(once, again, sizeof once);
    for (size_t j = 0; j < 30; j++) {
        sum += once[j];
        assert_true(j == 0 || once[j] < once[0]);
    }
    assert_near(sum, 1, 1e-9);
    for (size_t i = 0; i < 120; i++)
        y[i] = 1;
    assert_int_equal(forest_importance(&x, y, &options, once, NULL), 0);
    assert_near(once[0], 0, 0);
    fit_matrix_release(&x);
}

/* ---- lasso ---- */

static const struct lasso_options lasso = {
    .alpha = 1, .threshold = 1e-14, .lambda_count = 100, .threads = 1};

/* |gradient| ≤ λ everywhere, and equal to it, against the sign, where a term is. */
static void check_optimal(const struct fit_matrix *x, const double *y,
                          const struct lasso_path *path, size_t k, double alpha)
{
    double n = (double)x->rows, residual[256] = {0}, sum = 0;
    const double *b = path->coefficients + k * path->columns;
    for (size_t i = 0; i < x->rows; i++) {
        double t = path->intercept[k];
        for (size_t j = 0; j < x->columns; j++)
            t += b[j] * fit_matrix_column(x, j)[i];
        residual[i] = (y[i] - 1 / (1 + exp(-t))) / n;
        sum += residual[i];
    }
    assert_near(sum, 0, 1e-7);
    for (size_t j = 0; j < x->columns; j++) {
        double g = fit_dot(fit_matrix_column(x, j), residual, x->stride) -
                   path->lambda[k] * (1 - alpha) * b[j];
        assert_true(fabs(g) <= path->lambda[k] * alpha + 1e-6);
        if (b[j] != 0)
            assert_near(g, copysign(path->lambda[k] * alpha, b[j]), 1e-6);
    }
}

static void test_lasso_is_optimal(void **state)
{
    struct fit_matrix x;
    struct lasso_path path;
    double y[100];
    (void)state;
    for (int wide = 0; wide < 2; wide++)
        for (double alpha = 0; alpha <= 1; alpha += 0.5) {
            struct lasso_options options = lasso;
            options.alpha = alpha;
            make(100, wide ? 160 : 12, 2, &x, y);
            assert_int_equal(lasso_fit(&x, y, &options, NULL, &path, NULL), 0);
            assert_true(path.count >= 5);
            if (alpha > 0)
                assert_int_equal(path.nonzero[0], 0);
            for (size_t k = 1; k < path.count; k += 6)
                check_optimal(&x, y, &path, k, alpha);
            lasso_path_release(&path);
            fit_matrix_release(&x);
        }
}

static void test_lasso_columns_without_news(void **state)
{
    struct fit_matrix x;
    struct lasso_path path;
    double y[100];
    (void)state;
    make(100, 6, 3, &x, y);
    memcpy(fit_matrix_column(&x, 4), fit_matrix_column(&x, 0), 100 * sizeof *y); /* a copy */
    memset(fit_matrix_column(&x, 5), 0, 100 * sizeof *y);                        /* constant */
    assert_int_equal(lasso_fit(&x, y, &lasso, NULL, &path, NULL), 0);
    for (size_t k = 0; k < path.count; k++) {
        assert_true(path.coefficients[k * 6 + 5] == 0);
        assert_true(isfinite(path.coefficients[k * 6 + 4]));
        check_optimal(&x, y, &path, k, 1);
    }
    lasso_path_release(&path);
    fit_matrix_release(&x);
}

static void test_lasso_separated(void **state)
{
    struct fit_matrix x;
    struct lasso_path path;
    double y[100];
    (void)state;
    make(100, 5, 4, &x, y);
    for (size_t i = 0; i < 100; i++)
        y[i] = fit_matrix_column(&x, 0)[i] > 0.2;
    assert_int_equal(lasso_fit(&x, y, &lasso, NULL, &path, NULL), 0);
    for (size_t k = 0; k < path.count * 5; k++)
        assert_true(isfinite(path.coefficients[k]));
    assert_true(path.deviance_ratio[path.count - 1] > 0.9);
    lasso_path_release(&path);
    fit_matrix_release(&x);
}

static void test_lasso_refuses(void **state)
{
    struct fit_matrix x;
    struct lasso_path path;
    struct lasso_cv cv;
    struct error err = {0};
    double y[40];
    int folds[40];
    (void)state;
    make(40, 5, 5, &x, y);
    for (size_t i = 0; i < 40; i++)
        folds[i] = (int)(i % 4);
    assert_int_equal(lasso_fit(&x, y, &lasso, NULL, &path, &err), 0);
    folds[3] = 9;
    assert_int_equal(lasso_cross_validate(&x, y, &lasso, &path, folds, 4, LASSO_DEVIANCE, &cv,
                                          &err), STATUS_INVALID);
    folds[3] = 3;
    for (size_t i = 0; i < 40; i++)
        y[i] = i % 4 == 1; /* all positives in one fold */
    assert_int_equal(lasso_cross_validate(&x, y, &lasso, &path, folds, 4, LASSO_AUC, &cv, &err),
                     STATUS_INVALID);
    lasso_path_release(&path);
    memset(y, 0, sizeof y);
    assert_int_equal(lasso_fit(&x, y, &lasso, NULL, &path, &err), STATUS_INVALID);
    fit_matrix_release(&x);
}

static void test_lasso_cv_whatever_the_threads(void **state)
{
    struct fit_matrix x;
    struct lasso_path path;
    struct lasso_cv one, three;
    struct lasso_options options = lasso;
    double y[90];
    int folds[90];
    (void)state;
    make(90, 120, 6, &x, y);
    for (size_t i = 0; i < 90; i++)
        folds[i] = (int)(i % 5);
    assert_int_equal(lasso_fit(&x, y, &options, NULL, &path, NULL), 0);
    for (int measure = 0; measure < 2; measure++) {
        options.threads = 1;
        assert_int_equal(lasso_cross_validate(&x, y, &options, &path, folds, 5,
                                              (enum lasso_measure)measure, &one, NULL), 0);
        options.threads = 3;
        assert_int_equal(lasso_cross_validate(&x, y, &options, &path, folds, 5,
                                              (enum lasso_measure)measure, &three, NULL), 0);
        assert_memory_equal(one.mean, three.mean, path.count * sizeof *one.mean);
        assert_int_equal(one.minimum, three.minimum);
        assert_true(one.one_se <= one.minimum);
        lasso_cv_release(&one);
        lasso_cv_release(&three);
    }
    lasso_path_release(&path);
    fit_matrix_release(&x);
}

/* ---- logistic regression ---- */

static void test_logistic_two_by_two(void **state)
{
    /* Odds 30:10 and 15:45: log odds ratio ln 9, variance 1/30 + 1/10 + 1/15 + 1/45. */
    struct fit_matrix x;
    struct logistic model;
    double y[100];
    (void)state;
    assert_int_equal(fit_matrix_new(100, 1, &x, NULL), 0);
    for (size_t i = 0; i < 100; i++) {
        fit_matrix_column(&x, 0)[i] = i < 40;
        y[i] = i < 40 ? i < 30 : i < 55;
    }
    assert_int_equal(logistic_fit(&x, y, NULL, NULL, &model, NULL), 0);
    assert_near(model.coefficients[1], log(9), 1e-10);
    assert_near(model.covariance[3], 1 / 30.0 + 1 / 10.0 + 1 / 15.0 + 1 / 45.0, 1e-10);
    logistic_release(&model);
    fit_matrix_release(&x);
}

static void test_logistic_refuses(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct fit_matrix x;
    struct logistic model;
    struct error err = {0};
    double y[40], zeros[40] = {0};
    (void)state;
    make(40, 4, 8, &x, y);
    assert_int_equal(logistic_fit(&x, zeros, NULL, names, &model, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "one outcome"));
    memcpy(fit_matrix_column(&x, 2), fit_matrix_column(&x, 1), 40 * sizeof *y);
    assert_int_equal(logistic_fit(&x, y, NULL, names, &model, &err), STATUS_INVALID);
    assert_string_equal(err.message, "the terms are linearly dependent, first seen at: c");
    fit_matrix_release(&x);
    make(40, 4, 9, &x, y);
    for (size_t i = 0; i < 40; i++)
        y[i] = fit_matrix_column(&x, 3)[i] + 0.5 * fit_matrix_column(&x, 0)[i] > 0;
    assert_int_equal(logistic_fit(&x, y, NULL, names, &model, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "separated"));
    /* Only in part: one value of a column has one outcome alone. */
    for (size_t i = 0; i < 40; i++) {
        fit_matrix_column(&x, 1)[i] = i < 5;
        y[i] = i < 5 || i % 2;
    }
    assert_int_equal(logistic_fit(&x, y, NULL, names, &model, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "separated"));
    assert_string_equal(strrchr(err.message, 0x3a), ": b");
    fit_matrix_release(&x);
    make(40, 60, 10, &x, y);
    assert_int_equal(logistic_fit(&x, y, NULL, NULL, &model, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "needs more than 40 rows"));
    fit_matrix_release(&x);
}

static void test_backward(void **state)
{
    struct fit_matrix x;
    struct logistic model;
    const struct backward_options by_p = {.by_p = true, .p_max = 0.01}, by_aic = {.by_p = false};
    double y[250];
    size_t keep[8];
    (void)state;
    make(250, 8, 11, &x, y);
    assert_int_equal(logistic_backward(&x, y, NULL, &by_p, keep, &model, NULL), 0);
    assert_int_equal(model.terms, 2);
    assert_int_equal(keep[0], 0);
    assert_int_equal(keep[1], 1);
    logistic_release(&model);
    assert_int_equal(logistic_backward(&x, y, NULL, &by_aic, keep, &model, NULL), 0);
    assert_in_range(model.terms, 2, 5);
    logistic_release(&model);
    fit_matrix_release(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t_test),
        cmocka_unit_test(test_mann_whitney),
        cmocka_unit_test(test_icc),
        cmocka_unit_test(test_information),
        cmocka_unit_test(test_auc),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_work_reports_the_first_failure),
        cmocka_unit_test(test_forest),
        cmocka_unit_test(test_lasso_is_optimal),
        cmocka_unit_test(test_lasso_columns_without_news),
        cmocka_unit_test(test_lasso_separated),
        cmocka_unit_test(test_lasso_refuses),
        cmocka_unit_test(test_lasso_cv_whatever_the_threads),
        cmocka_unit_test(test_logistic_two_by_two),
        cmocka_unit_test(test_logistic_refuses),
        cmocka_unit_test(test_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
