/* The pages people see: what stands on them, where it stands, and the nomogram's arithmetic. */
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

#include "base/file.h"
#include "dicom/setup.h"
#include "image/png.h"
#include "report/html.h"
#include "report/nomogram.h"
#include "report/picture.h"
#include "report/terms.h"

#include "fixture.h"
#include "model.h"

static char root[256];

static void study_end(struct study *s)
{
    s->score.contributions = NULL; /* the model's */
    study_release(s);
}

/* ---- arithmetic ---- */

static void check_nomogram(const struct nomogram *n, const struct score *score)
{
    double total = 0, most = 0;
    for (size_t i = 0; i < n->count; i++) {
        const struct nomogram_scale *scale = &n->scales[i];
        const struct contribution *c = scale->term;
        total += scale->points;
        most = fmax(most, fmax(scale->points_low, scale->points_high));
        assert_true(scale->points >= -1e-9 && scale->low < scale->high);
        if (!c)
            continue;
        assert_true(c->value >= scale->low && c->value <= scale->high);
        /* one unit of the linear predictor is as many points on every scale */
        const double least = fmin(c->coefficient * (scale->low - c->centre) / c->scale,
                                  c->coefficient * (scale->high - c->centre) / c->scale);
        assert_true(fabs(scale->points * n->unit + least - c->contribution) < 1e-9);
    }
    assert_true(fabs(total - n->total) < 1e-9);
    assert_true(n->total <= n->total_max + 1e-9);
    assert_true(fabs(nomogram_risk(n, n->total) - score->risk) < 1e-9);
    assert_true(fabs(nomogram_points(n, score->risk) - n->total) < 1e-6);
    assert_true(most < 100 + 1e-9);
}

static void test_nomogram(void **state)
{
    const struct study_options o = {.name = "nomogram", .side = SIDE_LEFT};
    struct arena arena;
    (void)state;
    for (int extra = 0; extra <= 20; extra += 5) {
        struct study s;
        struct model m;
        struct nomogram n;
        study_make(&o, root, &s);
        model_make(&m, &s, extra);
        arena_init(&arena);
        assert_true(nomogram_make(&s.input, &arena, &n));
        assert_int_equal(n.count, extra + 5 > NOMOGRAM_SCALES_MAX ? NOMOGRAM_SCALES_MAX : extra + 5);
        check_nomogram(&n, &s.score);
        if (extra == 0) {
            assert_string_equal(n.scales[0].label, "Tumour: long axis (mm)");
            assert_string_equal(n.scales[2].label, "score tumour_signature");
            assert_string_equal(n.scales[4].label, "BI-RADS category");
            assert_true(n.scales[0].low >= 0 && n.scales[4].high <= 4 && n.scales[4].low >= 1);
            assert_string_equal(terms_value(&arena, &m.package, "clinical_bi_rads", 3), "4C");
        } else if (extra + 5 > NOMOGRAM_SCALES_MAX) {
            assert_non_null(strstr(n.scales[NOMOGRAM_SCALES_MAX - 1].label, "other terms"));
        }
        s.score.has_risk = false;
        assert_false(nomogram_make(&s.input, &arena, &n));
        s.score.has_risk = true;
        s.input.package = NULL;
        assert_false(nomogram_make(&s.input, &arena, &n));
        arena_release(&arena);
        study_end(&s);
    }
}

/* ---- pages ---- */

struct page_case {
    struct study_options study;
    int extra; /* terms of the model; -1: no package */
    bool heat, clinical_use;
    int pages;
    /* Texts that must and must not be found in the PDF, "|" between them. */
    const char *there, *absent;
};

