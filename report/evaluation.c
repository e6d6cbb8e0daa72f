/* An evaluation as one HTML page. */
#include "report/evaluation.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "report/evaluation_plots.h"
#include "report/markup.h"
#include "report/words.h"

static const char STYLE[] =
    "<style>\n"
    "body{font:16px/1.45 'DejaVu Sans',Verdana,sans-serif;color:#1f2933;background:#fff;"
    "max-width:1180px;margin:24px auto;padding:0 24px}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:34px 0 8px;"
    "border-bottom:2px solid #e3e8ee;padding-bottom:4px}\n"
    ".sub{color:#52606d;margin:0 0 14px}\n"
    ".head{display:flex;gap:14px;flex-wrap:wrap}\n"
    ".box{border:1px solid #cbd2d9;border-radius:6px;padding:10px 16px;min-width:150px}\n"
    ".box b{display:block;font-size:26px}.box span{color:#52606d;font-size:14px}\n"
    ".warn{background:#fff4d6;border-left:5px solid #e0a800;padding:8px 14px;margin:14px 0}\n"
    ".warn ul{margin:4px 0;padding-left:20px}\n"
    "table{border-collapse:collapse;margin:8px 0 16px}th,td{padding:4px 12px;text-align:right;"
    "border-bottom:1px solid #e3e8ee;vertical-align:top;white-space:nowrap}th:first-child,td:first-child"
    "{text-align:left}th{background:#f5f7fa}th small{display:block;white-space:normal;max-width:190px;margin-left:auto}td.l{text-align:left;max-width:640px;white-space:normal}small{color:#52606d;font-weight:normal}\n"
    "figure{margin:0 0 18px;break-inside:avoid}figcaption{color:#52606d;font-size:14px;"
    "max-width:540px}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(540px,1fr));gap:8px 24px}\n"
    "code{font-size:14px}@media print{body{max-width:none;margin:0}.plots{display:block}}\n"
    "</style>\n";

struct page_writer {
    struct markup m;
    const struct evaluation *e;
    const struct evaluation_about *about;
};

#define put(w, ...) markup_put(&(w)->m, __VA_ARGS__)

static void put_text(struct page_writer *w, const char *text)
{
    markup_text(&w->m, text);
}

/* "0.886", or a dash for what is not defined. */
static const char *number(double value, int decimals, char out[WORDS_NUMBER_SIZE])
{
    if (isnan(value))
        snprintf(out, WORDS_NUMBER_SIZE, "–");
    else if (isinf(value))
        snprintf(out, WORDS_NUMBER_SIZE, value < 0 ? "−∞" : "∞");
    else
        words_number(value, decimals, out);
    return out;
}

static void put_interval(struct page_writer *w, struct interval i, double times, int decimals)
{
    char low[WORDS_NUMBER_SIZE], high[WORDS_NUMBER_SIZE];
    if (isnan(i.low))
        put(w, "–");
    else
        put(w, "%s to %s", number(times * i.low, decimals, low),
            number(times * i.high, decimals, high));
}

static void put_p(struct page_writer *w, double p)
{
    char text[WORDS_NUMBER_SIZE];
    if (p < 0.001)
        put(w, "&lt; 0.001");
    else
        put(w, "%s", number(p, 3, text));
}

/* ---- top of the page ---- */

static void put_box(struct page_writer *w, const char *value, const char *words)
{
    put(w, "<div class=\"box\"><b>%s</b><span>%s</span></div>\n", value, words);
}

