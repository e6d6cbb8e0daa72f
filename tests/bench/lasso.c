/* Time of a lasso path with cross-validation on a cohort: median of several runs, in ms.
 *
 *   bench_lasso OUTCOME THREADS RUNS COHORT.csv…     (tables with the same columns are joined)
 *   bench_lasso --random ROWS COLUMNS THREADS        (numbers without meaning, one run)
 *
 * tests/bench/lasso.R times glmnet on the same table, folds and settings. Columns: all numbers
 * but the outcome, `id` left out, rows with missing values dropped; fold of row i: i modulo 10. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/number.h"
#include "model/cohort.h"
#include "model/fit/lasso.h"
#include "model/fit/random.h"

enum { FOLDS = 10, TABLES_MAX = 8 };

static int failed(const struct error *err)
{
    fprintf(stderr, "bench_lasso: %s\n", err->message);
    return EXIT_FAILURE;
}

static bool whole(const struct cohort *cohort, size_t row)
{
    for (size_t j = 0; j < cohort->column_count; j++)
        if (strcmp(cohort->columns[j].name, "id") != 0 && isnan(cohort->columns[j].values[row]))
            return false;
    return true;
}

static int join(const struct cohort *tables, size_t count, const char *outcome,
                struct fit_matrix *ret_x, double **ret_y, struct error *err)
{
    size_t rows = 0, columns = 0, row = 0;
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t].rows; i++)
            rows += whole(&tables[t], i);
    for (size_t j = 0; j < tables->column_count; j++)
        columns += strcmp(tables->columns[j].name, "id") != 0 &&
                   strcmp(tables->columns[j].name, outcome) != 0;
    int status = fit_matrix_new(rows, columns, ret_x, err);
    if (status < 0)
        return status;
    *ret_y = calloc(rows + 1, sizeof **ret_y);
    for (size_t t = 0; t < count && *ret_y; t++)
        for (size_t i = 0; i < tables[t].rows; i++) {
            if (!whole(&tables[t], i))
                continue;
            size_t k = 0;
            for (size_t j = 0; j < tables->column_count; j++) {
                const char *name = tables->columns[j].name;
                const struct cohort_column *column = cohort_find(&tables[t], name);
                if (column && strcmp(name, outcome) == 0)
                    (*ret_y)[row] = column->values[i];
                else if (column && strcmp(name, "id") != 0)
                    fit_matrix_column(ret_x, k++)[row] = column->values[i];
            }
            row++;
        }
    return 0;
}

static int make_random(const char *rows_text, const char *columns_text, struct fit_matrix *ret_x,
                       double **ret_y, struct error *err)
{
    struct fit_random random = fit_random_new(1, 1);
    int64_t rows, columns;
    int status = number_parse_int(rows_text, 20, 1000000, &rows, err);
    if (status == 0)
        status = number_parse_int(columns_text, 1, 100000, &columns, err);
    if (status == 0)
        status = fit_matrix_new((size_t)rows, (size_t)columns, ret_x, err);
    if (status < 0)
        return status;
    *ret_y = calloc((size_t)rows, sizeof **ret_y);
    for (size_t j = 0; j < ret_x->columns && *ret_y; j++)
        for (size_t i = 0; i < ret_x->rows; i++) {
            double value = (double)fit_random_below(&random, 10000) / 1e4 - 0.5;
            fit_matrix_column(ret_x, j)[i] = value;
            (*ret_y)[i] += j < 20 ? value : 0;
        }
    for (size_t i = 0; i < ret_x->rows && *ret_y; i++)
        (*ret_y)[i] = (*ret_y)[i] + (double)fit_random_below(&random, 1000) / 1e3 > 0.5;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of this process, in ms: what other work on the machine takes does not count. */
static double processor_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1e3 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-3 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int measure(struct fit_matrix *x, const double *y, int threads, int runs,
                   struct error *err)
{
    const struct lasso_options options = {.alpha = 1, .threshold = 1e-7, .lambda_count = 100,
                                          .threads = threads};
    double *times = calloc((size_t)runs, sizeof *times), centre, scale, used = processor_ms();
    int *folds = calloc(x->rows, sizeof *folds), status = 0;
    for (size_t j = 0; j < x->columns; j++)
        fit_standardise(fit_matrix_column(x, j), x->rows, &centre, &scale);
    for (size_t i = 0; i < x->rows && folds; i++)
        folds[i] = (int)(i % FOLDS);
    for (int run = 0; run < runs && status == 0 && times && folds; run++) {
        struct lasso_path path = {0};
        struct lasso_cv cv = {0};
        int64_t start = clock_monotonic_us(clock_system());
        status = lasso_fit(x, y, &options, NULL, &path, err);
        if (status == 0)
            status = lasso_cross_validate(x, y, &options, &path, folds, FOLDS, LASSO_DEVIANCE,
                                          &cv, err);
        times[run] = (double)(clock_monotonic_us(clock_system()) - start) / 1e3;
        if (status == 0 && run == 0)
            printf("axnode %zu lambdas, minimum at %.6g (deviance %.6f, %zu terms), 1 SE at %.6g\n",
                   path.count, path.lambda[cv.minimum], cv.mean[cv.minimum],
                   path.nonzero[cv.minimum], path.lambda[cv.one_se]);
        lasso_path_release(&path);
        lasso_cv_release(&cv);
    }
    qsort(times, (size_t)runs, sizeof *times, by_number);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (status == 0)
        printf("axnode %zu x %zu, %d threads: median %.0f ms of %d runs, processor %.0f ms each; "
               "peak memory %ld MiB\n", x->rows, x->columns, threads, times[runs / 2], runs,
               (processor_ms() - used) / runs, usage.ru_maxrss / 1024);
    free(times);
    free(folds);
    return status;
}

int main(int argc, char **argv)
{
    struct fit_matrix x = {0};
    struct cohort tables[TABLES_MAX] = {0};
    struct error err = {0};
    double *y = NULL;
    int64_t threads = 1, runs = 1;
    int status = 0, count = argc - 4;
    if (argc == 5 && strcmp(argv[1], "--random") == 0) {
        status = make_random(argv[2], argv[3], &x, &y, &err);
        if (status == 0)
            status = number_parse_int(argv[4], 1, 64, &threads, &err);
    } else if (argc > 4 && count <= TABLES_MAX) {
        status = number_parse_int(argv[2], 1, 64, &threads, &err);
        if (status == 0)
            status = number_parse_int(argv[3], 1, 1000, &runs, &err);
        for (int t = 0; t < count && status == 0; t++)
            status = cohort_read(argv[4 + t], NULL, 0, &tables[t], &err);
        if (status == 0)
            status = join(tables, (size_t)count, argv[1], &x, &y, &err);
        for (int t = 0; t < count; t++)
            cohort_release(&tables[t]);
    } else {
        fputs("Usage: bench_lasso OUTCOME THREADS RUNS COHORT.csv…\n"
              "       bench_lasso --random ROWS COLUMNS THREADS\n", stderr);
        return 2;
    }
    if (status == 0)
        status = measure(&x, y, (int)threads, (int)runs, &err);
    fit_matrix_release(&x);
    free(y);
    return status < 0 ? failed(&err) : EXIT_SUCCESS;
}