static const struct page_case CASES[] = {
    {{.name = "risk", .side = SIDE_LEFT}, .extra = 0, .pages = 2,
     .there = "NOT FOR CLINICAL USE|LEFT|Estimated risk of axillary lymph node metastasis|"
              "95 % interval|Risk group: high|cut-off of 40.7 %|Youden|mm|Tumour|"
              "Axillary lymph node|verification 1.0.0|e3b0c44298fc1c14|UNVERIFIED|page 1 of 2|"
              "Nomogram|Total points|tumour_signature|BI-RADS category: 4C|import: reader 2|"
              "2025-12-30|Patient ID PID-0815|not a finding of metastasis",
     .absent = "uncalibrated|No risk"},
    {{.name = "heat", .side = SIDE_RIGHT, .generation = 2}, .extra = 3, .heat = true, .pages = 2,
     .there = "RIGHT|where its score comes from|replaces the earlier report|replaces the report"},
    {{.name = "many-terms", .side = SIDE_LEFT}, .extra = 20, .pages = 2,
     .there = "other terms together"},
    {{.name = "clinical-use", .side = SIDE_LEFT}, .extra = 0, .clinical_use = true, .pages = 2,
     .there = "Intended use", .absent = "NOT FOR CLINICAL USE"},
    {{.name = "no-package", .side = SIDE_LEFT}, .extra = -1, .pages = 2,
     .there = "NOT FOR CLINICAL USE|gives no 95 % interval|cannot be drawn"},
    {{.name = "no-risk", .side = SIDE_UNKNOWN, .no_risk = true, .uncalibrated = true}, .extra = -1,
     .pages = 1,
     .there = "SIDE UNKNOWN|No risk estimated|The side is not known from the images|"
              "px (uncalibrated)|page 1 of 1|NOT FOR CLINICAL USE",
     .absent = "73.4|Nomogram|95 %|cut-off|Risk group"},
    {{.name = "no-node", .side = SIDE_LEFT, .no_node = true, .no_risk = true}, .extra = -1,
     .pages = 1, .there = "No axillary lymph node outlined|No risk estimated"},
    {{.name = "nothing", .side = SIDE_LEFT, .no_tumour = true, .no_node = true, .no_risk = true},
     .extra = -1, .pages = 1, .there = "No tumour outlined|No axillary lymph node outlined"},
    {{.name = "long-no-risk", .side = SIDE_LEFT, .long_texts = true, .no_risk = true,
      .generation = 3},
     .extra = -1, .pages = 2, .there = "In full: page 2|Reason 13 of many|Why no risk"},
    {{.name = "long-risk", .side = SIDE_LEFT, .long_texts = true}, .extra = 20, .pages = 3,
     .there = "In full: page 3|Notes in full|page 3 of 3"},
    {{.name = "one-pixel", .side = SIDE_LEFT, .radius = 0.4, .no_hilum = true}, .extra = 0,
     .pages = 2},
    {{.name = "others", .side = SIDE_LEFT, .others = 2}, .extra = -1, .pages = 4,
     .there = "73.4 %|Other packages|each on its own page|Further score: package "
              "segcls-2024-synthetic|beside the result on page 1|12.3 %|high nodal load|Risk group: low|"
              "cut-off of 61.2 %|Research on nodes|overlap by 0.71|Further score: package load-2023|"
              "Ki-67 is missing|page 4 of 4"},
    {{.name = "another-alone", .side = SIDE_RIGHT, .others = 1, .no_risk = true}, .extra = -1, .pages = 2,
     .there = "No risk estimated|score follows on its own page|12.3 %",
     .absent = "73.4"},
    {{.name = "loop", .side = SIDE_LEFT, .frames = 7}, .extra = 0, .pages = 2,
     .there = "frame 4 of 7"},
};

static void case_make(const struct page_case *c, struct study *s, struct model *m)
{
    study_make(&c->study, root, s);
    if (c->extra >= 0)
        model_make(m, s, c->extra);
    m->package.clinical_use = c->clinical_use;
    for (int i = 0; c->heat && i < ROI_COUNT; i++)
        heat_make(s, i);
}

static void case_end(const struct page_case *c, struct study *s)
{
    if (c->extra >= 0)
        study_end(s);
    else
        study_release(s);
}

