#include "report/view.h"

#include <cairo.h>
#include <math.h>
#include <stdio.h>

#include "image/contour.h"
#include "image/geometry.h"
#include "report/heat.h"
#include "report/sheet.h"
#include "report/words.h"

/* The part of the picture shown is this many times the region's size. */
static const double CONTEXT = 2.4;
enum { LABEL_SIZE = 19, LABEL_HEIGHT = 27 };

/* Where a part of `length` begins so that it is centred on `centre` and, if it can, stays inside
 * 0 … `whole`. */
static double place(double centre, double length, double whole)
{
    if (length >= whole)
        return (whole - length) / 2;
    return fmin(fmax(centre - length / 2, 0), whole - length);
}

struct box view_around(const struct region_finding *region, double ratio)
{
    const struct calibration *c = &region->calibration;
    const double stretch =
        c->source == CALIBRATION_NONE ? 1 : c->spacing_column_mm / c->spacing_row_mm;
    const double columns = region->mask.columns, rows = region->mask.rows;
    struct bounds part = {0};
    mask_bounds(&region->mask, &part);
    ratio /= stretch; /* columns per row */
    const double width = part.x1 - part.x0 + 1, height = part.y1 - part.y0 + 1;
    const double wanted = CONTEXT * fmax(width, height * ratio);
    struct box view = {.width = fmin(fmax(wanted, 64), fmax(columns, rows * ratio))};
    view.height = view.width / ratio;
    view.x = place(part.x0 + width / 2, view.width, columns);
    view.y = place(part.y0 + height / 2, view.height, rows);
    return view;
}

/* From pixel coordinates of the picture, whose centres are whole numbers, to the page. */
struct projection {
    struct box box, view;
};

static struct point project(const struct projection *p, double x, double y)
{
    return (struct point){
        p->box.x + (x + 0.5 - p->view.x) * p->box.width / p->view.width,
        p->box.y + (y + 0.5 - p->view.y) * p->box.height / p->view.height,
    };
}

/* Twice: dark and wide beneath, so that the line shows on bright tissue too. */
static void stroke_path(struct page *page, uint32_t colour, double width)
{
    cairo_set_source_rgba(page->cr, 0, 0, 0, 0.55);
    cairo_set_line_width(page->cr, width + 2.5);
    cairo_stroke_preserve(page->cr);
    page_colour(page, colour);
    cairo_set_line_width(page->cr, width);
    cairo_stroke(page->cr);
}

static int draw_outline(struct page *page, const struct projection *p, const struct mask *mask,
                        uint32_t colour, struct error *err)
{
    struct contour contour = {0};
    const int r = contour_trace(mask, &contour, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < contour.count; i++) {
        const struct point at = project(p, contour.points[i].x, contour.points[i].y);
        cairo_line_to(page->cr, at.x, at.y);
    }
    cairo_close_path(page->cr);
    stroke_path(page, colour, 2.5);
    contour_release(&contour);
    return 0;
}

/* Tinted, since a hilum may have several parts and holes. */
static void draw_hilum(struct page *page, const struct projection *p, const struct mask *mask)
{
    for (int y = 0; y < mask->rows; y++)
        for (int x = 0, end; x < mask->columns; x = end + 1) {
            for (end = x; end < mask->columns && mask->pixels[(size_t)y * mask->columns + end];)
                end++;
            if (end == x)
                continue;
            const struct point from = project(p, x - 0.5, y - 0.5);
            const struct point to = project(p, end - 0.5, y + 0.5);
            cairo_rectangle(page->cr, from.x, from.y, to.x - from.x, to.y - from.y);
        }
    cairo_set_source_rgba(page->cr, (SHEET_HILUM_COLOUR >> 16 & 0xFF) / 255.0,
                          (SHEET_HILUM_COLOUR >> 8 & 0xFF) / 255.0,
                          (SHEET_HILUM_COLOUR & 0xFF) / 255.0, 0.35);
    cairo_fill(page->cr);
}

/* ---- axes and their lengths ---- */

