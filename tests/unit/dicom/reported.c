/* What structured reports of others state: by hand-made trees, and by a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "dicom/reported.h"
#include "dicom/sr.h"
#include "sample.h"

enum { ITEMS_MAX = 400 };

struct tree {
    struct sr_item items[ITEMS_MAX];
    struct sr_items all;
};

static int put(struct tree *t, int parent, enum sr_item_type type, const char *name,
               const char *scheme, const char *value, const char *value_scheme)
{
    struct sr_item *it = &t->items[t->all.count];
    assert_true(t->all.count < ITEMS_MAX);
    *it = (struct sr_item){.parent = parent, .type = type, .number = NAN};
    snprintf(it->name.value, sizeof it->name.value, "%s", name);
    snprintf(it->name.scheme, sizeof it->name.scheme, "%s", scheme);
    snprintf(it->value.value, sizeof it->value.value, "%s", value);
    snprintf(it->value.scheme, sizeof it->value.scheme, "%s", value_scheme);
    return (int)t->all.count++;
}

static int container(struct tree *t, int parent, const char *name)
{
    return put(t, parent, SR_ITEM_CONTAINER, name, "DCM", "", "");
}

static int code(struct tree *t, int parent, const char *name, const char *scheme,
                const char *value, const char *value_scheme)
{
    return put(t, parent, SR_ITEM_CODE, name, scheme, value, value_scheme);
}

static void side(struct tree *t, int parent, bool left)
{
    int at = code(t, parent, "272741003", "SCT", left ? "7771000" : "24028007", "SCT");
    t->items[at].modifier = true;
}

static int root(struct tree *t)
{
    memset(t, 0, sizeof *t);
    t->all.items = t->items;
    t->all.final = true;
    memcpy(t->all.content_date, "20260301", 9);
    return container(t, -1, "111400");
}

static struct reported report(const struct tree *t)
{
    struct reported r;
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(reported_of(&t->all, &arena, &r, NULL), 0);
    arena_release(&arena);
    return r;
}

static void assessment_with_its_side_and_date(void **state)
{
    (void)state;
    struct tree t;
    int section = container(&t, root(&t), "121070");
    side(&t, section, true);
    int item = code(&t, section, "111005", "DCM", "MA.II.A.5.4A", "BI");
    struct reported r = report(&t);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.values[0].name, "bi_rads");
    assert_string_equal(r.values[0].code, "4A");
    assert_int_equal(r.values[0].side, 'L');
    assert_string_equal(r.values[0].observed, "20260301");
    memcpy(t.items[section].observed, "20260215", 9);
    assert_string_equal(report(&t).values[0].observed, "20260215");
    memcpy(t.items[item].observed, "20260214", 9);
    assert_string_equal(report(&t).values[0].observed, "20260214");
    /* a container around it that names the other side: neither */
    side(&t, 0, false);
    assert_int_equal(report(&t).values[0].side, 0);
}

static void exact_codes_alone(void **state)
{
    (void)state;
    static const char *const rows[][4] = {{"111005", "99DCM", "MA.II.A.5.4A", "BI"},
                                          {"111005", "DCM", "MA.II.A.5.4a", "BI"},
                                          {"111005", "DCM", "4A", "BI"},
                                          {"111005", "DCM", "MA.II.A.5.4A", "SCT"},
                                          {"111005", "", "MA.II.A.5.4A", ""},
                                          {"", "", "", ""},
                                          {"121071", "DCM", "111301", "DCM"}}; /* nodal metastases */
    struct tree t;
    int top = root(&t);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        code(&t, top, rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
    assert_int_equal(report(&t).count, 0);
}

static void the_site_tells_the_side(void **state)
{
    (void)state;
    struct tree t;
    int group = container(&t, root(&t), "125007");
    int site = code(&t, group, "363698007", "SCT", "68171009", "SCT");
    side(&t, site, false);
    code(&t, group, "121071", "DCM", "127189005", "SCT");
    struct reported r = report(&t);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.values[0].code, "suspicious");
    assert_int_equal(r.values[0].side, 'R');
}

