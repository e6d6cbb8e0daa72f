/* What an SR says of the case: the risk, where it comes from, and everything that is said in words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "model/clinical.h"
#include "model/radiomics/radiomics.h"
#include "report/codes.h"
#include "report/content.h"
#include "report/loop.h"
#include "report/words.h"

void content_algorithm(struct tree *t, const struct report_input *input, struct sr_node *parent)
{
    tree_text(t, parent, SR_HAS_CONCEPT_MOD, CODE_ALGORITHM_NAME,
              arena_print(t->arena, "%s, model package %s", DICOM_OWN_MANUFACTURER,
                          input->package_name));
    tree_text(t, parent, SR_HAS_CONCEPT_MOD, CODE_ALGORITHM_VERSION,
              arena_print(t->arena, "%s, package %s", input->software_version,
                          input->package_version));
    tree_text(t, parent, SR_HAS_CONCEPT_MOD, CODE_ALGORITHM_PARAMETERS,
              arena_print(t->arena, "package digest SHA-256 %s", input->package_digest));
}

/* ---- the package's own terms ---- */

/* A concept of ours for a name of the package's: its value is the name's digest, so that equal names
 * have equal codes in every report. */
static struct dicom_concept own_concept(struct tree *t, const char *kind, const char *name)
{
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(name, strlen(name), digest);
    /* A Code Value has 16 characters at most. */
    const char *value = arena_print(t->arena, "%s-%02X%02X%02X%02X", kind, digest[0], digest[1],
                                    digest[2], digest[3]);
    t->failed = t->failed || !value;
    return (struct dicom_concept){value, "99AXNODE", name};
}

static bool of_region(const char *feature, enum roi roi)
{
    const size_t length = strlen(roi_name(roi));
    return strncmp(feature, roi_name(roi), length) == 0 && feature[length] == '_';
}

/* A name's parts behind its region: "wavelet-LH" and "glcm_Contrast" of
 * "tumour_wavelet-LH_glcm_Contrast". No filter: "", the picture itself. */
static const char *split_name(const char *feature, char ret_filter[64])
{
    const char *from = feature + strcspn(feature, "_");
    from += *from == '_';
    const size_t length = strcspn(from, "_");
    snprintf(ret_filter, 64, "%.*s", (int)length, from);
    if (strcmp(ret_filter, "original") == 0)
        *ret_filter = 0;
    return from[length] ? from + length + 1 : from;
}

/* Whether a term's name is that of a score. */
static bool is_score(const struct score *score, const char *name)
{
    for (size_t i = 0; i < score->contribution_count; i++)
        if (strcmp(score->contributions[i].stage, name) == 0)
            return true;
    return false;
}

/* As IBSI calls it, where IBSI defines it; the filter that the picture went through before stands
 * beside the code. */
static void add_feature(struct tree *t, const struct contribution *c, struct sr_node *group)
{
    char filter[64];
    const char *code = radiomics_ibsi_code(c->name);
    if (!code) {
        tree_number(t, group, SR_CONTAINS, own_concept(t, "FEATURE", c->name), c->value, 3,
                    CODE_NO_UNIT);
        return;
    }
    const char *meaning = split_name(c->name, filter);
    struct sr_node *number = tree_number(t, group, SR_CONTAINS, CODE(code, "IBSI", meaning),
                                         c->value, 3, CODE_NO_UNIT);
    const char *kept = *filter ? arena_print(t->arena, "on picture filtered by %s", filter) : "";
    t->failed = t->failed || !kept;
    if (kept && *kept)
        tree_code(t, number, SR_HAS_CONCEPT_MOD, CODE_METHOD, own_concept(t, "FILTER", kept));
}

/* Whether words_quantities (all that is measured, some features) or an earlier term gave it already. */
static bool is_given(const struct report_input *input, enum roi roi, size_t index)
{
    const struct score *score = input->score;
    const char *name = score->contributions[index].name;
    struct quantity quantities[QUANTITIES_MAX];
    const size_t count = words_quantities(words_region(input, roi), roi, quantities);
    const char *code = radiomics_ibsi_code(name);
    char filter[64];
    split_name(name, filter);
    if (strcmp(filter, "measure") == 0)
        return true;
    for (size_t i = 0; code && !*filter && i < count; i++)
        if (strcmp(quantities[i].concept.value, code) == 0)
            return true;
    for (size_t i = 0; i < index; i++)
        if (strcmp(score->contributions[i].name, name) == 0)
            return true;
    return false;
}

