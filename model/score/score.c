#include "model/score/score.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/logistic.h"
#include "model/loop.h"

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

/* Linear predictors in the making. */
struct sums {
    const struct package *package;
    const struct feature_list *const *lists;
    size_t list_count;
    double *values;      /* [package->score_count]; NaN: has none */
    struct score *score; /* gets contributions, where it has room for them, and reasons */
};

/* A usable value, or a reason. */
static bool take_value(const struct sums *s, const struct package_term *term, double *ret_value)
{
    if (term->score) { /* whose own terms gave the reason why it has no value */
        *ret_value = s->values[term->score - s->package->scores];
        return isfinite(*ret_value);
    }
    const struct feature *feature = find(s->lists, s->list_count, term->feature);
    if (!feature || !isfinite(feature->value)) {
        score_add_reason(s->score, "a value that the model needs is missing: %s", term->feature);
        return false;
    }
    if (feature->meaningless) {
        score_add_reason(s->score, "a value that the model needs means nothing for this picture: "
                         "%s", term->feature);
        return false;
    }
    *ret_value = feature->value;
    return true;
}

static void add_contribution(struct score *score, const char *stage,
                             const struct package_term *term, double value, double contribution)
{
    struct contribution *c = &score->contributions[score->contribution_count++];
    *c = (struct contribution){.value = value,
                               .centre = term->centre,
                               .scale = term->scale,
                               .coefficient = term->coefficient,
                               .contribution = contribution};
    memcpy(c->stage, stage, strlen(stage) + 1);
    memcpy(c->name, term->feature, strlen(term->feature) + 1);
}

/* The sum over a stage's terms; NaN when one has no value. */
static double sum_stage(const struct sums *s, const char *stage, double intercept,
                        const struct package_term *terms, size_t count)
{
    double sum = intercept;
    for (size_t i = 0; i < count; i++) {
        double value;
        if (!take_value(s, &terms[i], &value)) {
            sum = NAN;
            continue;
        }
        double contribution = terms[i].coefficient * (value - terms[i].centre) / terms[i].scale;
        if (s->score->contributions)
            add_contribution(s->score, stage, &terms[i], value, contribution);
        sum += contribution;
    }
    return isfinite(sum) ? sum : (double)NAN;
}

static double sum_score(const struct sums *s, const struct package_score *score)
{
    return sum_stage(s, score->name, score->intercept, score->terms, score->term_count);
}

static double sum_model(const struct sums *s)
{
    const struct package *p = s->package;
    return p->has_model ? sum_stage(s, "model", p->intercept, p->terms, p->term_count)
                        : (double)NAN;
}

static void add_incomplete(const struct package *package, struct score *score)
{
    for (size_t i = 0; i < package->incomplete_count; i++)
        score_add_reason(score, "the model package is incomplete: %s", package->incomplete[i]);
    if (package->incomplete_count == 0 && !(package->has_model && package->has_intercept))
        score_add_reason(score, "the model package is incomplete");
}

/* ---- how sure the risk is ---- */

/* The 95 % interval by the delta method: the variance of the linear predictor is z' C z with z the
 * intercept's 1 and the scaled values of the model's terms; the ends go through the logistic
 * function. The values of earlier scores are taken as they are. */
static void interval_of_covariance(const struct package *package,
                                   const struct contribution *terms, struct score *score)
{
    const size_t side = package->term_count + 1;
    double variance = 0;
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            double zi = i ? (terms[i - 1].value - terms[i - 1].centre) / terms[i - 1].scale : 1;
            double zj = j ? (terms[j - 1].value - terms[j - 1].centre) / terms[j - 1].scale : 1;
            variance += package->covariance[i * side + j] * zi * zj;
        }
    if (!(variance >= 0) || !isfinite(variance))
        return;
    const double half = 1.959963984540054 * sqrt(variance);
    score->risk_low = logistic(score->linear_predictor - half);
    score->risk_high = logistic(score->linear_predictor + half);
    score->has_interval = true;
}