static void draw_axis(struct page *page, const struct projection *p, const struct axis *axis,
                      uint32_t colour, bool dashed)
{
    static const double dashes[] = {7, 5};
    const struct point a = project(p, axis->x0, axis->y0), b = project(p, axis->x1, axis->y1);
    const double length = hypot(b.x - a.x, b.y - a.y);
    if (!(length > 0))
        return;
    const double tx = -(b.y - a.y) / length * 6, ty = (b.x - a.x) / length * 6;
    cairo_move_to(page->cr, a.x, a.y);
    cairo_line_to(page->cr, b.x, b.y);
    if (dashed)
        cairo_set_dash(page->cr, dashes, 2, 0);
    stroke_path(page, colour, 1.3);
    cairo_set_dash(page->cr, NULL, 0, 0);
    cairo_move_to(page->cr, a.x - tx, a.y - ty);
    cairo_line_to(page->cr, a.x + tx, a.y + ty);
    cairo_move_to(page->cr, b.x - tx, b.y - ty);
    cairo_line_to(page->cr, b.x + tx, b.y + ty);
    stroke_path(page, colour, 1.3);
}

/* Beside the right end of the axis, or its lower one, inside the box. */
static struct box label_place(const struct projection *p, const struct axis *axis, double width,
                              bool downwards)
{
    struct point a = project(p, axis->x0, axis->y0), b = project(p, axis->x1, axis->y1);
    if (downwards ? a.y > b.y : a.x > b.x) {
        const struct point swap = a;
        a = b;
        b = swap;
    }
    const double length = fmax(hypot(b.x - a.x, b.y - a.y), 1);
    const double away = 10 + width / 2 * fabs(b.x - a.x) / length +
                        (double)LABEL_HEIGHT / 2 * fabs(b.y - a.y) / length;
    const double x = b.x + (b.x - a.x) / length * away - width / 2;
    const double y = b.y + (b.y - a.y) / length * away - (double)LABEL_HEIGHT / 2;
    return (struct box){fmin(fmax(x, p->box.x + 4), p->box.x + p->box.width - width - 4),
                        fmin(fmax(y, p->box.y + 4), p->box.y + p->box.height - LABEL_HEIGHT - 4),
                        width, LABEL_HEIGHT};
}

static bool overlap(struct box a, struct box b)
{
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
           b.y < a.y + a.height;
}

static void draw_label(struct page *page, struct box box, const char *text)
{
    cairo_set_source_rgba(page->cr, 0, 0, 0, 0.72);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_fill(page->cr);
    page_text(page, (struct box){box.x, box.y + 2, box.width, box.height}, text,
              (struct style){LABEL_SIZE, LABEL_SIZE, true, PAGE_CENTRED, SHEET_LINE_COLOUR});
}

static void draw_lengths(struct page *page, const struct projection *p,
                         const struct region_finding *region)
{
    const struct axis *axes[2] = {&region->measurements.long_axis,
                                  &region->measurements.short_axis};
    const bool mm = region->calibration.source != CALIBRATION_NONE;
    struct box places[2];
    char texts[2][WORDS_NUMBER_SIZE + 8];
    for (int i = 0; i < 2; i++) {
        char number[WORDS_NUMBER_SIZE];
        words_number(mm ? axes[i]->length_mm : axes[i]->length_px, 1, number);
        snprintf(texts[i], sizeof texts[i], "%s %s", number, mm ? "mm" : "px");
        places[i] = label_place(p, axes[i],
                                page_text_width(page, texts[i], LABEL_SIZE, true) + 14, i == 1);
    }
    if (overlap(places[0], places[1])) /* of very small or cut regions: one below the other */
        places[1].y = places[0].y + 2 * LABEL_HEIGHT + 4 < p->box.y + p->box.height
                          ? places[0].y + LABEL_HEIGHT + 2
                          : places[0].y - LABEL_HEIGHT - 2;
    for (int i = 0; i < 2; i++)
        draw_label(page, places[i], texts[i]);
}