static void put_head(struct page_writer *w)
{
    const struct evaluation *e = w->e;
    char area[WORDS_NUMBER_SIZE], text[128], made[CLOCK_TEXT_SIZE], low[WORDS_NUMBER_SIZE],
        high[WORDS_NUMBER_SIZE];
    clock_format_iso(w->about->created_us, made);
    put(w, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>Evaluation: ");
    put_text(w, e->scores[0].name);
    put(w, "</title>\n%s</head><body>\n<h1>How well does ", STYLE);
    put_text(w, e->scores[0].name);
    put(w, " predict the outcome ");
    put_text(w, w->about->outcome);
    put(w, "?</h1>\n<p class=\"sub\">Cohort ");
    put_text(w, w->about->cohort);
    put(w, " · %.10s %.5s UTC · axnode %s</p>\n<div class=\"head\">\n", made, made + 11,
        AXNODE_VERSION);
    snprintf(text, sizeof text, "%zu", e->n);
    put_box(w, text, "patients evaluated");
    snprintf(text, sizeof text, "%zu (%s %%)", e->positive,
             number(100 * (double)e->positive / (double)e->n, 1, area));
    put_box(w, text, "with the outcome");
    put_box(w, number(e->scores[0].auc.area, 3, area), "area under the ROC curve (AUC)");
    if (!isnan(e->scores[0].auc.ci95.low)) {
        snprintf(text, sizeof text, "%s – %s", number(e->scores[0].auc.ci95.low, 3, low),
                 number(e->scores[0].auc.ci95.high, 3, high));
        put_box(w, text, "its 95 % interval (DeLong)");
    }
    put(w, "</div>\n");
}

static void put_intended_use(struct page_writer *w, const struct package *p)
{
    if (!p)
        return;
    put(w, "<div class=\"warn\"><b>");
    put_text(w, p->name);
    put(w, ":</b> ");
    put_text(w, p->intended_use);
    for (size_t i = 0; i < p->incomplete_count; i++) {
        put(w, "%s", i == 0 ? " Incomplete: " : "; ");
        put_text(w, p->incomplete[i]);
    }
    put(w, "</div>\n");
}

static void put_notes(struct page_writer *w)
{
    for (size_t k = 0; k < w->e->score_count; k++)
        put_intended_use(w, w->about->packages[k]);
    if (w->e->note_count == 0)
        return;
    put(w, "<div class=\"warn\"><b>To be known before reading on</b><ul>\n");
    for (size_t i = 0; i < w->e->note_count; i++) {
        put(w, "<li>");
        put_text(w, w->e->notes[i]);
        put(w, "</li>\n");
    }
    put(w, "</ul></div>\n");
}

static void put_meaning(struct page_writer *w)
{
    put(w, "<h2>What this is, and what it is not</h2>\n"
           "<p>Scores are compared with the recorded outcomes of the patients in the cohort. "
           "The AUC is the probability that a patient with the outcome has a higher score than one "
           "without: 0.5 is chance, 1 is perfect. It says nothing about whether a risk of 30 %% "
           "means 30 of 100 patients: that is calibration. Whether acting on the score helps "
           "patients is the net benefit, at the threshold at which one would act.</p>\n"
           "<p>It is no proof that the score works elsewhere, in patients unlike these, or that "
           "using it improves care. If the score was fitted or a cut-off chosen on these same "
           "patients, the figures are too good. PPV and NPV hold for the share of patients with "
           "the outcome in this cohort alone. Not a basis for decisions on a single "
           "patient.</p>\n");
}

/* ---- tables ---- */

static void put_discrimination(struct page_writer *w)
{
    const struct evaluation *e = w->e;
    char area[WORDS_NUMBER_SIZE];
    put(w, "<h2>Ranking</h2>\n<table><tr><th>Score</th><th>AUC</th><th>95 %% interval, DeLong</th>"
           "<th>95 %% interval, bootstrap</th></tr>\n");
    for (size_t k = 0; k < e->score_count; k++) {
        const struct evaluation_score *s = &e->scores[k];
        put(w, "<tr><td>");
        put_text(w, s->name);
        put(w, "</td><td>%s</td><td>", number(s->auc.area, 3, area));
        put_interval(w, s->auc.ci95, 1, 3);
        put(w, "</td><td>");
        put_interval(w, s->auc_bootstrap, 1, 3);
        put(w, "</td></tr>\n");
    }
    if (e->score_count == 2) {
        put(w, "<tr><td>Difference (first − second), DeLong's test p ");
        put_p(w, e->comparison.p);
        put(w, "</td><td>%s</td><td>", number(e->comparison.difference, 3, area));
        put_interval(w, e->comparison.ci95, 1, 3);
        put(w, "</td><td>");
        put_interval(w, e->difference_bootstrap, 1, 3);
        put(w, "</td></tr>\n");
    }
    put(w, "</table>\n");
}

/* A cut-off that a column of the table is about. */
struct point_column {
    const struct evaluation_score *score;
    const struct operating_point *point;
    bool chosen_here;
};
enum { POINT_COLUMNS_MAX = 2 * EVALUATION_SCORES };

static size_t point_columns(const struct evaluation *e, struct point_column out[POINT_COLUMNS_MAX])
{
    size_t count = 0;
    for (size_t k = 0; k < e->score_count; k++) {
        const struct evaluation_score *s = &e->scores[k];
        if (s->has_cutoff)
            out[count++] = (struct point_column){s, &s->at_cutoff, false};
        out[count++] = (struct point_column){s, &s->youden, true};
    }
    return count;
}

static void put_percent(struct page_writer *w, struct proportion p)
{
    char value[WORDS_NUMBER_SIZE];
    put(w, "<td>%s%s", number(100 * p.value, 1, value), p.total > 0 ? " %" : "");
    if (p.total > 0) {
        put(w, " (");
        put_interval(w, p.ci95, 100, 1);
        put(w, ")<br><small>%zu of %zu</small>", p.count, p.total);
    }
    put(w, "</td>");
}

static void put_points(struct page_writer *w)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {"Sensitivity: found of those with the outcome",
         offsetof(struct operating_point, sensitivity)},
        {"Specificity: cleared of those without", offsetof(struct operating_point, specificity)},
        {"Positive predictive value", offsetof(struct operating_point, ppv)},
        {"Negative predictive value", offsetof(struct operating_point, npv)},
        {"Accuracy", offsetof(struct operating_point, accuracy)},
    };
    struct point_column columns[POINT_COLUMNS_MAX];
    const size_t count = point_columns(w->e, columns);
    const char *rule = w->about->cutoff_rule && *w->about->cutoff_rule ? w->about->cutoff_rule
                                                                       : "the given cut-off";
    char cutoff[WORDS_NUMBER_SIZE];
    put(w, "<h2>As a test with a cut-off</h2>\n<table><tr><th></th>");
    for (size_t i = 0; i < count; i++) {
        put(w, "<th>");
        put_text(w, columns[i].score->name);
        put(w, " ≥ %s<small>", number(columns[i].point->cutoff, 3, cutoff));
        put_text(w, columns[i].chosen_here ? "Youden's, chosen on these patients: optimistic" : rule);
        put(w, "</small></th>");
    }
    put(w, "</tr>\n");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        put(w, "<tr><td>%s</td>", rows[r].name);
        for (size_t i = 0; i < count; i++)
            put_percent(w, *(const struct proportion *)(const void *)((const char *)columns[i].point +
                                                                      rows[r].offset));
        put(w, "</tr>\n");
    }
    put(w, "<tr><td>Missed (false negative)</td>");
    for (size_t i = 0; i < count; i++)
        put(w, "<td>%zu</td>", columns[i].point->false_negative);
    put(w, "</tr>\n<tr><td>False alarms (false positive)</td>");
    for (size_t i = 0; i < count; i++)
        put(w, "<td>%zu</td>", columns[i].point->false_positive);
    put(w, "</tr>\n</table>\n<p class=\"sub\">With exact 95 %% intervals.</p>\n");
}

