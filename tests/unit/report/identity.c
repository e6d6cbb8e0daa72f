/* Outlines read back from our segmentations, and regions that keep their tracking identifiers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "dicom/setup.h"
#include "report/identity.h"
#include "report/report.h"

#include "fixture.h"

static char root[256];

/* Write a report and read its segmentation back. */
static void write_first(const struct study_options *o, struct study *s,
                        struct seg_outline **ret_outlines, size_t *ret_count)
{
    struct report_object objects[REPORT_OBJECTS_MAX];
    struct error err = {0};
    char path[600];
    int count = 0;
    study_make(o, root, s);
    if (report_write(&s->input, s->folder, objects, &count, &err) < 0)
        fail_msg("%s", err.message);
    snprintf(path, sizeof path, "%s/seg.dcm", s->folder);
    if (seg_read(path, ret_outlines, ret_count, &err) < 0)
        fail_msg("%s", err.message);
}

static void check_mask(const struct seg_outline *outline, const struct mask *mask)
{
    assert_int_equal(outline->mask.rows, mask->rows);
    assert_int_equal(outline->mask.columns, mask->columns);
    assert_memory_equal(outline->mask.pixels, mask->pixels,
                        (size_t)mask->rows * (size_t)mask->columns);
}

/* Cortex and hilum come back as the one node that they are. Sizes that are no multiple of eight. */
static void test_outlines_come_back(void **state)
{
    const struct study_options cases[] = {
        {.name = "back", .side = SIDE_LEFT},
        {.name = "back-loop", .side = SIDE_LEFT, .frames = 5},
        {.name = "back-odd", .side = SIDE_LEFT, .no_tumour = true, .node_rows = 301, .node_columns = 403},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seg_outline *outlines = NULL;
        struct study s;
        size_t count = 0;
        write_first(&cases[i], &s, &outlines, &count);
        assert_int_equal(count, cases[i].no_tumour ? 1 : 2);
        const struct seg_outline *node = &outlines[count - 1];
        assert_string_equal(node->tracking_id, "node-1");
        assert_string_equal(node->sop_instance_uid, s.headers[1].sop_instance_uid);
        assert_int_equal(node->frame, cases[i].frames ? cases[i].frames / 2 + 1 : 0);
        check_mask(node, &s.regions[ROI_NODE].mask);
        if (count == 2)
            check_mask(&outlines[0], &s.regions[ROI_TUMOUR].mask);
        seg_outlines_free(outlines, count);
        study_release(&s);
    }
}

/* Move the set pixels `by` columns to the right. */
static void shift(struct mask *mask, int by)
{
    struct mask moved;
    assert_int_equal(mask_init(&moved, mask->rows, mask->columns, NULL), 0);
    for (int y = 0; y < mask->rows; y++)
        for (int x = by; x < mask->columns; x++)
            moved.pixels[y * mask->columns + x] = mask->pixels[y * mask->columns + x - by];
    mask_release(mask);
    *mask = moved;
}

static void assign(const struct study *s, struct arena *arena,
                   struct region_identity identities[ROI_COUNT])
{
    struct error err = {0};
    if (identity_assign(&s->input, arena, identities, &err) < 0)
        fail_msg("%s", err.message);
}

/* The tumour's ellipse is 240 pixels wide: moved by 60 it overlaps by 0.52 of the union, by 70 by
 * 0.46. */
static void test_identity(void **state)
{
    const struct study_options first = {.name = "first", .side = SIDE_LEFT};
    struct study_options second = {.name = "second", .side = SIDE_LEFT, .generation = 2};
    struct region_identity a[ROI_COUNT], b[ROI_COUNT];
    struct arena arena ARENA_AUTO;
    struct seg_outline *outlines = NULL;
    struct study before, now;
    size_t count = 0;
    (void)state;
    arena_init(&arena);
    write_first(&first, &before, &outlines, &count);
    assign(&before, &arena, a);
    second.previous = outlines;
    second.previous_count = count;
    study_make(&second, root, &now);
    shift(&now.regions[ROI_TUMOUR].mask, 60);
    assign(&now, &arena, b);
    for (int roi = 0; roi < ROI_COUNT; roi++) { /* both match */
        assert_string_equal(b[roi].tracking_uid, a[roi].tracking_uid);
        assert_string_equal(b[roi].tracking_id, a[roi].tracking_id);
    }
    shift(&now.regions[ROI_TUMOUR].mask, 10);
    assign(&now, &arena, b);
    assert_string_not_equal(b[ROI_TUMOUR].tracking_uid, a[ROI_TUMOUR].tracking_uid);
    assert_string_equal(b[ROI_TUMOUR].tracking_id, "tumour-2");
    assert_string_equal(b[ROI_NODE].tracking_uid, a[ROI_NODE].tracking_uid);
    now.images[1].header = &now.headers[0]; /* the same outline on another image */
    assign(&now, &arena, b);
    assert_string_not_equal(b[ROI_NODE].tracking_uid, a[ROI_NODE].tracking_uid);
    seg_outlines_free(outlines, count);
    study_release(&before);
    study_release(&now);
}

/* Files that are none of ours, or cut off anywhere, are refused; nothing is returned. */
static void test_bad_files(void **state)
{
    const struct study_options o = {.name = "bad", .side = SIDE_LEFT};
    struct seg_outline *outlines = NULL;
    struct buffer bytes = {0};
    struct error err = {0};
    struct study s;
    char path[600], cut[600];
    size_t count = 0;
    (void)state;
    write_first(&o, &s, &outlines, &count);
    seg_outlines_free(outlines, count);
    outlines = NULL;
    assert_true(seg_read(s.paths[0], &outlines, &count, &err) < 0); /* an ultrasound image */
    snprintf(path, sizeof path, "%s/seg.dcm", s.folder);
    snprintf(cut, sizeof cut, "%s/cut.dcm", s.folder);
    assert_int_equal(file_read(path, 1 << 24, &bytes, NULL), 0);
    for (size_t n = 0; n < bytes.size; n += 1 + bytes.size / 40) {
        assert_int_equal(file_write(cut, bytes.data, n, NULL), 0);
        assert_true(seg_read(cut, &outlines, &count, &err) < 0);
        assert_null(outlines);
    }
    assert_true(seg_read("/nowhere.dcm", &outlines, &count, &err) < 0);
    buffer_release(&bytes);
    study_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_outlines_come_back),
                                       cmocka_unit_test(test_identity),
                                       cmocka_unit_test(test_bad_files)};
    struct buffer output = {0};
    snprintf(root, sizeof root, "%s/axnode-identity-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(root) || dicom_setup(NULL) < 0)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run(&output, "rm -rf '%s'", root);
    buffer_release(&output);
    return failed;
}