/* The 2.5th and 97.5th percentile of the risks that models fitted to resampled patients give. */
static int interval_of_bootstrap(const struct package *package, const struct contribution *terms,
                                 struct score *score, struct error *err)
{
    const size_t count = package->bootstrap_count, side = package->term_count + 1;
    double *risks = calloc(count, sizeof *risks);
    if (!risks)
        return error_set(err, STATUS_NOMEM, "out of memory for an interval");
    for (size_t b = 0; b < count; b++) {
        const double *coefficients = &package->bootstrap[b * side];
        double sum = coefficients[0];
        for (size_t i = 1; i < side; i++)
            sum += coefficients[i] * (terms[i - 1].value - terms[i - 1].centre) /
                   terms[i - 1].scale;
        risks[b] = logistic(sum);
    }
    gsl_sort(risks, 1, count);
    score->risk_low = gsl_stats_quantile_from_sorted_data(risks, 1, count, 0.025);
    score->risk_high = gsl_stats_quantile_from_sorted_data(risks, 1, count, 0.975);
    score->has_interval = isfinite(score->risk_low) && isfinite(score->risk_high);
    free(risks);
    return 0;
}

static const char *group_of(const struct package *package, double risk)
{
    const char *name = "";
    for (size_t i = 0; i < package->group_count && risk >= package->groups[i].from; i++)
        name = package->groups[i].name;
    return name;
}

/* What follows from the linear predictor and from the model's terms, the last contributions. */
static int set_risk(const struct package *package, struct score *score, struct error *err)
{
    const struct contribution *terms =
        &score->contributions[score->contribution_count - package->term_count];
    score->risk = logistic(score->linear_predictor);
    score->cutoff = package->cutoff;
    score->above_cutoff = package->has_cutoff && score->risk >= package->cutoff;
    snprintf(score->group, sizeof score->group, "%s", group_of(package, score->risk));
    if (package->covariance)
        interval_of_covariance(package, terms, score);
    return package->bootstrap ? interval_of_bootstrap(package, terms, score, err) : 0;
}

/* ---- scores ---- */

static size_t terms_at_most(const struct package *package)
{
    size_t count = package->term_count;
    for (size_t i = 0; i < package->score_count; i++)
        count += package->scores[i].term_count;
    return count;
}

static int predict(const struct sums *s, struct error *err)
{
    const struct package *package = s->package;
    struct score *score = s->score;
    add_incomplete(package, score);
    for (size_t i = 0; i < package->score_count; i++)
        if (package->scores[i].in_model)
            s->values[i] = sum_score(s, &package->scores[i]);
    double predictor = sum_model(s);
    score->linear_predictor = isfinite(predictor) ? predictor : 0;
    score->has_risk = isfinite(predictor) && score->reason_count == 0;
    return score->has_risk ? set_risk(package, score, err) : 0;
}

int score_predict(const struct package *package, const struct feature_list *const *features,
                  size_t list_count, struct score *ret_score, struct error *err)
{
    struct score score = {0};
    struct sums s = {package, features, list_count, NULL, &score};
    score.contributions = calloc(terms_at_most(package) + 1, sizeof *score.contributions);
    s.values = calloc(package->score_count + 1, sizeof *s.values);
    int status = score.contributions && s.values
                     ? predict(&s, err)
                     : error_set(err, STATUS_NOMEM, "out of memory for a score");
    free(s.values);
    if (status < 0) {
        score_release(&score);
        return status;
    }
    *ret_score = score;
    return 0;
}

int score_value(const struct package *package, const char *name,
                const struct feature_list *const *features, size_t list_count, double *ret_value,
                struct error *err)
{
    struct score score = {0};
    double value = NAN;
    bool found = false;
    struct sums s = {package, features, list_count,
                     calloc(package->score_count + 1, sizeof *s.values), &score};
    if (!s.values)
        return error_set(err, STATUS_NOMEM, "out of memory for a score");
    for (size_t i = 0; i < package->score_count && !found; i++) {
        score.reason_count = 0; /* those of scores that this one may not need */
        found = strcmp(package->scores[i].name, name) == 0;
        s.values[i] = value = sum_score(&s, &package->scores[i]);
    }
    if (!found && strcmp(name, "model") == 0 && package->has_model) {
        score.reason_count = 0;
        found = true;
        value = sum_model(&s);
    }
    free(s.values);
    if (!found)
        return error_set(err, STATUS_NOT_FOUND, "package %s has no score '%s'", package->name,
                         name);
    if (!isfinite(value))
        return error_set(err, STATUS_NOT_FOUND, "package %s: no value of '%s': %s", package->name,
                         name, score.reason_count ? score.reasons[0] : "an earlier score has none");
    *ret_value = value;
    return 0;
}

/* ---- whether a risk may be shown ---- */

static void check_population(const struct package *package, const struct score_input *input,
                             struct score *score)
{
    for (size_t i = 0; i < package->population_count; i++) {
        bool established = false;
        const char *why = "";
        for (size_t k = 0; k < input->evidence_count; k++) {
            const struct evidence *evidence = &input->evidence[k];
            if (evidence->kind != package->population[i].evidence)
                continue;
            established |= *evidence->source != '\0';
            why = evidence->why;
        }
        if (!established)
            score_add_reason(score, "eligibility not established%s%s%s: %s", *why ? " (" : "", why,
                             *why ? ")" : "", package->population[i].text);
    }
}