static void put_figure(struct page_writer *w, evaluation_plot *plot, const char *caption)
{
    put(w, "<figure>");
    if (w->m.status == 0)
        w->m.status = plot(w->e, w->m.out, w->m.err);
    put(w, "<figcaption>%s</figcaption></figure>\n", caption);
}

static void put_fit_row(struct page_writer *w, const char *name, double value,
                        struct interval ci95, const char *ideal)
{
    char text[WORDS_NUMBER_SIZE];
    put(w, "<tr><td>%s</td><td>%s</td><td>", name, number(value, 3, text));
    put_interval(w, ci95, 1, 3);
    put(w, "</td><td class=\"l\">%s</td></tr>\n", ideal);
}

static void put_calibration(struct page_writer *w, const struct evaluation_score *s)
{
    const struct interval none = {(double)NAN, (double)NAN};
    const struct recalibration *r = &s->recalibration;
    put(w, "<h3>");
    put_text(w, s->name);
    put(w, "</h3>\n<p class=\"sub\">All its values lie in 0 to 1 and are read as probabilities of the "
           "outcome.</p>\n<table><tr><th></th><th>value</th><th>95 %% interval</th><th style=\"text-align:left\">meaning</th></tr>\n");
    if (s->has_recalibration) {
        put_fit_row(w, "Calibration in the large", r->in_the_large, r->in_the_large_ci95,
                    "ideal 0; above 0: risks are too low on the whole");
        put_fit_row(w, "Calibration slope", r->slope, r->slope_ci95,
                    "ideal 1; below 1: risks are too extreme");
        put_fit_row(w, "Intercept beside the slope", r->intercept, r->intercept_ci95, "ideal 0");
    }
    put_fit_row(w, "Brier score", s->brier.score, s->brier_bootstrap,
                "0 is perfect (interval: bootstrap)");
    put_fit_row(w, "Scaled Brier score", s->brier.scaled, none,
                "1 is perfect; 0: no better than the share of this cohort for everybody");
    put_fit_row(w, "Hosmer–Lemeshow χ²", s->hosmer_lemeshow.chi2, none, "small is good");
    put(w, "<tr><td>… its p for other patients than the model's own</td><td>");
    put_p(w, s->hosmer_lemeshow.p_other_patients);
    put(w, "</td><td>–</td><td class=\"l\">%zu degrees of freedom; below 0.05 speaks against the "
           "calibration</td></tr>\n<tr><td>… its p for patients the model was fitted on</td><td>",
        s->hosmer_lemeshow.groups);
    put_p(w, s->hosmer_lemeshow.p_same_patients);
    put(w, "</td><td>–</td><td class=\"l\">two degrees of freedom fewer</td></tr>\n</table>\n");
}

