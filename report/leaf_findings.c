#include <stdio.h>
#include <string.h>

#include "report/leaf.h"
#include "report/view.h"
#include "report/words.h"

/* Two regions side by side, then the answer's column. */
enum {
    PANEL_WIDTH = 516,
    PANEL_HEIGHT = 456, /* of the picture in it */
    PICTURE_Y = SHEET_BODY_Y + 46,
    COLUMN_X = SHEET_MARGIN + 2 * (PANEL_WIDTH + SHEET_GAP),
    COLUMN_WIDTH = SHEET_WIDTH - SHEET_MARGIN - COLUMN_X,
    ANSWER_HEIGHT = 486,
    CHECK_Y = SHEET_BODY_Y + ANSWER_HEIGHT + SHEET_GAP,
    BODY_END = SHEET_FOOTER_Y - 10,
    VALUE_ROW = 27,
    LABEL_WIDTH = 240,
};

/* ---- a region ---- */

/* "18.3 × 11.2 mm" */
static const char *size_text(struct sheet *s, const struct region_finding *region)
{
    const struct measurements *m = &region->measurements;
    char length[WORDS_NUMBER_SIZE], text[WORDS_NUMBER_SIZE + 24];
    const bool mm = region->calibration.source != CALIBRATION_NONE;
    words_number(mm ? m->long_axis.length_mm : m->long_axis.length_px, 1, length);
    words_length(region, &m->short_axis, text, sizeof text);
    return sheet_text(s, arena_print(&s->arena, "%s × %s", length, text));
}

static void draw_title(struct sheet *s, enum roi roi, double x)
{
    const struct region_finding *region = words_region(s->input, roi);
    const char *name = words_region_title(roi);
    const double width = page_text_width(&s->page, name, 24, true) + 34;
    page_fill(&s->page, (struct box){x, SHEET_BODY_Y + 8, 22, 22}, SHEET_REGION_COLOURS[roi]);
    page_text(&s->page, (struct box){x + 32, SHEET_BODY_Y + 4, width, 36}, name,
              (struct style){24, 24, true, PAGE_LEFT, s->palette->accents[roi]});
    if (region)
        page_text(&s->page,
                  (struct box){x + 32 + width, SHEET_BODY_Y + 4, PANEL_WIDTH - 32 - width, 36},
                  size_text(s, region),
                  (struct style){24, 11, true, PAGE_RIGHT, s->palette->text});
}

/* "Outline UNSURE: its passes agree by 0.61" */
static double draw_sureness(struct sheet *s, const struct region_finding *region, double x, double y)
{
    char number[WORDS_NUMBER_SIZE];
    const char *text = arena_print(
        &s->arena, "%s its passes agree by %s of 1",
        region->unsure ? "Outline UNSURE:" : "Outline:", words_number(region->agreement, 2, number));
    return page_text(&s->page, (struct box){x, y, PANEL_WIDTH, 30}, sheet_text(s, text),
                     (struct style){18, 12, region->unsure, PAGE_LEFT,
                                    region->unsure ? s->palette->alert : s->palette->text});
}

/* The axes stand in the title and on the picture. Returns the height used. */
static double draw_quantities(struct sheet *s, const struct region_finding *region, enum roi roi,
                              double x, double y)
{
    struct quantity quantities[QUANTITIES_MAX];
    const size_t count = words_quantities(region, roi, quantities);
    const double top = y;
    for (size_t i = 0; i < count; i++) {
        const struct quantity *q = &quantities[i];
        char number[WORDS_NUMBER_SIZE];
        if (!q->headline || strcmp(q->key, "long_axis") == 0 || strcmp(q->key, "short_axis") == 0)
            continue;
        page_text(&s->page, (struct box){x, y, LABEL_WIDTH, VALUE_ROW}, q->label,
                  (struct style){18, 12, false, PAGE_LEFT, s->palette->faint});
        page_text(&s->page, (struct box){x + LABEL_WIDTH + 12, y, PANEL_WIDTH - LABEL_WIDTH - 12,
                                         VALUE_ROW},
                  sheet_text(s, arena_print(&s->arena, "%s %s",
                                            words_number(q->value, q->decimals, number),
                                            q->unit_text)),
                  (struct style){18, 12, true, PAGE_LEFT, s->palette->text});
        y += VALUE_ROW;
    }
    return y - top;
}

