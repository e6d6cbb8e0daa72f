#include "report/sheet.h"

#include "base/clock.h"
#include "report/words.h"

enum { BANNER_HEIGHT = 104, HEADING_Y = BANNER_HEIGHT + 16, HEADING_HEIGHT = 44, CARD_INSET = 18 };

const struct palette PALETTE_SCREEN = {
    .background = 0x11161D,
    .card = 0x1A212B,
    .edge = 0x3A4654,
    .text = 0xF2F4F7,
    .faint = 0xAEB8C4,
    .alert = 0xFFC53D,
    .accents = {[ROI_TUMOUR] = 0xFFA62B, [ROI_NODE] = 0x4DC3F5},
    .mark = 0xFFFFFF,
};
const struct palette PALETTE_PAPER = {
    .background = 0xFFFFFF,
    .card = 0xF5F7FA,
    .edge = 0xB8C2CC,
    .text = 0x14191F,
    .faint = 0x4A5561,
    .alert = 0x8A4B00,
    .accents = {[ROI_TUMOUR] = 0xA85400, [ROI_NODE] = 0x005F8F},
    .mark = 0x14191F,
};
const uint32_t SHEET_REGION_COLOURS[ROI_COUNT] = {[ROI_TUMOUR] = 0xFFA62B, [ROI_NODE] = 0x35C4F0};
const uint32_t SHEET_HILUM_COLOUR = 0xE57BE5, SHEET_LINE_COLOUR = 0xF2F4F7;
const uint32_t SHEET_BANNER_COLOUR = 0xFFC53D, SHEET_BANNER_INK = 0x141414;

const char *sheet_text(struct sheet *s, const char *text)
{
    const char *clean = words_clean(&s->arena, text);
    return clean ? clean : "";
}

const char *sheet_bullets(struct sheet *s, const char *const *texts, size_t count)
{
    const char *all = "";
    for (size_t i = 0; i < count && all; i++)
        all = arena_print(&s->arena, "%s%s• %s", all, i ? "\n" : "", sheet_text(s, texts[i]));
    return all ? all : "";
}

size_t sheet_reasons(const struct sheet *s, const char *ret_reasons[REASON_MAX])
{
    const struct score *score = s->input->score;
    for (int i = 0; i < score->reason_count; i++)
        ret_reasons[i] = score->reasons[i];
    return (size_t)score->reason_count;
}

/* What the result is not, first and large; then what it is for, in the package's words. */
static void draw_banner(struct sheet *s)
{
    const char *ban = words_ban(s->input);
    const char *use = sheet_text(s, arena_print(&s->arena, "Intended use: %s",
                                                s->input->intended_use));
    struct box box = {SHEET_MARGIN, 8, SHEET_BODY_WIDTH, BANNER_HEIGHT - 16};
    page_fill(&s->page, (struct box){0, 0, SHEET_WIDTH, BANNER_HEIGHT}, SHEET_BANNER_COLOUR);
    if (*ban) {
        const double used = page_text(&s->page, (struct box){box.x, box.y, box.width, 42}, ban,
                                      (struct style){32, 24, true, PAGE_CENTRED, SHEET_BANNER_INK});
        box.y += used;
        box.height -= used;
    }
    const struct style style = {20, 9, false, PAGE_CENTRED, SHEET_BANNER_INK};
    box.y += (box.height - page_text_height(&s->page, box, use, style)) / 2;
    page_text(&s->page, box, use, style);
}

/* "Patient ID 123 · study of 2026-01-02 · report 2, replaces report 1" */
static const char *subject(struct sheet *s)
{
    const struct report_input *in = s->input;
    const char *date = in->images[0].header->study_date;
    const bool replaces = in->predecessor_sr_uid && *in->predecessor_sr_uid;
    const bool named = s->patient_id && *s->patient_id;
    const char *day = words_date(&s->arena, date);
    return sheet_text(
        s, arena_print(&s->arena, "%s%s%s%s%s%sreport %d%s", named ? "Patient ID " : "",
                       named ? s->patient_id : "", named ? "  ·  " : "", *date ? "study of " : "",
                       day ? day : "", *date ? "  ·  " : "", in->generation,
                       replaces ? " (replaces the earlier report)" : ""));
}

