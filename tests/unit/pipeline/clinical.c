/* What a run gathers of a patient, whose it takes, and what it makes of it for a side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "pipeline/run.h"

static const struct clinical_step steps[] = {{"negative", 0}, {"suspicious", 1}};
static const struct clinical_step no_yes[] = {{"no", 0}, {"yes", 1}};

struct patient {
    struct run run;
    struct pipeline_settings settings;
    struct pipeline_job job;
    struct package package;
    struct clinical_input inputs[2];
    struct package_criterion population[1];
    struct study_image images[2];
    struct dicom_instance headers[2];
    struct candidate tumour, node;
    struct candidate *pair[ROI_COUNT];
    struct clinical_record records[4];
};

static struct patient *make(void)
{
    struct patient *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->inputs[0] = (struct clinical_input){.variable = clinical_variable_find("age"),
                                           .text = "Age",
                                           .sources = {CLINICAL_DICOM},
                                           .source_count = 1,
                                           .tolerance = 1,
                                           .has_fallback = true,
                                           .fallback = 50};
    p->inputs[1] = (struct clinical_input){.variable = clinical_variable_find("us_node_status"),
                                           .text = "Node status",
                                           .kind = CLINICAL_BINARY,
                                           .steps = steps,
                                           .step_count = 2,
                                           .sources = {CLINICAL_IMPORT, CLINICAL_MEASURED},
                                           .source_count = 2,
                                           .max_age_days = 30,
                                           .same_side = true,
                                           .criteria = {2, 3.5, false}};
    p->population[0] = (struct package_criterion){
        .evidence = EVIDENCE_MALIGNANCY_CONFIRMED,
        .text = "proven",
        .rule = {.variable = clinical_variable_find("malignancy_confirmed"), .text = "proven",
                 .kind = CLINICAL_BINARY, .steps = no_yes, .step_count = 2,
                 .sources = {CLINICAL_IMPORT}, .source_count = 1, .max_age_days = 30,
                 .same_side = true}};
    p->package = (struct package){.name = "test", .required = {true, true},
                                  .clinical = p->inputs, .clinical_count = 2,
                                  .population = p->population, .population_count = 1};
    p->run = (struct run){.settings = &p->settings, .job = &p->job, .package = &p->package,
                          .images = p->images, .image_count = 2};
    arena_init(&p->run.arena);
    for (int i = 0; i < 2; i++) {
        p->images[i].header = &p->headers[i];
        snprintf(p->headers[i].patient_id, 8, "P1");
        snprintf(p->headers[i].study_date, 9, "20260310");
        snprintf(p->headers[i].patient_birth_date, 9, "19700101");
        snprintf(p->headers[i].study_instance_uid, 8, "1.2.3");
    }
    p->node = p->tumour = (struct candidate){.side = SIDE_LEFT, .region = {.found = true}};
    p->node.region.calibration.source = CALIBRATION_REGION;
    p->node.region.measurements = (struct measurements){
        .axis_ratio = 1.5, .hilum_marked = true, .hilum = HILUM_PRESENT, .cortex_thickness_mm = 2};
    p->pair[ROI_TUMOUR] = &p->tumour;
    p->pair[ROI_NODE] = &p->node;
    p->job.clinical = p->records;
    return p;
}

static void drop(struct patient *p)
{
    arena_release(&p->run.arena);
    free(p);
}

static struct clinical_record *add(struct patient *p, const char *name, const char *value)
{
    struct clinical_record *r = &p->records[p->job.clinical_count++];
    const struct clinical_texts texts = {.patient_id = "P1", .issuer = "", .study_uid = "",
                                         .accession_number = "", .name = name, .value = value,
                                         .side = "left", .observed = "20260301", .source = ""};
    assert_int_equal(clinical_record_parse(&texts, r, NULL), 0);
    return r;
}

static void assess(struct patient *p, enum side tumour, enum side node)
{
    const enum side sides[ROI_COUNT] = {tumour, node};
    assert_int_equal(run_clinical_gather(&p->run, NULL), 0);
    assert_int_equal(run_clinical_choose(&p->run, p->pair, sides, &p->run.pick, NULL), 0);
    run_clinical_note(&p->run);
}

static bool noted(const struct patient *p, const char *words)
{
    for (size_t i = 0; i < p->run.note_count; i++)
        if (strstr(p->run.notes[i], words))
            return true;
    return false;
}

static void a_readers_status_and_proof(void **state)
{
    (void)state;
    struct patient *p = make();
    add(p, "us_node_status", "negative");
    add(p, "malignancy_confirmed", "yes");
    add(p, "margin", "spiculated"); /* the package does not ask for it */
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_int_equal(p->run.clinical.count, 3); /* with the age */
    assert_true(p->run.pick.inputs[0].number == 56);
    assert_true(p->run.pick.inputs[1].has_number && p->run.pick.inputs[1].number == 0);
    assert_string_equal(p->run.pick.evidence[0].source, "import: no words");
    assert_int_equal(p->run.note_count, 0);
    drop(p);
}

static void our_measurement_is_labelled(void **state)
{
    (void)state;
    struct patient *p = make();
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_true(p->run.pick.inputs[1].number == 1);
    assert_int_equal(p->run.pick.inputs[1].value->source, CLINICAL_MEASURED);
    assert_true(noted(p, "Node status: by our own measurements, not by a reader"));
    drop(p);
    p = make();
    p->node.region.unsure = true;
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_false(p->run.pick.inputs[1].has_number);
    drop(p);
    p = make();
    p->inputs[1].source_count = 1;
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_false(p->run.pick.inputs[1].has_number);
    assert_string_equal(p->run.pick.inputs[1].reason, "no accepted source has it");
    drop(p);
}

