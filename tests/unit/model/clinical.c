/* Which clinical value counts, and why none does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "model/clinical.h"

static const struct clinical_step node_steps[] = {{"negative", 0}, {"suspicious", 1}};
static const struct clinical_step category_steps[] = {{"4", 1}, {"4A", 1}, {"4B", 2}, {"5", 3}};

/* Codes of the vocabulary are compared by their texts here, by anybody. */
static struct clinical_input input_of(const char *name)
{
    struct clinical_input input = {.variable = clinical_variable_find(name),
                                   .text = "a value",
                                   .sources = {CLINICAL_SR, CLINICAL_IMPORT, CLINICAL_MEASURED},
                                   .source_count = 3,
                                   .max_age_days = 30,
                                   .same_side = true};
    if (strcmp(name, "us_node_status") == 0) {
        input.kind = CLINICAL_BINARY;
        input.steps = node_steps;
        input.step_count = 2;
    } else if (strcmp(name, "bi_rads") == 0) {
        input.kind = CLINICAL_ORDINAL;
        input.steps = category_steps;
        input.step_count = 4;
    }
    return input;
}

static struct clinical_value value_of(const char *name, const char *text, const char *date)
{
    struct clinical_value value = {.source = CLINICAL_IMPORT, .side = SIDE_LEFT,
                                   .observed = clinical_day(date)};
    assert_int_equal(clinical_value_parse(clinical_variable_find(name), text, &value, NULL), 0);
    return value;
}

static struct clinical_choice choose(const struct clinical_input *input, const char *study,
                                     const struct clinical_value *values, size_t count)
{
    struct clinical_choice choice;
    clinical_choose(input, clinical_day(study), SIDE_LEFT, values, count, &choice);
    if (!choice.value)
        assert_true(*choice.reason);
    return choice;
}

static void dates(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "2026", "20260132", "2026-02-29", "2026-00-10",
                                        "2026-13-01", "1849-12-31", "22000101", "2026/01/01",
                                        "2026-1-01", "20260101 ", " 20260101", "202601010",
                                        "2026-01-0x", "+0260101", "99999999", "00000000"};
    char text[CLINICAL_DATE_SIZE];
    assert_int_equal(clinical_day("1970-01-01"), 0);
    assert_int_equal(clinical_day("19691231"), -1);
    assert_int_equal(clinical_day("2000-02-29"), 11016);
    assert_int_equal(clinical_day("2026-11-23"), 20780);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(clinical_day(wrong[i]), CLINICAL_NO_DATE);
    for (int day = clinical_day("18500101"); day <= clinical_day("21991231"); day++) {
        clinical_date_format(day, text);
        assert_int_equal(clinical_day(text), day);
    }
    clinical_date_format(CLINICAL_NO_DATE, text);
    assert_string_equal(text, "");
    clinical_date_format(INT_MAX, text);
    assert_string_equal(text, "");
}

static void years(void **state)
{
    (void)state;
    const int birth = clinical_day("19700615");
    assert_int_equal(clinical_years(birth, clinical_day("20260614")), 55);
    assert_int_equal(clinical_years(birth, clinical_day("20260615")), 56);
    assert_int_equal(clinical_years(birth, birth), 0);
    assert_int_equal(clinical_years(birth, birth - 1), -1);
    assert_int_equal(clinical_years(CLINICAL_NO_DATE, birth), -1);
    assert_int_equal(clinical_years(birth, CLINICAL_NO_DATE), -1);
}

