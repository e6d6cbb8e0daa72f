/* An evaluation as JSON. Numbers in full precision; what is not defined is null. */
#include <math.h>

#include "base/clock.h"
#include "base/number.h"
#include "report/evaluation.h"

static void add_number(cJSON *object, const char *name, double value)
{
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    cJSON_AddRawToObject(object, name, text);
}

static void add_interval(cJSON *object, const char *name, struct interval interval)
{
    cJSON *pair = cJSON_AddArrayToObject(object, name);
    const double ends[] = {interval.low, interval.high};
    for (int i = 0; i < 2; i++) {
        char text[NUMBER_TEXT_SIZE];
        number_format(ends[i], text);
        cJSON_AddItemToArray(pair, cJSON_CreateRaw(text));
    }
}

static cJSON *next_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

static void add_proportion(cJSON *object, const char *name, struct proportion p)
{
    cJSON *json = cJSON_AddObjectToObject(object, name);
    add_number(json, "value", p.value);
    add_interval(json, "ci95", p.ci95);
    cJSON_AddNumberToObject(json, "count", (double)p.count);
    cJSON_AddNumberToObject(json, "total", (double)p.total);
}

static void add_operating_point(cJSON *object, const char *name, const struct operating_point *o)
{
    cJSON *json = cJSON_AddObjectToObject(object, name);
    add_number(json, "cutoff", o->cutoff);
    cJSON_AddNumberToObject(json, "true_positive", (double)o->true_positive);
    cJSON_AddNumberToObject(json, "false_positive", (double)o->false_positive);
    cJSON_AddNumberToObject(json, "true_negative", (double)o->true_negative);
    cJSON_AddNumberToObject(json, "false_negative", (double)o->false_negative);
    add_proportion(json, "sensitivity", o->sensitivity);
    add_proportion(json, "specificity", o->specificity);
    add_proportion(json, "ppv", o->ppv);
    add_proportion(json, "npv", o->npv);
    add_proportion(json, "accuracy", o->accuracy);
}

static void add_package(cJSON *object, const struct package *package)
{
    if (!package)
        return;
    cJSON *json = cJSON_AddObjectToObject(object, "package");
    cJSON_AddStringToObject(json, "name", package->name);
    cJSON_AddStringToObject(json, "version", package->version);
    cJSON_AddStringToObject(json, "sha256", package->digest);
    cJSON_AddStringToObject(json, "intended_use", package->intended_use);
    cJSON_AddStringToObject(json, "outcome", package->outcome_text);
    cJSON *missing = cJSON_AddArrayToObject(json, "incomplete");
    for (size_t i = 0; i < package->incomplete_count; i++)
        cJSON_AddItemToArray(missing, cJSON_CreateString(package->incomplete[i]));
}

static void add_fit(cJSON *object, const struct evaluation_score *s)
{
    const struct recalibration *r = &s->recalibration;
    if (!s->has_recalibration) {
        cJSON_AddNullToObject(object, "calibration");
        cJSON_AddStringToObject(object, "calibration_undefined", s->no_recalibration);
        return;
    }
    cJSON *json = cJSON_AddObjectToObject(object, "calibration");
    add_number(json, "in_the_large", r->in_the_large);
    add_number(json, "in_the_large_se", r->in_the_large_se);
    add_interval(json, "in_the_large_ci95", r->in_the_large_ci95);
    add_number(json, "slope", r->slope);
    add_number(json, "slope_se", r->slope_se);
    add_interval(json, "slope_ci95", r->slope_ci95);
    add_number(json, "intercept", r->intercept);
    add_number(json, "intercept_se", r->intercept_se);
    add_interval(json, "intercept_ci95", r->intercept_ci95);
}

/* What is said of probabilities alone. */
static void add_risk_figures(cJSON *object, const struct evaluation_score *s)
{
    add_number(object, "brier", s->brier.score);
    add_number(object, "brier_scaled", s->brier.scaled);
    add_interval(object, "brier_ci95_bootstrap", s->brier_bootstrap);
    add_fit(object, s);
    cJSON *json = cJSON_AddObjectToObject(object, "hosmer_lemeshow");
    add_number(json, "chi2", s->hosmer_lemeshow.chi2);
    cJSON_AddNumberToObject(json, "groups", (double)s->hosmer_lemeshow.groups);
    add_number(json, "p_same_patients", s->hosmer_lemeshow.p_same_patients);
    add_number(json, "p_other_patients", s->hosmer_lemeshow.p_other_patients);
    json = cJSON_AddArrayToObject(object, "calibration_curve");
    for (size_t i = 0; i < s->groups.count; i++) {
        cJSON *group = next_object(json);
        add_number(group, "risk_low", s->groups.groups[i].risk_low);
        add_number(group, "risk_high", s->groups.groups[i].risk_high);
        add_number(group, "risk_mean", s->groups.groups[i].risk_mean);
        add_proportion(group, "observed", s->groups.groups[i].observed);
    }
    json = cJSON_AddArrayToObject(object, "decision_curve");
    for (size_t i = 0; i < EVALUATION_THRESHOLDS; i++) {
        cJSON *point = next_object(json);
        add_number(point, "threshold", s->benefit[i].threshold);
        add_number(point, "net_benefit", s->benefit[i].model);
        add_number(point, "net_benefit_all", s->benefit[i].all);
        add_number(point, "treated", s->benefit[i].treated);
        add_number(point, "treated_with_outcome", s->benefit[i].treated_with_outcome);
    }
}

