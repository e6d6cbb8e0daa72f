#include "report/picture.h"

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "image/contour.h"
#include "report/page.h"
#include "report/words.h"

/* The layout, from top to bottom and left to right. */
enum {
    PAGE_WIDTH = 1600,
    PAGE_HEIGHT = 1000,
    MARGIN = 20,
    BANNER_HEIGHT = 112,
    HEADING_Y = BANNER_HEIGHT + 12,
    BODY_Y = HEADING_Y + 48,
    PANEL_WIDTH = 510,
    PANEL_HEIGHT = 456, /* of the picture in it */
    COLUMN_X = MARGIN + 2 * (PANEL_WIDTH + MARGIN) + 10,
    COLUMN_WIDTH = PAGE_WIDTH - MARGIN - COLUMN_X,
    RISK_HEIGHT = 330,
    FOOTER_Y = 884,
};

/* For a dark reading room; told apart by people with colour vision deficiencies too. */
static const uint32_t BACKGROUND = 0x11161D, PANEL = 0x000000, EDGE = 0x3A4654, TEXT = 0xF2F4F7,
                      FAINT = 0xA9B4C0, WARNING = 0xFFC53D, INK = 0x141414;
static const uint32_t REGION_COLOURS[ROI_COUNT] = {[ROI_TUMOUR] = 0xFFA62B, [ROI_NODE] = 0x35C4F0};
static const uint32_t HILUM_COLOUR = 0xE57BE5;
/* The part of the picture shown is this many times the region's size. */
static const double CONTEXT = 2.4;

struct drawing {
    const struct report_input *input;
    struct page page;
    struct arena arena;
};

/* NULL never reaches cairo: without memory there is no text, and page_take will say so too. */
static const char *text_of(struct drawing *d, const char *text)
{
    const char *clean = words_clean(&d->arena, text);
    return clean ? clean : "";
}

static void draw_banner(struct drawing *d)
{
    const struct box area = {0, 0, PAGE_WIDTH, BANNER_HEIGHT};
    struct box box = {MARGIN, 8, PAGE_WIDTH - 2 * MARGIN, BANNER_HEIGHT - 16};
    const struct style style = {26, 12, true, true, INK};
    const char *text =
        text_of(d, arena_print(&d->arena, "INTENDED USE: %s", d->input->intended_use));
    page_fill(&d->page, area, WARNING);
    box.y += (box.height - page_text_height(&d->page, box, text, style)) / 2;
    page_text(&d->page, box, text, style);
}

static void draw_heading(struct drawing *d, const char *patient_id)
{
    static const char *const sides[] = {
        [SIDE_UNKNOWN] = "SIDE UNKNOWN", [SIDE_LEFT] = "LEFT SIDE", [SIDE_RIGHT] = "RIGHT SIDE"};
    const struct box left = {MARGIN, HEADING_Y, 2 * PANEL_WIDTH + MARGIN, 40};
    page_text(&d->page, left,
              text_of(d, arena_print(&d->arena, "Ultrasound of breast and axilla, %s",
                                     sides[d->input->side])),
              (struct style){26, 18, true, false, TEXT});
    if (!patient_id || !*patient_id)
        return;
    const struct box right = {COLUMN_X, HEADING_Y + 4, COLUMN_WIDTH, 40};
    page_text(&d->page, right, text_of(d, arena_print(&d->arena, "Patient ID: %s", patient_id)),
              (struct style){22, 12, false, false, TEXT});
}

/* First and last row and column of the mask, as pixel edges. */
static struct box mask_box(const struct mask *mask)
{
    int x0 = mask->columns, y0 = mask->rows, x1 = 0, y1 = 0;
    for (int y = 0; y < mask->rows; y++)
        for (int x = 0; x < mask->columns; x++)
            if (mask->pixels[(size_t)y * mask->columns + x]) {
                x0 = x < x0 ? x : x0;
                x1 = x + 1 > x1 ? x + 1 : x1;
                y0 = y < y0 ? y : y0;
                y1 = y + 1;
            }
    return (struct box){x0, y0, x1 - x0, y1 - y0};
}

/* Where a part of `length` begins so that it is centred on `centre` and, if it can, stays inside
 * 0 … `whole`. */
static double place(double centre, double length, double whole)
{
    if (length >= whole)
        return (whole - length) / 2;
    return fmin(fmax(centre - length / 2, 0), whole - length);
}

