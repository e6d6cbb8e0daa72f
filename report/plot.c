#include "report/plot.h"

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"

enum { LEFT = 62, RIGHT = 18, TOP = 34, BOTTOM = 54, TICKS_MAX = 20, FONT = 13, LEGEND_LINE = 19 };
static const uint32_t INK = 0x1F2933, GRID = 0xE3E8EE, EDGE = 0x7B8794;

static double at_x(const struct plot *p, double x)
{
    return p->area.x + (x - p->x.from) / (p->x.to - p->x.from) * p->area.width;
}

static double at_y(const struct plot *p, double y)
{
    return p->area.y + (p->y.to - y) / (p->y.to - p->y.from) * p->area.height;
}

static void text_at(struct plot *p, struct box box, const char *text, uint32_t colour, bool bold,
                    bool centred)
{
    page_text(&p->page, box, text, (struct style){FONT, FONT, bold, centred, colour});
}

static int tick_count(const struct plot_axis *axis)
{
    if (!(axis->step > 0))
        return -1;
    double count = floor((axis->to - axis->from) / axis->step + 1e-9);
    return count < TICKS_MAX ? (int)count : TICKS_MAX;
}

static void draw_axes(struct plot *p)
{
    char number[WORDS_NUMBER_SIZE];
    for (int i = 0; i <= tick_count(&p->x); i++) {
        double value = p->x.from + i * p->x.step, x = at_x(p, value);
        page_fill(&p->page, (struct box){x - 0.5, p->area.y, 1, p->area.height}, GRID);
        text_at(p, (struct box){x - 40, p->area.y + p->area.height + 6, 80, 18},
                words_number(value, p->x.decimals, number), INK, false, true);
    }
    for (int i = 0; i <= tick_count(&p->y); i++) {
        double value = p->y.from + i * p->y.step, y = at_y(p, value);
        page_fill(&p->page, (struct box){p->area.x, y - 0.5, p->area.width, 1}, GRID);
        text_at(p, (struct box){0, y - 9, LEFT - 6, 18},
                words_number(value, p->y.decimals, number), INK, false, true);
    }
    page_frame(&p->page, p->area, EDGE, 1);
    text_at(p, (struct box){p->area.x, p->area.y + p->area.height + 28, p->area.width, 18},
            p->x.label, INK, true, true);
    text_at(p, (struct box){8, 8, p->area.width + LEFT, 18}, p->y.label, INK, true, false);
}

int plot_init(struct plot *ret_plot, double width, double height, struct plot_axis x,
              struct plot_axis y, struct error *err)
{
    struct plot p = {.area = {LEFT, TOP, width - LEFT - RIGHT, height - TOP - BOTTOM},
                     .x = x,
                     .y = y,
                     .svg = calloc(1, sizeof *p.svg)};
    if (!p.svg)
        return error_set(err, STATUS_NOMEM, "cannot draw the plot: out of memory");
    const int r = page_init_svg(&p.page, p.svg, width, height, err);
    if (r < 0) {
        plot_release(&p);
        return r;
    }
    page_fill(&p.page, (struct box){0, 0, width, height}, 0xFFFFFF);
    draw_axes(&p);
    *ret_plot = p;
    return 0;
}

void plot_release(struct plot *plot)
{
    page_release(&plot->page); /* writes its end into the buffer */
    if (plot->svg)
        buffer_release(plot->svg);
    free(plot->svg);
    plot->svg = NULL;
}

/* ---- between the axes ---- */

static void begin(struct plot *p, uint32_t colour)
{
    cairo_save(p->page.cr);
    cairo_rectangle(p->page.cr, p->area.x - 1, p->area.y - 1, p->area.width + 2,
                    p->area.height + 2);
    cairo_clip(p->page.cr);
    page_colour(&p->page, colour);
}

static void set_dash(struct plot *p, enum plot_dash dash)
{
    static const double dashes[] = {7, 5}, dots[] = {2, 3};
    if (dash == PLOT_DASHED)
        cairo_set_dash(p->page.cr, dashes, 2, 0);
    else if (dash == PLOT_DOTTED)
        cairo_set_dash(p->page.cr, dots, 2, 0);
    else
        cairo_set_dash(p->page.cr, NULL, 0, 0);
}

void plot_line(struct plot *plot, const double *x, const double *y, size_t n, uint32_t colour,
               double width, enum plot_dash dash)
{
    bool drawing = false;
    begin(plot, colour);
    cairo_set_line_width(plot->page.cr, width);
    cairo_set_line_join(plot->page.cr, CAIRO_LINE_JOIN_ROUND);
    set_dash(plot, dash);
    for (size_t i = 0; i < n; i++) {
        bool there = isfinite(x[i]) && isfinite(y[i]);
        if (there && drawing)
            cairo_line_to(plot->page.cr, at_x(plot, x[i]), at_y(plot, y[i]));
        else if (there)
            cairo_move_to(plot->page.cr, at_x(plot, x[i]), at_y(plot, y[i]));
        drawing = there;
    }
    cairo_stroke(plot->page.cr);
    cairo_restore(plot->page.cr);
}

