#include "model/statistics/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/statistics/bootstrap.h"

/* Fewer than this many patients of a class: calibration is hardly known (Vergouwe et al., Journal
 * of Clinical Epidemiology 2005;58:475). */
enum { CLASS_MIN = 100 };

/* What evaluation_run works on. */
struct work {
    const struct evaluation_input *input;
    struct evaluation *result;
    const size_t *row_of; /* of a patient */
    const bool *positive;
    struct error *err;
};

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory for an evaluation");
}

static int note(struct work *w, const char *text)
{
    if (!text)
        return out_of_memory(w->err);
    if (w->result->note_count < EVALUATION_NOTES_MAX)
        w->result->notes[w->result->note_count++] = text;
    return 0;
}

/* ---- who is evaluated ---- */

static int choose_patients(struct work *w)
{
    const struct evaluation_input *in = w->input;
    struct evaluation *e = w->result;
    size_t *row_of = arena_array(&e->arena, in->rows + 1, sizeof *row_of);
    bool *positive = arena_array(&e->arena, in->rows + 1, sizeof *positive);
    if (!row_of || !positive)
        return out_of_memory(w->err);
    e->rows = in->rows;
    for (size_t row = 0; row < in->rows; row++) {
        bool scored = true;
        for (size_t k = 0; k < e->score_count; k++)
            scored = scored && !isnan(in->scores[k][row]);
        if (isnan(in->outcomes[row])) {
            e->missing_outcome++;
        } else if (!scored) {
            e->missing_score++;
        } else {
            positive[e->n] = in->outcomes[row] == 1;
            e->positive += positive[e->n];
            row_of[e->n++] = row;
        }
    }
    w->row_of = row_of;
    w->positive = positive;
    return 0;
}

/* ---- one score ---- */

static int calibrate(struct work *w, struct evaluation_score *s)
{
    double thresholds[EVALUATION_THRESHOLDS];
    struct error why = {0};
    for (size_t i = 0; i < EVALUATION_THRESHOLDS; i++)
        thresholds[i] = (double)(i + 1) / 100;
    int status = calibration_brier(&s->sample, &s->brier, w->err);
    if (status == 0)
        status = calibration_groups(&s->sample, &s->groups, w->err);
    if (status == 0)
        status = benefit_curve(&s->sample, thresholds, EVALUATION_THRESHOLDS, s->benefit, w->err);
    if (status < 0)
        return status;
    s->hosmer_lemeshow = calibration_hosmer_lemeshow(&s->groups);
    s->has_recalibration = calibration_fit(&s->sample, &s->recalibration, &why) == 0;
    if (!s->has_recalibration)
        memcpy(s->no_recalibration, why.message, sizeof s->no_recalibration - 1);
    return 0;
}

static int gather(struct work *w, size_t k)
{
    struct evaluation *e = w->result;
    struct evaluation_score *s = &e->scores[k];
    double *scores = arena_array(&e->arena, e->n + 1, sizeof *scores);
    s->name = arena_text(&e->arena, w->input->names[k]);
    if (!scores || !s->name)
        return out_of_memory(w->err);
    s->is_risk = s->all_equal = true;
    for (size_t i = 0; i < e->n; i++) {
        scores[i] = w->input->scores[k][w->row_of[i]];
        s->is_risk = s->is_risk && scores[i] >= 0 && scores[i] <= 1;
        s->all_equal = s->all_equal && scores[i] == scores[0];
    }
    s->sample = (struct sample){scores, w->positive, e->n};
    return sample_check(&s->sample, w->err);
}

static int describe(struct work *w, struct evaluation_score *s)
{
    const struct interval none = {(double)NAN, (double)NAN};
    s->auc_bootstrap = s->brier_bootstrap = none;
    for (size_t i = 0; i < EVALUATION_BAND; i++)
        s->band[i] = none;
    int status = roc_auc(&s->sample, &s->auc, w->err);
    if (status == 0)
        status = roc_points(&s->sample, &s->points, &s->point_count, w->err);
    if (status < 0)
        return status;
    s->youden = operating_point(&s->sample, roc_youden(s->points, s->point_count)->cutoff);
    return s->is_risk ? calibrate(w, s) : 0;
}

