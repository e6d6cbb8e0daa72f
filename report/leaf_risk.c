#include <cairo.h>

#include "report/leaf.h"
#include "report/words.h"

enum { GAUGE_HEIGHT = 16 };

/* A triangle beneath the scale that points up to it. */
static void draw_pointer(struct sheet *s, double x, double y)
{
    cairo_t *cr = s->page.cr;
    cairo_move_to(cr, x, y);
    cairo_line_to(cr, x - 9, y + 15);
    cairo_line_to(cr, x + 9, y + 15);
    cairo_close_path(cr);
    page_colour(&s->page, s->palette->mark);
    cairo_fill(cr);
}

/* 0 to 100 %: the risk, its interval, groups' borders and the cut-off. */
static void draw_gauge(struct sheet *s, struct box box)
{
    const struct score *score = s->input->score;
    const struct package *package = s->input->package;
    const struct palette *p = s->palette;
    page_fill(&s->page, box, p->edge);
    if (score->has_interval)
        page_fill(&s->page,
                  (struct box){box.x + box.width * score->risk_low, box.y,
                               box.width * (score->risk_high - score->risk_low), box.height},
                  p->text);
    for (size_t i = 1; package && i < package->group_count; i++)
        page_fill(&s->page,
                  (struct box){box.x + box.width * package->groups[i].from - 1, box.y, 2, box.height},
                  p->background);
    if (score->cutoff > 0)
        page_fill(&s->page,
                  (struct box){box.x + box.width * score->cutoff - 2, box.y - 8, 4, box.height + 8},
                  p->alert);
    draw_pointer(s, box.x + box.width * score->risk, box.y + box.height + 1);
    for (int percent = 0; percent <= 100; percent += 25) {
        char number[WORDS_NUMBER_SIZE];
        page_text(&s->page,
                  (struct box){box.x + box.width * percent / 100 - 30, box.y + box.height + 18, 60, 20},
                  words_number(percent, 0, number),
                  (struct style){14, 14, false, PAGE_CENTRED, p->faint});
    }
}

static const char *interval_text(struct sheet *s)
{
    const struct score *score = s->input->score;
    char low[WORDS_NUMBER_SIZE], high[WORDS_NUMBER_SIZE];
    if (!score->has_interval)
        return "The package gives no 95 % interval";
    return sheet_text(s, arena_print(&s->arena, "95 %% interval: %s to %s %%",
                                     words_number(100 * score->risk_low, 1, low),
                                     words_number(100 * score->risk_high, 1, high)));
}

static const char *cutoff_text(struct sheet *s)
{
    const struct score *score = s->input->score;
    const char *rule = s->input->cutoff_rule;
    const bool ruled = rule && *rule;
    char number[WORDS_NUMBER_SIZE];
    if (!(score->cutoff > 0))
        return "The package has no cut-off";
    return sheet_text(s, arena_print(&s->arena, "%s the cut-off of %s %%%s%s%s",
                                     score->above_cutoff ? "At or above" : "Below",
                                     words_number(100 * score->cutoff, 1, number),
                                     ruled ? ". Its rule: " : "", ruled ? rule : "",
                                     ruled ? "." : ""));
}

void leaf_risk(struct sheet *s, struct box box, const char *closing)
{
    const struct score *score = s->input->score;
    const struct palette *p = s->palette;
    char number[WORDS_NUMBER_SIZE];
    double y = box.y;
    page_text(&s->page, (struct box){box.x, y, box.width, 66}, sheet_text(s, s->input->outcome_text),
              (struct style){22, 12, true, PAGE_CENTRED, p->text});
    y += 68;
    page_text(&s->page, (struct box){box.x, y, box.width, 112},
              sheet_text(s, arena_print(&s->arena, "%s %%", words_number(100 * score->risk, 1, number))),
              (struct style){86, 40, true, PAGE_CENTRED, p->text});
    y += 108;
    page_text(&s->page, (struct box){box.x, y, box.width, 30}, interval_text(s),
              (struct style){20, 14, true, PAGE_CENTRED, score->has_interval ? p->text : p->faint});
    y += 34;
    if (*score->group)
        page_text(&s->page, (struct box){box.x, y, box.width, 34},
                  sheet_text(s, arena_print(&s->arena, "Risk group: %s", score->group)),
                  (struct style){24, 13, true, PAGE_CENTRED, p->alert});
    y += 50;
    draw_gauge(s, (struct box){box.x + 12, y, box.width - 24, GAUGE_HEIGHT});
    y += GAUGE_HEIGHT + 46;
    page_text(&s->page, (struct box){box.x, y, box.width, 86}, cutoff_text(s),
              (struct style){18, 11, false, PAGE_CENTRED, p->text});
    y += 90;
    page_text(&s->page, (struct box){box.x, y, box.width, box.y + box.height - y},
              closing, (struct style){16, 11, false, PAGE_CENTRED, p->faint});
}