/* The part of the picture around the region that fills `box` without distortion. */
static struct box choose_view(const struct region_finding *region, struct box box)
{
    const struct calibration *c = &region->calibration;
    const double stretch =
        c->source == CALIBRATION_NONE ? 1 : c->spacing_column_mm / c->spacing_row_mm;
    const double ratio = box.width / box.height / stretch; /* columns per row */
    const struct box part = mask_box(&region->mask);
    const double columns = region->mask.columns, rows = region->mask.rows;
    const double wanted = CONTEXT * fmax(part.width, part.height * ratio);
    struct box view = {.width = fmin(fmax(wanted, 64), fmax(columns, rows * ratio))};
    view.height = view.width / ratio;
    view.x = place(part.x + part.width / 2, view.width, columns);
    view.y = place(part.y + part.height / 2, view.height, rows);
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
    cairo_set_source_rgba(page->cr, (HILUM_COLOUR >> 16 & 0xFF) / 255.0,
                          (HILUM_COLOUR >> 8 & 0xFF) / 255.0, (HILUM_COLOUR & 0xFF) / 255.0, 0.35);
    cairo_fill(page->cr);
}

static void draw_axis(struct page *page, const struct projection *p, const struct axis *axis,
                      uint32_t colour)
{
    const struct point a = project(p, axis->x0, axis->y0), b = project(p, axis->x1, axis->y1);
    const double length = hypot(b.x - a.x, b.y - a.y);
    if (!(length > 0))
        return;
    const double tx = -(b.y - a.y) / length * 6, ty = (b.x - a.x) / length * 6;
    cairo_move_to(page->cr, a.x, a.y);
    cairo_line_to(page->cr, b.x, b.y);
    cairo_move_to(page->cr, a.x - tx, a.y - ty);
    cairo_line_to(page->cr, a.x + tx, a.y + ty);
    cairo_move_to(page->cr, b.x - tx, b.y - ty);
    cairo_line_to(page->cr, b.x + tx, b.y + ty);
    stroke_path(page, colour, 1.3);
}

static void draw_scale(struct page *page, const struct projection *p,
                       const struct calibration *calibration)
{
    if (calibration->source == CALIBRATION_NONE)
        return;
    const double pixel = p->box.width / p->view.width / calibration->spacing_column_mm;
    const int mm = 10 * pixel > p->box.width / 2 ? 1 : 10;
    const double x = p->box.x + 14, y = p->box.y + p->box.height - 14;
    if (mm * pixel > p->box.width - 28)
        return;
    cairo_move_to(page->cr, x, y - 6);
    cairo_line_to(page->cr, x, y);
    cairo_line_to(page->cr, x + mm * pixel, y);
    cairo_line_to(page->cr, x + mm * pixel, y - 6);
    stroke_path(page, TEXT, 1.6);
    page_text(page, (struct box){x + 6, y - 24, 200, 20},
              calibration->source == CALIBRATION_ESTIMATED
                  ? (mm == 1 ? "1 mm, estimated" : "10 mm, estimated")
              : mm == 1 ? "1 mm"
                        : "10 mm",
              (struct style){14, 14, false, false, TEXT});
}

static int draw_region(struct drawing *d, enum roi roi, struct box box, struct error *err)
{
    const struct region_finding *region = words_region(d->input, roi);
    struct page *page = &d->page;
    const struct projection p = {box, choose_view(region, box)};
    int r = page_image(page, box, d->input->images[region->image].picture, p.view, err);
    if (r < 0)
        return r;
    cairo_save(page->cr);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_clip(page->cr);
    if (region->hilum.pixels)
        draw_hilum(page, &p, &region->hilum);
    r = draw_outline(page, &p, &region->mask, REGION_COLOURS[roi], err);
    draw_axis(page, &p, &region->measurements.long_axis, TEXT);
    draw_axis(page, &p, &region->measurements.short_axis, TEXT);
    draw_axis(page, &p, &region->measurements.cortex, HILUM_COLOUR);
    draw_scale(page, &p, &region->calibration);
    cairo_restore(page->cr);
    return r;
}

/* "hilum: present; cortex thicker than 3 mm: met (3.4 mm)" */
static const char *statements_text(struct drawing *d, const struct region_finding *region,
                                   enum roi roi)
{
    struct statement statements[STATEMENTS_MAX];
    const size_t count = words_statements(region, roi, statements);
    const char *all = "";
    for (size_t i = 0; i < count && all; i++)
        all = arena_print(&d->arena, "%s%s%s: %s", all, i ? "; " : "", statements[i].label,
                          statements[i].text);
    return text_of(d, all);
}

