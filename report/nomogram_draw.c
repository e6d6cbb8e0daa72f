#include <cairo.h>
#include <math.h>

#include "report/nomogram.h"
#include "report/terms.h"
#include "report/words.h"

enum { LABELS = 262, VALUES = 92, POINTS = 92, ROW_MAX = 72, TICKS_WANTED = 6, TICK_SIZE = 14 };

/* Where a nomogram is being drawn. */
struct place {
    struct sheet *s;
    const struct nomogram *n;
    double x, width; /* of the scales */
    double left, right, row;
};

static double at(const struct place *p, double points, double most)
{
    return p->x + fmin(fmax(points / most, 0), 1) * p->width;
}

static void line(const struct place *p, double x0, double y0, double x1, double y1, uint32_t colour,
                 double width)
{
    cairo_t *cr = p->s->page.cr;
    page_colour(&p->s->page, colour);
    cairo_set_line_width(cr, width);
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void dot(const struct place *p, double x, double y, double radius, uint32_t colour)
{
    cairo_t *cr = p->s->page.cr;
    cairo_arc(cr, x, y, radius + 2, 0, 2 * acos(-1));
    page_colour(&p->s->page, p->s->palette->card);
    cairo_fill(cr);
    cairo_arc(cr, x, y, radius, 0, 2 * acos(-1));
    page_colour(&p->s->page, colour);
    cairo_fill(cr);
}

/* One line of text, centred on x but kept between the ends of the scales and their margins. */
static struct box centred(const struct place *p, double x, double y, const char *text, double size,
                          bool bold)
{
    const double width = page_text_width(&p->s->page, text, size, bold) + 2;
    const double left = fmin(fmax(x - width / 2, p->x - 24), p->x + p->width + 24 - width);
    return (struct box){left, y, width, size * 1.3};
}

/* Labels below a scale, from left to right; those that would touch the one before, or a line that
 * crosses them, are left out. */
struct ticks {
    double y;
    double used;     /* where the last label ends */
    double lines[2]; /* that cross the labels; far away where there is none */
};
static const double NOWHERE = -1e9;

static bool crossed(const struct ticks *t, struct box box)
{
    for (int i = 0; i < 2; i++)
        if (t->lines[i] > box.x - 4 && t->lines[i] < box.x + box.width + 4)
            return true;
    return false;
}

static void tick(const struct place *p, struct ticks *t, double x, const char *text)
{
    const struct palette *c = p->s->palette;
    const struct box box = centred(p, x, t->y + 8, text, TICK_SIZE, false);
    line(p, x, t->y, x, t->y + 6, c->faint, 1.2);
    if (box.x < t->used + 6 || crossed(t, box))
        return;
    page_text(&p->s->page, box, text,
              (struct style){TICK_SIZE, TICK_SIZE, false, PAGE_LEFT, c->text});
    t->used = box.x + box.width;
}

/* 1, 2 or 5 times a power of ten. */
static double nice_step(double span)
{
    const double raw = span / TICKS_WANTED, power = pow(10, floor(log10(raw)));
    return raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power
                                                                                  : 10 * power;
}

static int decimals_of(double step)
{
    return step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
}

/* ---- one term ---- */

static double points_at(const struct nomogram_scale *scale, double value)
{
    const double part = (value - scale->low) / (scale->high - scale->low);
    return scale->points_low + part * (scale->points_high - scale->points_low);
}

static void tick_codes(const struct place *p, const struct nomogram_scale *scale, struct ticks *t,
                       const struct clinical_input *input)
{
    const bool falls = scale->points_high < scale->points_low;
    for (size_t k = 0; k < input->step_count; k++) {
        const size_t i = falls ? input->step_count - 1 - k : k;
        const double number = input->steps[i].number;
        if (k > 0 && !(fabs(number - input->steps[falls ? i + 1 : i - 1].number) > 0))
            continue; /* codes that count the same */
        tick(p, t, at(p, points_at(scale, number), 100),
             sheet_text(p->s, terms_value(&p->s->arena, p->n->package, scale->term->name, number)));
    }
}

static void tick_numbers(const struct place *p, const struct nomogram_scale *scale,
                         struct ticks *t)
{
    const double step = nice_step(scale->high - scale->low);
    const double first = ceil(scale->low / step - 1e-9) * step;
    const int count = (int)floor((scale->high - first) / step + 1e-9) + 1;
    const bool falls = scale->points_high < scale->points_low;
    for (int k = 0; k < count && count < 100; k++) {
        char number[WORDS_NUMBER_SIZE];
        const double value = first + step * (falls ? count - 1 - k : k);
        tick(p, t, at(p, points_at(scale, value), 100),
             words_number(value, decimals_of(step), number));
    }
}

/* To the right of the scales: the patient's value, and what it is worth. */
static void draw_result(const struct place *p, double y, const char *value, const char *worth)
{
    const struct palette *c = p->s->palette;
    page_text(&p->s->page,
              (struct box){p->right - POINTS - VALUES, y - 13, VALUES, 26}, value,
              (struct style){18, 11, true, PAGE_RIGHT, c->text});
    page_text(&p->s->page, (struct box){p->right - POINTS + 8, y - 14, POINTS - 8, 28}, worth,
              (struct style){20, 12, true, PAGE_RIGHT, c->text});
}

static const char *points_text(const struct place *p, double points)
{
    char number[WORDS_NUMBER_SIZE];
    return sheet_text(p->s, words_number(points, 0, number));
}

static void draw_name(const struct place *p, double y, const char *name, bool bold)
{
    const struct style style = {17, 10, bold, PAGE_LEFT, p->s->palette->text};
    struct box box = {p->left, y - p->row / 2 + 4, LABELS - 34, p->row - 6};
    const double height = page_text_height(&p->s->page, box, name, style);
    box.y += (box.height - height) / 2;
    page_text(&p->s->page, box, name, style);
}

static void draw_term(const struct place *p, double y, const struct nomogram_scale *scale)
{
    struct sheet *s = p->s;
    struct ticks ticks = {y, NOWHERE, {NOWHERE, NOWHERE}};
    const struct clinical_input *input =
        scale->term ? terms_clinical(p->n->package, scale->term->name) : NULL;
    draw_name(p, y, sheet_text(s, scale->label), false);
    line(p, at(p, scale->points_low, 100), y, at(p, scale->points_high, 100), y,
         s->palette->faint, 2);
    if (input && input->step_count > 0)
        tick_codes(p, scale, &ticks, input);
    else if (scale->term)
        tick_numbers(p, scale, &ticks);
    dot(p, at(p, scale->points, 100), y, 6, s->palette->mark);
    draw_result(p, y,
                scale->term ? sheet_text(s, terms_value(&s->arena, p->n->package, scale->term->name,
                                                        scale->term->value))
                            : "",
                points_text(p, scale->points));
}

/* ---- points, total and risk ---- */

static void draw_scale(const struct place *p, double y, const char *name, double most,
                       double crossing)
{
    const double step = nice_step(most);
    struct ticks ticks = {y, NOWHERE, {crossing, NOWHERE}};
    char number[WORDS_NUMBER_SIZE];
    draw_name(p, y, name, true);
    line(p, p->x, y, p->x + p->width, y, p->s->palette->text, 2);
    for (int k = 0; k * step <= most * (1 + 1e-9); k++)
        tick(p, &ticks, at(p, k * step, most), words_number(k * step, 0, number));
}

/* Where the cut-off lies on the scale of risks; NOWHERE when it does not. */
static double cutoff_x(const struct place *p)
{
    const double cutoff = p->s->input->score->cutoff;
    const double points = cutoff > 0 && cutoff < 1 ? nomogram_points(p->n, cutoff) : -1;
    return points < 0 || points > p->n->total_max ? NOWHERE : at(p, points, p->n->total_max);
}

static void draw_cutoff(const struct place *p, double y)
{
    struct sheet *s = p->s;
    const struct score *score = s->input->score;
    const double x = cutoff_x(p);
    char number[WORDS_NUMBER_SIZE];
    if (!(x > NOWHERE))
        return;
    const char *text = sheet_text(
        s, arena_print(&s->arena, "cut-off %s %%", words_number(100 * score->cutoff, 1, number)));
    line(p, x, y - 11, x, y + 30, s->palette->alert, 3);
    page_text(&s->page, centred(p, x, y + 31, text, 15, true), text,
              (struct style){15, 15, true, PAGE_LEFT, s->palette->alert});
}

static void draw_risks(const struct place *p, double y)
{
    static const int shown[] = {1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99};
    const struct nomogram *n = p->n;
    struct sheet *s = p->s;
    const struct score *score = s->input->score;
    struct ticks ticks = {y, NOWHERE, {NOWHERE, NOWHERE}};
    ticks.lines[0] = cutoff_x(p);
    draw_name(p, y, "Estimated risk (%)", true);
    line(p, p->x, y, p->x + p->width, y, s->palette->text, 2);
    if (score->has_interval)
        line(p, at(p, nomogram_points(n, score->risk_low), n->total_max), y,
             at(p, nomogram_points(n, score->risk_high), n->total_max), y,
             s->palette->text, 9);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const double points = nomogram_points(n, shown[i] / 100.0);
        char number[WORDS_NUMBER_SIZE];
        if (points >= 0 && points <= n->total_max)
            tick(p, &ticks, at(p, points, n->total_max), words_number(shown[i], 0, number));
    }
    draw_cutoff(p, y);
}

