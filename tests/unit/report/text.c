/* Numbers, clean words, result.json and the plain text made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "dicom/setup.h"
#include "report/report.h"
#include "report/words.h"

#include "fixture.h"

static void test_numbers(void **state)
{
    static const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {
        {0, 0, "0"},         {12.34, 1, "12.3"},       {12.35, 1, "12.4"},
        {-0.04, 1, "0.0"},   {-0.05, 1, "-0.1"},       {99.96, 1, "100.0"},
        {7.006, 2, "7.01"},  {-3.5, 0, "-4"},          {0.0005, 3, "0.001"},
        {NAN, 1, "unknown"}, {1e300, 1, "very large"}, {-INFINITY, 1, "very large"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[WORDS_NUMBER_SIZE];
        assert_string_equal(words_number(cases[i].value, cases[i].decimals, text), cases[i].text);
    }
}

static void test_clean(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena);
    assert_string_equal(words_clean(&arena, NULL), "");
    assert_string_equal(words_clean(&arena, "Grüße 王 \xF0\x9F\x99\x82"),
                        "Grüße 王 \xF0\x9F\x99\x82");
    assert_string_equal(words_clean(&arena, "a\nb\x1b[31m\x7F"), "a b [31m ");
    assert_string_equal(words_clean(&arena, "cut \xE7\x8E"), "cut ??");
    assert_string_equal(words_clean(&arena, "\xC0\xAF\xED\xA0\x80\xF5\x80"), "???????");
    assert_string_equal(words_clean(&arena, "\xC2\x85|\xC2"), " |?");
    arena_release(&arena);
}

static struct study *make(const struct study_options *options, char root[64])
{
    static struct study study;
    snprintf(root, 64, "/tmp/axnode-text-XXXXXX");
    assert_non_null(mkdtemp(root));
    study_make(options, root, &study);
    return &study;
}

static void drop(struct study *study, const char *root)
{
    struct buffer output = {0};
    run(&output, "rm -rf '%s'", root);
    buffer_release(&output);
    study_release(study);
}

static void check_contains(const char *text, const char *const *parts)
{
    for (; *parts; parts++)
        if (!strstr(text, *parts))
            fail_msg("\"%s\" is missing in:\n%s", *parts, text);
}

/* The text of a study's report; the caller releases it. */
static void render(const struct study *study, struct buffer *out)
{
    static const struct report_object object = {
        .kind = "sr", .sop_instance_uid = "1.2.3", .file_name = "sr.dcm"};
    char *json = NULL;
    assert_int_equal(report_json(&study->input, &object, 1, &json, NULL), 0);
    assert_int_equal(report_text(json, out, NULL), 0);
    assert_null(strstr(json, "PID-0815")); /* no patient identification */
    assert_null(strstr(json, "Anna"));
    free(json);
}

static void test_risk(void **state)
{
    const struct study_options options = {.name = "risk", .side = SIDE_LEFT, .frames = 5};
    char root[64];
    struct buffer text = {0};
    struct study *study = make(&options, root);
    (void)state;
    render(study, &text);
    check_contains(
        buffer_text(&text),
        (const char *const[]){"INTENDED USE: Verification of the software",
                              "Estimated risk of axillary lymph node metastasis: 73.4 % (left)",
                              "at or above the cut-off of 40.7 % (Youden index on the fitting set)",
                              "Tumour, image 3\n", "Axillary lymph node, image 4, frame 3\n",
                              "long axis                          19.3 mm", "hilum of node area",
                              "  - The outline of the lymph node is unsure (agreement 0.61)\n",
                              "Model package verification 1.0.0", "UNVERIFIED", NULL});
    buffer_release(&text);
    drop(study, root);
}

static void test_no_risk(void **state)
{
    const struct study_options options = {.name = "none",
                                          .side = SIDE_UNKNOWN,
                                          .no_risk = true,
                                          .uncalibrated = true,
                                          .no_node = true,
                                          .generation = 2,
                                          .long_texts = true};
    char root[64];
    struct buffer text = {0};
    struct study *study = make(&options, root);
    (void)state;
    render(study, &text);
    check_contains(buffer_text(&text),
                   (const char *const[]){"No risk estimated (unknown side)",
                                         "  - The side is not known from the images\n", " px\n",
                                         "No axillary lymph node outlined", "replaces the report",
                                         NULL});
    assert_null(strstr(buffer_text(&text), "Estimated risk"));
    assert_null(strstr(buffer_text(&text), " mm"));
    for (const char *line = buffer_text(&text); *line;) { /* lines fit a terminal */
        const size_t n = strcspn(line, "\n");
        assert_in_range(n, 0, 120);
        line += n + (line[n] == '\n');
    }
    buffer_release(&text);
    drop(study, root);
}

static void test_json(void **state)
{
    const struct study_options options = {.name = "json", .side = SIDE_RIGHT};
    char root[64], *json = NULL;
    struct study *study = make(&options, root);
    (void)state;
    assert_int_equal(report_json(&study->input, NULL, 0, &json, NULL), 0);
    cJSON *parsed = cJSON_Parse(json);
    const cJSON *risk = cJSON_GetObjectItem(parsed, "risk");
    assert_true(cJSON_GetObjectItem(risk, "probability")->valuedouble == 0.734);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(parsed, "side")), "right");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(parsed, "images")), 2);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(parsed, "created")),
                        "2026-01-02T03:04:05.678901Z");
    cJSON_Delete(parsed);
    free(json);
    drop(study, root);
}

/* What comes from a database may be anything. */
static void test_foreign_json(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "null", "7", "{\"package\":3,\"regions\":{}}", "{\"package\":{}}"};
    struct buffer text = {0};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(report_text(texts[i], &text, NULL), STATUS_INVALID);
    assert_int_equal(report_text("{\"package\":{\"intended_use\":[1]},\"risk\":{\"estimated\":true,"
                                 "\"probability\":\"x\",\"cutoff\":1e400},\"regions\":{\"tumour\":"
                                 "{\"measurements\":[1,null,{\"value\":{},\"decimals\":99}]}},"
                                 "\"notes\":[3,\"ok\"]}",
                                 &text, NULL),
                     0);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_clean),
        cmocka_unit_test(test_risk),    cmocka_unit_test(test_no_risk),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_foreign_json),
    };
    if (dicom_setup(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