static void hostile_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } rows[] = {{"age", "NaN"}, {"age", "inf"}, {"age", "1e999"}, {"age", "-1"}, {"age", "131"},
                {"age", ""}, {"age", "54 "}, {"age", "54Y"}, {"age", "0x20"}, {"tumour_size", "301"},
                {"tumour_size", "2,5"}, {"ki67", "100.1"}, {"bi_rads", "4D"}, {"bi_rads", "4a"},
                {"bi_rads", ""}, {"bi_rads", "4A "}, {"us_node_status", "1"}, {"sex", "F"},
                {"nuclear_grade", "4"}, {"malignancy_confirmed", "true"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct clinical_value value = {.number = 7};
        struct error err = {0};
        int status = clinical_value_parse(clinical_variable_find(rows[i].name), rows[i].text,
                                          &value, &err);
        if (status != STATUS_INVALID || value.variable || value.number != 7)
            fail_msg("%s '%s' was taken", rows[i].name, rows[i].text);
    }
    assert_null(clinical_variable_find("AGE"));
    assert_null(clinical_variable_find(""));
}

static void every_rule_alone(void **state)
{
    (void)state;
    const struct clinical_input input = input_of("us_node_status");
    struct clinical_value v = value_of("us_node_status", "suspicious", "2026-03-01");
    struct clinical_choice choice = choose(&input, "20260301", &v, 1);
    assert_true(choice.value == &v && choice.has_number && choice.number == 1);
    assert_string_equal(choice.reason, "");
    /* age: as old as allowed, a day older, a day after the study */
    assert_non_null(choose(&input, "20260331", &v, 1).value);
    choice = choose(&input, "20260401", &v, 1);
    assert_true(!choice.value && !choice.has_number && strstr(choice.reason, "too old"));
    assert_non_null(strstr(choose(&input, "20260228", &v, 1).reason, "after the study"));
    struct clinical_input later = input;
    later.max_after_days = 1;
    assert_non_null(choose(&later, "20260228", &v, 1).value);
    assert_non_null(strstr(choose(&input, "", &v, 1).reason, "study has no date"));
    v.observed = CLINICAL_NO_DATE;
    assert_non_null(strstr(choose(&input, "20260301", &v, 1).reason, "no date"));
    /* what the study itself says is as old as the study, whatever its date */
    v.of_study = true;
    assert_non_null(choose(&input, "", &v, 1).value);
    v = value_of("us_node_status", "suspicious", "2026-03-01");
    v.side = SIDE_RIGHT;
    assert_non_null(strstr(choose(&input, "20260301", &v, 1).reason, "other side"));
    v.side = SIDE_UNKNOWN;
    assert_non_null(strstr(choose(&input, "20260301", &v, 1).reason, "not known"));
    struct clinical_input any = input;
    any.same_side = false;
    assert_non_null(choose(&any, "20260301", &v, 1).value);
    v.side = SIDE_LEFT;
    clinical_choose(&input, clinical_day("20260301"), SIDE_UNKNOWN, &v, 1, &choice);
    assert_null(choice.value);
    v.source = CLINICAL_DICOM;
    assert_non_null(strstr(choose(&input, "20260301", &v, 1).reason, "source"));
    assert_non_null(strstr(choose(&input, "20260301", NULL, 0).reason, "no accepted source"));
}

static void of_another_variable(void **state)
{
    (void)state;
    const struct clinical_input input = input_of("us_node_status");
    const struct clinical_value v = value_of("bi_rads", "5", "2026-03-01");
    assert_null(choose(&input, "20260301", &v, 1).value);
}

static void codes_without_a_number(void **state)
{
    (void)state;
    const struct clinical_input input = input_of("bi_rads");
    struct clinical_value v = value_of("bi_rads", "4B", "2026-03-01");
    assert_true(fabs(choose(&input, "20260301", &v, 1).number - 2) < DBL_EPSILON);
    v = value_of("bi_rads", "3", "2026-03-01");
    assert_non_null(strstr(choose(&input, "20260301", &v, 1).reason, "no number"));
    const struct clinical_input age = input_of("age");
    static const double numbers[] = {NAN, INFINITY, -INFINITY, -0.1, 130.1, 1e300};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct clinical_value of_age = value_of("age", "50", "2026-03-01");
        of_age.number = numbers[i];
        assert_null(choose(&age, "20260301", &of_age, 1).value);
    }
}