/* "● cortex thicker than 3 mm: met (3.4 mm)": the mark says it to a quick eye. */
static double draw_statements(struct sheet *s, const struct region_finding *region, enum roi roi,
                              double x, double y)
{
    struct statement statements[STATEMENTS_MAX];
    const size_t count = words_statements(region, roi, statements);
    const double top = y;
    for (size_t i = 0; i < count; i++) {
        const struct statement *item = &statements[i];
        const bool met = strcmp(item->state, "met") == 0 || strcmp(item->state, "yes") == 0;
        if (strcmp(item->key, "unsure") == 0)
            continue; /* said above */
        y += page_text(&s->page, (struct box){x, y, PANEL_WIDTH, 44},
                       sheet_text(s, arena_print(&s->arena, "%s %s: %s", met ? "●" : "○",
                                                 item->label, item->text)),
                       (struct style){17, 11, met, PAGE_LEFT, s->palette->text}) + 3;
    }
    return y - top;
}

static void draw_source(struct sheet *s, const struct region_finding *region, double x, double y)
{
    const struct report_image *image = &s->input->images[region->image];
    const bool loop = image->header->frames > 1;
    const char *frame = loop ? arena_print(&s->arena, ", frame %d of %d", image->frame + 1,
                                           image->header->frames)
                             : "";
    const bool tinted = region->hilum.pixels && mask_count(&region->hilum) > 0;
    page_text(&s->page, (struct box){x, y, PANEL_WIDTH, 24},
              sheet_text(s, arena_print(&s->arena, "Part of image %d%s%s",
                                        image->header->instance_number, frame,
                                        tinted ? "; hilum tinted" : "")),
              (struct style){15, 11, false, PAGE_LEFT, s->palette->faint});
}

static int draw_panel(struct sheet *s, enum roi roi, double x, struct error *err)
{
    const struct region_finding *region = words_region(s->input, roi);
    const struct box box = {x, PICTURE_Y, PANEL_WIDTH, PANEL_HEIGHT};
    draw_title(s, roi, x);
    if (!region) {
        page_fill(&s->page, box, s->palette->card);
        page_frame(&s->page, box, s->palette->edge, 2);
        page_text(&s->page, (struct box){x + 30, PICTURE_Y + PANEL_HEIGHT / 2.0 - 40,
                                         PANEL_WIDTH - 60, 100},
                  roi == ROI_TUMOUR ? "No tumour outlined" : "No axillary lymph node outlined",
                  (struct style){28, 16, true, PAGE_CENTRED, s->palette->text});
        return 0;
    }
    const int r = view_draw(&s->page, box, s->input->images[region->image].picture, region, roi, err);
    if (r < 0)
        return r;
    page_frame(&s->page, box, SHEET_REGION_COLOURS[roi], 2.5);
    double y = PICTURE_Y + PANEL_HEIGHT + 12;
    y += draw_sureness(s, region, x, y) + 4;
    y += draw_quantities(s, region, roi, x, y) + 6;
    y += draw_statements(s, region, roi, x, y) + 4;
    draw_source(s, region, x, y);
    return 0;
}

/* ---- texts that may be long ---- */

/* Where the rest is; other numbers do not stand on the page that has the result. */
static const char *further_text(struct sheet *s)
{
    const char *made = s->input->score->has_risk ? "How it was made: page 2." : "";
    if (s->input->other_count == 0)
        return made;
    return sheet_text(s, arena_print(&s->arena, "%s%s%s", made, *made ? " " : "",
                                     s->input->other_count == 1
                                         ? "Another package's score follows on its own page."
                                         : "Other packages' scores follow, each on its own page."));
}

