#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/annotation.h"

/* Words as if read without doubt: blanks part words, '\n' lines; '<' before and '>' behind a word
 * say that the border cut it; '~' before it that it was read with a confidence of 0.3. */
static struct words read_as(const char *text)
{
    struct words words = {.count = 0};
    int line = 0;
    while (*text) {
        if (*text == ' ' || *text == '\n') {
            line += *text++ == '\n';
            continue;
        }
        struct word *word = &words.items[words.count];
        *word = (struct word){.line = line, .confidence = 0.95};
        word->box = (struct bounds){words.count * 50, line * 20, words.count * 50 + 40, line * 20 + 10};
        size_t length = 0;
        for (; *text && *text != ' ' && *text != '\n'; text++) {
            if (*text == '<')
                word->cut_left = true;
            else if (*text == '>')
                word->cut_right = true;
            else if (*text == '~')
                word->confidence = 0.3;
            else
                word->text[length++] = *text;
        }
        words.count++;
    }
    return words;
}

static struct annotation meaning(const char *text)
{
    struct words words = read_as(text);
    struct annotation annotation;
    annotation_of_words(&words, NULL, &annotation);
    return annotation;
}

static void test_side_and_region(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum annotation_side side;
        enum annotation_region region;
    } cases[] = {
        {"MAMA DIREITA", ANNOTATION_RIGHT, ANNOTATION_BREAST},
        {"MAMA ESQ.\nQSE", ANNOTATION_LEFT, ANNOTATION_BREAST},
        {"RIGHT AXILLA", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
        {"LT AXILLA", ANNOTATION_LEFT, ANNOTATION_AXILLA},
        {"LT AX", ANNOTATION_LEFT, ANNOTATION_AXILLA},
        {"L AXILLA LN", ANNOTATION_LEFT, ANNOTATION_AXILLA},
        {"AXILA ESQ.", ANNOTATION_LEFT, ANNOTATION_AXILLA},
        {"Axilla re.", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
        {"Mamma links", ANNOTATION_LEFT, ANNOTATION_BREAST},
        {"SEIN GAUCHE", ANNOTATION_LEFT, ANNOTATION_BREAST},
        {"SEIN D", ANNOTATION_RIGHT, ANNOTATION_BREAST},
        {"MAMMA DX", ANNOTATION_RIGHT, ANNOTATION_BREAST},
        {"AXILA IZQUIERDA", ANNOTATION_LEFT, ANNOTATION_AXILLA},
        {"RT BREAST 10:00", ANNOTATION_RIGHT, ANNOTATION_BREAST},
        {"LYMPH NODE LEFT", ANNOTATION_LEFT, ANNOTATION_LYMPH_NODE},
        {"LYMPH NODE\nLT AXILLA", ANNOTATION_LEFT, ANNOTATION_AXILLA},
        /* Misread letters that look alike, and long words with one wrong. */
        {"MARA ~ESO", ANNOTATION_LEFT, ANNOTATION_BREAST},
        {"~OIREITA", ANNOTATION_RIGHT, ANNOTATION_REGION_UNKNOWN},
        {"RlGHT AXlLLA", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
        /* Cut by the border. */
        {"<ERDA QSE", ANNOTATION_LEFT, ANNOTATION_BREAST},
        {"MAMA DI>", ANNOTATION_RIGHT, ANNOTATION_BREAST},
        {"MAMA E>", ANNOTATION_LEFT, ANNOTATION_BREAST},
        {"ERDA QSE", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_BREAST},
        /* Too little to go by. */
        {"L", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"1 L 0.85 cm", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"B MODE 12 Hz", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"~LT", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"~AX", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"x AX 3 zz", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"AXIAL", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"NODULO SIN CAMBIO", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
        {"", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_REGION_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct annotation a = meaning(cases[i].text);
        if (a.side != cases[i].side || a.region != cases[i].region)
            fail_msg("'%s': %s side, %s", cases[i].text, annotation_side_name(a.side),
                     annotation_region_name(a.region));
        assert_false(a.side_contradicted || a.region_contradicted);
        assert_true((a.side == ANNOTATION_SIDE_UNKNOWN) == (a.side_source.text[0] == '\0'));
        assert_true(a.side_source.confidence >= 0 && a.side_source.confidence <= 1);
    }
}

static void test_both_say_nothing(void **state)
{
    (void)state;
    struct annotation a = meaning("LEFT BREAST\nRIGHT AXILLA");
    assert_int_equal(a.side, ANNOTATION_SIDE_UNKNOWN);
    assert_int_equal(a.region, ANNOTATION_REGION_UNKNOWN);
    assert_true(a.side_contradicted && a.region_contradicted);
    assert_string_equal(a.side_source.text, "");
    a = meaning("QSE / REG AXILAR ESQ");
    assert_int_equal(a.side, ANNOTATION_LEFT);
    assert_true(a.region == ANNOTATION_REGION_UNKNOWN && a.region_contradicted);
}

static void test_place_and_plane(void **state)
{
    (void)state;
    struct annotation a = meaning("RT BREAST 10:30 N+4 RAD");
    assert_int_equal(a.clock_minutes, 630);
    assert_true(fabs(a.nipple_mm - 40) < 1e-9);
    assert_int_equal(a.plane, ANNOTATION_RADIAL);
    a = meaning("LEFT BREAST 3 O'CLOCK 2.5 CM FN\nARAD QSE");
    assert_int_equal(a.clock_minutes, 180);
    assert_true(fabs(a.nipple_mm - 25) < 1e-9);
    assert_int_equal(a.plane, ANNOTATION_ANTIRADIAL);
    assert_int_equal(a.quadrant, ANNOTATION_UPPER_OUTER);
    a = meaning("12H MAMA DIR");
    assert_int_equal(a.clock_minutes, 720);
    a = meaning("FN 3CM SAG");
    assert_true(fabs(a.nipple_mm - 30) < 1e-9);
    a = meaning("3CMFN");
    assert_true(fabs(a.nipple_mm - 30) < 1e-9);
    a = meaning("25 MM FN");
    assert_true(fabs(a.nipple_mm - 25) < 1e-9);
    assert_int_equal(meaning("UQQEXT").quadrant, ANNOTATION_OUTER);
    assert_int_equal(meaning("LOQ").quadrant, ANNOTATION_LOWER_OUTER);
    /* A time of day, a date, a rate, an hour that no clock has. */
    assert_int_equal(meaning("10:30:15").clock_minutes, 0);
    assert_int_equal(meaning("12/05/2021 10:30").clock_minutes, 0);
    assert_int_equal(meaning("10:30 AM").clock_minutes, 0);
    assert_int_equal(meaning("13H").clock_minutes, 0);
    assert_int_equal(meaning("15 Hz").clock_minutes, 0);
    a = meaning("4H 9H");
    assert_int_equal(a.clock_minutes, 0);
    assert_true(meaning("MAMA DIR").nipple_mm < 0);
}

static void expect_reading(const char *text, double mm, char mark)
{
    struct annotation a = meaning(text);
    if (a.reading_count != 1 || fabs(a.readings[0].mm - mm) > 1e-9 || a.readings[0].mark != mark)
        fail_msg("'%s': %d readings, first %g mm, mark '%c'", text, a.reading_count,
                 a.readings[0].mm, a.readings[0].mark ? a.readings[0].mark : ' ');
}

static void test_readings(void **state)
{
    (void)state;
    expect_reading("+ 9.1mm", 9.1, '+');
    expect_reading("x 5.2 mm", 5.2, 'x');
    expect_reading("D1 1.23 cm", 12.3, '1');
    expect_reading("1 L 0.85 cm", 8.5, '1');
    expect_reading("Dist 12.3 mm", 12.3, 0);
    expect_reading("D 10,4MM", 10.4, 0);
    static const char *const none[] = {"1.2 cm2", "0.8 cm/s", "1.2 cm^2", "Depth 4.0 cm",
                                       "<5.4mm",  "12.345 mm", "300 mm",  "0.1 mm",
                                       "7.5 MHz", "~4mm",      "1.2.3 mm"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (meaning(none[i]).reading_count != 0)
            fail_msg("'%s' is no reading", none[i]);
}

/* Read twice: the same number counts once, two numbers for one place are none. */
static void test_readings_twice(void **state)
{
    (void)state;
    struct words words = read_as("~9.1mm ~9.1mm");
    struct annotation a;
    words.items[1].again = true;
    words.items[1].box = words.items[0].box;
    annotation_of_words(&words, NULL, &a);
    assert_int_equal(a.reading_count, 1);
    assert_true(a.readings[0].source.confidence > 0.5);
    words.items[0].confidence = words.items[1].confidence = 0.95;
    words.items[1].text[0] = '4';
    annotation_of_words(&words, NULL, &a);
    assert_int_equal(a.reading_count, 0);
}

static enum annotation_identity identity(const char *text, const char *name, const char *id)
{
    struct words words = read_as(text);
    struct annotation_patient patient = {name, id};
    struct annotation a;
    annotation_of_words(&words, &patient, &a);
    return a.identity;
}

static void test_identity(void **state)
{
    (void)state;
    const int silent = ANNOTATION_IDENTITY_SILENT, match = ANNOTATION_IDENTITY_MATCH,
              other = ANNOTATION_IDENTITY_CONTRADICTION;
    assert_int_equal(identity("MAMA DIREITA", "DOE^JANE", "0012345"), silent);
    assert_int_equal(identity("DOEHLER, JANE", "DOEHLER^JANE", "0012345"), match);
    assert_int_equal(identity("ID: 0012345", "DOE^JANE", "0012345"), match);
    assert_int_equal(identity("ID: 0012399", "DOE^JANE", "0012345"), other);
    assert_int_equal(identity("PATIENT ID 9988776", "DOE^JANE", "0012345"), other);
    assert_int_equal(identity("NAME: SMITH PETER", "DOE^JANE", "0012345"), other);
    /* One digit may be misread; a doubtful reading says nothing. */
    assert_int_equal(identity("ID: 0012346", "DOE^JANE", "0012345"), silent);
    assert_int_equal(identity("ID: ~0099999", "DOE^JANE", "0012345"), silent);
    assert_int_equal(identity("NAME: ~SMITH", "DOE^JANE", ""), silent);
    assert_int_equal(identity("NAME: JANE", "DOE^JANE", ""), silent);
    assert_int_equal(identity("GENERAL HOSPITAL, TOWN", "DOE^JANE", "0012345"), silent);
    assert_int_equal(identity("ID: 9988776", "DOE^JANE", ""), silent);
    assert_int_equal(identity("NAME: SMITH", NULL, NULL), silent);
    assert_int_equal(identity("NAME: MULLER", "M\303\234LLER^EVA", ""), silent);
}

static void test_calibrate(void **state)
{
    (void)state;
    const struct annotation_point marks[] = {{10, 50, 0}, {110, 50, 0}, {60, 20, 0}, {60, 90, 0}};
    struct annotation_reading readings[2] = {{.mm = 10.0}, {.mm = 7.1}};
    struct calibration c = annotation_calibrate(readings, 2, marks, 4);
    assert_int_equal(c.source, CALIBRATION_ESTIMATED);
    assert_int_equal(c.region, -1);
    assert_true(fabs(c.spacing_row_mm - 0.1) < 0.002 && c.spacing_row_mm == c.spacing_column_mm);
    readings[1].mm = 7.5; /* 7 % apart */
    assert_int_equal(annotation_calibrate(readings, 2, marks, 4).source, CALIBRATION_NONE);
    assert_int_equal(annotation_calibrate(readings, 1, marks, 4).source, CALIBRATION_NONE);
    assert_int_equal(annotation_calibrate(readings, 2, marks, 3).source, CALIBRATION_NONE);
    /* A sign that belongs to the other line. */
    readings[0] = (struct annotation_reading){.mm = 10.0, .mark = '+'};
    readings[1] = (struct annotation_reading){.mm = 7.0, .mark = 'x'};
    struct annotation_point signs[4];
    memcpy(signs, marks, sizeof signs);
    signs[0].mark = signs[1].mark = '+';
    signs[2].mark = signs[3].mark = 'x';
    assert_int_equal(annotation_calibrate(readings, 2, signs, 4).source, CALIBRATION_ESTIMATED);
    signs[0].mark = signs[1].mark = 'x';
    signs[2].mark = signs[3].mark = '+';
    assert_int_equal(annotation_calibrate(readings, 2, signs, 4).source, CALIBRATION_NONE);
    /* Lines that do not cross are of two lesions. */
    const struct annotation_point apart[] = {{10, 50, 0}, {110, 50, 0}, {200, 20, 0}, {200, 90, 0}};
    readings[0].mark = readings[1].mark = 0;
    assert_int_equal(annotation_calibrate(readings, 2, apart, 4).source, CALIBRATION_NONE);
    /* Marks that fit two readings either way. */
    const struct annotation_point square[] = {{0, 50, 0}, {100, 50, 0}, {50, 0, 0}, {50, 99, 0}};
    readings[0].mm = 10;
    readings[1].mm = 10.1;
    c = annotation_calibrate(readings, 2, square, 4);
    assert_int_equal(c.source, CALIBRATION_ESTIMATED);
    assert_true(fabs(c.spacing_row_mm - 0.101) < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_and_region), cmocka_unit_test(test_both_say_nothing),
        cmocka_unit_test(test_place_and_plane), cmocka_unit_test(test_readings),
        cmocka_unit_test(test_readings_twice),  cmocka_unit_test(test_identity),
        cmocka_unit_test(test_calibrate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