/* As pixels: the right number of pages, each the same when drawn again. */
static void check_pixels(const struct page_case *c, const struct study *s)
{
    int pages = 0;
    assert_int_equal(picture_pages(&s->input, &pages, NULL), 0);
    assert_int_equal(pages, c->pages);
    for (int number = 1; number <= pages; number++) {
        struct image once = {0}, twice = {0};
        char path[600];
        assert_int_equal(picture_draw(&s->input, "PID-0815", number, &once, NULL), 0);
        assert_int_equal(picture_draw(&s->input, "PID-0815", number, &twice, NULL), 0);
        assert_int_equal(once.columns, SHEET_WIDTH);
        assert_int_equal(once.rows, SHEET_HEIGHT);
        assert_memory_equal(once.pixels, twice.pixels, (size_t)once.rows * once.columns * 3);
        snprintf(path, sizeof path, "%s/page-%d.png", s->folder, number);
        assert_int_equal(image_write_png(path, &once, NULL), 0);
        image_release(&once);
        image_release(&twice);
    }
}

/* As PDF: same bytes again; pages.py reads its words and where they stand. */
static void check_pdf(const struct page_case *c, const struct study *s)
{
    struct buffer once = {0}, twice = {0}, output = {0};
    char path[600];
    assert_int_equal(picture_pdf(&s->input, "PID-0815", &once, NULL), 0);
    assert_int_equal(picture_pdf(&s->input, "PID-0815", &twice, NULL), 0);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    snprintf(path, sizeof path, "%s/report.pdf", s->folder);
    assert_int_equal(file_write(path, once.data, once.size, NULL), 0);
    if (run(&output, "/usr/bin/python3 " SOURCE_DIR "/tests/unit/report/pages.py '%s' %d '%s' '%s' 2>&1",
            path, c->pages, c->there ? c->there : "", c->absent ? c->absent : "") != 0)
        fail_msg("%s: %s", c->study.name, buffer_text(&output));
    buffer_release(&once);
    buffer_release(&twice);
    buffer_release(&output);
}

static void test_case(void **state)
{
    const struct page_case *c = *state;
    struct study s;
    struct model m = {0};
    case_make(c, &s, &m);
    check_pixels(c, &s);
    check_pdf(c, &s);
    case_end(c, &s);
}

/* ---- the HTML page ---- */

static const char HOSTILE[] = "<script>alert('1')</script> & \"quoted\" ]]> \xff\x01 <img src=x>";

/* Everything that others can write is markup now; pages.py checks the page. */
static void test_html(void **state)
{
    const struct study_options o = {.name = "html", .side = SIDE_LEFT, .frames = 3};
    const char *notes[] = {HOSTILE};
    const struct evidence evidence = {.kind = EVIDENCE_SINGLE_LESION, .why = "<b>no</b>"};
    struct package_criterion criterion = {.evidence = EVIDENCE_SINGLE_LESION, .text = HOSTILE};
    const struct report_object object = {.kind = "sr", .file_name = "<sr>.dcm"};
    struct buffer once = {0}, twice = {0}, output = {0};
    struct study s;
    struct model m;
    char path[600];
    (void)state;
    study_make(&o, root, &s);
    model_make(&m, &s, 3);
    heat_make(&s, ROI_NODE);
    m.clinical[1].text = m.package.name = HOSTILE;
    m.package.population = &criterion;
    m.package.population_count = 1;
    snprintf(m.values[1].source_text, sizeof m.values[1].source_text, "%s", HOSTILE);
    snprintf(s.score.group, sizeof s.score.group, "<i>high</i>");
    s.input.notes = notes;
    s.input.note_count = 1;
    s.input.eligibility = &evidence;
    s.input.intended_use = s.input.outcome_text = s.input.cutoff_rule = s.input.population = HOSTILE;
    s.input.package_name = s.input.package_version = s.input.package_digest = HOSTILE;
    snprintf(s.headers[0].patient_id, sizeof s.headers[0].patient_id, "%s", HOSTILE);
    assert_int_equal(html_write(&s.input, &object, 1, &once, NULL), 0);
    assert_int_equal(html_write(&s.input, &object, 1, &twice, NULL), 0);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    snprintf(path, sizeof path, "%s/report.html", s.folder);
    assert_int_equal(file_write(path, once.data, once.size, NULL), 0);
    if (run(&output, "/usr/bin/python3 " SOURCE_DIR "/tests/unit/report/html_page.py '%s' 2>&1",
            path) != 0)
        fail_msg("%s", buffer_text(&output));
    buffer_release(&once);
    buffer_release(&twice);
    buffer_release(&output);
    study_end(&s);
}