static const struct clinical_choice *choice_of(const struct score_input *input,
                                               const struct clinical_variable *variable)
{
    for (size_t i = 0; i < input->clinical_count; i++)
        if (input->clinical[i].input->variable == variable)
            return &input->clinical[i];
    return NULL;
}

static void check_clinical(const struct package *package, const struct score_input *input,
                           struct score *score)
{
    for (size_t i = 0; i < package->clinical_count; i++) {
        const struct clinical_choice *choice = choice_of(input, package->clinical[i].variable);
        if (!choice || !choice->has_number)
            score_add_reason(score, "a clinical value is missing (%s): %s",
                             choice ? choice->reason : "none was looked for",
                             package->clinical[i].text);
    }
}

/* What the terms "clinical_NAME" take. The caller releases the list. */
static int list_clinical(const struct score_input *input, struct feature_list *ret_list,
                         struct error *err)
{
    for (size_t i = 0; i < input->clinical_count; i++) {
        const struct clinical_choice *choice = &input->clinical[i];
        char name[sizeof ((struct feature *)0)->name];
        snprintf(name, sizeof name, "clinical_%s", choice->input->variable->name);
        int status = choice->has_number
                         ? feature_list_add(ret_list, name, choice->number, false, err)
                         : 0;
        if (status < 0)
            return status;
    }
    return 0;
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

/* A loop, where a network asks for one. */
static void check_loop(const struct package *package, const struct score_input *input,
                       struct score *score)
{
    const struct region_finding *tumour = input->regions[ROI_TUMOUR];
    if (!package_loop_network(package) || !tumour || !tumour->found)
        return;
    if (!tumour->loop)
        score_add_reason(score, "no loop of the tumour was looked at");
    else if (*tumour->loop->problem)
        score_add_reason(score, "%s", tumour->loop->problem);
}

static bool calibration_allowed(const struct package *package, enum calibration_source source)
{
    switch (package->sizes) {
    case PACKAGE_SIZES_NONE: return true;
    case PACKAGE_SIZES_ESTIMATED: return source != CALIBRATION_NONE;
    default: return source == CALIBRATION_REGION;
    }
}

static void check_term(const struct package *package, const struct score_input *input,
                       const struct package_term *term, struct score *score)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const struct region_finding *region = input->regions[roi];
        const char *name = roi_name((enum roi)roi);
        if (strncmp(term->feature, name, strlen(name)) == 0 && region && region->found &&
            !calibration_allowed(package, region->calibration.source))
            score_add_reason(score, "the picture of the %s is not calibrated as the model "
                             "needs it: its size in mm is not known", name);
    }
}

static void check_calibration(const struct package *package, const struct score_input *input,
                              struct score *score)
{
    for (size_t i = 0; i < package->term_count; i++)
        if (package->terms[i].needs_calibration)
            check_term(package, input, &package->terms[i], score);
    for (size_t i = 0; i < package->score_count; i++)
        for (size_t k = 0; package->scores[i].in_model && k < package->scores[i].term_count; k++)
            if (package->scores[i].terms[k].needs_calibration)
                check_term(package, input, &package->scores[i].terms[k], score);
}

int score_compute(const struct package *package, const struct score_input *input,
                  struct score *ret_score, struct error *err)
{
    struct score score = {0};
    add_incomplete(package, &score);
    check_population(package, input, &score);
    check_clinical(package, input, &score);
    check_regions(package, input, &score);
    check_loop(package, input, &score);
    check_sides(package, input, &score);
    check_calibration(package, input, &score);
    if (score.reason_count > 0) {
        *ret_score = score;
        return 0;
    }
    struct feature_list clinical = {0};
    const struct feature_list *lists[ROI_COUNT + 1] = {[ROI_COUNT] = &clinical};
    for (int roi = 0; roi < ROI_COUNT; roi++)
        lists[roi] = input->regions[roi] ? &input->regions[roi]->features : NULL;
    int status = list_clinical(input, &clinical, err);
    if (status == 0)
        status = score_predict(package, lists, ROI_COUNT + 1, &score, err);
    feature_list_release(&clinical);
    if (status < 0)
        return status;
    if (!score.has_risk) {
        score.linear_predictor = 0;
        score.contribution_count = 0;
    }
    *ret_score = score;
    return 0;
}