static void draw_values(struct drawing *d, enum roi roi, double x, double y)
{
    struct quantity quantities[QUANTITIES_MAX];
    const struct region_finding *region = words_region(d->input, roi);
    const size_t count = words_quantities(region, roi, quantities);
    for (size_t i = 0; i < count; i++) {
        const struct quantity *q = &quantities[i];
        char number[WORDS_NUMBER_SIZE];
        if (!q->headline)
            continue;
        page_text(&d->page, (struct box){x, y, 260, 23}, q->label,
                  (struct style){18, 13, false, false, FAINT});
        page_text(
            &d->page, (struct box){x + 270, y, PANEL_WIDTH - 270, 23},
            text_of(d, arena_print(&d->arena, "%s %s", words_number(q->value, q->decimals, number),
                                   q->unit_text)),
            (struct style){18, 13, true, false, TEXT});
        y += 22;
    }
    y += page_text(&d->page, (struct box){x, y + 2, PANEL_WIDTH, 56},
                   statements_text(d, region, roi), (struct style){15, 10, false, false, TEXT});
    const struct report_image *image = &d->input->images[region->image];
    page_text(
        &d->page, (struct box){x, y + 4, PANEL_WIDTH, 20},
        text_of(d,
                arena_print(
                    &d->arena, "Part of image %d%s%s%s", image->header->instance_number,
                    image->header->frames > 1 ? arena_print(&d->arena, ", frame %d of %d",
                                                            image->frame + 1, image->header->frames)
                                              : "",
                    region->hilum.pixels && mask_count(&region->hilum) > 0 ? "; hilum tinted" : "",
                    region->calibration.source == CALIBRATION_ESTIMATED ? "; sizes are estimated"
                                                                        : "")),
        (struct style){15, 11, false, false, FAINT});
}

static int draw_panel(struct drawing *d, enum roi roi, double x, struct error *err)
{
    const struct box box = {x, BODY_Y, PANEL_WIDTH, PANEL_HEIGHT};
    const bool found = words_region(d->input, roi) != NULL;
    page_fill(&d->page, box, PANEL);
    if (found) {
        const int r = draw_region(d, roi, box, err);
        if (r < 0)
            return r;
    } else {
        const struct box middle = {x, BODY_Y + PANEL_HEIGHT / 2 - 20, PANEL_WIDTH, 60};
        page_text(&d->page, middle,
                  roi == ROI_TUMOUR ? "No tumour outlined" : "No axillary lymph node outlined",
                  (struct style){24, 16, false, true, FAINT});
    }
    page_frame(&d->page, box, found ? REGION_COLOURS[roi] : EDGE, 2);
    if (!found)
        return 0;
    page_text(&d->page, (struct box){x, BODY_Y + PANEL_HEIGHT + 8, PANEL_WIDTH, 34},
              text_of(d, arena_print(&d->arena, "%s%s", words_region_title(roi),
                                     words_region(d->input, roi)->unsure ? ": outline unsure" : "")),
              (struct style){23, 18, true, false, REGION_COLOURS[roi]});
    draw_values(d, roi, x, BODY_Y + PANEL_HEIGHT + 42);
    return 0;
}

/* 0 to 100 % with the cut-off as a line. */
static void draw_gauge(struct drawing *d, struct box box)
{
    const struct score *score = d->input->score;
    page_fill(&d->page, box, EDGE);
    page_fill(&d->page, (struct box){box.x, box.y, box.width * score->risk, box.height}, TEXT);
    if (score->cutoff > 0)
        page_fill(
            &d->page,
            (struct box){box.x + box.width * score->cutoff - 2, box.y - 7, 4, box.height + 14},
            WARNING);
}

static void draw_risk(struct drawing *d, struct box box)
{
    const struct score *score = d->input->score;
    char number[WORDS_NUMBER_SIZE];
    const double x = box.x + 20, width = box.width - 40;
    page_text(&d->page, (struct box){x, box.y + 14, width, 70}, text_of(d, d->input->outcome_text),
              (struct style){24, 14, true, true, TEXT});
    page_text(
        &d->page, (struct box){x, box.y + 84, width, 120},
        text_of(d, arena_print(&d->arena, "%s %%", words_number(100 * score->risk, 1, number))),
        (struct style){88, 40, true, true, TEXT});
    draw_gauge(d, (struct box){x, box.y + 212, width, 16});
    char text[400] = "no cut-off in this model package";
    if (score->cutoff > 0) {
        const bool ruled = d->input->cutoff_rule && *d->input->cutoff_rule;
        snprintf(text, sizeof text, "%s the cut-off of %s %%%s%s%s",
                 score->above_cutoff ? "At or above" : "Below",
                 words_number(100 * score->cutoff, 1, number), ruled ? " (" : "",
                 ruled ? d->input->cutoff_rule : "", ruled ? ")" : "");
    }
    page_text(&d->page, (struct box){x, box.y + 242, width, 78}, text_of(d, text),
              (struct style){20, 12, false, true, FAINT});
}

