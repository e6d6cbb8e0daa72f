/* Cohorts from CSV: what is read, what is missing, what is refused and in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "model/cohort.h"

static char path[] = "/tmp/axnode-cohort-XXXXXX";

static int read_bytes(const char *bytes, size_t n, const char *text_column,
                      struct cohort *ret_cohort, struct error *err)
{
    assert_int_equal(file_write(path, bytes, n, NULL), 0);
    return cohort_read(path, &text_column, text_column ? 1 : 0, ret_cohort, err);
}

static int read_text(const char *text, const char *text_column, struct cohort *ret_cohort,
                     struct error *err)
{
    return read_bytes(text, strlen(text), text_column, ret_cohort, err);
}

static void test_table(void **state)
{
    (void)state;
    struct cohort cohort;
    struct error err = {0};
    const double *values;
    int status = read_text("\xEF\xBB\xBFid,\"a, \"\"b\"\"\", outcome ,x\r\n"
                           "A 1,1.5,1,NA\r\n"
                           "\r\n"
                           "\"Ü\r\n2\", -2e-3 ,FALSE,\r\n"
                           "NA,\"7\",TRUE,0x",
                           "id", &cohort, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    assert_int_equal(cohort.rows, 3);
    assert_int_equal(cohort.column_count, 4);
    const struct cohort_column *id = cohort_find(&cohort, "id");
    assert_string_equal(id->texts[0], "A 1");
    assert_string_equal(id->texts[1], "Ü\n2");
    assert_null(id->texts[2]);
    assert_int_equal(id->missing, 1);
    assert_int_equal(cohort_numbers(&cohort, "a, \"b\"", &values, &err), 0);
    assert_true(values[0] == 1.5 && values[1] == -2e-3 && values[2] == 7);
    assert_int_equal(cohort_outcome(&cohort, "outcome", &values, &err), 0);
    assert_true(values[0] == 1 && values[1] == 0 && values[2] == 1);
    assert_int_equal(cohort_numbers(&cohort, "x", &values, &err), STATUS_INVALID);
    assert_string_equal(err.message, "line 6 of the cohort: column 'x' has no number");
    assert_int_equal(cohort_find(&cohort, "x")->missing, 2);
    assert_int_equal(cohort_outcome(&cohort, "a, \"b\"", &values, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "row 1 of the cohort: the outcome"));
    assert_int_equal(cohort_numbers(&cohort, "y", &values, &err), STATUS_NOT_FOUND);
    assert_null(cohort_find(&cohort, "id")->texts[2]);
    assert_null(cohort_find(&cohort, "x")->texts);
    cohort_release(&cohort);
}

static void test_line_ends(void **state)
{
    (void)state;
    static const char *const texts[] = {"a,b\n1,2\n3,4\n", "a,b\r1,2\r3,4", "\n\na,b\r\n1,2\n\n3,4\r\n\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cohort cohort;
        const double *values;
        assert_int_equal(read_text(texts[i], NULL, &cohort, NULL), 0);
        assert_int_equal(cohort.rows, 2);
        assert_int_equal(cohort_numbers(&cohort, "b", &values, NULL), 0);
        assert_true(values[0] == 2 && values[1] == 4);
        cohort_release(&cohort);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *column;
        int status;
        const char *words;
    } rows[] = {
        {"", NULL, STATUS_INVALID, "is empty"},
        {"\xEF\xBB\xBF", NULL, STATUS_INVALID, "is empty"},
        {"a,b\n", NULL, STATUS_INVALID, "has no line behind the names"},
        {"a,b\n1\n", NULL, STATUS_INVALID, ":2: 1 cells, but the first line names 2"},
        {"a,b\n1,2,3\n", NULL, STATUS_INVALID, ":2: 3 cells, but the first line names 2"},
        {"a,a\n1,2\n", NULL, STATUS_INVALID, "two columns named 'a'"},
        {"a,\n1,2\n", NULL, STATUS_INVALID, "column 2 has no name"},
        {"a,b\n\"1,2\n", NULL, STATUS_INVALID, ":2: a quote is never closed"},
        {"a,b\n\"1\"x,2\n", NULL, STATUS_INVALID, ":2: something follows a closing quote"},
        {"a,b\n1\"2,2\n", NULL, STATUS_INVALID, ":2: a quote inside a cell"},
        {"\xFF\xFEz\n1\n", NULL, STATUS_INVALID, "not a text in UTF-8"},
        {"\xEFz\n1\n", NULL, STATUS_INVALID, "not a text in UTF-8"},
        {"a\n\xE4\n", "a", STATUS_INVALID, ":2: not a text in UTF-8"},
        {"a\n\xC0\x80\n", "a", STATUS_INVALID, ":2: not a text in UTF-8"},
        {"a\n\xED\xA0\x80\n", "a", STATUS_INVALID, ":2: not a text in UTF-8"},
        {"a;b\n1;2\n", "b", STATUS_NOT_FOUND, "no column 'b'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cohort cohort;
        struct error err = {0};
        int status = read_text(rows[i].text, rows[i].column, &cohort, &err);
        if (status != rows[i].status || !strstr(err.message, rows[i].words))
            fail_msg("row %zu: status %d, '%s'", i, status, err.message);
    }
    struct cohort cohort;
    struct error err = {0};
    assert_int_equal(read_bytes("a\n1\0002\n", 6, NULL, &cohort, &err), STATUS_INVALID);
    assert_int_equal(cohort_read("/nonexistent.csv", NULL, 0, &cohort, &err), STATUS_NOT_FOUND);
    assert_int_equal(cohort_read("/tmp", NULL, 0, &cohort, &err), STATUS_IO);
}

static void test_limits(void **state)
{
    (void)state;
    struct cohort cohort;
    struct error err = {0};
    struct buffer text BUFFER_AUTO = {0};
    for (int i = 0; i <= COHORT_COLUMNS_MAX; i++)
        assert_int_equal(buffer_print(&text, NULL, "%sc%d", i ? "," : "", i), 0);
    assert_int_equal(read_bytes(text.data, text.size, NULL, &cohort, &err), STATUS_LIMIT);
    buffer_release(&text);
    assert_int_equal(buffer_print(&text, NULL, "a\n%0*d\n", COHORT_CELL_SIZE_MAX + 1, 7), 0);
    assert_int_equal(read_bytes(text.data, text.size, NULL, &cohort, &err), STATUS_LIMIT);
    assert_non_null(strstr(err.message, ":2: a cell of more than"));
}

/* Many rows and columns keep their places while the arrays grow. */
static void test_growth(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer text BUFFER_AUTO = {0};
    enum { ROWS = 1000, COLUMNS = 130 };
    for (int row = 0; row <= ROWS; row++)
        for (int c = 0; c < COLUMNS; c++)
            assert_int_equal(buffer_print(&text, NULL, row ? "%d%s" : "c%d%s",
                                          row ? row * 1000 + c : c,
                                          c + 1 < COLUMNS ? "," : "\n"), 0);
    assert_int_equal(read_bytes(text.data, text.size, "c7", &cohort, NULL), 0);
    assert_int_equal(cohort.rows, ROWS);
    for (int c = 0; c < COLUMNS; c++)
        for (int row = 0; row < ROWS; row++)
            assert_true(cohort.columns[c].values[row] == (row + 1) * 1000 + c);
    assert_string_equal(cohort.columns[7].texts[999], "1000007");
    cohort_release(&cohort);
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_one_more_column(void **state)
{
    (void)state;
    static const double more[] = {3, NAN};
    struct cohort cohort;
    const double *values;
    assert_int_equal(read_text("b,c\n1,0\n2,1\n", NULL, &cohort, NULL), 0);
    assert_int_equal(cohort_add(&cohort, "a", more, NULL), 0);
    assert_int_equal(cohort_add(&cohort, "b", more, NULL), STATUS_CONFLICT);
    assert_int_equal(cohort.column_count, 3);
    assert_int_equal(cohort_find(&cohort, "a")->missing, 1);
    assert_int_equal(cohort_numbers(&cohort, "a", &values, NULL), 0);
    assert_true(values[0] == 3 && isnan(values[1]));
    assert_int_equal(cohort_numbers(&cohort, "c", &values, NULL), 0);
    assert_true(values[1] == 1);
    cohort_release(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_growth),  cmocka_unit_test(test_one_more_column),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
