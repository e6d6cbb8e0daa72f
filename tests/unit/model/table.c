/* A package's score for the rows of a table: names of columns, missing values, incomplete packages. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/score/table.h"

static struct package_term terms[] = {{"tumour_a", 1, 2, 3, false, NULL},
                                      {"tumour_b", 0, 1, -1, false, NULL}};

static struct package tumour_package(void)
{
    struct package p = {.name = "test", .has_model = true, .has_intercept = true, .intercept = 0.5};
    p.required[ROI_TUMOUR] = true;
    p.terms = terms;
    p.term_count = 2;
    return p;
}

static void read_table(const char *text, struct cohort *ret_cohort)
{
    char path[] = "/tmp/axnode-table-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_write(path, text, strlen(text), NULL), 0);
    assert_int_equal(cohort_read(path, NULL, 0, ret_cohort, NULL), 0);
    unlink(path);
}

static void test_scores(void **state)
{
    (void)state;
    struct package p = tumour_package();
    struct cohort table;
    double lp[2], risks[2];
    read_table("a,tumour_a,b\n9,3,1\n9,NA,1\n", &table); /* tumour_a counts before a */
    assert_int_equal(score_table(&p, NULL, &table, lp, risks, NULL), 0);
    assert_true(fabs(lp[0] - (0.5 + 3 - 1)) < 1e-15);
    assert_true(fabs(risks[0] - 1 / (1 + exp(-2.5))) < 1e-15);
    assert_true(isnan(lp[1]) && isnan(risks[1]));
    p.incomplete_count = 1;
    assert_false(score_table_gives_risks(&p, NULL));
    assert_int_equal(score_table(&p, NULL, &table, lp, risks, NULL), 0);
    assert_true(fabs(lp[0] - 2.5) < 1e-15 && isnan(risks[0]));
    cohort_release(&table);
}

static void test_refused(void **state)
{
    (void)state;
    struct package p = tumour_package();
    struct cohort table;
    struct error err = {0};
    double lp[1];
    read_table("a,c\n1,2\n", &table);
    assert_int_equal(score_table(&p, NULL, &table, lp, NULL, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "lacks 1 of the 2 columns that package test needs, first "
                                        "'tumour_b'"));
    p.required[ROI_NODE] = true; /* 'a' could be of either region */
    assert_int_equal(score_table(&p, NULL, &table, lp, NULL, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "lacks 2 of the 2"));
    p.has_model = false;
    assert_int_equal(score_table(&p, NULL, &table, lp, NULL, &err), STATUS_INVALID);
    cohort_release(&table);
    p = tumour_package();
    read_table("a,b\n1,word\n", &table);
    assert_int_equal(score_table(&p, NULL, &table, lp, NULL, &err), STATUS_INVALID);
    assert_null(strstr(err.message, "word"));
    cohort_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