static void of_which_side(void **state)
{
    (void)state;
    static const enum side rows[][2] = {{SIDE_RIGHT, SIDE_RIGHT}, {SIDE_LEFT, SIDE_RIGHT},
                                        {SIDE_UNKNOWN, SIDE_LEFT}, {SIDE_LEFT, SIDE_UNKNOWN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct patient *p = make();
        add(p, "us_node_status", "negative");
        add(p, "malignancy_confirmed", "yes");
        p->node.side = SIDE_LEFT;
        assess(p, rows[i][0], rows[i][1]);
        assert_null(p->run.pick.inputs[1].value);
        assert_string_equal(p->run.pick.evidence[0].source, "");
        assert_true(*p->run.pick.evidence[0].why);
        drop(p);
    }
}

static void whose_values(void **state)
{
    (void)state;
    for (int what = 0; what < 5; what++) {
        struct patient *p = make();
        struct clinical_record *r = add(p, "malignancy_confirmed", "yes");
        r->issuer = what == 0 ? "H" : "";
        r->patient_id = what == 1 ? "P2" : "P1";
        r->study_uid = what == 2 ? "1.2.4" : what == 3 ? "1.2.3" : "";
        if (what == 3)
            r->patient_id = "P2";
        if (what == 4) /* images without an identifier are nobody's */
            p->headers[0].patient_id[0] = p->headers[1].patient_id[0] = '\0';
        assess(p, SIDE_LEFT, SIDE_LEFT);
        assert_string_equal(p->run.pick.evidence[0].source, "");
        assert_int_equal(noted(p, "name another patient"), what == 3);
        drop(p);
    }
}

static void evidence_that_says_no(void **state)
{
    (void)state;
    struct patient *p = make();
    add(p, "malignancy_confirmed", "no");
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_string_equal(p->run.pick.evidence[0].source, "");
    assert_string_equal(p->run.pick.evidence[0].why, "what is recorded says no");
    drop(p);
    p = make();
    add(p, "malignancy_confirmed", "no");
    add(p, "malignancy_confirmed", "yes")->value.observed += 1;
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_string_equal(p->run.pick.evidence[0].why, "two accepted values differ");
    drop(p);
}

static void ages_of_the_images(void **state)
{
    (void)state;
    static const struct {
        const char *age, *birth, *study;
        double number; /* 50: the package's */
    } rows[] = {{"056Y", "19700101", "20260310", 56}, {"057Y", "19700101", "20260310", 57},
                {"058Y", "19700101", "20260310", 50}, {"", "", "20260310", 50},
                {"672M", "", "20260310", 50},         {"-56Y", "19700230", "20260310", 50},
                {"", "20270101", "20260310", 50},     {"999Y", "", "20260310", 50},
                {"", "19700101", "2026", 50},         {"061Y", "19700101", "", 61}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct patient *p = make();
        for (int k = 0; k < 2; k++) {
            snprintf(p->headers[k].patient_age, 17, "%s", rows[i].age);
            snprintf(p->headers[k].patient_birth_date, 17, "%s", rows[i].birth);
            snprintf(p->headers[k].study_date, 17, "%s", rows[i].study);
        }
        assess(p, SIDE_LEFT, SIDE_LEFT);
        const struct clinical_choice *age = &p->run.pick.inputs[0];
        if (age->number < rows[i].number || age->number > rows[i].number)
            fail_msg("row %zu: %g", i, age->number);
        assert_int_equal(noted(p, "the model takes 50 in its place"), !age->value);
        drop(p);
    }
}

static void a_study_of_two_dates_has_none(void **state)
{
    (void)state;
    struct patient *p = make();
    snprintf(p->headers[1].study_date, 9, "20260311");
    add(p, "malignancy_confirmed", "yes");
    assess(p, SIDE_LEFT, SIDE_LEFT);
    assert_non_null(strstr(p->run.pick.evidence[0].why, "study has no date"));
    drop(p);
}

static void digest_of(struct patient *p, char hex[DIGEST_TEXT_SIZE])
{
    uint8_t out[DIGEST_SIZE];
    struct digest *d = digest_new();
    assert_int_equal(run_clinical_gather(&p->run, NULL), 0);
    assert_int_equal(run_clinical_digest(&p->run, d, NULL), 0);
    digest_end(d, out);
    digest_free(d);
    digest_format(out, hex);
    drop(p);
}

/* Only what was imported and is asked for, in whatever order. */
static void what_enters_the_digest(void **state)
{
    (void)state;
    char none[DIGEST_TEXT_SIZE], some[4][DIGEST_TEXT_SIZE];
    struct patient *p = make();
    add(p, "margin", "spiculated");
    digest_of(p, none);
    digest_of(make(), some[0]);
    assert_string_equal(none, some[0]);
    p = make();
    add(p, "us_node_status", "negative");
    add(p, "malignancy_confirmed", "yes");
    digest_of(p, some[1]);
    p = make();
    add(p, "malignancy_confirmed", "yes");
    add(p, "us_node_status", "negative");
    digest_of(p, some[2]);
    p = make();
    add(p, "malignancy_confirmed", "yes");
    add(p, "us_node_status", "suspicious");
    digest_of(p, some[3]);
    assert_string_equal(some[1], some[2]);
    assert_string_not_equal(some[1], none);
    assert_string_not_equal(some[1], some[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_readers_status_and_proof), cmocka_unit_test(our_measurement_is_labelled),
        cmocka_unit_test(of_which_side), cmocka_unit_test(whose_values),
        cmocka_unit_test(evidence_that_says_no), cmocka_unit_test(ages_of_the_images),
        cmocka_unit_test(a_study_of_two_dates_has_none), cmocka_unit_test(what_enters_the_digest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
