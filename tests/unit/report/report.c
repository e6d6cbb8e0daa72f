/* Whole reports of synthetic studies, read back with the tools hospitals use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "dicom/setup.h"
#include "report/report.h"

#include "fixture.h"

static char root[256];

static const struct study_options CASES[] = {
    {.name = "usual", .side = SIDE_LEFT},
    {.name = "right", .side = SIDE_RIGHT},
    {.name = "unknown-side", .side = SIDE_UNKNOWN, .no_risk = true},
    {.name = "uncalibrated", .side = SIDE_LEFT, .uncalibrated = true, .no_risk = true},
    {.name = "tumour-only", .side = SIDE_LEFT, .no_node = true, .no_risk = true},
    {.name = "node-only", .side = SIDE_RIGHT, .no_tumour = true},
    {.name = "nothing", .side = SIDE_LEFT, .no_tumour = true, .no_node = true, .no_risk = true},
    {.name = "no-hilum", .side = SIDE_LEFT, .no_hilum = true},
    {.name = "loop", .side = SIDE_LEFT, .frames = 7},
    {.name = "two-sizes", .side = SIDE_LEFT, .node_rows = 301, .node_columns = 403},
    {.name = "odd-size-loop",
     .side = SIDE_LEFT,
     .node_rows = 333,
     .node_columns = 257,
     .frames = 2},
    {.name = "one-pixel", .side = SIDE_LEFT, .radius = 0.4, .no_hilum = true},
    {.name = "few-pixels", .side = SIDE_LEFT, .radius = 1.1, .no_hilum = true},
    {.name = "accents", .side = SIDE_LEFT, .patient_name = "Müller-Lüdenscheidt^Zoë"},
    {.name = "chinese", .side = SIDE_LEFT, .patient_name = "Wang^XiaoDong=王^小东"},
    {.name = "gb18030", .side = SIDE_LEFT, .spoil = "gb18030"},
    {.name = "latin1", .side = SIDE_LEFT, .spoil = "latin1"},
    {.name = "korean", .side = SIDE_LEFT, .spoil = "korean"},
    {.name = "bare", .side = SIDE_LEFT, .spoil = "bare"},
    {.name = "hostile", .side = SIDE_LEFT, .spoil = "hostile"},
    {.name = "deidentified", .side = SIDE_LEFT, .spoil = "deidentified"},
    {.name = "implicit", .side = SIDE_LEFT, .spoil = "implicit"},
    {.name = "generation-2", .side = SIDE_LEFT, .generation = 2},
    {.name = "long-texts", .side = SIDE_LEFT, .long_texts = true, .no_risk = true, .generation = 3},
    {.name = "long-texts-risk", .side = SIDE_LEFT, .long_texts = true},
};

/* A command that must succeed; its output says why it did not. */
static void check_tool(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void check_tool(const char *format, ...)
{
    struct buffer output = {0};
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (run(&output, "%s", command) != 0)
        fail_msg("%s\n%s", command, buffer_text(&output));
    buffer_release(&output);
}

/* Neither an error nor a warning, but for our private coding scheme, which dciodvfy cannot know,
 * what a source without patient or study lacks for a DICOMDIR, and a side that is unknown. */
static void check_iod(const char *folder, const struct report_object *object)
{
    struct buffer output = {0};
    run(&output,
        "dciodvfy -new '%s/%s' 2>&1 | grep -v -e 'Unrecognized defined term = <99AXNODE>' "
        "-e 'that would be needed to build DICOMDIR' "
        "-e 'is only permitted to be empty when actually unknown'",
        folder, object->file_name);
    if (strstr(buffer_text(&output), "Error") || strstr(buffer_text(&output), "Warning") ||
        !*buffer_text(&output)) /* it names the IOD when all is well */
        fail_msg("%s/%s:\n%s", folder, object->file_name, buffer_text(&output));
    buffer_release(&output);
}

static void write_mask(const struct study *s, const char *name, const struct mask *mask)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s.mask", s->folder, name);
    if (mask->pixels)
        assert_int_equal(file_write(path, mask->pixels, (size_t)mask->rows * mask->columns, NULL),
                         0);
}

/* What the reader script expects, beside the objects. */
static void write_expected(const struct study *s, const struct report_object *objects, int count)
{
    char *json = NULL, path[600];
    assert_int_equal(report_json(&s->input, objects, count, &json, NULL), 0);
    snprintf(path, sizeof path, "%s/result.json", s->folder);
    assert_int_equal(file_write(path, json, strlen(json), NULL), 0);
    free(json);
    for (int i = 0; i < ROI_COUNT; i++)
        if (s->regions[i].found)
            write_mask(s, i ? "node" : "tumour", &s->regions[i].mask);
    if (s->regions[ROI_NODE].found && mask_count(&s->regions[ROI_NODE].hilum) > 0)
        write_mask(s, "node-hilum", &s->regions[ROI_NODE].hilum);
}