/* The cut-off belongs to the first score, and to the second when both are probabilities. */
static void apply_cutoff(struct work *w)
{
    struct evaluation *e = w->result;
    for (size_t k = 0; k < e->score_count && w->input->has_cutoff; k++) {
        struct evaluation_score *s = &e->scores[k];
        s->has_cutoff = k == 0 || (e->scores[0].is_risk && s->is_risk);
        if (s->has_cutoff)
            s->at_cutoff = operating_point(&s->sample, w->input->cutoff);
    }
}

/* ---- two scores ---- */

static int compare_scores(struct work *w)
{
    struct evaluation *e = w->result;
    const struct sample *first = &e->scores[0].sample, *second = &e->scores[1].sample;
    if (e->score_count < 2)
        return 0;
    int status = roc_compare(first, second, &e->comparison, w->err);
    e->has_reclassification = e->scores[0].is_risk && e->scores[1].is_risk;
    if (status < 0 || !e->has_reclassification)
        return status;
    status = reclassification_nri(second, first, NULL, 0, &e->nri, w->err);
    if (status == 0)
        status = reclassification_idi(second, first, &e->idi, w->err);
    e->has_nri_at_cutoff = w->input->has_cutoff;
    if (status == 0 && e->has_nri_at_cutoff)
        status = reclassification_nri(second, first, &w->input->cutoff, 1, &e->nri_at_cutoff,
                                      w->err);
    return status;
}

/* ---- bootstrap ---- */

/* Figures of one draw: per score area, Brier, the band; behind them the difference of areas. */
enum { FIGURES = 2 + EVALUATION_BAND };

struct redraw {
    const struct evaluation *evaluation;
    double *scores; /* of the draw */
    bool *positive;
};

/* Trapezoids between the corners, which go from sensitivity 1 to 0. */
static double area_below(const struct roc_point *points, size_t count)
{
    double area = 0;
    for (size_t i = 1; i < count; i++)
        area += (points[i].specificity - points[i - 1].specificity) *
                (points[i].sensitivity + points[i - 1].sensitivity) / 2;
    return area;
}

static int redraw_score(const struct redraw *r, const struct evaluation_score *s,
                        const size_t *patients, size_t n, double *ret_figures, struct error *err)
{
    struct sample drawn = {r->scores, r->positive, n};
    struct roc_point *points = NULL;
    size_t count = 0, at = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        r->scores[i] = s->sample.scores[patients[i]];
        r->positive[i] = s->sample.positive[patients[i]];
        double off = r->scores[i] - (double)r->positive[i];
        squares += off * off;
    }
    int status = roc_points(&drawn, &points, &count, err);
    if (status < 0)
        return status;
    ret_figures[0] = area_below(points, count);
    ret_figures[1] = s->is_risk ? squares / (double)n : (double)NAN;
    for (size_t i = 0; i < EVALUATION_BAND; i++) {
        while (at + 1 < count && points[at].specificity < (double)i / (EVALUATION_BAND - 1))
            at++;
        ret_figures[2 + i] = points[at].sensitivity;
    }
    free(points);
    return 0;
}

static int redraw_figures(void *context, const size_t *patients, size_t n, double *ret_figures,
                          struct error *err)
{
    const struct redraw *r = context;
    const struct evaluation *e = r->evaluation;
    int status = 0;
    for (size_t k = 0; k < e->score_count && status == 0; k++)
        status = redraw_score(r, &e->scores[k], patients, n, ret_figures + k * FIGURES, err);
    if (e->score_count == 2 && status == 0)
        ret_figures[2 * FIGURES] = ret_figures[0] - ret_figures[FIGURES];
    return status;
}

