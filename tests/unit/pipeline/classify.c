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
        /* A lymph node is the axilla's where breast or axilla were looked at. */
        {"SCT", "59441001", 0, 0, 0, 0, ROI_COUNT, false, ""},
        {"SCT", "59441001", 0, 0, "BREAST", 0, ROI_NODE, false, "(0008,2218) Anatomic Region"},
        {"", "", "LN", "Neck", "NECK", 0, ROI_COUNT, false, ""},
        {"", "", "LN 2", 0, 0, "US BREAST AND AXILLA", ROI_NODE, false,
         "(0020,4000) Image Comments"},
        {"", "", "axillary lymph node", 0, 0, 0, ROI_NODE, false, "(0020,4000) Image Comments"},
        {"", "", "LYMPH NODE OF THE BREAST", 0, 0, 0, ROI_COUNT, false, ""},
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

/* Words on the screen, and the view network, beside the header. */
static void what_the_picture_itself_says(void **state)
{
    (void)state;
    enum { B = ANNOTATION_BREAST, A = ANNOTATION_AXILLA, N = ANNOTATION_LYMPH_NODE,
           L = ANNOTATION_LEFT, R = ANNOTATION_RIGHT };
    static const double axilla[] = {0.04, 0.95, 0.01}, unsure[] = {0.5, 0.45, 0.05},
                        other[] = {0.02, 0.03, 0.95};
    static const struct {
        const char *comments, *series, *study;
        char laterality;
        int region, side; /* of the words; 0: they do not say */
        bool two_regions, two_sides;
        const double *view;
        enum roi role;
        enum side decided;
        bool role_contradicted, side_contradicted;
        const char *role_source, *side_source, *remark; /* NULL: none */
    } rows[] = {
        /* The header is silent. */
        {0, 0, 0, 0, A, L, 0, 0, 0, ROI_NODE, SIDE_LEFT, 0, 0, "words on the screen: AX",
         "words on the screen: ESQ", 0},
        {0, 0, 0, 0, A, L, 1, 1, 0, ROI_COUNT, SIDE_UNKNOWN, 0, 0, "", "", 0},
        /* It agrees: its own sources stand. */
        {"AXILLA L", 0, 0, 0, A, L, 0, 0, 0, ROI_NODE, SIDE_LEFT, 0, 0,
         "(0020,4000) Image Comments", "(0020,4000) Image Comments", 0},
        /* The image's own attributes against the words: nobody wins. */
        {"BREAST", 0, 0, 0, A, 0, 0, 0, 0, ROI_COUNT, SIDE_UNKNOWN, 1, 0, 0, 0,
         "the words on it name the axilla, its attributes the breast"},
        {"BREAST", 0, 0, 'L', B, R, 0, 0, 0, ROI_TUMOUR, SIDE_UNKNOWN, 0, 1, 0, 0,
         "the words on it name the right side, its attributes the left"},
        {0, 0, "US BREAST LEFT", 0, 0, R, 0, 0, 0, ROI_TUMOUR, SIDE_UNKNOWN, 0, 1, 0, 0,
         "the words on it name the right side"},
        /* Series and study say less of an image than its words. */
        {0, "US BREAST", 0, 0, A, 0, 0, 0, 0, ROI_NODE, SIDE_UNKNOWN, 0, 0,
         "words on the screen: AX", 0, "its series or study the breast"},
        {"AXILLA", "US BREAST", 0, 0, A, 0, 0, 0, 0, ROI_NODE, SIDE_UNKNOWN, 0, 0,
         "(0020,4000) Image Comments", 0, 0},
        {0, 0, 0, 0, N, L, 0, 0, 0, ROI_COUNT, SIDE_LEFT, 0, 0, "", "words on the screen: ESQ", 0},
        {0, 0, "US BREAST", 0, N, 0, 0, 0, 0, ROI_NODE, SIDE_UNKNOWN, 0, 0,
         "words on the screen: AX", 0, "its series or study the breast"},
        /* The network is asked last, where breast or axilla were examined, and is only remarked on
         * when it differs. */
        {0, 0, "BREAST AND AXILLA", 0, 0, 0, 0, 0, axilla, ROI_NODE, SIDE_UNKNOWN, 0, 0,
         "view network", "", 0},
        {0, 0, "BREAST AND AXILLA", 0, 0, 0, 0, 0, unsure, ROI_COUNT, SIDE_UNKNOWN, 0, 0, "", "", 0},
        {0, 0, "BREAST AND AXILLA", 0, 0, 0, 0, 0, other, ROI_COUNT, SIDE_UNKNOWN, 0, 0, "", "", 0},
        {0, 0, "BREAST AND AXILLA", 0, A, 0, 1, 0, axilla, ROI_COUNT, SIDE_UNKNOWN, 0, 0, "", "", 0},
        {0, 0, "ECHO", 0, 0, 0, 0, 0, axilla, ROI_COUNT, SIDE_UNKNOWN, 0, 0, "", "", 0},
        {0, 0, 0, 0, 0, 0, 0, 0, axilla, ROI_COUNT, SIDE_UNKNOWN, 0, 0, "", "", 0},
        {0, 0, "US BREAST", 0, 0, 0, 0, 0, axilla, ROI_TUMOUR, SIDE_UNKNOWN, 0, 0,
         "(0008,1030) Study Description", "", "named breast, it looks like the axilla (0.95)"},
        {0, 0, "US BREAST", 0, 0, 0, 0, 0, unsure, ROI_TUMOUR, SIDE_UNKNOWN, 0, 0, 0, 0, 0},
    };
    const struct view_network network = {.confidence_min = 0.8};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dicom_instance h = {.image_laterality = rows[i].laterality};
        struct annotation words = {
            .region = rows[i].two_regions ? 0 : (enum annotation_region)rows[i].region,
            .side = rows[i].two_sides ? 0 : (enum annotation_side)rows[i].side,
            .region_contradicted = rows[i].two_regions, .side_contradicted = rows[i].two_sides,
            .region_source = {.text = "AX", .confidence = 0.9},
            .side_source = {.text = "ESQ", .confidence = 0.8}};
        const struct image_evidence evidence = {
            .header = &h, .words = &words, .view = rows[i].view, .view_network = &network};
        struct image_class c;
        set(h.image_comments, sizeof h.image_comments, rows[i].comments);
        set(h.series_description, sizeof h.series_description, rows[i].series);
        set(h.study_description, sizeof h.study_description, rows[i].study);
        image_classify(&evidence, &c);
        const char *remark = c.remark_count ? c.remarks[0] : NULL;
        if (c.role != rows[i].role || c.side != rows[i].decided ||
            c.role_contradicted != rows[i].role_contradicted ||
            c.role_by_view != (strcmp(c.role_source, "view network") == 0) ||
            c.side_contradicted != rows[i].side_contradicted ||
            (rows[i].role_source && strcmp(c.role_source, rows[i].role_source) != 0) ||
            (rows[i].side_source && strcmp(c.side_source, rows[i].side_source) != 0) ||
            !remark != !rows[i].remark || (remark && !strstr(remark, rows[i].remark)))
            fail_msg("row %zu: role %d by '%s', side %d by '%s', remark '%s'", i, (int)c.role,
                     c.role_source, (int)c.side, c.side_source, remark ? remark : "");
    }
}

static void whose_picture_it_is(void **state)
{
    (void)state;
    const struct dicom_instance h = {.image_laterality = 'L'};
    struct annotation words = {.identity = ANNOTATION_IDENTITY_MATCH};
    const struct image_evidence evidence = {.header = &h, .words = &words};
    struct image_class c;
    image_classify(&evidence, &c);
    assert_false(c.identity_contradicted);
    words.identity = ANNOTATION_IDENTITY_CONTRADICTION;
    image_classify(&evidence, &c);
    assert_true(c.identity_contradicted);
    assert_non_null(strstr(c.remarks[0], "another patient"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ladder_of_roles),
        cmocka_unit_test(every_word_on_the_side_is_compared),
        cmocka_unit_test(what_the_picture_itself_says),
        cmocka_unit_test(whose_picture_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