static void values_that_differ_count_as_missing(void **state)
{
    (void)state;
    struct clinical_input input = input_of("us_node_status");
    struct clinical_value v[] = {value_of("us_node_status", "suspicious", "2026-03-01"),
                                 value_of("us_node_status", "negative", "2026-02-20"),
                                 value_of("us_node_status", "suspicious", "2026-02-25")};
    struct clinical_choice choice = choose(&input, "20260301", v, 3);
    assert_null(choice.value);
    assert_non_null(strstr(choice.reason, "differ"));
    v[1].side = SIDE_RIGHT; /* no longer accepted: it contradicts nothing */
    choice = choose(&input, "20260301", v, 3);
    assert_true(choice.value == &v[0]); /* the newest */
    v[2].source = CLINICAL_SR;
    choice = choose(&input, "20260301", v, 3);
    assert_true(choice.value == &v[2]); /* of the preferred source */
    v[1].side = SIDE_LEFT;
    assert_null(choose(&input, "20260301", v, 3).value);
    input.has_fallback = true;
    input.fallback = 0.25;
    choice = choose(&input, "20260301", v, 3);
    assert_true(!choice.value && choice.has_number && choice.number > 0.2 && *choice.reason);
}

static void numbers_within_the_tolerance_agree(void **state)
{
    (void)state;
    struct clinical_input input = input_of("tumour_size");
    struct clinical_value v[] = {value_of("tumour_size", "20", "2026-03-01"),
                                 value_of("tumour_size", "22", "2026-02-20"),
                                 value_of("tumour_size", "21", "2026-02-21")};
    assert_null(choose(&input, "20260301", v, 3).value);
    input.tolerance = 2;
    assert_true(choose(&input, "20260301", v, 3).value == &v[0]);
    input.tolerance = 1.9; /* of all of them, not of neighbours */
    assert_null(choose(&input, "20260301", v, 3).value);
}

static void our_measurements_stand_in(void **state)
{
    (void)state;
    struct clinical_input input = input_of("us_node_status");
    struct clinical_value v[] = {value_of("us_node_status", "suspicious", "2026-03-01"),
                                 value_of("us_node_status", "negative", "2026-03-01")};
    v[0].source = CLINICAL_MEASURED;
    assert_true(choose(&input, "20260301", v, 2).value == &v[1]); /* the reader's, no contradiction */
    v[1].side = SIDE_RIGHT;
    assert_true(choose(&input, "20260301", v, 2).value == &v[0]);
    input.source_count = 2; /* a package that was not fitted that way */
    assert_null(choose(&input, "20260301", v, 2).value);
}

static void our_criteria(void **state)
{
    (void)state;
    const struct clinical_criteria lost = {2, 3.5, false}, partly = {2, 3.5, true};
    const struct measurements benign = {.axis_ratio = 2.4, .hilum_marked = true,
                                        .hilum = HILUM_PRESENT, .cortex_thickness_mm = 2};
    struct measurements m = benign;
    assert_string_equal(clinical_node_status(&lost, &m, true), "negative");
    assert_null(clinical_node_status(&lost, &m, false)); /* its cortex cannot be judged */
    m.axis_ratio = 1.99;
    assert_string_equal(clinical_node_status(&lost, &m, false), "suspicious");
    m = benign;
    m.cortex_thickness_mm = 3.6;
    assert_string_equal(clinical_node_status(&lost, &m, true), "suspicious");
    assert_null(clinical_node_status(&lost, &m, false));
    m = benign;
    m.hilum = HILUM_PARTLY_LOST;
    assert_string_equal(clinical_node_status(&lost, &m, true), "negative");
    assert_string_equal(clinical_node_status(&partly, &m, true), "suspicious");
    m = benign;
    m.hilum_marked = false;
    assert_null(clinical_node_status(&lost, &m, true));
    m = benign;
    m.axis_ratio = NAN;
    assert_null(clinical_node_status(&lost, &m, true));
}