static bool any_risk(const struct evaluation *e)
{
    return e->scores[0].is_risk || (e->score_count == 2 && e->scores[1].is_risk);
}

static void put_risks(struct page_writer *w)
{
    if (!any_risk(w->e))
        return;
    put(w, "<h2>Do the risks come true?</h2>\n<div class=\"plots\">\n");
    put_figure(w, plot_calibration,
               "Calibration. Dots: groups of patients by deciles of risk, with exact 95 % "
               "intervals. Dashed: calibration by slope and intercept. On the grey line risks come "
               "true.");
    put(w, "</div>\n");
    for (size_t k = 0; k < w->e->score_count; k++)
        if (w->e->scores[k].is_risk)
            put_calibration(w, &w->e->scores[k]);
    put(w, "<h2>Does acting on it help?</h2>\n<div class=\"plots\">\n");
    put_figure(w, plot_benefit,
               "Decision curve. A threshold of 20 % means that one would treat five patients to "
               "find one with the outcome. At the thresholds one would act on, the model should lie "
               "above both other lines.");
    put_figure(w, plot_impact,
               "Clinical impact of acting at a threshold, per 1,000 patients like these. The gap "
               "between the lines are those treated without the outcome.");
    put(w, "</div>\n");
}

static void put_estimate(struct page_writer *w, const char *name, const struct estimate *x)
{
    char value[WORDS_NUMBER_SIZE];
    put(w, "<tr><td>%s</td><td>%s</td><td>", name, number(x->value, 3, value));
    put_interval(w, x->ci95, 1, 3);
    put(w, "</td><td>");
    put_p(w, x->p);
    put(w, "</td></tr>\n");
}

static void put_reclassification(struct page_writer *w)
{
    const struct evaluation *e = w->e;
    if (!e->has_reclassification)
        return;
    put(w, "<h2>What does ");
    put_text(w, e->scores[0].name);
    put(w, " add to ");
    put_text(w, e->scores[1].name);
    put(w, "?</h2>\n<table><tr><th></th><th>value</th><th>95 %% interval</th><th>p</th></tr>\n");
    put_estimate(w, "Continuous NRI (−2 to 2)", &e->nri.total);
    put_estimate(w, "… of patients with the outcome", &e->nri.event);
    put_estimate(w, "… of patients without", &e->nri.other);
    if (e->has_nri_at_cutoff)
        put_estimate(w, "NRI at the cut-off", &e->nri_at_cutoff.total);
    put_estimate(w, "IDI", &e->idi);
    put(w, "</table>\n<p class=\"sub\">NRI and IDI are known to reward noise: weigh the difference "
           "of the areas and the net benefit first.</p>\n");
}

