/* What model/fit computes for one cohort, as "name value" lines, for fit_against_r.py.
 *
 *   fit_figures COHORT.csv     columns: outcome, features; fold of row i: i modulo 10
 *
 * Coefficients and covariance are of the columns as they are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "model/fit/filter.h"
#include "model/fit/lasso.h"
#include "model/fit/logistic.h"

#include "model/cohort.h"

enum { FOLDS = 10, FEW = 6 };

static void say(const char *name, size_t k, const char *of, double value)
{
    char number[NUMBER_TEXT_SIZE];
    number_format(value, number);
    printf("%s.%zu.%s %s\n", name, k, of, number);
}

/* 2,000 tests are enough. */
static int say_tests(const struct cohort *cohort, const double *y, struct error *err)
{
    int status = 0;
    for (size_t j = 1; j < cohort->column_count && status == 0; j++) {
        const struct cohort_column *column = &cohort->columns[j];
        double p;
        say("t_test", j, "p", fit_t_test(column->values, y, cohort->rows));
        status = fit_mann_whitney(column->values, y, cohort->rows, &p, err);
        if (status == 0)
            say("mann_whitney", j, "p", p);
    }
    /* Six columns as six readers of the rows. */
    double *readings = calloc(cohort->rows * FEW, sizeof *readings);
    for (size_t i = 0; readings && i < cohort->rows; i++)
        for (size_t r = 0; r < FEW; r++)
            readings[i * FEW + r] = cohort->columns[r + 1].values[i];
    say("icc", 2, "1", fit_icc(readings, cohort->rows, FEW, FIT_ICC_2_1));
    say("icc", 3, "1", fit_icc(readings, cohort->rows, FEW, FIT_ICC_3_1));
    free(readings);
    return status;
}

static int fill(const struct cohort *cohort, size_t columns, struct fit_matrix *x,
                struct error *err)
{
    int status = fit_matrix_new(cohort->rows, columns, x, err);
    for (size_t j = 0; j < columns && status == 0; j++)
        memcpy(fit_matrix_column(x, j), cohort->columns[j + 1].values,
               cohort->rows * sizeof(double));
    return status;
}

static int say_logistic(const struct cohort *cohort, const double *y, struct error *err)
{
    struct fit_matrix x = {0};
    struct logistic model;
    size_t keep[FEW];
    int status = fill(cohort, FEW, &x, err);
    if (status == 0)
        status = logistic_fit(&x, y, NULL, NULL, &model, err);
    if (status == 0) {
        for (size_t i = 0; i <= FEW; i++) {
            say("logistic", i, "coefficient", model.coefficients[i]);
            for (size_t j = 0; j <= FEW; j++) {
                char of[40];
                snprintf(of, sizeof of, "covariance.%zu", j);
                say("logistic", i, of, model.covariance[i * (FEW + 1) + j]);
            }
        }
        say("logistic", 0, "deviance", model.deviance);
        logistic_release(&model);
        status = logistic_backward(&x, y, NULL, &(struct backward_options){0}, keep, &model, err);
    }
    if (status == 0) {
        for (size_t i = 0; i < model.terms; i++)
            say("step", keep[i], "coefficient", model.coefficients[i + 1]);
        say("step", 0, "deviance", model.deviance);
        logistic_release(&model);
    }
    fit_matrix_release(&x);
    return status;
}

static int say_lasso(const struct cohort *cohort, const double *y, double alpha, const char *name,
                     struct error *err)
{
    const struct lasso_options options = {.alpha = alpha, .threshold = 1e-14, .lambda_count = 100,
                                          .threads = 2};
    size_t columns = cohort->column_count - 1;
    struct fit_matrix x = {0};
    struct lasso_path path = {0};
    struct lasso_cv cv = {0};
    double *centre = calloc(2 * columns, sizeof *centre), *scale = centre + columns;
    int *folds = calloc(cohort->rows, sizeof *folds);
    int status = centre && folds ? fill(cohort, columns, &x, err) : STATUS_NOMEM;
    for (size_t j = 0; j < columns && status == 0; j++)
        fit_standardise(fit_matrix_column(&x, j), x.rows, &centre[j], &scale[j]);
    for (size_t i = 0; i < cohort->rows && status == 0; i++)
        folds[i] = (int)(i % FOLDS);
    if (status == 0)
        status = lasso_fit(&x, y, &options, NULL, &path, err);
    if (status == 0)
        status = lasso_cross_validate(&x, y, &options, &path, folds, FOLDS, LASSO_DEVIANCE, &cv,
                                      err);
    for (size_t k = 0; k < path.count && status == 0; k++) {
        double intercept = path.intercept[k];
        for (size_t j = 0; j < columns; j++) {
            double b = path.coefficients[k * columns + j];
            char of[40];
            if (b == 0)
                continue;
            intercept -= b * centre[j] / scale[j];
            snprintf(of, sizeof of, "coefficient.%zu", j);
            say(name, k, of, b / scale[j]);
        }
        say(name, k, "intercept", intercept);
        say(name, k, "lambda", path.lambda[k]);
        say(name, k, "deviance_ratio", path.deviance_ratio[k]);
        say(name, k, "cv_mean", cv.mean[k]);
        say(name, k, "cv_sd", cv.sd[k]);
    }
    if (status == 0) {
        say(name, 0, "cv_minimum", path.lambda[cv.minimum]);
        say(name, 0, "cv_one_se", path.lambda[cv.one_se]);
    }
    lasso_path_release(&path);
    lasso_cv_release(&cv);
    fit_matrix_release(&x);
    free(centre);
    free(folds);
    return status;
}

int main(int argc, char **argv)
{
    struct cohort cohort;
    struct error err = {0};
    const double *y;
    if (argc != 2 || cohort_read(argv[1], NULL, 0, &cohort, &err) < 0) {
        fprintf(stderr, "fit_figures: %s\n", argc == 2 ? err.message : "say a cohort");
        return EXIT_FAILURE;
    }
    int status = cohort_outcome(&cohort, "outcome", &y, &err);
    if (status == 0)
        status = say_tests(&cohort, y, &err);
    if (status == 0)
        status = say_logistic(&cohort, y, &err);
    if (status == 0)
        status = say_lasso(&cohort, y, 1, "lasso", &err);
    if (status == 0)
        status = say_lasso(&cohort, y, 0.5, "elastic_net", &err);
    cohort_release(&cohort);
    if (status < 0)
        fprintf(stderr, "fit_figures: %s\n", err.message);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
