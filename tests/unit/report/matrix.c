/* A matrix of reports, every object of which dciodvfy and our checker of templates are to like:
 * each kind of study on each side, in different generations. */
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
#include "report/report.h"

#include "fixture.h"

static char root[256];

/* What the studies differ in; sides and generations come on top. */
static const struct study_options KINDS[] = {
    {.name = "usual"},
    {.name = "uncalibrated", .uncalibrated = true, .no_risk = true},
    {.name = "uncalibrated-risk", .uncalibrated = true},
    {.name = "no-node", .no_node = true, .no_risk = true, .reason = "No lymph node was outlined"},
    {.name = "no-tumour", .no_tumour = true},
    {.name = "nothing", .no_tumour = true, .no_node = true, .no_risk = true},
    {.name = "no-hilum", .no_hilum = true, .terms = true},
    {.name = "loop", .frames = 7},
    {.name = "two-sizes", .node_rows = 301, .node_columns = 403, .terms = true},
    {.name = "one-object", .one_object = true, .grey = true},
    {.name = "grey", .grey = true, .interval = true},
    {.name = "terms", .terms = true, .interval = true, .group = "high", .clinical = true},
    {.name = "group", .group = "low", .interval = true},
    {.name = "own-group", .group = "3 or more nodes likely", .terms = true},
    {.name = "clinical", .clinical = true, .no_risk = true, .reason = "BI-RADS category is missing"},
    {.name = "incomplete", .no_risk = true, .reason = "The package is incomplete: it has no intercept"},
    {.name = "unsure", .unsure = true, .no_risk = true, .reason = "The outline is unsure"},
    {.name = "estimated", .estimated = true, .terms = true},
    {.name = "touching", .touching = true},
    {.name = "bilateral", .note = "a tumour was outlined on both sides", .no_risk = true},
    {.name = "looked-at", .extra_images = 4},
    {.name = "chinese", .patient_name = "Wang^XiaoDong=王^小东", .group = "moderate"},
    {.name = "accents", .patient_name = "Müller-Lüdenscheidt^Zoë", .frames = 2},
    {.name = "few-pixels", .radius = 1.1, .no_hilum = true},
    {.name = "another", .others = 1, .terms = true, .clinical = true},
    {.name = "others", .others = 4, .interval = true},
    {.name = "others-alone", .others = 2, .no_risk = true, .no_tumour = true, .clinical = true},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS, SIDE_COUNT = 3, CASE_COUNT = KIND_COUNT * SIDE_COUNT };

/* Each side of each kind, the unknown one without a risk; generations 1 to 3 by turns. */
static void test_kind(void **state)
{
    const struct study_options *kind = *state;
    for (int side = 0; side < SIDE_COUNT; side++) {
        struct study_options o = *kind;
        struct report_object objects[REPORT_OBJECTS_MAX];
        struct study s;
        struct error err = {0};
        char name[64];
        int count = 0;
        snprintf(name, sizeof name, "%s-%d", kind->name, side);
        o.name = name;
        o.side = (enum side)side;
        o.generation = (int)((kind - KINDS) + side) % 3 + 1;
        o.no_risk = o.no_risk || o.side == SIDE_UNKNOWN;
        study_make(&o, root, &s);
        if (report_write(&s.input, s.folder, objects, &count, &err) < 0)
            fail_msg("%s: %s", err.message, err.detail);
        study_release(&s);
    }
}

static void check_output(const char *command)
{
    struct buffer output = {0};
    const int status = run(&output, "%s", command);
    if (status != 0)
        fail_msg("%s\n%s", command, buffer_text(&output));
    print_message("%s", buffer_text(&output));
    buffer_release(&output);
}

/* Neither errors nor warnings, but for what dciodvfy cannot know: our coding scheme, and that a side is
 * unknown indeed. It names the IOD of each object that it read. */
static void test_iods(void **state)
{
    char command[2048];
    (void)state;
    snprintf(command, sizeof command,
             "cd '%s' && ls */*.dcm | grep -v source- >objects && "
             "xargs -P2 -I{} sh -c 'dciodvfy -new {} >{}.iod 2>&1' <objects; "
             "grep -h -e '^Error' -e '^Warning' */*.iod | grep -v "
             "-e 'Unrecognized defined term = <99AXNODE>' "
             "-e 'is only permitted to be empty when actually unknown' && exit 1; "
             "test -z \"$(find . -name '*.iod' -empty)\" && "
             "test $(wc -l <objects) -ge %d && echo $(wc -l <objects) objects of %d cases",
             root, CASE_COUNT * 5, CASE_COUNT);
    check_output(command);
}

static void test_templates(void **state)
{
    char command[1024];
    (void)state;
    snprintf(command, sizeof command,
             "/usr/bin/python3 " SOURCE_DIR "/tests/unit/report/templates.py '%s' 2>&1", root);
    check_output(command);
}

static void test_checker(void **state)
{
    char command[2048];
    (void)state;
    snprintf(command, sizeof command,
             "cd '%s' && /usr/bin/python3 " SOURCE_DIR "/tests/unit/report/prove_templates.py "
             "terms-1/sr.dcm nothing-1/sr.dcm loop-2/sr.dcm clinical-1/sr.dcm unsure-0/sr.dcm "
             "looked-at-2/sr.dcm another-1/sr.dcm others-alone-2/sr.dcm terms-1/ko.dcm 2>&1",
             root);
    check_output(command);
}

int main(void)
{
    struct CMUnitTest tests[KIND_COUNT + 3];
    snprintf(root, sizeof root, "%s/axnode-matrix-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (system("command -v dciodvfy >/dev/null") != 0) /* package dicom3tools */
        return 77;
    if (!mkdtemp(root) || dicom_setup(NULL) < 0)
        return 1;
    for (size_t i = 0; i < KIND_COUNT; i++)
        tests[i] = (struct CMUnitTest){KINDS[i].name, test_kind, NULL, NULL, (void *)&KINDS[i]};
    tests[KIND_COUNT] = (struct CMUnitTest){"iods", test_iods, NULL, NULL, NULL};
    tests[KIND_COUNT + 1] = (struct CMUnitTest){"templates", test_templates, NULL, NULL, NULL};
    tests[KIND_COUNT + 2] = (struct CMUnitTest){"checker", test_checker, NULL, NULL, NULL};
    const int failed = _cmocka_run_group_tests("matrix", tests, KIND_COUNT + 3, NULL, NULL);
    if (getenv("AXNODE_KEEP")) { /* to look at what was made */
        printf("kept in %s\n", root);
    } else {
        struct buffer output = {0};
        run(&output, "rm -rf '%s'", root);
        buffer_release(&output);
    }
    return failed;
}