static void draw_heading(struct sheet *s, const char *title)
{
    static const char *const sides[] = {
        [SIDE_UNKNOWN] = "SIDE UNKNOWN", [SIDE_LEFT] = "LEFT", [SIDE_RIGHT] = "RIGHT"};
    const struct palette *p = s->palette;
    const char *side = sides[s->input->side];
    const double chip = page_text_width(&s->page, side, 26, true) + 32;
    const struct box box = {SHEET_MARGIN, HEADING_Y, chip, HEADING_HEIGHT};
    page_fill(&s->page, box, p->text);
    page_text(&s->page, (struct box){box.x, box.y + 6, box.width, box.height - 8}, side,
              (struct style){26, 26, true, PAGE_CENTRED, p->background});
    const double x = SHEET_MARGIN + chip + SHEET_GAP, half = (SHEET_BODY_WIDTH - chip) / 2;
    page_text(&s->page, (struct box){x, HEADING_Y + 6, half - SHEET_GAP, HEADING_HEIGHT}, title,
              (struct style){26, 16, true, PAGE_LEFT, p->text});
    page_text(&s->page, (struct box){x + half, HEADING_Y + 10, half - SHEET_GAP, HEADING_HEIGHT - 8},
              subject(s), (struct style){21, 12, false, PAGE_RIGHT, p->text});
}

static void draw_footer(struct sheet *s)
{
    const struct report_input *in = s->input;
    const struct palette *p = s->palette;
    char made[CLOCK_TEXT_SIZE];
    clock_format_iso(in->created_us, made);
    page_fill(&s->page, (struct box){SHEET_MARGIN, SHEET_FOOTER_Y, SHEET_BODY_WIDTH, 1}, p->edge);
    double y = SHEET_FOOTER_Y + 8;
    y += page_text(&s->page, (struct box){SHEET_MARGIN, y, SHEET_BODY_WIDTH, 30},
                   sheet_text(s, words_status(&s->arena, in)),
                   (struct style){18, 10, true, PAGE_LEFT, p->alert});
    if (in->population && *in->population)
        y += page_text(&s->page, (struct box){SHEET_MARGIN, y + 2, SHEET_BODY_WIDTH, 26},
                       sheet_text(s, arena_print(&s->arena, "For: %s", in->population)),
                       (struct style){16, 9, false, PAGE_LEFT, p->text});
    const struct box last = {SHEET_MARGIN, y + 4, SHEET_BODY_WIDTH - 160, SHEET_HEIGHT - y - 8};
    page_text(&s->page, last,
              sheet_text(s, arena_print(&s->arena,
                                        "Model package %s %s, SHA-256 %.16s…   %s %s   %.10s %.5s UTC",
                                        in->package_name, in->package_version, in->package_digest,
                                        DICOM_OWN_MANUFACTURER, in->software_version, made,
                                        made + 11)),
              (struct style){15, 9, false, PAGE_LEFT, p->faint});
    page_text(&s->page, (struct box){SHEET_WIDTH - SHEET_MARGIN - 150, y + 4, 150, 24},
              sheet_text(s, arena_print(&s->arena, "page %d of %d", s->number, s->count)),
              (struct style){15, 15, false, PAGE_RIGHT, p->faint});
}

void sheet_frame(struct sheet *s, const char *title)
{
    page_fill(&s->page, (struct box){0, 0, SHEET_WIDTH, SHEET_HEIGHT}, s->palette->background);
    draw_banner(s);
    draw_heading(s, title);
    draw_footer(s);
}

struct box sheet_card(struct sheet *s, struct box box, const char *heading)
{
    page_fill(&s->page, box, s->palette->card);
    page_frame(&s->page, box, s->palette->edge, 1.5);
    struct box room = {box.x + CARD_INSET, box.y + 14, box.width - 2 * CARD_INSET, box.height - 28};
    if (!heading)
        return room;
    const double used = page_text(&s->page, (struct box){room.x, room.y, room.width, 30}, heading,
                                  (struct style){20, 14, true, PAGE_LEFT, s->palette->text});
    room.y += used + 8;
    room.height -= used + 8;
    return room;
}