static void what_does_not_count(void **state)
{
    (void)state;
    for (int what = 0; what < 5; what++) {
        struct tree t;
        int section = container(&t, root(&t), what == 0 ? "121068" : "121070");
        int item = code(&t, section, "121071", "DCM", "127189005", "SCT");
        if (what == 1) { /* a modifier that is neither side nor place */
            int at = code(&t, item, "99", "99X", "98", "99X");
            t.items[at].modifier = true;
        } else if (what == 2) { /* quoted */
            int at = code(&t, section, "121001", "DCM", "121003", "DCM");
            t.items[at].context = true;
        } else if (what == 3) { /* a specimen */
            int at = code(&t, 0, "121024", "DCM", "121027", "DCM");
            t.items[at].context = true;
        } else if (what == 4) { /* absent */
            code(&t, item, "99", "99X", "121054", "DCM");
        }
        assert_int_equal(report(&t).count, 0);
    }
}

static void pathology_and_imaging_stay_apart(void **state)
{
    (void)state;
    struct tree t;
    int top = root(&t), results = container(&t, top, "111468");
    side(&t, results, false);
    code(&t, results, "111388", "DCM", "408643008", "SCT");
    code(&t, results, "111475", "DCM", "10828004", "SCT");
    code(&t, results, "121071", "DCM", "127189005", "SCT"); /* not by ultrasound */
    int ki67 = put(&t, results, SR_ITEM_NUMBER, "85330-9", "LN", "%", "UCUM");
    t.items[ki67].number = 22;
    code(&t, top, "111388", "DCM", "408643008", "SCT"); /* suspected, not proven */
    struct reported r = report(&t);
    assert_int_equal(r.count, 4);
    assert_string_equal(r.values[0].name, "histology");
    assert_string_equal(r.values[1].name, "malignancy_confirmed");
    assert_string_equal(r.values[2].name, "er_status");
    assert_true(r.values[3].number == 22 && !r.values[3].code);
}

