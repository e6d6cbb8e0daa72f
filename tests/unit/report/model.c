#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/logistic.h"

#include "model.h"

static void add(struct model *m, struct score *score, const char *stage, const char *name,
                double value, double centre, double scale, double coefficient)
{
    struct contribution *c = &m->contributions[score->contribution_count++];
    struct package *p = &m->package;
    *c = (struct contribution){.value = value, .centre = centre, .scale = scale,
                               .coefficient = coefficient,
                               .contribution = coefficient * (value - centre) / scale};
    snprintf(c->stage, sizeof c->stage, "%s", stage);
    snprintf(c->name, sizeof c->name, "%s", name);
    if (strcmp(stage, "model") == 0)
        m->terms[p->term_count++] = (struct package_term){c->name, centre, scale, coefficient,
                                                          false, NULL};
}

static void fill_clinical(struct model *m)
{
    static const char *const codes[] = {"4A", "4B", "4C", "5"};
    for (int i = 0; i < 4; i++)
        m->steps[i] = (struct clinical_step){codes[i], i + 1};
    m->clinical[0] = (struct clinical_input){.variable = clinical_variable_find("age"),
                                             .text = "Age", .kind = CLINICAL_NUMBER};
    m->clinical[1] = (struct clinical_input){.variable = clinical_variable_find("bi_rads"),
                                             .text = "BI-RADS category", .kind = CLINICAL_ORDINAL,
                                             .steps = m->steps, .step_count = 4};
    m->values[0] = (struct clinical_value){.variable = m->clinical[0].variable, .number = 61,
                                           .source = CLINICAL_DICOM,
                                           .source_text = "(0010,1010) Patient's Age",
                                           .observed = clinical_day("2026-01-02")};
    m->values[1] = (struct clinical_value){.variable = m->clinical[1].variable, .code = "4C",
                                           .source = CLINICAL_IMPORT, .source_text = "reader 2",
                                           .observed = clinical_day("2025-12-30")};
    for (int i = 0; i < 2; i++)
        m->choices[i] = (struct clinical_choice){.input = &m->clinical[i], .value = &m->values[i],
                                                 .has_number = true, .number = i ? 3 : 61};
}

void model_make(struct model *m, struct study *s, int extra)
{
    struct score *score = &s->score;
    *m = (struct model){.scores = {{.name = "tumour_signature", .in_model = true}}};
    struct package *p = &m->package;
    fill_clinical(m);
    add(m, score, "tumour_signature", "tumour_original_glcm_Contrast", 4.2, 3, 1.5, 0.8);
    add(m, score, "tumour_signature", "tumour_original_firstorder_Mean", 27.25, 40, 12, -0.4);
    add(m, score, "model", "tumour_measure_LongAxis", 24.3, 15.7, 6.2, 0.99);
    add(m, score, "model", "node_measure_AxisRatio", 1.35, 1.63, 0.39, -1.09);
    add(m, score, "model", "tumour_signature", 1.07, 0, 1, 0.7);
    add(m, score, "model", "clinical_age", 61, 55, 12, -0.3);
    add(m, score, "model", "clinical_bi_rads", 3, 2, 1, 0.4);
    for (int i = 0; i < extra; i++) {
        char name[64];
        snprintf(name, sizeof name, "node_wavelet-LH_glszm_Feature%d", i);
        add(m, score, "model", name, 0.1 * i, 1, 2, i % 2 ? 0.05 * i : -0.03 * i);
    }
    p->has_model = p->has_intercept = true;
    p->intercept = -0.36;
    p->terms = m->terms;
    p->scores = m->scores;
    p->score_count = 1;
    p->clinical = m->clinical;
    p->clinical_count = 2;
    m->groups[0] = (struct package_group){"low", 0};
    m->groups[1] = (struct package_group){"intermediate", 0.2};
    m->groups[2] = (struct package_group){"high", 0.6};
    p->groups = m->groups;
    p->group_count = 3;
    score->contributions = m->contributions;
    score->linear_predictor = p->intercept;
    for (size_t i = 2; i < score->contribution_count; i++)
        score->linear_predictor += m->contributions[i].contribution;
    score->risk = logistic(score->linear_predictor);
    score->has_interval = true;
    score->risk_low = logistic(score->linear_predictor - 0.5);
    score->risk_high = logistic(score->linear_predictor + 0.5);
    score->above_cutoff = score->risk >= score->cutoff;
    snprintf(score->group, sizeof score->group, "high");
    s->input.package = p;
    s->input.clinical = m->choices;
}

void heat_make(struct study *s, int i)
{
    struct region_finding *r = &s->regions[i];
    struct heat_map *heat = &r->heat;
    assert_int_equal(plane_init(&heat->plane, r->mask.rows, r->mask.columns, NULL), 0);
    heat->seen = (struct bounds){100, 60, 460, 340};
    for (int y = 60; y <= 340; y++)
        for (int x = 100; x <= 460; x++)
            heat->plane.values[y * r->mask.columns + x] =
                (float)(sin((x - 100) / 60.0) * exp(-pow((y - 190) / 80.0, 2)));
}