static void check_second_run(const struct study *s, const struct report_object *objects, int count)
{
    char again[300], path[600];
    struct report_object twice[REPORT_OBJECTS_MAX];
    int twice_count = 0;
    struct stat st;
    snprintf(again, sizeof again, "%s/again", s->folder);
    assert_int_equal(folder_make(again, NULL), 0);
    assert_int_equal(report_write(&s->input, again, twice, &twice_count, NULL), 0);
    assert_int_equal(twice_count, count);
    assert_memory_equal(twice, objects, sizeof *objects * (size_t)count);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", s->folder, objects[i].file_name);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    check_tool("cmp '%s/overlay.png' '%s/overlay.png' 2>&1", again, s->folder);
}

static void test_case(void **state)
{
    const struct study_options *o = *state;
    struct study s;
    struct error err = {0};
    struct report_object objects[REPORT_OBJECTS_MAX];
    int count = 0;
    study_make(o, root, &s);
    if (report_write(&s.input, s.folder, objects, &count, &err) < 0)
        fail_msg("%s: %s", err.message, err.detail);
    write_expected(&s, objects, count);
    for (int i = 0; i < count; i++)
        check_iod(s.folder, &objects[i]);
    check_tool("dsrdump '%s/sr.dcm' 2>&1 >/dev/null", s.folder);
    check_tool("dsr2html --charset-require '%s/sr.dcm' /dev/null 2>&1", s.folder);
    check_second_run(&s, objects, count);
    study_release(&s);
}

/* All of them at once, for Python starts slowly. */
static void test_content(void **state)
{
    (void)state;
    check_tool("/usr/bin/python3 " SOURCE_DIR "/tests/unit/report/read_report.py check '%s' 2>&1",
               root);
}

/* Input that breaks the rules is refused, and nothing is returned. */
static void test_refusals(void **state)
{
    const struct study_options o = {.name = "refused", .side = SIDE_LEFT};
    struct study s;
    struct report_object objects[REPORT_OBJECTS_MAX];
    int count = -7;
    struct error err;
    (void)state;
    study_make(&o, root, &s);
    const struct report_input good = s.input;
#define REFUSED(status_)                                                                           \
    do {                                                                                           \
        assert_int_equal(report_write(&s.input, s.folder, objects, &count, &err), status_);        \
        assert_int_equal(count, -7);                                                               \
        s.input = good;                                                                            \
    } while (0)
    s.input.intended_use = "";
    REFUSED(STATUS_INVALID);
    s.input.image_count = 0;
    REFUSED(STATUS_INVALID);
    s.input.image_count = 1; /* the node's image is the second */
    REFUSED(STATUS_INVALID);
    s.input.predecessor_sr_uid = "1.2.x";
    REFUSED(STATUS_INVALID);
    s.score.risk = 0.0 / 0.0;
    REFUSED(STATUS_INVALID);
    s.score.risk = 0.5;
    s.regions[0].mask.rows--;
    REFUSED(STATUS_INVALID);
    s.regions[0].mask.rows++;
    s.images[0].path = "/nowhere.dcm";
    REFUSED(STATUS_INVALID);
    s.images[0].path = s.paths[0];
    assert_int_equal(report_write(&s.input, "/nowhere", objects, &count, &err), STATUS_IO);
    study_release(&s);
}

int main(void)
{
    struct CMUnitTest tests[sizeof CASES / sizeof *CASES + 2];
    const size_t count = sizeof CASES / sizeof *CASES;
    snprintf(root, sizeof root, "%s/axnode-report-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(root) || dicom_setup(NULL) < 0)
        return 1;
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){CASES[i].name, test_case, NULL, NULL, (void *)&CASES[i]};
    tests[count] = (struct CMUnitTest){"content", test_content, NULL, NULL, NULL};
    tests[count + 1] = (struct CMUnitTest){"refusals", test_refusals, NULL, NULL, NULL};
    const int failed = _cmocka_run_group_tests("report", tests, count + 2, NULL, NULL);
    if (getenv("AXNODE_KEEP")) { /* to look at what was made */
        printf("kept in %s\n", root);
    } else {
        struct buffer output = {0};
        run(&output, "rm -rf '%s'", root);
        buffer_release(&output);
    }
    return failed;
}