static const struct box ANSWER = {COLUMN_X, SHEET_BODY_Y, COLUMN_WIDTH, ANSWER_HEIGHT};
static const struct box CHECK = {COLUMN_X, CHECK_Y, COLUMN_WIDTH, BODY_END - CHECK_Y};

static const char *reasons_text(struct sheet *s)
{
    const char *reasons[REASON_MAX];
    const size_t count = sheet_reasons(s, reasons);
    return count > 0 ? sheet_bullets(s, reasons, count) : "• no reason is recorded";
}

static const char *notes_text(struct sheet *s)
{
    return s->input->note_count > 0
               ? sheet_bullets(s, s->input->notes, s->input->note_count)
               : "• Nothing unusual was noted. The outlines, the side and the measurements are to be "
                 "checked all the same.";
}

static struct style text_style(const struct sheet *s, double size)
{
    return (struct style){size, 13, false, PAGE_LEFT, s->palette->text};
}

static struct box inside(struct box card, double heading)
{
    return (struct box){card.x + 18, card.y + 14 + heading, card.width - 36,
                        card.height - 28 - heading};
}

/* Room for reasons and notes in their cards. */
static struct box reasons_box(const struct sheet *s)
{
    struct box box = inside(ANSWER, 62);
    box.height -= s->input->other_count > 0 ? 30 : 0;
    return box;
}

static struct box notes_box(void)
{
    return inside(CHECK, 34);
}

bool leaf_findings_fits(struct sheet *s)
{
    return page_text_fits(&s->page, notes_box(), notes_text(s), text_style(s, 19)) &&
           (s->input->score->has_risk ||
            page_text_fits(&s->page, reasons_box(s), reasons_text(s), text_style(s, 23)));
}

/* All of it, or as much as has room and where the rest stands. */
static void draw_list(struct sheet *s, struct box box, const char *text, struct style style)
{
    static const double line = 26;
    if (page_text_fits(&s->page, box, text, style)) {
        page_text(&s->page, box, text, style);
        return;
    }
    box.height -= line;
    page_text(&s->page, box, text, style);
    page_text(&s->page, (struct box){box.x, box.y + box.height + 2, box.width, line},
              sheet_text(s, arena_print(&s->arena, "In full: page %d", s->count)),
              (struct style){16, 12, true, PAGE_LEFT, s->palette->alert});
}

static void draw_no_risk(struct sheet *s)
{
    const struct box room = inside(ANSWER, 0);
    page_text(&s->page, (struct box){room.x, room.y, room.width, 56}, "No risk estimated",
              (struct style){38, 20, true, PAGE_LEFT, s->palette->alert});
    draw_list(s, reasons_box(s), reasons_text(s), text_style(s, 23));
    page_text(&s->page, (struct box){room.x, room.y + room.height - 24, room.width, 24},
              further_text(s), (struct style){16, 11, true, PAGE_LEFT, s->palette->text});
}

int leaf_findings(struct sheet *s, struct error *err)
{
    int r = draw_panel(s, ROI_TUMOUR, SHEET_MARGIN, err);
    if (r == 0)
        r = draw_panel(s, ROI_NODE, SHEET_MARGIN + PANEL_WIDTH + SHEET_GAP, err);
    const struct box room = sheet_card(s, ANSWER, NULL);
    if (s->input->score->has_risk)
        leaf_risk(s, room,
                  sheet_text(s, arena_print(&s->arena, "An estimate for this side, not a finding of "
                                                       "metastasis. %s", further_text(s))));
    else
        draw_no_risk(s);
    sheet_card(s, CHECK, "To be checked by the reader");
    draw_list(s, notes_box(), notes_text(s), text_style(s, 19));
    return r;
}