static void draw_scale(struct page *page, const struct projection *p,
                       const struct calibration *calibration)
{
    char text[32];
    if (calibration->source == CALIBRATION_NONE) {
        draw_label(page, (struct box){p->box.x + 8, p->box.y + p->box.height - LABEL_HEIGHT - 8, 136,
                                      LABEL_HEIGHT}, "uncalibrated");
        return;
    }
    const double pixel = p->box.width / p->view.width / calibration->spacing_column_mm;
    const int mm = 10 * pixel > p->box.width / 2 ? 1 : 10;
    const double x = p->box.x + 14, y = p->box.y + p->box.height - 14;
    if (mm * pixel > p->box.width - 28)
        return;
    cairo_move_to(page->cr, x, y - 6);
    cairo_line_to(page->cr, x, y);
    cairo_line_to(page->cr, x + mm * pixel, y);
    cairo_line_to(page->cr, x + mm * pixel, y - 6);
    stroke_path(page, SHEET_LINE_COLOUR, 1.6);
    snprintf(text, sizeof text, "%d mm%s", mm,
             calibration->source == CALIBRATION_ESTIMATED ? ", estimated" : "");
    page_text(page, (struct box){x + 6, y - 26, 240, 24}, text,
              (struct style){15, 15, false, PAGE_LEFT, SHEET_LINE_COLOUR});
}

/* ---- views ---- */

static void clip(struct page *page, struct box box)
{
    cairo_save(page->cr);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_clip(page->cr);
}

int view_draw(struct page *page, struct box box, const struct image *picture,
              const struct region_finding *region, enum roi roi, struct error *err)
{
    const struct projection p = {box, view_around(region, box.width / box.height)};
    const struct measurements *m = &region->measurements;
    page_fill(page, box, 0);
    int r = page_image(page, box, picture, p.view, err);
    if (r < 0)
        return r;
    clip(page, box);
    if (region->hilum.pixels)
        draw_hilum(page, &p, &region->hilum);
    r = draw_outline(page, &p, &region->mask, SHEET_REGION_COLOURS[roi], err);
    draw_axis(page, &p, &m->long_axis, SHEET_LINE_COLOUR, false);
    draw_axis(page, &p, &m->short_axis, SHEET_LINE_COLOUR, true);
    draw_axis(page, &p, &m->cortex, SHEET_HILUM_COLOUR, false);
    draw_lengths(page, &p, region);
    draw_scale(page, &p, &region->calibration);
    cairo_restore(page->cr);
    return r;
}

static int draw_half(struct page *page, const struct projection *p, const struct image *picture,
                     struct box part, const struct region_finding *region, enum roi roi,
                     struct error *err)
{
    int r = page_image(page, p->box, picture, part, err);
    if (r < 0)
        return r;
    clip(page, p->box);
    r = draw_outline(page, p, &region->mask, SHEET_REGION_COLOURS[roi], err);
    cairo_restore(page->cr);
    return r;
}

int view_draw_heat(struct page *page, struct box box, const struct image *picture,
                   const struct region_finding *region, enum roi roi, struct error *err)
{
    const struct bounds *seen = &region->heat.seen;
    const struct box view = {seen->x0, seen->y0, seen->x1 - seen->x0 + 1,
                             seen->y1 - seen->y0 + 1};
    struct image heat = {0};
    int r = heat_draw(picture, &region->heat, &heat, err);
    if (r < 0)
        return r;
    const double half = (box.width - SHEET_GAP) / 2;
    const double scale = fmin(half / view.width, box.height / view.height);
    struct projection p = {{box.x, box.y, view.width * scale, view.height * scale}, view};
    p.box.x += half - p.box.width; /* both towards the middle */
    r = draw_half(page, &p, picture, view, region, roi, err);
    p.box.x = box.x + half + SHEET_GAP;
    if (r == 0)
        r = draw_half(page, &p, &heat, (struct box){0, 0, view.width, view.height}, region, roi,
                      err);
    image_release(&heat);
    return r;
}
