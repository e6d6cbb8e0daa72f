#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "dicom/us_image.h"
#include "model/measure.h"
#include "report/report.h"

#include "fixture.h"

static const char LONG_USE[] =
    "Verification of the software on synthetic studies only. This package was fitted on computer "
    "generated pictures; its figures say nothing about patients. It must not be used to diagnose, "
    "to choose a treatment, to plan surgery of the axilla or to leave out a biopsy. Every outline "
    "and every measurement has to be checked by a physician who knows the patient, the complete "
    "examination and the limits of ultrasound of the axilla.";

int run(struct buffer *ret_output, const char *format, ...)
{
    char command[4096], chunk[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        assert_int_equal(buffer_add(ret_output, chunk, n, NULL), 0);
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool inside(double x, double y, double cx, double cy, double rx, double ry)
{
    const double dx = (x - cx) / rx, dy = (y - cy) / ry;
    return dx * dx + dy * dy <= 1;
}

/* Speckle-like noise with a dark ellipse and, for a node, a bright centre. */
static void draw(struct image *picture, double cx, double cy, double rx, double ry, bool hilum)
{
    uint32_t state = 12345;
    for (int y = 0; y < picture->rows; y++)
        for (int x = 0; x < picture->columns; x++) {
            state = state * 1664525u + 1013904223u;
            int v = 70 + (int)(state >> 27) * 2;
            if (inside(x, y, cx, cy, rx, ry))
                v = 20 + (int)(state >> 28);
            if (hilum && inside(x, y, cx, cy, rx * 0.45, ry * 0.4))
                v = 150 + (int)(state >> 28);
            for (int c = 0; c < picture->channels; c++)
                picture->pixels[((size_t)y * picture->columns + x) * picture->channels + c] =
                    (uint8_t)v;
        }
}

static void fill(struct mask *mask, int rows, int columns, double cx, double cy, double rx,
                 double ry)
{
    assert_int_equal(mask_init(mask, rows, columns, NULL), 0);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            mask->pixels[(size_t)y * columns + x] = inside(x, y, cx, cy, rx, ry);
}

static void write_source(const struct study_options *o, const char *root, struct study *s, int i,
                         int frames)
{
    static const char *const uids[] = {"1.2.826.0.1.3680043.10.1.1", "1.2.826.0.1.3680043.10.1.2"};
    struct error err = {0};
    struct image *all = calloc((size_t)frames, sizeof *all);
    const struct us_region region = {.x1 = s->pictures[i].columns - 1,
                                     .y1 = s->pictures[i].rows - 1,
                                     .spatial_format = 1,
                                     .data_type = 1,
                                     .units_x = 3,
                                     .units_y = 3,
                                     .delta_x = 0.008,
                                     .delta_y = 0.008};
    const struct us_image us = {
        .sop_instance_uid = uids[i],
        .study_instance_uid = "1.2.826.0.1.3680043.10.2",
        .series_instance_uid = "1.2.826.0.1.3680043.10.3",
        .patient_id = "PID-0815",
        .patient_name = o->patient_name ? o->patient_name : "Test^Anna",
        .patient_birth_date = "19610203",
        .patient_sex = "F",
        .accession_number = "A-17",
        .study_id = "S1",
        .study_date = "20260102",
        .study_time = "101112",
        .study_description = "Mamma und Axilla",
        .series_number = 1,
        .instance_number = i + 3,
        .laterality = o->side == SIDE_LEFT    ? 'L'
                      : o->side == SIDE_RIGHT ? 'R'
                                              : 0,
        .regions = &region,
        .region_count = o->uncalibrated ? 0 : 1,
        .frames = all,
        .frame_count = frames,
        .frame_time_ms = 40,
    };
    assert_non_null(all);
    for (int f = 0; f < frames; f++)
        all[f] = s->pictures[i];
    snprintf(s->paths[i], sizeof s->paths[i], "%s/%s/source-%d.dcm", root, o->name, i);
    if (us_image_write(s->paths[i], &us, &err) < 0)
        fail_msg("%s", err.message);
    free(all);
    if (o->spoil) {
        struct buffer output = {0};
        const int status = run(&output,
                               "/usr/bin/python3 " SOURCE_DIR
                               "/tests/unit/report/read_report.py spoil %s '%s' 2>&1",
                               o->spoil, s->paths[i]);
        if (status != 0)
            fail_msg("%s", buffer_text(&output));
        buffer_release(&output);
    }
    const struct dicom_limits limits = dicom_limits_default();
    if (dicom_instance_read(s->paths[i], &limits, &s->headers[i], &err) < 0)
        fail_msg("%s", err.message);
}

static void make_region(const struct study_options *o, struct study *s, int i, double cx, double cy,
                        double rx, double ry)
{
    struct error err = {0};
    struct region_finding *r = &s->regions[i];
    const int rows = s->pictures[i].rows, columns = s->pictures[i].columns;
    r->found = i == ROI_TUMOUR ? !o->no_tumour : !o->no_node;
    r->image = i;
    r->frame = s->images[i].frame;
    r->probability = 0.93;
    r->agreement = i == ROI_TUMOUR ? 0.97 : 0.61;
    fill(&r->mask, rows, columns, cx, cy, rx, ry);
    if (i == ROI_NODE && !o->no_hilum)
        fill(&r->hilum, rows, columns, cx, cy, rx * 0.45, ry * 0.4);
    r->calibration =
        calibration_for_mask(s->headers[i].regions, (size_t)s->headers[i].region_count, &r->mask);
    assert_int_equal(r->calibration.source,
                     o->uncalibrated ? CALIBRATION_NONE : CALIBRATION_REGION);
    if (measure_region(&r->mask, r->hilum.pixels ? &r->hilum : NULL, &r->calibration,
                       &r->measurements, &err) < 0)
        fail_msg("%s", err.message);
    r->unsure = o->unsure;
    r->touches_border = o->touching;
    if (o->estimated)
        r->calibration.source = CALIBRATION_ESTIMATED;
    if (o->touching)
        r->quality.faults = QUALITY_DARK | QUALITY_GRAPHICS;
    const char *name = roi_name((enum roi)i);
    char feature[96];
    snprintf(feature, sizeof feature, "%s_original_firstorder_Mean", name);
    feature_list_add(&r->features, feature, 27.25, false, NULL);
    snprintf(feature, sizeof feature, "%s_original_firstorder_Skewness", name);
    feature_list_add(&r->features, feature, -0.125, false, NULL);
    snprintf(feature, sizeof feature, "%s_original_firstorder_Entropy", name);
    feature_list_add(&r->features, feature, 0.0 / 0.0, false, NULL);
}

/* The model's terms: of two scores, IBSI's features with and without filter, a deep one, and one that is
 * measured already. */
static void add_terms(struct study *s)
{
    static const struct contribution terms[] = {
        {"tumour-score", "tumour_original_firstorder_Mean", 27.25, 30, 10, 0.4, -0.11},
        {"tumour-score", "tumour_wavelet-LH_glcm_Contrast", 3.5, 2, 1, 0.25, 0.375},
        {"tumour-score", "tumour_original_ngtdm_Busyness", 0.00012, 0, 1, 12, 0.00144},
        {"tumour-score", "tumour_deep_resnet50_17", 0.81, 0, 1, 0.5, 0.405},
        {"node-score", "node_log-sigma-2-0-mm-3D_glszm_ZonePercentage", 0.31, 0, 1, 1, 0.31},
        {"node-score", "node_measure_AxisRatio", 1.73, 2, 1, -0.7, 0.189},
        {"model", "tumour-score", 0.6714, 0, 1, 1.2, 0.8057},
        {"model", "node-score", 0.499, 0, 1, 1.1, 0.5489},
        {"model", "clinical_age", 54, 50, 10, 0.2, 0.08},
    };
    s->score.contributions = malloc(sizeof terms);
    assert_non_null(s->score.contributions);
    memcpy(s->score.contributions, terms, sizeof terms);
    s->score.contribution_count = sizeof terms / sizeof *terms;
}

/* One that a report states, one that is missing, one that the model takes a number for. */
static void fill_clinical(struct study *s)
{
    static const char *const names[] = {"age", "bi_rads", "us_node_status"};
    static const char *const texts[] = {"Age", "BI-RADS category", "Node status by a reader"};
    for (size_t i = 0; i < 3; i++) {
        s->clinical_inputs[i] = (struct clinical_input){.variable = clinical_variable_find(names[i]),
                                                        .text = texts[i]};
        s->clinical_choices[i] = (struct clinical_choice){.input = &s->clinical_inputs[i],
                                                          .reason = "no report states it"};
        assert_non_null(s->clinical_inputs[i].variable);
    }
    s->clinical_value = (struct clinical_value){.variable = s->clinical_inputs[0].variable,
                                                .number = 54,
                                                .source = CLINICAL_DICOM,
                                                .source_text = "(0010,1010) Patient's Age",
                                                .observed = clinical_day("2026-01-02")};
    s->clinical_choices[0].value = &s->clinical_value;
    s->clinical_choices[0].has_number = true;
    s->clinical_choices[2].has_number = true;
    s->clinical_choices[2].number = 0.5;
    s->package = (struct package){.clinical = s->clinical_inputs, .clinical_count = 3};
    s->input.package = &s->package;
    s->input.clinical = s->clinical_choices;
}

static void fill_score(const struct study_options *o, struct study *s)
{
    s->score.has_risk = !o->no_risk;
    s->score.cutoff = 0.407;
    if (o->terms)
        add_terms(s);
    if (o->group)
        snprintf(s->score.group, sizeof s->score.group, "%s", o->group);
    s->score.has_interval = o->interval;
    s->score.risk_low = 0.61;
    s->score.risk_high = 0.83;
    if (!o->no_risk) {
        s->score.risk = 0.734;
        s->score.above_cutoff = true;
        s->score.linear_predictor = 1.0147;
        return;
    }
    score_add_reason(&s->score, "The side is not known from the images");
    if (o->reason)
        score_add_reason(&s->score, "%s", o->reason);
    score_add_reason(&s->score, "Sizes are in pixels: the images carry no calibration");
    for (int i = 0; o->long_texts && i < REASON_MAX; i++)
        score_add_reason(&s->score,
                         "Reason %d of many, which goes on and on for as long as a "
                         "reason can be, so that all of its room is taken and the picture has to "
                         "shrink its letters, which it does, until nothing is left to shrink",
                         i);
}

static void fill_input(const struct study_options *o, struct study *s)
{
    static const char *const long_note = "The outline of the lymph node is unsure: two passes of "
                                         "the network agree by 0.61 only, and it touches the "
                                         "border of the picture";
    s->notes[0] = "The outline of the lymph node is unsure (agreement 0.61)";
    s->notes[1] = o->uncalibrated ? "Sizes are in pixels: no calibration"
                                  : "The lymph node touches the border of the picture";
    for (size_t i = 2; i < 12; i++)
        s->notes[i] = o->note ? o->note : long_note + i; /* each another text */
    digest_bytes(o->name, strlen(o->name), s->digest);
    s->input = (struct report_input){
        .images = s->images,
        .image_count = 2,
        .tumour = &s->regions[ROI_TUMOUR],
        .node = &s->regions[ROI_NODE],
        .side = o->side,
        .score = &s->score,
        .pictures = true,
        .package_name = "verification",
        .package_version = "1.0.0",
        .package_digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .intended_use = o->long_texts ? LONG_USE
                                      : "Verification of the software on synthetic studies only. "
                                        "Not for patients, not for any clinical decision.",
        .outcome_text = "Estimated risk of axillary lymph node metastasis",
        .population = "synthetic studies; malignancy confirmed; no neoadjuvant therapy",
        .cutoff_rule = "Youden index on the fitting set",
        .software_version = "0.1.0",
        .created_us = INT64_C(1767323045678901), /* 2026-01-02T03:04:05.678901Z */
        .content_digest = s->digest,
        .generation = o->generation ? o->generation : 1,
        .predecessor_sr_uid =
            o->generation > 1 ? "2.25.329800735698586629295641978511506172918" : NULL,
        .notes = s->notes,
        .note_count = o->long_texts ? 12 : o->note ? 3 : 2,
        .previous = o->previous,
        .previous_count = o->previous_count,
        .objects = REPORT_PR | REPORT_KO | REPORT_PDF | REPORT_SEG_OHIF,
    };
    if (o->clinical)
        fill_clinical(s);
}

/* Further packages: the first has a risk of its own, the next none, and so on. */
static void fill_others(const struct study_options *o, struct study *s)
{
    static const char *const digests[REPORT_OTHERS_MAX] = {
        "1111111111111111111111111111111111111111111111111111111111111111",
        "2222222222222222222222222222222222222222222222222222222222222222",
        "3333333333333333333333333333333333333333333333333333333333333333",
        "4444444444444444444444444444444444444444444444444444444444444444"};
    static const char *const names[REPORT_OTHERS_MAX] = {"segcls-2024-synthetic", "load-2023",
                                                         "video-2023", "dlrn-2024"};
    static const char *const notes[] = {"this score is of another outline of the node than the one "
                                        "shown: they overlap by 0.71 of 1 (Dice)"};
    for (int i = 0; i < o->others; i++) {
        struct report_input *other = &s->others[i];
        struct score *score = &s->other_scores[i];
        *other = (struct report_input){.images = s->input.images,
                                       .image_count = s->input.image_count,
                                       .side = o->side,
                                       .score = score,
                                       .package = s->input.package,
                                       .clinical = s->input.clinical,
                                       .package_name = names[i],
                                       .package_version = "2.0.0",
                                       .package_digest = digests[i],
                                       .intended_use = "Research on nodes. Not for patients.",
                                       .outcome_text = "Estimated risk of high nodal load",
                                       .population = i % 3 ? "one lesion" : NULL,
                                       .cutoff_rule = "specificity 100 % on the validation set",
                                       .software_version = s->input.software_version,
                                       .created_us = s->input.created_us,
                                       .content_digest = s->digest,
                                       .generation = s->input.generation,
                                       .notes = notes,
                                       .note_count = i == 0};
        score->has_risk = i % 2 == 0 && o->side != SIDE_UNKNOWN;
        score->risk = 0.123;
        score->cutoff = 0.612;
        score->has_interval = i == 0;
        score->risk_low = 0.05;
        score->risk_high = 0.3;
        if (i == 0)
            snprintf(score->group, sizeof score->group, "low");
        if (!score->has_risk)
            score_add_reason(score, "Ki-67 is missing: no source states it");
    }
    s->input.others = s->others;
    s->input.other_count = (size_t)o->others;
}

void study_make(const struct study_options *o, const char *root, struct study *ret_study)
{
    struct study *s = ret_study;
    *s = (struct study){0};
    snprintf(s->folder, sizeof s->folder, "%s/%s", root, o->name);
    assert_int_equal(folder_make(s->folder, NULL), 0);
    for (int i = 0; i < 2; i++) {
        const int rows = i && o->node_rows ? o->node_rows : 480;
        const int columns = i && o->node_columns ? o->node_columns : 640;
        const int frames = i && o->frames ? o->frames : 1;
        const double cx = columns * 0.45, cy = rows * 0.4;
        const double rx = o->radius > 0 ? o->radius : i ? 95 : 120;
        const double ry = o->radius > 0 ? o->radius : i ? 55 : 80;
        const double x = o->radius > 0 ? (int)cx : cx, y = o->radius > 0 ? (int)cy : cy;
        assert_int_equal(image_init(&s->pictures[i], rows, columns,
                                    i || o->grey ? 1 : 3, NULL), 0);
        draw(&s->pictures[i], x, y, rx, ry, i == ROI_NODE);
        write_source(o, root, s, i, frames);
        s->images[i] = (struct report_image){.path = s->paths[i],
                                             .header = &s->headers[i],
                                             .picture = &s->pictures[i],
                                             .frame = frames > 1 ? frames / 2 : 0,
                                             .role = (enum roi)i};
        make_region(o, s, i, x, y, rx, ry);
    }
    fill_score(o, s);
    fill_input(o, s);
    if (o->one_object) { /* the node lies on the tumour's picture */
        s->regions[ROI_NODE].image = 0;
        s->input.image_count = 1;
    }
    for (int i = 0; i < o->extra_images; i++)
        s->images[s->input.image_count++] = (struct report_image){
            .path = s->paths[i % 2], .header = &s->headers[i % 2], .role = ROI_COUNT};
    fill_others(o, s);
}

void study_release(struct study *s)
{
    for (int i = 0; i < 2; i++) {
        image_release(&s->pictures[i]);
        region_finding_release(&s->regions[i]);
    }
    score_release(&s->score);
    for (int i = 0; i < REPORT_OTHERS_MAX; i++)
        score_release(&s->other_scores[i]);
}
