#include "report/evaluation_plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/logistic.h"
#include "report/plot.h"
#include "report/words.h"

enum { WIDTH = 540, HEIGHT = 430, LEGEND_SIZE = 72 };
const uint32_t EVALUATION_COLOURS[EVALUATION_SCORES] = {0x0072B2, 0xD55E00};
static const uint32_t BAND = 0xCFE3F2, GREY = 0x7B8794, INK = 0x1F2933, WITH = 0xC0392B,
                      WITHOUT = 0x5B8DB8;

static const struct plot_axis UNIT_X = {"", 0, 1, 0.2, 1}, UNIT_Y = {"", 0, 1, 0.2, 1};

static struct plot_axis labelled(struct plot_axis axis, const char *label)
{
    axis.label = label;
    return axis;
}

/* A name short enough for a legend, cut between characters. */
static const char *short_name(const char *name, char out[LEGEND_SIZE])
{
    enum { LETTERS = 36 };
    size_t n = strlen(name);
    if (n <= LETTERS) {
        memcpy(out, name, n + 1);
        return out;
    }
    n = LETTERS;
    while (n > 0 && (name[n] & 0xC0) == 0x80)
        n--;
    snprintf(out, LEGEND_SIZE, "%.*s…", (int)n, name);
    return out;
}

/* ---- ROC ---- */

static int draw_curve(struct plot *p, const struct evaluation_score *s, uint32_t colour,
                      struct error *err)
{
    double *x = calloc(s->point_count, 2 * sizeof *x), *y = x ? x + s->point_count : NULL;
    if (!x)
        return error_set(err, STATUS_NOMEM, "out of memory for a plot");
    for (size_t i = 0; i < s->point_count; i++) {
        x[i] = 1 - s->points[i].specificity;
        y[i] = s->points[i].sensitivity;
    }
    plot_line(p, x, y, s->point_count, colour, 2.5, PLOT_SOLID);
    free(x);
    const struct operating_point *o = s->has_cutoff ? &s->at_cutoff : &s->youden;
    plot_dot(p, 1 - o->specificity.value, o->sensitivity.value, 5.5, colour);
    return 0;
}

static void draw_band(struct plot *p, const struct evaluation_score *s)
{
    double x[EVALUATION_BAND], low[EVALUATION_BAND], high[EVALUATION_BAND];
    for (size_t i = 0; i < EVALUATION_BAND; i++) {
        x[i] = 1 - (double)i / (EVALUATION_BAND - 1);
        low[i] = s->band[i].low;
        high[i] = s->band[i].high;
    }
    plot_band(p, x, low, high, EVALUATION_BAND, BAND);
}

int plot_roc(const struct evaluation *e, struct buffer *out, struct error *err)
{
    struct plot p;
    char name[LEGEND_SIZE], text[LEGEND_SIZE + 32], area[WORDS_NUMBER_SIZE];
    int status = plot_init(&p, WIDTH, HEIGHT, labelled(UNIT_X, "1 − specificity"),
                           labelled(UNIT_Y, "Sensitivity"), err);
    if (status < 0)
        return status;
    draw_band(&p, &e->scores[0]);
    plot_bar(&p, 0, 0, 1, 1, GREY, 1);
    for (size_t k = e->score_count; k > 0 && status == 0; k--)
        status = draw_curve(&p, &e->scores[k - 1], EVALUATION_COLOURS[k - 1], err);
    for (size_t k = e->score_count; k > 0; k--) {
        snprintf(text, sizeof text, "%s, AUC %s", short_name(e->scores[k - 1].name, name),
                 words_number(e->scores[k - 1].auc.area, 3, area));
        plot_legend(&p, PLOT_BOTTOM_RIGHT, text, EVALUATION_COLOURS[k - 1], PLOT_SOLID);
    }
    if (status == 0)
        status = plot_finish(&p, "ROC curve", out, err);
    plot_release(&p);
    return status;
}

/* ---- distribution ---- */

enum { BINS = 24 };

struct histogram {
    double from, width;
    double parts[2][BINS]; /* of the patients without and with the outcome */
    double highest;
};

