#include "model/score/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/logistic.h"

static const struct feature *find(const struct feature_list *const *lists, size_t count,
                                  const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const struct feature *feature = lists[i] ? feature_list_find(lists[i], name) : NULL;
        if (feature)
            return feature;
    }
    return NULL;
}

/* A usable value, or a reason. */
static bool take_value(const struct package_term *term, const struct feature *feature,
                       struct score *score, double *ret_value)
{
    if (!feature || !isfinite(feature->value)) {
        score_add_reason(score, "a value that the model needs is missing: %s", term->feature);
        return false;
    }
    if (feature->meaningless) {
        score_add_reason(score, "a value that the model needs means nothing for this picture: %s",
                         term->feature);
        return false;
    }
    *ret_value = feature->value;
    return true;
}

static void add_incomplete(const struct package *package, struct score *score)
{
    for (size_t i = 0; i < package->incomplete_count; i++)
        score_add_reason(score, "the model package is incomplete: %s", package->incomplete[i]);
    if (package->incomplete_count == 0 && !(package->has_model && package->has_intercept))
        score_add_reason(score, "the model package is incomplete");
}

/* The sum over the terms; false when one has no value. */
static bool sum_terms(const struct package *package, const struct feature_list *const *features,
                      size_t list_count, struct score *score)
{
    bool whole = true;
    double sum = package->intercept;
    for (size_t i = 0; i < package->term_count; i++) {
        const struct package_term *term = &package->terms[i];
        double value;
        if (!take_value(term, find(features, list_count, term->feature), score, &value)) {
            whole = false;
            continue;
        }
        struct contribution *c = &score->contributions[score->contribution_count++];
        *c = (struct contribution){
            .value = value,
            .centre = term->centre,
            .scale = term->scale,
            .coefficient = term->coefficient,
            .contribution = term->coefficient * (value - term->centre) / term->scale,
        };
        memcpy(c->name, term->feature, strlen(term->feature) + 1);
        sum += c->contribution;
    }
    if (whole && isfinite(sum))
        score->linear_predictor = sum;
    return whole && isfinite(sum);
}

int score_predict(const struct package *package, const struct feature_list *const *features,
                  size_t list_count, struct score *ret_score, struct error *err)
{
    struct score score = {0};
    score.contributions = calloc(package->term_count + 1, sizeof *score.contributions);
    if (!score.contributions)
        return error_set(err, STATUS_NOMEM, "out of memory for a score");
    add_incomplete(package, &score);
    bool whole = package->has_model && sum_terms(package, features, list_count, &score);
    score.has_risk = whole && score.reason_count == 0;
    if (score.has_risk) {
        score.risk = logistic(score.linear_predictor);
        score.cutoff = package->cutoff;
        score.above_cutoff = package->has_cutoff && score.risk >= package->cutoff;
    }
    *ret_score = score;
    return 0;
}

/* ---- whether a risk may be shown ---- */

static void check_population(const struct package *package, const struct score_input *input,
                             struct score *score)
{
    for (size_t i = 0; i < package->population_count; i++) {
        bool established = false;
        for (size_t k = 0; k < input->evidence_count; k++)
            established |= input->evidence[k].kind == package->population[i].evidence &&
                           *input->evidence[k].source;
        if (!established)
            score_add_reason(score, "eligibility not established: %s",
                             package->population[i].text);
    }
}

static void check_sides(const struct package *package, const struct score_input *input,
                        struct score *score)
{
    bool known = true;
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (package->required[roi] && input->regions[roi] && input->sides[roi] == SIDE_UNKNOWN) {
            score_add_reason(score, "the side of the %s is not known", roi_name((enum roi)roi));
            known = false;
        }
    if (known && input->regions[ROI_TUMOUR] && input->regions[ROI_NODE] &&
        package->required[ROI_TUMOUR] && package->required[ROI_NODE] &&
        input->sides[ROI_TUMOUR] != input->sides[ROI_NODE])
        score_add_reason(score, "tumour and node are on different sides");
}

/* Regions that are needed, there and sure. */
static void check_regions(const struct package *package, const struct score_input *input,
                          struct score *score)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const struct region_finding *region = input->regions[roi];
        const char *name = roi_name((enum roi)roi);
        if (!package->required[roi])
            continue;
        if (!region)
            score_add_reason(score, "the study has no picture of the %s", name);
        else if (!region->found)
            score_add_reason(score, "no %s was found in its picture", name);
        else if (!package->unsure_allowed && !(region->agreement >= package->agreement_min))
            score_add_reason(score, "the outline of the %s is unsure (agreement %.2f, needed %.2f)",
                             name, region->agreement, package->agreement_min);
    }
}

static bool calibration_allowed(const struct package *package, enum calibration_source source)
{
    switch (package->sizes) {
    case PACKAGE_SIZES_NONE: return true;
    case PACKAGE_SIZES_ESTIMATED: return source != CALIBRATION_NONE;
    default: return source == CALIBRATION_REGION;
    }
}

static void check_calibration(const struct package *package, const struct score_input *input,
                              struct score *score)
{
    for (size_t i = 0; i < package->term_count; i++) {
        const struct package_term *term = &package->terms[i];
        if (!term->needs_calibration)
            continue;
        for (int roi = 0; roi < ROI_COUNT; roi++) {
            const struct region_finding *region = input->regions[roi];
            const char *name = roi_name((enum roi)roi);
            if (strncmp(term->feature, name, strlen(name)) == 0 && region && region->found &&
                !calibration_allowed(package, region->calibration.source))
                score_add_reason(score, "the picture of the %s is not calibrated as the model "
                                 "needs it: its size in mm is not known", name);
        }
    }
}

int score_compute(const struct package *package, const struct score_input *input,
                  struct score *ret_score, struct error *err)
{
    struct score score = {0};
    add_incomplete(package, &score);
    check_population(package, input, &score);
    check_regions(package, input, &score);
    check_sides(package, input, &score);
    check_calibration(package, input, &score);
    if (score.reason_count > 0) {
        *ret_score = score;
        return 0;
    }
    const struct feature_list *lists[ROI_COUNT] = {0};
    for (int roi = 0; roi < ROI_COUNT; roi++)
        lists[roi] = input->regions[roi] ? &input->regions[roi]->features : NULL;
    int status = score_predict(package, lists, ROI_COUNT, &score, err);
    if (status < 0)
        return status;
    if (!score.has_risk) {
        score.linear_predictor = 0;
        score.contribution_count = 0;
    }
    *ret_score = score;
    return 0;
}