static const struct clinical_texts good = {.patient_id = "P1", .issuer = "H", .study_uid = "",
                                           .accession_number = "", .name = "bi_rads",
                                           .value = "4A", .side = "left",
                                           .observed = "2026-03-01", .source = "reading"};

static void records_from_texts(void **state)
{
    (void)state;
    static char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    struct clinical_record record;
    struct clinical_texts t = good;
    assert_int_equal(clinical_record_parse(&t, &record, NULL), 0);
    assert_true(record.value.side == SIDE_LEFT && record.value.source == CLINICAL_IMPORT);
    assert_string_equal(record.value.code, "4A");
    const struct clinical_texts wrong[] = {
        {"", "", "", "", "bi_rads", "4A", "left", "20260301", ""},
        {longer, "", "", "", "bi_rads", "4A", "left", "20260301", ""},
        {"P", "", "1..2", "", "bi_rads", "4A", "left", "20260301", ""},
        {"P", "", "", "", "birads", "4A", "left", "20260301", ""},
        {"P", "", "", "", "synthetic_data", "yes", "", "20260301", ""}, /* images alone say so */
        {"P", "", "", "", "bi_rads", "4X", "left", "20260301", ""},
        {"P", "", "", "", "bi_rads", "4A", "", "20260301", ""},
        {"P", "", "", "", "bi_rads", "4A", "both", "20260301", ""},
        {"P", "", "", "", "bi_rads", "4A", "left", "01.03.2026", ""},
        {"P", "", "", "", "bi_rads", "4A", "left", "20260301", longer}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        assert_int_equal(clinical_record_parse(&wrong[i], &record, &err), STATUS_INVALID);
        assert_null(strstr(err.message, "4X")); /* no patient's data in messages */
    }
    t.name = "age";
    t.value = "61";
    assert_int_equal(clinical_record_parse(&t, &record, NULL), 0);
    assert_int_equal(record.value.side, SIDE_UNKNOWN);
}

static void whose_record(void **state)
{
    (void)state;
    const struct clinical_study study = {"P1", "H", "1.2.3", "A7", 0};
    const struct {
        struct clinical_record record;
        bool applies;
    } rows[] = {
        {{.patient_id = "P1", .issuer = "H", .study_uid = "", .accession_number = ""}, true},
        {{.patient_id = "P1", .issuer = "H", .study_uid = "1.2.3", .accession_number = "A7"}, true},
        {{.patient_id = "P1", .issuer = "", .study_uid = "", .accession_number = ""}, false},
        {{.patient_id = "P1 ", .issuer = "H", .study_uid = "", .accession_number = ""}, false},
        {{.patient_id = "p1", .issuer = "H", .study_uid = "", .accession_number = ""}, false},
        {{.patient_id = "P2", .issuer = "H", .study_uid = "1.2.3", .accession_number = ""}, false},
        {{.patient_id = "P1", .issuer = "H", .study_uid = "1.2.4", .accession_number = ""}, false},
        {{.patient_id = "P1", .issuer = "H", .study_uid = "", .accession_number = "A8"}, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(clinical_record_applies(&rows[i].record, &study), rows[i].applies);
    const struct clinical_study nobody = {"", "", "1.2.3", "", 0};
    const struct clinical_record empty = {.patient_id = "", .issuer = "", .study_uid = "",
                                          .accession_number = ""};
    assert_false(clinical_record_applies(&empty, &nobody));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates),
        cmocka_unit_test(years),
        cmocka_unit_test(hostile_values),
        cmocka_unit_test(every_rule_alone),
        cmocka_unit_test(of_another_variable),
        cmocka_unit_test(codes_without_a_number),
        cmocka_unit_test(values_that_differ_count_as_missing),
        cmocka_unit_test(numbers_within_the_tolerance_agree),
        cmocka_unit_test(our_measurements_stand_in),
        cmocka_unit_test(our_criteria),
        cmocka_unit_test(records_from_texts),
        cmocka_unit_test(whose_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