static int run_bootstrap(struct work *w)
{
    struct evaluation *e = w->result;
    struct interval intervals[2 * FIGURES + 1];
    struct redraw r = {.evaluation = e};
    e->difference_bootstrap = (struct interval){(double)NAN, (double)NAN};
    e->replicates = w->input->replicates;
    e->seed = w->input->seed;
    if (e->replicates == 0)
        return 0;
    r.scores = arena_array(&e->arena, e->n, sizeof *r.scores);
    r.positive = arena_array(&e->arena, e->n, sizeof *r.positive);
    if (!r.scores || !r.positive)
        return out_of_memory(w->err);
    size_t count = e->score_count * FIGURES + (e->score_count == 2);
    int status = bootstrap_intervals(w->positive, e->n, e->replicates, e->seed, redraw_figures,
                                     &r, count, intervals, w->err);
    if (status < 0)
        return status;
    for (size_t k = 0; k < e->score_count; k++) {
        e->scores[k].auc_bootstrap = intervals[k * FIGURES];
        e->scores[k].brier_bootstrap = intervals[k * FIGURES + 1];
        memcpy(e->scores[k].band, intervals + k * FIGURES + 2, sizeof e->scores[k].band);
    }
    if (e->score_count == 2)
        e->difference_bootstrap = intervals[2 * FIGURES];
    return 0;
}

/* ---- subgroups ---- */

static const char MISSING[] = "(missing)";

static const char *level_of(const struct work *w, const struct evaluation_grouping *grouping,
                            size_t patient)
{
    const char *text = grouping->texts[w->row_of[patient]];
    return text ? text : MISSING;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int find_levels(struct work *w, const struct evaluation_grouping *grouping,
                       const char *levels[EVALUATION_LEVELS_MAX], size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; i < w->result->n; i++) {
        const char *level = level_of(w, grouping, i);
        size_t known = 0;
        while (known < count && strcmp(levels[known], level) != 0)
            known++;
        if (known < count)
            continue;
        if (count == EVALUATION_LEVELS_MAX)
            return error_set(w->err, STATUS_INVALID,
                             "column '%s' has more than %d different values: too many subgroups",
                             grouping->column, EVALUATION_LEVELS_MAX);
        levels[count++] = level;
    }
    qsort(levels, count, sizeof *levels, compare_texts);
    *ret_count = count;
    return 0;
}

static int add_subgroup(struct work *w, const struct evaluation_grouping *grouping,
                        const char *level)
{
    struct evaluation *e = w->result;
    const struct evaluation_score *s = &e->scores[0];
    struct evaluation_subgroup *g = &e->subgroups[e->subgroup_count++];
    double *scores = arena_array(&e->arena, e->n, sizeof *scores);
    bool *positive = arena_array(&e->arena, e->n, sizeof *positive);
    *g = (struct evaluation_subgroup){.column = arena_text(&e->arena, grouping->column),
                                      .level = arena_text(&e->arena, level)};
    if (!scores || !positive || !g->column || !g->level)
        return out_of_memory(w->err);
    for (size_t i = 0; i < e->n; i++)
        if (strcmp(level_of(w, grouping, i), level) == 0) {
            scores[g->n] = s->sample.scores[i];
            positive[g->n] = w->positive[i];
            g->positive += positive[g->n++];
        }
    struct sample members = {scores, positive, g->n};
    g->has_auc = g->positive > 0 && g->positive < g->n;
    g->at = operating_point(&members, s->has_cutoff ? s->at_cutoff.cutoff : s->youden.cutoff);
    return g->has_auc ? roc_auc(&members, &g->auc, w->err) : 0;
}

static int divide(struct work *w)
{
    struct evaluation *e = w->result;
    e->subgroups = arena_array(&e->arena, EVALUATION_SUBGROUPS_MAX, sizeof *e->subgroups);
    if (!e->subgroups)
        return out_of_memory(w->err);
    for (size_t i = 0; i < w->input->grouping_count; i++) {
        const char *levels[EVALUATION_LEVELS_MAX];
        size_t count = 0;
        int status = find_levels(w, &w->input->groupings[i], levels, &count);
        if (status == 0 && e->subgroup_count + count > EVALUATION_SUBGROUPS_MAX)
            status = error_set(w->err, STATUS_LIMIT, "more than %d subgroups",
                               EVALUATION_SUBGROUPS_MAX);
        for (size_t k = 0; k < count && status == 0; k++)
            status = add_subgroup(w, &w->input->groupings[i], levels[k]);
        if (status < 0)
            return status;
    }
    return 0;
}