void plot_band(struct plot *plot, const double *x, const double *low, const double *high,
               size_t n, uint32_t colour)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(low[i]) || !isfinite(high[i]))
            return;
    begin(plot, colour);
    for (size_t i = 0; i < n; i++)
        cairo_line_to(plot->page.cr, at_x(plot, x[i]), at_y(plot, high[i]));
    for (size_t i = n; i > 0; i--)
        cairo_line_to(plot->page.cr, at_x(plot, x[i - 1]), at_y(plot, low[i - 1]));
    cairo_close_path(plot->page.cr);
    cairo_fill(plot->page.cr);
    cairo_restore(plot->page.cr);
}

void plot_dot(struct plot *plot, double x, double y, double radius, uint32_t colour)
{
    begin(plot, colour);
    cairo_arc(plot->page.cr, at_x(plot, x), at_y(plot, y), radius, 0, 2 * acos(-1));
    cairo_fill(plot->page.cr);
    cairo_restore(plot->page.cr);
}

void plot_bar(struct plot *plot, double x0, double y0, double x1, double y1, uint32_t colour,
              double width)
{
    const double x[] = {x0, x1}, y[] = {y0, y1};
    plot_line(plot, x, y, 2, colour, width, PLOT_SOLID);
}

void plot_block(struct plot *plot, double x0, double y0, double x1, double y1, uint32_t colour)
{
    begin(plot, colour);
    cairo_rectangle(plot->page.cr, at_x(plot, x0), at_y(plot, y1), at_x(plot, x1) - at_x(plot, x0),
                    at_y(plot, y0) - at_y(plot, y1));
    cairo_fill(plot->page.cr);
    cairo_restore(plot->page.cr);
}

void plot_label(struct plot *plot, double x, double y, const char *text, uint32_t colour,
                bool right)
{
    double width = page_text_width(&plot->page, text, FONT, false) + 2, left = at_x(plot, x) - (right ? width : 0);
    text_at(plot, (struct box){left, at_y(plot, y) - 9, width, 18}, text, colour, false, false);
}

void plot_legend(struct plot *plot, enum plot_corner corner, const char *text, uint32_t colour,
                 enum plot_dash dash)
{
    const double mark = 26, width = page_text_width(&plot->page, text, FONT, false) + 2, line = plot->legends++ * LEGEND_LINE;
    const struct box *a = &plot->area;
    double x = corner == PLOT_TOP_LEFT ? a->x + 10 : a->x + a->width - 12 - width - mark;
    double y = corner == PLOT_BOTTOM_RIGHT ? a->y + a->height - 26 - line : a->y + 8 + line;
    cairo_save(plot->page.cr);
    page_colour(&plot->page, colour);
    cairo_set_line_width(plot->page.cr, 2.5);
    set_dash(plot, dash);
    cairo_move_to(plot->page.cr, x, y + 9);
    cairo_line_to(plot->page.cr, x + mark - 6, y + 9);
    cairo_stroke(plot->page.cr);
    cairo_restore(plot->page.cr);
    text_at(plot, (struct box){x + mark, y, width, 18}, text, INK, false, false);
}

/* Everything but letters, digits and a few marks as %XX. */
static int print_escaped(struct buffer *out, const struct buffer *svg, struct error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.~ =:/,;()'";
    const char *text = buffer_text(svg);
    for (size_t i = 0; i < svg->size;) {
        size_t n = strspn(text + i, plain);
        int status = n ? buffer_add(out, text + i, n, err)
                       : buffer_print(out, err, "%%%02X", (unsigned)(unsigned char)text[i]);
        if (status < 0)
            return status;
        i += n ? n : 1;
    }
    return 0;
}

int plot_finish(struct plot *plot, const char *alt, struct buffer *out, struct error *err)
{
    double width = plot->area.width + LEFT + RIGHT, height = plot->area.height + TOP + BOTTOM;
    int status = page_end(&plot->page, err);
    if (status == 0)
        status = buffer_print(out, err, "<img width=\"%.0f\" height=\"%.0f\" alt=\"%s\" "
                              "src=\"data:image/svg+xml,", width, height, alt);
    if (status == 0)
        status = print_escaped(out, plot->svg, err);
    return status < 0 ? status : buffer_print(out, err, "\">");
}