static void add_score(cJSON *array, const struct evaluation_score *s,
                      const struct package *package)
{
    cJSON *object = next_object(array);
    cJSON_AddStringToObject(object, "name", s->name);
    add_package(object, package);
    cJSON_AddBoolToObject(object, "is_probability", s->is_risk);
    add_number(object, "auc", s->auc.area);
    add_number(object, "auc_variance", s->auc.variance);
    add_interval(object, "auc_ci95", s->auc.ci95);
    add_interval(object, "auc_ci95_bootstrap", s->auc_bootstrap);
    add_operating_point(object, "youden", &s->youden);
    if (s->has_cutoff)
        add_operating_point(object, "at_cutoff", &s->at_cutoff);
    if (s->is_risk)
        add_risk_figures(object, s);
    cJSON *roc = cJSON_AddArrayToObject(object, "roc");
    for (size_t i = 0; i < s->point_count; i++) {
        cJSON *point = next_object(roc);
        add_number(point, "cutoff", s->points[i].cutoff);
        add_number(point, "sensitivity", s->points[i].sensitivity);
        add_number(point, "specificity", s->points[i].specificity);
    }
}

static void add_estimate(cJSON *object, const char *name, const struct estimate *e)
{
    cJSON *json = cJSON_AddObjectToObject(object, name);
    add_number(json, "value", e->value);
    add_number(json, "se", e->se);
    add_interval(json, "ci95", e->ci95);
    add_number(json, "z", e->z);
    add_number(json, "p", e->p);
}

static void add_nri(cJSON *object, const char *name, const struct nri *nri)
{
    cJSON *json = cJSON_AddObjectToObject(object, name);
    add_number(json, "event_up", nri->event_up);
    add_number(json, "event_down", nri->event_down);
    add_number(json, "other_up", nri->other_up);
    add_number(json, "other_down", nri->other_down);
    add_estimate(json, "event", &nri->event);
    add_estimate(json, "other", &nri->other);
    add_estimate(json, "total", &nri->total);
}

static void add_comparison(cJSON *object, const struct evaluation *e)
{
    const struct auc_comparison *c = &e->comparison;
    cJSON *json = cJSON_AddObjectToObject(object, "comparison");
    add_number(json, "auc_difference", c->difference);
    add_number(json, "variance", c->variance);
    add_interval(json, "ci95", c->ci95);
    add_interval(json, "ci95_bootstrap", e->difference_bootstrap);
    add_number(json, "z", c->z);
    add_number(json, "p", c->p);
    if (!e->has_reclassification)
        return;
    add_nri(json, "nri", &e->nri);
    if (e->has_nri_at_cutoff)
        add_nri(json, "nri_at_cutoff", &e->nri_at_cutoff);
    add_estimate(json, "idi", &e->idi);
}

static void add_subgroups(cJSON *object, const struct evaluation *e)
{
    cJSON *array = cJSON_AddArrayToObject(object, "subgroups");
    for (size_t i = 0; i < e->subgroup_count; i++) {
        const struct evaluation_subgroup *g = &e->subgroups[i];
        cJSON *json = next_object(array);
        cJSON_AddStringToObject(json, "column", g->column);
        cJSON_AddStringToObject(json, "level", g->level);
        cJSON_AddNumberToObject(json, "n", (double)g->n);
        cJSON_AddNumberToObject(json, "positive", (double)g->positive);
        const struct interval none = {(double)NAN, (double)NAN};
        add_number(json, "auc", g->has_auc ? g->auc.area : (double)NAN);
        add_interval(json, "auc_ci95", g->has_auc ? g->auc.ci95 : none);
        add_operating_point(json, "at", &g->at);
    }
}

cJSON *evaluation_json(const struct evaluation *e, const struct evaluation_about *about)
{
    char created[CLOCK_TEXT_SIZE];
    clock_format_iso(about->created_us, created);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "n", (double)e->n);
    cJSON_AddNumberToObject(json, "positive", (double)e->positive);
    add_number(json, "auc", e->scores[0].auc.area);
    add_interval(json, "auc_ci95", e->scores[0].auc.ci95);
    cJSON_AddStringToObject(json, "score", e->scores[0].name);
    cJSON_AddStringToObject(json, "outcome", about->outcome);
    cJSON_AddStringToObject(json, "cohort", about->cohort);
    cJSON_AddStringToObject(json, "cohort_sha256", about->cohort_sha256);
    cJSON_AddStringToObject(json, "software", "axnode " AXNODE_VERSION);
    cJSON_AddStringToObject(json, "created", created);
    cJSON_AddNumberToObject(json, "rows", (double)e->rows);
    cJSON_AddNumberToObject(json, "missing_outcome", (double)e->missing_outcome);
    cJSON_AddNumberToObject(json, "missing_score", (double)e->missing_score);
    cJSON_AddNumberToObject(json, "bootstrap_replicates", (double)e->replicates);
    cJSON_AddNumberToObject(json, "seed", (double)e->seed);
    cJSON *notes = cJSON_AddArrayToObject(json, "notes");
    for (size_t i = 0; i < e->note_count; i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(e->notes[i]));
    cJSON *scores = cJSON_AddArrayToObject(json, "scores");
    for (size_t k = 0; k < e->score_count; k++)
        add_score(scores, &e->scores[k], about->packages[k]);
    if (e->score_count == 2)
        add_comparison(json, e);
    add_subgroups(json, e);
    return json;
}