/* ---- text stays in its box ---- */

static const char *const TEXTS[] = {
    "short",
    "Several words that go on for longer than one line has room for, so that they wrap",
    "Onewordthatislongerthananylinecanbeandhasnoblankatallwhereitcouldbebrokenintotwoparts",
    "• a list\n• of two",
    "Ünïcödé und 王小东, Ωμέγα — “quotes” and … more of it, again and again and again and again",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "",
};

/* Every pixel that a text changes lies in its box; two pixels for the edges of letters. */
static void check_inside(struct box box, const char *text, struct style style)
{
    enum { SIDE = 400, EDGE = 2 };
    struct page page;
    struct image drawn = {0};
    assert_int_equal(page_init(&page, SIDE, SIDE, 0, NULL), 0);
    const double height = page_text(&page, box, text, style);
    assert_true(height <= box.height + 1e-9);
    assert_int_equal(page_take(&page, &drawn, NULL), 0);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (drawn.pixels[3 * (y * SIDE + x)] &&
                (x < box.x - EDGE || x > box.x + box.width + EDGE || y < box.y - EDGE ||
                 y > box.y + box.height + EDGE))
                fail_msg("'%s' leaves its box at %d, %d", text, x, y);
    image_release(&drawn);
    page_release(&page);
}

static void test_text(void **state)
{
    const struct box boxes[] = {{100, 100, 200, 30}, {50, 60, 300, 200}, {120, 20, 60, 350},
                                {100, 100, 40, 60},  {20, 200, 360, 18}};
    (void)state;
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
        for (size_t t = 0; t < sizeof TEXTS / sizeof *TEXTS; t++)
            for (int k = 0; k < 6; k++)
                check_inside(boxes[b], TEXTS[t],
                             (struct style){k < 3 ? 30 : 16, k < 3 ? 8 : 16, k % 2,
                                            (enum page_align)(k % 3), 0xFFFFFF});
}

int main(void)
{
    enum { CASE_COUNT = sizeof CASES / sizeof *CASES };
    struct CMUnitTest tests[CASE_COUNT + 3];
    snprintf(root, sizeof root, "%s/axnode-pages-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(root) || dicom_setup(NULL) < 0)
        return 1;
    for (size_t i = 0; i < CASE_COUNT; i++)
        tests[i] = (struct CMUnitTest){CASES[i].study.name, test_case, NULL, NULL,
                                       (void *)&CASES[i]};
    tests[CASE_COUNT] = (struct CMUnitTest){"nomogram", test_nomogram, NULL, NULL, NULL};
    tests[CASE_COUNT + 1] = (struct CMUnitTest){"text", test_text, NULL, NULL, NULL};
    tests[CASE_COUNT + 2] = (struct CMUnitTest){"html", test_html, NULL, NULL, NULL};
    const int failed = _cmocka_run_group_tests("pages", tests, CASE_COUNT + 3, NULL, NULL);
    if (getenv("AXNODE_KEEP")) { /* to look at what was made */
        printf("kept in %s\n", root);
    } else {
        struct buffer output = {0};
        run(&output, "rm -rf '%s'", root);
        buffer_release(&output);
    }
    return failed;
}