/* "• one\n• two" of `count` texts. */
static const char *bullets(struct drawing *d, const char *const *texts, size_t count)
{
    const char *all = "";
    for (size_t i = 0; i < count && all; i++)
        all = arena_print(&d->arena, "%s%s• %s", all, i ? "\n" : "", text_of(d, texts[i]));
    return all ? all : "";
}

static void draw_no_risk(struct drawing *d, struct box box)
{
    const struct score *score = d->input->score;
    const char *reasons[REASON_MAX];
    for (int i = 0; i < score->reason_count; i++)
        reasons[i] = score->reasons[i];
    page_text(&d->page, (struct box){box.x + 20, box.y + 14, box.width - 40, 50},
              "No risk estimated", (struct style){36, 20, true, true, WARNING});
    page_text(&d->page, (struct box){box.x + 20, box.y + 72, box.width - 40, box.height - 84},
              bullets(d, reasons, (size_t)score->reason_count),
              (struct style){21, 12, false, false, TEXT});
}

static void draw_column(struct drawing *d)
{
    const struct box risk = {COLUMN_X, BODY_Y, COLUMN_WIDTH, RISK_HEIGHT};
    page_frame(&d->page, risk, EDGE, 2);
    if (d->input->score->has_risk)
        draw_risk(d, risk);
    else
        draw_no_risk(d, risk);
    const double y = BODY_Y + RISK_HEIGHT + 18;
    page_text(&d->page, (struct box){COLUMN_X, y, COLUMN_WIDTH, 32}, "To be checked by the reader",
              (struct style){22, 18, true, false, TEXT});
    const char *all = d->input->note_count > 0 ? bullets(d, d->input->notes, d->input->note_count)
                                               : "• The outlines, the side and the measurements";
    page_text(&d->page, (struct box){COLUMN_X, y + 36, COLUMN_WIDTH, FOOTER_Y - y - 50}, all,
              (struct style){19, 12, false, false, TEXT});
}

static void draw_footer(struct drawing *d)
{
    const struct report_input *in = d->input;
    const double width = PAGE_WIDTH - 2 * MARGIN;
    const char *status = words_status(&d->arena, in);
    const char *population = in->population && *in->population
                                 ? arena_print(&d->arena, "For: %s", in->population)
                                 : NULL;
    char made[CLOCK_TEXT_SIZE];
    clock_format_iso(in->created_us, made);
    page_fill(&d->page, (struct box){MARGIN, FOOTER_Y, width, 1}, EDGE);
    double y = FOOTER_Y + 8;
    y += page_text(&d->page, (struct box){MARGIN, y, width, 50}, text_of(d, status),
                   (struct style){19, 12, true, false, WARNING});
    if (population)
        y += page_text(&d->page, (struct box){MARGIN, y + 2, width, 44}, text_of(d, population),
                       (struct style){16, 10, false, false, TEXT});
    page_text(
        &d->page, (struct box){MARGIN, y + 4, width, PAGE_HEIGHT - y - 8},
        text_of(d, arena_print(&d->arena,
                               "Model package %s %s, SHA-256 %.16s…   %s %s   %.10s %.5s UTC",
                               in->package_name, in->package_version, in->package_digest,
                               DICOM_OWN_MANUFACTURER, in->software_version, made, made + 11)),
        (struct style){15, 9, false, false, FAINT});
}

static int draw_all(struct drawing *d, const char *patient_id, struct error *err)
{
    draw_banner(d);
    draw_heading(d, patient_id);
    int r = draw_panel(d, ROI_TUMOUR, MARGIN, err);
    if (r == 0)
        r = draw_panel(d, ROI_NODE, MARGIN + PANEL_WIDTH + MARGIN, err);
    draw_column(d);
    draw_footer(d);
    return r;
}

int picture_draw(const struct report_input *input, const char *patient_id,
                 struct image *ret_picture, struct error *err)
{
    struct drawing d = {.input = input};
    int r = page_init(&d.page, PAGE_WIDTH, PAGE_HEIGHT, BACKGROUND, err);
    if (r < 0)
        return r;
    arena_init(&d.arena);
    r = draw_all(&d, patient_id, err);
    if (r == 0)
        r = page_take(&d.page, ret_picture, err);
    arena_release(&d.arena);
    page_release(&d.page);
    return r;
}