static struct histogram count_scores(const struct evaluation_score *s)
{
    double least = s->sample.scores[0], most = least;
    double sizes[2] = {0, 0};
    for (size_t i = 0; i < s->sample.n; i++) {
        least = fmin(least, s->sample.scores[i]);
        most = fmax(most, s->sample.scores[i]);
        sizes[s->sample.positive[i]]++;
    }
    if (s->is_risk)
        least = 0, most = 1;
    if (!(most - least > 1e-9 * fabs(most)))
        least -= 0.5 + fabs(least) / 2, most += 0.5 + fabs(most) / 2;
    struct histogram h = {.from = least, .width = (most - least) / BINS};
    for (size_t i = 0; i < s->sample.n; i++) {
        double bin = floor((s->sample.scores[i] - least) / h.width);
        size_t at = bin < 0 ? 0 : bin >= BINS ? BINS - 1 : (size_t)bin;
        int class = s->sample.positive[i];
        h.parts[class][at] += 1 / sizes[class];
        h.highest = fmax(h.highest, h.parts[class][at]);
    }
    return h;
}

/* 1, 2 or 5 times a power of ten, so that about five steps make the span. */
static double nice_step(double span)
{
    double power = pow(10, floor(log10(span / 5)));
    double times = span / 5 / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

static int decimals_of(double step)
{
    int decimals = (int)ceil(-log10(step) - 1e-9);
    return decimals < 0 ? 0 : decimals > 3 ? 3 : decimals;
}

/* Axis from a round number below to above the last bin. */
static struct plot_axis score_axis(const struct evaluation_score *s, const struct histogram *h,
                                   const char *label)
{
    double step = s->is_risk ? 0.2 : nice_step(BINS * h->width);
    double from = floor(h->from / step + 1e-9) * step;
    return (struct plot_axis){label, from, fmax(h->from + BINS * h->width, from + step), step,
                              decimals_of(step)};
}

int plot_distribution(const struct evaluation *e, struct buffer *out, struct error *err)
{
    const struct evaluation_score *s = &e->scores[0];
    const struct histogram h = count_scores(s);
    char name[LEGEND_SIZE];
    struct plot p;
    double top = h.highest * 1.3, step = nice_step(2 * top);
    const struct plot_axis y = {"Part of the patients with (up) and without (down) the outcome",
                                -ceil(top / step) * step, ceil(top / step) * step, step,
                                decimals_of(step)};
    int status = plot_init(&p, WIDTH, HEIGHT, score_axis(s, &h, short_name(s->name, name)), y, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < BINS; i++) {
        double left = h.from + (double)i * h.width, gap = h.width * 0.06;
        plot_block(&p, left + gap, 0, left + h.width - gap, h.parts[1][i], WITH);
        plot_block(&p, left + gap, -h.parts[0][i], left + h.width - gap, 0, WITHOUT);
    }
    plot_bar(&p, p.x.from, 0, p.x.to, 0, INK, 1);
    const double cutoff = s->has_cutoff ? s->at_cutoff.cutoff : s->youden.cutoff;
    const double x[] = {cutoff, cutoff}, ends[] = {y.from, y.to};
    plot_line(&p, x, ends, 2, INK, 1.5, PLOT_DASHED);
    plot_legend(&p, PLOT_TOP_LEFT, "with the outcome", WITH, PLOT_SOLID);
    plot_legend(&p, PLOT_TOP_LEFT, "without", WITHOUT, PLOT_SOLID);
    plot_legend(&p, PLOT_TOP_LEFT, s->has_cutoff ? "cut-off" : "Youden cut-off", INK, PLOT_DASHED);
    status = plot_finish(&p, "Distribution of the score", out, err);
    plot_release(&p);
    return status;
}

/* ---- calibration ---- */

static void draw_groups(struct plot *p, const struct evaluation_score *s, uint32_t colour)
{
    for (size_t i = 0; i < s->groups.count; i++) {
        const struct calibration_group *g = &s->groups.groups[i];
        plot_bar(p, g->risk_mean, g->observed.ci95.low, g->risk_mean, g->observed.ci95.high,
                 colour, 1.3);
        plot_dot(p, g->risk_mean, g->observed.value, 4.5, colour);
    }
}

static void draw_recalibration(struct plot *p, const struct evaluation_score *s, uint32_t colour)
{
    enum { STEPS = 200 };
    double x[STEPS], y[STEPS];
    double low = s->groups.groups[0].risk_low;
    double high = s->groups.groups[s->groups.count - 1].risk_high;
    for (int i = 0; i < STEPS; i++) {
        x[i] = low + (high - low) * i / (STEPS - 1);
        y[i] = logistic(s->recalibration.intercept + s->recalibration.slope * logit(x[i]));
    }
    plot_line(p, x, y, STEPS, colour, 2, PLOT_DASHED);
}

int plot_calibration(const struct evaluation *e, struct buffer *out, struct error *err)
{
    struct plot p;
    char name[LEGEND_SIZE];
    int status = plot_init(&p, WIDTH, HEIGHT, labelled(UNIT_X, "Predicted risk"),
                           labelled(UNIT_Y, "Observed part with the outcome"), err);
    if (status < 0)
        return status;
    plot_bar(&p, 0, 0, 1, 1, GREY, 1);
    plot_legend(&p, PLOT_TOP_LEFT, "ideal", GREY, PLOT_SOLID);
    for (size_t k = 0; k < e->score_count; k++) {
        const struct evaluation_score *s = &e->scores[k];
        if (!s->is_risk)
            continue;
        draw_groups(&p, s, EVALUATION_COLOURS[k]);
        if (s->has_recalibration)
            draw_recalibration(&p, s, EVALUATION_COLOURS[k]);
        plot_legend(&p, PLOT_TOP_LEFT, short_name(s->name, name), EVALUATION_COLOURS[k],
                    PLOT_DASHED);
    }
    status = plot_finish(&p, "Calibration plot", out, err);
    plot_release(&p);
    return status;
}

/* ---- decision curve and clinical impact ---- */

static void draw_benefit(struct plot *p, const struct evaluation_score *s, uint32_t colour,
                         bool all)
{
    double x[EVALUATION_THRESHOLDS], y[EVALUATION_THRESHOLDS];
    for (size_t i = 0; i < EVALUATION_THRESHOLDS; i++) {
        x[i] = s->benefit[i].threshold;
        y[i] = all ? s->benefit[i].all : s->benefit[i].model;
    }
    plot_line(p, x, y, EVALUATION_THRESHOLDS, colour, all ? 1.5 : 2.5,
              all ? PLOT_DASHED : PLOT_SOLID);
}

int plot_benefit(const struct evaluation *e, struct buffer *out, struct error *err)
{
    struct plot p;
    char name[LEGEND_SIZE];
    double share = (double)e->positive / (double)e->n, step = nice_step(share * 1.3);
    const struct plot_axis y = {"Net benefit (true positives per patient)", -step,
                                ceil(share * 1.1 / step) * step, step, decimals_of(step)};
    int status = plot_init(&p, WIDTH, HEIGHT, labelled(UNIT_X, "Threshold risk"), y, err);
    if (status < 0)
        return status;
    plot_bar(&p, 0, 0, 1, 0, INK, 1.5);
    bool first = true;
    for (size_t k = 0; k < e->score_count; k++) {
        const struct evaluation_score *s = &e->scores[k];
        if (!s->is_risk)
            continue;
        if (first)
            draw_benefit(&p, s, GREY, true);
        first = false;
        draw_benefit(&p, s, EVALUATION_COLOURS[k], false);
        plot_legend(&p, PLOT_TOP_RIGHT, short_name(s->name, name), EVALUATION_COLOURS[k],
                    PLOT_SOLID);
    }
    plot_legend(&p, PLOT_TOP_RIGHT, "treat everybody", GREY, PLOT_DASHED);
    plot_legend(&p, PLOT_TOP_RIGHT, "treat nobody", INK, PLOT_SOLID);
    status = plot_finish(&p, "Decision curve", out, err);
    plot_release(&p);
    return status;
}

int plot_impact(const struct evaluation *e, struct buffer *out, struct error *err)
{
    const size_t k = e->scores[0].is_risk ? 0 : 1;
    const struct evaluation_score *s = &e->scores[k];
    double x[EVALUATION_THRESHOLDS], treated[EVALUATION_THRESHOLDS], right[EVALUATION_THRESHOLDS];
    struct plot p;
    const struct plot_axis y = {"Of 1,000 patients", 0, 1000, 200, 0};
    int status = plot_init(&p, WIDTH, HEIGHT, labelled(UNIT_X, "Threshold risk"), y, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < EVALUATION_THRESHOLDS; i++) {
        x[i] = s->benefit[i].threshold;
        treated[i] = 1000 * s->benefit[i].treated;
        right[i] = 1000 * s->benefit[i].treated_with_outcome;
    }
    plot_line(&p, x, treated, EVALUATION_THRESHOLDS, EVALUATION_COLOURS[k], 2.5, PLOT_SOLID);
    plot_line(&p, x, right, EVALUATION_THRESHOLDS, WITH, 2.5, PLOT_DASHED);
    plot_legend(&p, PLOT_TOP_RIGHT, "risk at or above the threshold", EVALUATION_COLOURS[k],
                PLOT_SOLID);
    plot_legend(&p, PLOT_TOP_RIGHT, "of these, with the outcome", WITH, PLOT_DASHED);
    status = plot_finish(&p, "Clinical impact curve", out, err);
    plot_release(&p);
    return status;
}

/* ---- subgroups ---- */

static void draw_row(struct plot *p, double y, const char *title, const char *count, double area,
                     struct interval ci95, bool all)
{
    const uint32_t colour = all ? INK : EVALUATION_COLOURS[0];
    char numbers[96], a[WORDS_NUMBER_SIZE], low[WORDS_NUMBER_SIZE], high[WORDS_NUMBER_SIZE];
    plot_label(p, 0.01, y, title, INK, false);
    plot_label(p, 0.62, y, count, GREY, true);
    if (isnan(area)) {
        plot_label(p, 1.7, y, "one outcome only", GREY, true);
        return;
    }
    plot_bar(p, 0.66 + 0.64 * ci95.low, y, 0.66 + 0.64 * ci95.high, y, colour, 2);
    plot_dot(p, 0.66 + 0.64 * area, y, all ? 6 : 5, colour);
    if (isnan(ci95.low))
        snprintf(numbers, sizeof numbers, "%s", words_number(area, 3, a));
    else
        snprintf(numbers, sizeof numbers, "%s (%s–%s)", words_number(area, 3, a),
                 words_number(ci95.low, 3, low), words_number(ci95.high, 3, high));
    plot_label(p, 1.7, y, numbers, INK, true);
}

/* Rows from top to bottom: titles on the left, areas 0 to 1 in the middle, numbers on the right.
 * One axis holds all three: 0 to 0.66, 0.66 to 1.3, 1.3 to 1.72. */
int plot_forest(const struct evaluation *e, struct buffer *out, struct error *err)
{
    struct plot p;
    char title[2 * LEGEND_SIZE], count[64], column[LEGEND_SIZE], level[LEGEND_SIZE];
    const double rows = (double)e->subgroup_count + 1;
    const struct plot_axis x = {"", 0, 1.72, 0, 0};
    const struct plot_axis y = {"Patients (with the outcome), area with 95 % interval", 0,
                                rows + 0.2, 0, 0};
    int status = plot_init(&p, 900, 90 + 28 * rows, x, y, err);
    if (status < 0)
        return status;
    static const char *const ticks[] = {"0", "0.5", "1"};
    for (int i = 0; i <= 2; i++) {
        plot_bar(&p, 0.66 + 0.32 * i, 0, 0.66 + 0.32 * i, rows + 0.2, i == 1 ? GREY : 0xE3E8EE, 1);
        plot_label(&p, i == 1 ? 0.965 : 0.652 + 0.32 * i, -0.5, ticks[i], INK, false);
    }
    const struct auc *all = &e->scores[0].auc;
    const double whole[] = {0.66 + 0.64 * all->area, 0.66 + 0.64 * all->area}, ends[] = {0, rows};
    plot_line(&p, whole, ends, 2, GREY, 1, PLOT_DASHED);
    snprintf(count, sizeof count, "%zu (%zu)", e->n, e->positive);
    draw_row(&p, rows - 0.4, "All patients", count, all->area, all->ci95, true);
    for (size_t i = 0; i < e->subgroup_count; i++) {
        const struct evaluation_subgroup *g = &e->subgroups[i];
        snprintf(title, sizeof title, "%s: %s", short_name(g->column, column),
                 short_name(g->level, level));
        snprintf(count, sizeof count, "%zu (%zu)", g->n, g->positive);
        draw_row(&p, rows - 1.4 - (double)i, title, count,
                 g->has_auc ? g->auc.area : (double)NAN, g->auc.ci95, false);
    }
    status = plot_finish(&p, "Areas by subgroup", out, err);
    plot_release(&p);
    return status;
}