/* ---- what a reader must know ---- */

static int note_score(struct work *w, const struct evaluation_score *s)
{
    struct arena *arena = &w->result->arena;
    int status = 0;
    if (s->all_equal)
        status = note(w, arena_print(arena, "%s is the same for every patient: it tells nothing "
                                     "apart.", s->name));
    else if (s->auc.area < 0.5)
        status = note(w, arena_print(arena, "%s has an area below 0.5: low values go with the "
                                     "outcome. Is its direction reversed?", s->name));
    else if (s->auc.area == 1)
        status = note(w, arena_print(arena, "%s separates the outcomes completely; how sure that "
                                     "is, neither DeLong's method nor a bootstrap can say.",
                                     s->name));
    if (status == 0 && !s->is_risk)
        status = note(w, arena_print(arena, "%s is no probability (values outside 0 to 1): it "
                                     "ranks patients, and nothing is said of its calibration or "
                                     "net benefit.", s->name));
    if (status == 0 && s->is_risk && !s->has_recalibration)
        status = note(w, arena_print(arena, "%s: no calibration slope: %s.", s->name,
                                     s->no_recalibration));
    return status;
}

static int add_notes(struct work *w)
{
    struct evaluation *e = w->result;
    size_t smaller = e->positive < e->n - e->positive ? e->positive : e->n - e->positive;
    int status = 0;
    if (e->missing_outcome + e->missing_score > 0)
        status = note(w, arena_print(&e->arena, "%zu of %zu patients are left out: %zu without "
                                     "an outcome, %zu without a score. If they differ from the "
                                     "others, the figures are biased.",
                                     e->missing_outcome + e->missing_score, e->rows,
                                     e->missing_outcome, e->missing_score));
    if (status == 0 && smaller < 2)
        status = note(w, arena_print(&e->arena, "One of the two outcomes has a single patient: "
                                     "the area has no interval."));
    if (status == 0 && smaller < CLASS_MIN)
        status = note(w, arena_print(&e->arena, "A small cohort: %zu patients with and %zu without "
                                     "the outcome. For calibration at least %d of each are "
                                     "advised; mind the width of the intervals.",
                                     e->positive, e->n - e->positive, CLASS_MIN));
    for (size_t k = 0; k < e->score_count && status == 0; k++)
        status = note_score(w, &e->scores[k]);
    return status;
}

int evaluation_run(const struct evaluation_input *input, struct evaluation *ret_evaluation,
                   struct error *err)
{
    struct evaluation e = {.score_count = input->scores[1] ? 2 : 1};
    struct work w = {.input = input, .result = &e, .err = err};
    if (input->has_cutoff && !isfinite(input->cutoff))
        return error_set(err, STATUS_INVALID, "a cut-off must be a finite number");
    arena_init(&e.arena);
    int status = choose_patients(&w);
    for (size_t k = 0; k < e.score_count && status == 0; k++)
        status = gather(&w, k);
    for (size_t k = 0; k < e.score_count && status == 0; k++)
        status = describe(&w, &e.scores[k]);
    if (status == 0) {
        apply_cutoff(&w);
        status = compare_scores(&w);
    }
    if (status == 0)
        status = run_bootstrap(&w);
    if (status == 0)
        status = divide(&w);
    if (status == 0)
        status = add_notes(&w);
    if (status < 0) {
        evaluation_release(&e);
        return status;
    }
    *ret_evaluation = e;
    return 0;
}

void evaluation_release(struct evaluation *evaluation)
{
    for (size_t k = 0; k < evaluation->score_count; k++)
        free(evaluation->scores[k].points);
    arena_release(&evaluation->arena);
    *evaluation = (struct evaluation){0};
}