static void sizes_of_the_breast(void **state)
{
    (void)state;
    static const struct {
        const char *site, *unit;
        double number, mm; /* 0: none */
    } rows[] = {{"76752008", "mm", 23, 23}, {"76752008", "cm", 2.5, 25}, {"76752008", "1", 23, 0},
                {"68171009", "mm", 23, 0}, {"76752008", "mm", NAN, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tree t;
        int group = container(&t, root(&t), "125007");
        code(&t, group, "363698007", "SCT", rows[i].site, "SCT");
        int axis = put(&t, group, SR_ITEM_NUMBER, "103339001", "SCT", rows[i].unit, "UCUM");
        t.items[axis].number = rows[i].number;
        struct reported r = report(&t);
        assert_int_equal(r.count, rows[i].mm > 0);
        if (r.count)
            assert_true(fabs(r.values[0].number - rows[i].mm) < 1e-9);
    }
}

static void the_overall_assessment_counts(void **state)
{
    (void)state;
    struct tree t;
    int top = root(&t), findings = container(&t, top, "121070");
    side(&t, findings, true);
    code(&t, findings, "111005", "DCM", "II.AC.b.2", "BI");
    int overall = container(&t, top, "111413");
    side(&t, overall, true);
    code(&t, overall, "111005", "DCM", "II.AC.b.5", "BI");
    int other = container(&t, top, "121070");
    side(&t, other, false);
    code(&t, other, "111005", "DCM", "II.AC.b.1", "BI");
    struct reported r = report(&t);
    assert_int_equal(r.count, 2);
    assert_string_equal(r.values[0].code, "5");
    assert_string_equal(r.values[1].code, "1");
    assert_int_equal(r.values[1].side, 'R');
}

static void a_flood_is_cut(void **state)
{
    (void)state;
    struct tree t;
    int top = root(&t);
    for (int i = 0; i < ITEMS_MAX - 1; i++)
        code(&t, top, "111005", "DCM", "MA.II.A.5.6", "BI");
    assert_int_equal(report(&t).count, REPORTED_MAX);
}

static void classes(void **state)
{
    (void)state;
    assert_true(reported_class("1.2.840.10008.5.1.4.1.1.88.34"));
    assert_true(reported_class("1.2.840.10008.5.1.4.1.1.88.11"));
    assert_false(reported_class("1.2.840.10008.5.1.4.1.1.88.59"));
    assert_false(reported_class("1.2.840.10008.5.1.4.1.1.88.3"));
    assert_false(reported_class("1.2.840.10008.5.1.4.1.1.6.1"));
    assert_false(reported_class(""));
}

/* Cut off anywhere, or with any byte changed, it is read or refused. */
static void damage(const char *path, const struct dicom_limits *limits)
{
    struct buffer whole = {0};
    struct reported r;
    sample_load(path, &whole);
    for (size_t i = 132; i < whole.size; i += 7) {
        char *byte = &whole.data[i];
        const char before = *byte;
        *byte = (char)(before ^ (1 << i % 8));
        sample_save(path, whole.data, whole.size);
        reported_read(path, limits, &r, NULL);
        *byte = before;
        sample_save(path, whole.data, i);
        reported_read(path, limits, &r, NULL);
    }
    buffer_release(&whole);
}

/* Through a file: written by our own writer, which leaves it unverified. */
static void a_file(void **state)
{
    (void)state;
    char folder[SAMPLE_PATH_SIZE], image[SAMPLE_PATH_SIZE], path[SAMPLE_PATH_SIZE];
    sample_folder_make(folder);
    sample_write(folder, "image.dcm", 1, 1, "1.2.3.4", image);
    sample_path(folder, "sr.dcm", path);
    struct sr_node left = {.relation = SR_HAS_CONCEPT_MOD, .type = SR_CODE,
                           .name = {"272741003", "SCT", "Laterality"},
                           .code = {"7771000", "SCT", "Left"}};
    struct sr_node category = {.type = SR_CODE, .name = {"111005", "DCM", "Assessment Category"},
                               .code = {"MA.II.A.5.4B", "BI", "4B"}, .first_child = &left};
    struct sr_node top = {.type = SR_CONTAINER, .name = {"111400", "DCM", "Breast Imaging Report"},
                          .first_child = &category};
    struct sr_document document = {
        .object = {.source_path = image, .sop_instance_uid = "1.2.3.5", .series_number = 9,
                   .series_instance_uid = "1.2.3.6", .series_description = "Report",
                   .software_version = "1", .created_us = 1772352000000000},
        .root = &top, .completion_text = "test"};
    const struct dicom_limits limits = dicom_limits_default();
    struct reported r;
    struct error err = {0};
    if (sr_write(&document, path, &err) < 0 || reported_read(path, &limits, &r, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    assert_false(r.final);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.values[0].code, "4B");
    assert_int_equal(r.values[0].side, 'L');
    assert_string_equal(r.values[0].observed, "20260301");
    assert_int_equal(reported_read(image, &limits, &r, NULL), 0); /* states nothing */
    assert_int_equal(r.count, 0);
    damage(path, &limits);
    sample_path(folder, "none.dcm", path);
    assert_int_equal(reported_read(path, &limits, &r, NULL), STATUS_NOT_FOUND);
    sample_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assessment_with_its_side_and_date), cmocka_unit_test(exact_codes_alone),
        cmocka_unit_test(the_site_tells_the_side), cmocka_unit_test(what_does_not_count),
        cmocka_unit_test(pathology_and_imaging_stay_apart), cmocka_unit_test(sizes_of_the_breast),
        cmocka_unit_test(the_overall_assessment_counts), cmocka_unit_test(a_flood_is_cut),
        cmocka_unit_test(classes), cmocka_unit_test(a_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