/* Whether every term of the score is a feature of this region: then its value is the region's. */
static bool is_of_region_alone(const struct score *score, const char *stage, enum roi roi)
{
    bool any = false;
    for (size_t i = 0; i < score->contribution_count; i++) {
        const struct contribution *c = &score->contributions[i];
        if (strcmp(c->stage, stage) != 0)
            continue;
        if (!of_region(c->name, roi))
            return false;
        any = true;
    }
    return any;
}

void content_model_features(struct tree *t, const struct report_input *input, enum roi roi,
                            struct sr_node *group)
{
    const struct score *score = input->score;
    for (size_t i = 0; i < score->contribution_count; i++) {
        const struct contribution *c = &score->contributions[i];
        if (of_region(c->name, roi) && !is_score(score, c->name) && isfinite(c->value) &&
            !is_given(input, roi, i))
            add_feature(t, c, group);
    }
    /* A score is a step towards the risk: without one it would be taken for it. */
    for (size_t i = 0; score->has_risk && i < score->contribution_count; i++) {
        const struct contribution *c = &score->contributions[i];
        if (isfinite(c->value) && is_of_region_alone(score, c->name, roi) &&
            !is_given(input, roi, i))
            tree_number(t, group, SR_CONTAINS, own_concept(t, "SCORE", c->name), c->value, 3,
                        CODE_NO_UNIT);
    }
}

static void add_contributions(struct tree *t, const struct score *score, struct sr_node *risk)
{
    for (size_t i = 0; i < score->contribution_count; i++) {
        const struct contribution *c = &score->contributions[i];
        if (!isfinite(c->contribution))
            continue;
        struct sr_node *node = tree_number(t, risk, SR_INFERRED_FROM, CODE_CONTRIBUTION,
                                           c->contribution, 3, CODE_NO_UNIT);
        tree_text(t, node, SR_HAS_CONCEPT_MOD, CODE_TERM, c->name);
        tree_text(t, node, SR_HAS_CONCEPT_MOD, CODE_STAGE, c->stage);
    }
}

/* ---- the risk ---- */

/* Standard words where the package's are. */
static void add_risk_group(struct tree *t, const char *group, struct sr_node *risk)
{
    const struct {
        const char *name;
        struct dicom_concept value;
    } known[] = {{"low", CODE_RISK_LOW}, {"moderate", CODE_RISK_MODERATE},
                 {"high", CODE_RISK_HIGH}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(group, known[i].name) == 0) {
            tree_code(t, risk, SR_HAS_PROPERTIES, CODE_RISK_GROUP, known[i].value);
            return;
        }
    tree_text(t, risk, SR_HAS_PROPERTIES, CODE_RISK_GROUP, group);
}

struct sr_node *content_risk(struct tree *t, const struct report_input *input,
                             struct sr_node *parent)
{
    const struct score *score = input->score;
    struct sr_node *risk = tree_number(t, parent, SR_CONTAINS, CODE_RISK(input->outcome_text),
                                       100 * score->risk, 1, CODE_PERCENT);
    content_site(t, input, risk, CODE_AXILLARY_NODE);
    content_algorithm(t, input, risk);
    if (score->has_interval) {
        tree_number(t, risk, SR_HAS_PROPERTIES, CODE_INTERVAL_LOW, 100 * score->risk_low, 1,
                    CODE_PERCENT);
        tree_number(t, risk, SR_HAS_PROPERTIES, CODE_INTERVAL_HIGH, 100 * score->risk_high, 1,
                    CODE_PERCENT);
    }
    add_risk_group(t, score->group, risk);
    if (score->cutoff > 0) {
        tree_number(t, risk, SR_HAS_PROPERTIES, CODE_CUTOFF, 100 * score->cutoff, 1, CODE_PERCENT);
        tree_text(t, risk, SR_HAS_PROPERTIES, CODE_CUTOFF_RULE, input->cutoff_rule);
        tree_code(t, risk, SR_HAS_PROPERTIES, CODE_ABOVE_CUTOFF,
                  score->above_cutoff ? CODE_YES : CODE_NO);
    }
    if (loop_explained(input))
        tree_image(t, risk, SR_INFERRED_FROM, CODE_KEY_FRAME, loop_key_reference(input));
    return risk;
}

