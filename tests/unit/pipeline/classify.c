#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pipeline/classify.h"

static void set(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static void the_ladder_of_roles(void **state)
{
    (void)state;
    static const struct {
        const char *scheme, *code, *comments, *series, *body_part, *study;
        enum roi role;
        bool contradicted;
        const char *source;
    } rows[] = {
        {"SCT", "76752008", 0, 0, 0, 0, ROI_TUMOUR, false, "(0008,2218) Anatomic Region"},
        {"SCT", "91470000", 0, 0, 0, 0, ROI_NODE, false, "(0008,2218) Anatomic Region"},
        {"SCT", "68171009", 0, 0, 0, 0, ROI_NODE, false, "(0008,2218) Anatomic Region"},
        {"SRT", "T-04000", 0, 0, 0, 0, ROI_TUMOUR, false, "(0008,2218) Anatomic Region"},
        {"SCT", "12345", 0, 0, 0, 0, ROI_COUNT, false, ""},
        /* This image before its series, that before its study. */
        {"SCT", "91470000", 0, "US BREAST LEFT", "BREAST", "Mamma", ROI_NODE, false,
         "(0008,2218) Anatomic Region"},
        {"", "", "AXILLA L", "BREAST", "BREAST", "BREAST", ROI_NODE, false,
         "(0020,4000) Image Comments"},
        {"", "", 0, "axilla right", "BREAST", "Breast US", ROI_NODE, false,
         "(0008,103E) Series Description"},
        {"", "", 0, 0, "BREAST", 0, ROI_TUMOUR, false, "(0018,0015) Body Part Examined"},
        {"", "", 0, 0, 0, "US BREAST RT", ROI_TUMOUR, false, "(0008,1030) Study Description"},
        /* Both named says nothing; contradictions in one rung are told. */
        {"", "", 0, 0, 0, "BREAST AND AXILLA", ROI_COUNT, false, ""},
        {"SCT", "76752008", "AXILLA", 0, 0, 0, ROI_COUNT, true, 0},
        {"", "", 0, 0, "BREAST", "AXILLA", ROI_COUNT, true, 0},
        {"", "", "Adult Heart", "Echo", "HEART", "", ROI_COUNT, false, ""},
        {"", "", "ABREAST", "PLANE", 0, 0, ROI_COUNT, false, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dicom_instance h = {0};
        struct image_class class;
        set(h.anatomic_region.scheme, sizeof h.anatomic_region.scheme, rows[i].scheme);
        set(h.anatomic_region.value, sizeof h.anatomic_region.value, rows[i].code);
        set(h.image_comments, sizeof h.image_comments, rows[i].comments);
        set(h.series_description, sizeof h.series_description, rows[i].series);
        set(h.body_part_examined, sizeof h.body_part_examined, rows[i].body_part);
        set(h.study_description, sizeof h.study_description, rows[i].study);
        image_classify(&(struct image_evidence){.header = &h}, &class);
        if (class.role != rows[i].role || class.role_contradicted != rows[i].contradicted ||
            (rows[i].source && strcmp(class.role_source, rows[i].source) != 0))
            fail_msg("row %zu: role %d, contradicted %d, from '%s'", i, (int)class.role,
                     class.role_contradicted, class.role_source);
    }
}

static void every_word_on_the_side_is_compared(void **state)
{
    (void)state;
    static const struct {
        char image, series, anatomic;
        const char *comments, *study;
        enum side side;
        bool contradicted;
    } rows[] = {
        {'L', 0, 0, 0, 0, SIDE_LEFT, false},
        {0, 'R', 0, 0, 0, SIDE_RIGHT, false},
        {0, 0, 'L', 0, 0, SIDE_LEFT, false},
        {0, 0, 0, "AXILLA L", 0, SIDE_LEFT, false},
        {0, 0, 0, "mama direita", 0, SIDE_RIGHT, false},
        {0, 0, 0, "MAMA DIR", 0, SIDE_RIGHT, false},
        {0, 0, 0, 0, "US BREAST RIGHT", SIDE_RIGHT, false},
        {'L', 'L', 'L', "left breast", "BREAST LT", SIDE_LEFT, false},
        {'U', 'B', 0, 0, 0, SIDE_UNKNOWN, false},
        {0, 0, 0, 0, "BREAST LEFT AND RIGHT", SIDE_UNKNOWN, false},
        {'L', 0, 0, "RIGHT BREAST", 0, SIDE_UNKNOWN, true},
        {'L', 'R', 0, 0, 0, SIDE_UNKNOWN, true},
        {'R', 0, 0, 0, "US BREAST LEFT", SIDE_UNKNOWN, true},
        {0, 0, 0, "L12-5 probe", 0, SIDE_UNKNOWN, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dicom_instance h = {0};
        struct image_class class;
        h.image_laterality = rows[i].image;
        h.laterality = rows[i].series;
        h.anatomic_laterality = rows[i].anatomic;
        set(h.image_comments, sizeof h.image_comments, rows[i].comments);
        set(h.study_description, sizeof h.study_description, rows[i].study);
        image_classify(&(struct image_evidence){.header = &h}, &class);

        if (class.side != rows[i].side || class.side_contradicted != rows[i].contradicted)
            fail_msg("row %zu: side %d, contradicted %d", i, (int)class.side,
                     class.side_contradicted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ladder_of_roles),
        cmocka_unit_test(every_word_on_the_side_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