/* From the total down to the risk. */
static void draw_answer(const struct place *p, double total_y, double risk_y)
{
    static const double dashes[] = {5, 4};
    struct sheet *s = p->s;
    char number[WORDS_NUMBER_SIZE];
    const double x = at(p, p->n->total, p->n->total_max);
    cairo_set_dash(s->page.cr, dashes, 2, 0);
    line(p, x, total_y, x, risk_y, s->palette->mark, 1.5);
    cairo_set_dash(s->page.cr, NULL, 0, 0);
    dot(p, x, total_y, 6, s->palette->mark);
    dot(p, x, risk_y, 7, s->palette->mark);
    draw_result(p, total_y, "", points_text(p, p->n->total));
    draw_result(p, risk_y, "",
                sheet_text(s, arena_print(&s->arena, "%s %%",
                                          words_number(100 * s->input->score->risk, 1, number))));
}

void nomogram_draw(struct sheet *s, struct box box, const struct nomogram *n)
{
    struct place p = {.s = s,
                      .n = n,
                      .x = box.x + LABELS,
                      .width = box.width - LABELS - VALUES - POINTS - 8,
                      .left = box.x,
                      .right = box.x + box.width,
                      .row = fmin(ROW_MAX, (box.height - 34) / ((double)n->count + 2.4))};
    double y = box.y + 12;
    const struct style faint = {15, 15, false, PAGE_RIGHT, s->palette->faint};
    page_text(&s->page, (struct box){p.right - POINTS - VALUES, y - 10, VALUES, 22}, "patient", faint);
    page_text(&s->page, (struct box){p.right - POINTS, y - 10, POINTS, 22}, "points", faint);
    draw_scale(&p, y, "Points", 100, NOWHERE);
    for (size_t i = 0; i < n->count; i++)
        draw_term(&p, y + p.row * (double)(i + 1), &n->scales[i]);
    y += p.row * (double)(n->count + 1);
    line(&p, p.left, y - p.row * 0.56, p.right, y - p.row * 0.56, s->palette->edge, 1);
    draw_scale(&p, y, "Total points", n->total_max, at(&p, n->total, n->total_max));
    draw_risks(&p, y + p.row);
    draw_answer(&p, y, y + p.row);
}