void content_derived(struct tree *t, const struct report_input *input, struct sr_node *root,
                     struct sr_node *const groups[ROI_COUNT])
{
    if (!input->score->has_risk)
        return;
    struct sr_node *derived = tree_container(t, root, CODE_DERIVED_MEASUREMENTS, NULL);
    struct sr_node *risk = content_risk(t, input, derived);
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (groups[roi])
            tree_inferred_from(t, risk, groups[roi]);
    add_contributions(t, input->score, risk);
}

/* ---- words ---- */

/* "BI-RADS category: 4B, left, 2026-01-02, pathology (import)" */
static const char *clinical_words(struct tree *t, const struct clinical_choice *choice)
{
    const struct clinical_value *value = choice->value;
    const char *what = choice->input->text;
    char text[CLINICAL_TEXT_SIZE], date[CLINICAL_DATE_SIZE];
    if (!value && choice->has_number)
        return arena_print(t->arena, "%s: missing (%s); the model took %g in its place", what,
                           choice->reason, choice->number);
    if (!value)
        return arena_print(t->arena, "%s: missing (%s)", what, choice->reason);
    clinical_value_format(value, text);
    clinical_date_format(value->observed, date);
    return arena_print(t->arena, "%s: %s%s%s%s%s%s%s; source: %s%s%s", what, text,
                       value->variable->unit ? " " : "",
                       value->variable->unit ? value->variable->unit : "",
                       value->variable->sided ? ", " : "",
                       value->variable->sided ? side_name(value->side) : "", *date ? ", " : "",
                       date, clinical_source_name(value->source), *value->source_text ? ", " : "",
                       value->source_text);
}

static void add_absent(struct tree *t, const struct report_input *input, struct sr_node *list)
{
    static const char *const said[ROI_COUNT] = {
        [ROI_TUMOUR] = "No tumour was outlined on the images of this study.",
        [ROI_NODE] = "No axillary lymph node was outlined on the images of this study."};
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (!words_region(input, roi))
            tree_text(t, list, SR_CONTAINS, CODE_NOT_OUTLINED, said[roi]);
    if (input->side == SIDE_UNKNOWN)
        tree_text(t, list, SR_CONTAINS, CODE_QUALITY_NOTE, "The side is not established.");
}

static void add_reasons(struct tree *t, const struct report_input *input, struct sr_node *list)
{
    const struct score *score = input->score;
    for (int i = 0; !score->has_risk && i < score->reason_count; i++)
        tree_text(t, list, SR_CONTAINS, CODE_NO_RISK,
                  arena_print(t->arena, "No risk estimated: %s", score->reasons[i]));
    if (!score->has_risk && score->reason_count == 0)
        tree_text(t, list, SR_CONTAINS, CODE_NO_RISK, "No risk estimated");
}

/* What a reader must know of the package's answer. */
static void add_words(struct tree *t, const struct report_input *input, struct sr_node *list)
{
    for (size_t i = 0; i < input->note_count; i++)
        tree_text(t, list, SR_CONTAINS, CODE_QUALITY_NOTE, input->notes[i]);
    for (size_t i = 0; input->package && input->clinical && i < input->package->clinical_count; i++)
        tree_text(t, list, SR_CONTAINS, CODE_CLINICAL, clinical_words(t, &input->clinical[i]));
    tree_text(t, list, SR_CONTAINS, CODE_POPULATION, input->population);
    tree_text(t, list, SR_CONTAINS, CODE_PACKAGE,
              arena_print(t->arena, "%s, version %s, SHA-256 %s", input->package_name,
                          input->package_version, input->package_digest));
}

void content_evaluations(struct tree *t, const struct report_input *input, struct sr_node *root)
{
    struct sr_node *list = tree_container(t, root, CODE_EVALUATIONS, NULL);
    add_reasons(t, input, list);
    add_absent(t, input, list);
    add_words(t, input, list);
    tree_text(t, list, SR_CONTAINS, CODE_REPORT_STATUS, words_status(t->arena, input));
}

void content_other(struct tree *t, const struct report_input *other, struct sr_node *root)
{
    struct sr_node *item = tree_container(t, root, CODE_OTHER_PACKAGE, NULL);
    content_algorithm(t, other, item);
    tree_text(t, item, SR_CONTAINS, CODE_INTENDED_USE, other->intended_use);
    if (other->score->has_risk)
        add_contributions(t, other->score, content_risk(t, other, item));
    add_reasons(t, other, item);
    add_words(t, other, item);
}
