/* Files of clinical values: what is taken, and which lines are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/clinical_file.h"

struct test {
    struct arena arena;
    struct clinical_file file;
    struct error err;
    int status;
};

static void read_bytes(struct test *t, const char *suffix, const char *text, size_t n)
{
    char path[96];
    snprintf(path, sizeof path, "/tmp/axnode-clinical-%ld%s", (long)getpid(), suffix);
    *t = (struct test){0};
    arena_init(&t->arena);
    assert_int_equal(file_write(path, text, n, NULL), 0);
    t->status = clinical_file_read(path, &t->arena, &t->file, &t->err);
    unlink(path);
}

static void read_text(struct test *t, const char *suffix, const char *text)
{
    read_bytes(t, suffix, text, strlen(text));
}

static void takes_a_table(void **state)
{
    (void)state;
    struct test t;
    read_text(&t, ".csv",
              "\xef\xbb\xbfpatient_id, issuer ,side,observed,source,age,bi_rads,ki67\r\n"
              "P1,H,left,20260301,\"pathology, of\nthe core\",61, 4A ,\r\n"
              "\r\n"
              "P2,,right,2026-03-02,,,,withdrawn\r\n");
    assert_int_equal(t.status, 0);
    assert_int_equal(t.file.row_count, 2);
    assert_int_equal(t.file.bad_count, 0);
    assert_int_equal(t.file.entry_count, 3);
    const struct clinical_entry *e = t.file.entries;
    assert_string_equal(e[0].texts.name, "age");
    assert_string_equal(e[0].texts.side, ""); /* belongs to no side, whatever its row says */
    assert_string_equal(e[0].texts.observed, "2026-03-01");
    assert_string_equal(e[1].record.value.code, "4A");
    assert_int_equal(e[1].record.value.side, SIDE_LEFT);
    assert_string_equal(e[1].texts.source, "pathology, of\nthe core");
    assert_int_equal(e[1].line, 2);
    assert_true(e[2].withdrawn && e[2].line == 5); /* the quoted cell had two lines */
    arena_release(&t.arena);
}

static void takes_json(void **state)
{
    (void)state;
    struct test t;
    read_text(&t, ".json", "[{\"patient_id\": \"P1\", \"observed\": \"2026-03-01\", \"age\": 61.50,"
                           " \"issuer\": null, \"side\": \"right\", \"margin\": \"angular\"}]");
    assert_int_equal(t.status, 0);
    assert_int_equal(t.file.entry_count, 2);
    assert_string_equal(t.file.entries[0].texts.value, "61.5");
    assert_int_equal(t.file.entries[1].record.value.side, SIDE_RIGHT);
    arena_release(&t.arena);
}

static void bad_rows_by_their_line(void **state)
{
    (void)state;
    struct test t;
    read_text(&t, ".csv",
              "patient_id,side,observed,bi_rads,age\n"
              "P1,left,2026-03-01,4A,\n"
              ",left,2026-03-01,4A,\n"
              "P1,left,2026-03-01,4A,999\n" /* one wrong value: nothing of the row */
              "P1,middle,2026-03-01,,50\n"
              "P1,left,2026-03-01,,\n"
              "P\xff,left,2026-03-01,4A,\n"
              "P1,left,,4A,\n");
    assert_int_equal(t.status, 0);
    assert_int_equal(t.file.entry_count, 1);
    assert_int_equal(t.file.bad_count, 6);
    static const struct {
        int line;
        const char *words;
    } rows[] = {{3, "patient_id"}, {4, "age must lie"}, {5, "side"}, {6, "no value"},
                {7, "UTF-8"},      {8, "no date"}};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(t.file.bad[i].line, rows[i].line);
        if (!strstr(t.file.bad[i].reason, rows[i].words))
            fail_msg("line %d: %s", rows[i].line, t.file.bad[i].reason);
    }
    arena_release(&t.arena);
}

static void no_such_table(void **state)
{
    (void)state;
    static const struct {
        const char *suffix, *text, *words;
    } rows[] = {
        {".csv", "", "no cases"},
        {".csv", "patient_id,observed,age\n", "no cases"},
        {".csv", "P1,2026-03-01,61\nP2,2026-03-01,62\n", "column 1"},
        {".csv", "patient_id,observed,synthetic_data\nP,2026-03-01,yes\n", "column 3"},
        {".csv", "patient_id,observed,age\nP,2026-03-01,61\nP,2026-03-01,62\n", "rows 2 and 3"},
        {".csv", "patient_id,observed,age\nP,2026-03-01,61\nP,20260301,withdrawn\n", "rows 2 and 3"},
        {".json", "{\"patient_id\": \"P\"}", "no list"},
        {".json", "[{\"patient_id\": \"P\"}] x", "no list"},
        {".json", "[[[[[[", "no list"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct test t;
        read_text(&t, rows[i].suffix, rows[i].text);
        if (t.status != STATUS_INVALID || !strstr(t.err.message, rows[i].words))
            fail_msg("'%s' gave status %d: %s", rows[i].text, t.status, t.err.message);
        assert_null(strstr(t.err.message, "2026"));
        arena_release(&t.arena);
    }
    struct test t;
    read_bytes(&t, ".csv", "patient_id\0,observed,age\nP,2026-03-01,61\n", 42);
    assert_int_equal(t.status, STATUS_INVALID);
    arena_release(&t.arena);
}

static void the_same_twice_is_fine(void **state)
{
    (void)state;
    struct test t;
    read_text(&t, ".csv", "patient_id,observed,age\nP,2026-03-01,61\nP,20260301,61.0\n");
    assert_int_equal(t.status, 0);
    assert_int_equal(t.file.entry_count, 2);
    arena_release(&t.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_table), cmocka_unit_test(takes_json),
        cmocka_unit_test(bad_rows_by_their_line), cmocka_unit_test(no_such_table),
        cmocka_unit_test(the_same_twice_is_fine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
