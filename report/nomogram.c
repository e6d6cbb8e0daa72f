#include "report/nomogram.h"

#include <math.h>
#include <string.h>

#include "model/logistic.h"
#include "report/terms.h"

static const double SPREAD = 2.5;

/* What a term's value can be at all. */
static void limits_of(const struct package *package, const char *name, double *low, double *high)
{
    const struct clinical_input *input = terms_clinical(package, name);
    if (strstr(name, "_measure_"))
        *low = fmax(*low, 0);
    if (!input)
        return;
    if (input->step_count == 0) {
        *low = fmax(*low, input->variable->min);
        *high = fmin(*high, input->variable->max);
        return;
    }
    *low = *high = input->steps[0].number;
    for (size_t i = 1; i < input->step_count; i++) {
        *low = fmin(*low, input->steps[i].number);
        *high = fmax(*high, input->steps[i].number);
    }
}

static double part_of(const struct contribution *c, double value)
{
    return c->coefficient * (value - c->centre) / c->scale;
}

/* Points are parts of the linear predictor still: there is no unit yet. */
static struct nomogram_scale scale_of(const struct package *package, const struct contribution *c,
                                      struct arena *arena, double *ret_least)
{
    struct nomogram_scale s = {.term = c, .label = terms_label(arena, package, c->name)};
    const double spread = SPREAD * fabs(c->scale);
    s.low = c->centre - spread;
    s.high = c->centre + spread;
    limits_of(package, c->name, &s.low, &s.high);
    s.low = fmin(s.low, c->value);
    s.high = fmax(s.high, c->value);
    if (!(s.high > s.low))
        s.high = s.low + 1;
    *ret_least = fmin(part_of(c, s.low), part_of(c, s.high));
    s.points_low = part_of(c, s.low) - *ret_least;
    s.points_high = part_of(c, s.high) - *ret_least;
    s.points = c->contribution - *ret_least;
    return s;
}

static double span_of(const struct nomogram_scale *s)
{
    return fmax(s->points_low, s->points_high);
}

/* Terms beyond the room: the shortest scales become one. */
static void merge(struct nomogram *n, struct nomogram_scale *all, size_t count, struct arena *arena)
{
    struct nomogram_scale rest = {0};
    size_t merged = 0;
    while (count - merged > NOMOGRAM_SCALES_MAX - (merged ? 1 : 0)) {
        size_t least = count;
        for (size_t i = 0; i < count; i++)
            if (all[i].term && (least == count || span_of(&all[i]) < span_of(&all[least])))
                least = i;
        rest.points_high += span_of(&all[least]);
        rest.points += all[least].points;
        all[least].term = NULL;
        merged++;
    }
    for (size_t i = 0; i < count; i++)
        if (all[i].term)
            n->scales[n->count++] = all[i];
    if (merged == 0)
        return;
    rest.label = arena_print(arena, "%zu other terms together", merged);
    rest.high = 1;
    n->scales[n->count++] = rest;
}

/* The model's terms are the last contributions (model/findings.h). */
static const struct contribution *model_terms(const struct report_input *input)
{
    const struct score *score = input->score;
    const struct package *package = input->package;
    if (!score->has_risk || !package || !package->has_model || !package->has_intercept ||
        package->term_count == 0 || score->contribution_count < package->term_count)
        return NULL;
    return &score->contributions[score->contribution_count - package->term_count];
}

bool nomogram_make(const struct report_input *input, struct arena *arena,
                   struct nomogram *ret_nomogram)
{
    const struct contribution *terms = model_terms(input);
    const struct package *package = input->package;
    struct nomogram n = {.package = package};
    struct nomogram_scale *all =
        terms ? arena_array(arena, package->term_count, sizeof *all) : NULL;
    if (!all)
        return false;
    n.base = package->intercept;
    for (size_t i = 0; i < package->term_count; i++) {
        double least;
        all[i] = scale_of(package, &terms[i], arena, &least);
        n.base += least;
    }
    merge(&n, all, package->term_count, arena);
    for (size_t i = 0; i < n.count; i++)
        n.unit = fmax(n.unit, span_of(&n.scales[i]) / 100);
    if (!(n.unit > 0) || !isfinite(n.unit))
        return false;
    for (size_t i = 0; i < n.count; i++) {
        struct nomogram_scale *s = &n.scales[i];
        s->points_low /= n.unit;
        s->points_high /= n.unit;
        s->points /= n.unit;
        n.total += s->points;
        n.total_max += span_of(s);
    }
    *ret_nomogram = n;
    return true;
}

double nomogram_risk(const struct nomogram *n, double points)
{
    return logistic(n->base + n->unit * points);
}

double nomogram_points(const struct nomogram *n, double risk)
{
    return (logit(risk) - n->base) / n->unit;
}