static void put_subgroups(struct page_writer *w)
{
    const struct evaluation *e = w->e;
    char cutoff[WORDS_NUMBER_SIZE];
    if (e->subgroup_count == 0)
        return;
    put(w, "<h2>Subgroups</h2>\n");
    put_figure(w, plot_forest, "Area under the curve in each subgroup. Dashed: all patients.");
    put(w, "<table><tr><th>Subgroup</th><th>n</th><th>with outcome</th><th>sensitivity, score "
           "≥ %s</th><th>specificity</th></tr>\n", number(e->subgroups[0].at.cutoff, 3, cutoff));
    for (size_t i = 0; i < e->subgroup_count; i++) {
        const struct evaluation_subgroup *g = &e->subgroups[i];
        put(w, "<tr><td>");
        put_text(w, g->column);
        put(w, ": ");
        put_text(w, g->level);
        put(w, "</td><td>%zu</td><td>%zu</td>", g->n, g->positive);
        put_percent(w, g->at.sensitivity);
        put_percent(w, g->at.specificity);
        put(w, "</tr>\n");
    }
    put(w, "</table>\n<p class=\"sub\">Many subgroups: some will differ by chance.</p>\n");
}

/* ---- where it comes from ---- */

static void put_row(struct page_writer *w, const char *name, const char *text)
{
    put(w, "<tr><td>%s</td><td class=\"l\">", name);
    put_text(w, text);
    put(w, "</td></tr>\n");
}

static void put_package(struct page_writer *w, const struct package *p)
{
    if (!p)
        return;
    put_row(w, "Model package", p->name);
    put_row(w, "… version", p->version);
    put_row(w, "… SHA-256", p->digest);
    put_row(w, "… intended use", p->intended_use);
    put_row(w, "… outcome it was made for", p->outcome_text);
    for (size_t i = 0; i < p->population_count; i++)
        put_row(w, "… meant for", p->population[i].text);
    for (size_t i = 0; i < p->incomplete_count; i++)
        put_row(w, "… incomplete", p->incomplete[i]);
}

static void put_origin(struct page_writer *w)
{
    const struct evaluation *e = w->e;
    char text[160];
    put(w, "<h2>Where the numbers come from</h2>\n<table>\n");
    put_row(w, "Cohort file", w->about->cohort);
    put_row(w, "… SHA-256", w->about->cohort_sha256);
    snprintf(text, sizeof text, "%zu lines; %zu without outcome and %zu without score left out",
             e->rows, e->missing_outcome, e->missing_score);
    put_row(w, "Patients", text);
    put_row(w, "Outcome", w->about->outcome);
    for (size_t k = 0; k < e->score_count; k++) {
        put_row(w, k == 0 ? "Score" : "Compared with", e->scores[k].name);
        put_package(w, w->about->packages[k]);
    }
    snprintf(text, sizeof text, "%zu draws, seed %llu, with as many patients of each outcome as "
             "in the cohort", e->replicates, (unsigned long long)e->seed);
    put_row(w, "Bootstrap", e->replicates ? text : "none");
    put(w, "</table>\n<p class=\"sub\">Methods: AUC and its comparison by DeLong (1988); exact "
           "intervals by Clopper and Pearson; calibration by Cox; Hosmer–Lemeshow over deciles of "
           "risk; net benefit by Vickers and Elkin; NRI and IDI by Pencina. All are compared with "
           "R (pROC, rms, Hmisc) by the test suite. This page holds figures of a patient cohort: "
           "treat small subgroups as patient data.</p>\n</body></html>\n");
}

int evaluation_html(const struct evaluation *evaluation, const struct evaluation_about *about,
                    struct buffer *out, struct error *err)
{
    struct page_writer w = {.m = {.out = out, .err = err}, .e = evaluation, .about = about};
    arena_init(&w.m.arena);
    put_head(&w);
    put_notes(&w);
    put_meaning(&w);
    put_discrimination(&w);
    put(&w, "<div class=\"plots\">\n");
    put_figure(&w, plot_roc,
               "ROC curve. Shaded: 95 % of the bootstrap draws. Dot: the given cut-off, else "
               "Youden's.");
    put_figure(&w, plot_distribution,
               "How the score is distributed among patients with and without the outcome.");
    put(&w, "</div>\n");
    put_points(&w);
    put_risks(&w);
    put_reclassification(&w);
    put_subgroups(&w);
    put_origin(&w);
    arena_release(&w.m.arena);
    return w.m.status;
}
