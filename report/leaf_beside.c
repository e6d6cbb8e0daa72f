#include "report/leaf.h"
#include "report/words.h"

/* The answer and what to check on the left; what it was made of on the right. */
enum {
    BODY_END = SHEET_FOOTER_Y - 10,
    NOTICE_HEIGHT = 62,
    TOP = SHEET_BODY_Y + NOTICE_HEIGHT + SHEET_GAP,
    LEFT_WIDTH = 472,
    ANSWER_HEIGHT = 476,
    CHECK_Y = TOP + ANSWER_HEIGHT + SHEET_GAP,
    RIGHT_X = SHEET_MARGIN + LEFT_WIDTH + SHEET_GAP,
    RIGHT_WIDTH = SHEET_WIDTH - SHEET_MARGIN - RIGHT_X,
    CARDS_HEIGHT = BODY_END - CHECK_Y,
};

/* First of all: which number this is not. */
static void draw_notice(struct sheet *s)
{
    const struct box box = {SHEET_MARGIN, SHEET_BODY_Y, SHEET_BODY_WIDTH, NOTICE_HEIGHT};
    page_frame(&s->page, box, s->palette->alert, 2.5);
    page_text(&s->page, (struct box){box.x + 18, box.y + 9, box.width - 36, box.height - 16},
              "Another package's score, beside the result on page 1 and not part of it. It looked at the "
              "study by itself; the outlines on page 1 are not its own. Numbers of different packages "
              "answer different questions: they cannot be compared or added.",
              (struct style){18, 11, true, PAGE_LEFT, s->palette->alert});
}

static void draw_answer(struct sheet *s)
{
    const struct box room =
        sheet_card(s, (struct box){SHEET_MARGIN, TOP, LEFT_WIDTH, ANSWER_HEIGHT}, NULL);
    const char *reasons[REASON_MAX];
    if (s->input->score->has_risk) {
        leaf_risk(s, room, "An estimate for this side, not a finding of metastasis.");
        return;
    }
    const size_t count = sheet_reasons(s, reasons);
    double y = room.y;
    y += page_text(&s->page, (struct box){room.x, y, room.width, 62},
                   sheet_text(s, s->input->outcome_text),
                   (struct style){20, 12, true, PAGE_LEFT, s->palette->text}) + 10;
    y += page_text(&s->page, (struct box){room.x, y, room.width, 50}, "No risk estimated",
                   (struct style){34, 20, true, PAGE_LEFT, s->palette->alert}) + 10;
    page_text(&s->page, (struct box){room.x, y, room.width, room.y + room.height - y},
              count > 0 ? sheet_bullets(s, reasons, count) : "• no reason is recorded",
              (struct style){21, 9, false, PAGE_LEFT, s->palette->text});
}

/* "• Breast cancer confirmed: pathology (import)" */
static const char *eligibility_text(struct sheet *s)
{
    const struct package *package = s->input->package;
    const char *text = "";
    for (size_t i = 0; package && s->input->eligibility && i < package->population_count && text;
         i++) {
        const struct evidence *evidence = &s->input->eligibility[i];
        text = arena_print(&s->arena, "%s%s%s: %s%s", text, *text ? "\n" : "",
                           sheet_text(s, package->population[i].text),
                           *evidence->source ? "" : "not established",
                           sheet_text(s, evidence->source));
    }
    return text ? text : "";
}

/* Beside each other, those with a text alone. */
static void draw_cards(struct sheet *s, struct box box)
{
    const struct {
        const char *heading, *text;
    } all[] = {
        {"Scores that enter the model", leaf_scores_text(s)},
        {"Clinical values and their source", leaf_clinical_text(s)},
        {"For whom the package is meant", eligibility_text(s)},
    };
    enum { CARDS = sizeof all / sizeof *all };
    int count = 0;
    for (int i = 0; i < CARDS; i++)
        count += *all[i].text != 0;
    for (int i = 0, drawn = 0; i < CARDS; i++) {
        const double width = (box.width - (count - 1) * SHEET_GAP) / (double)count;
        if (!*all[i].text)
            continue;
        const double x = box.x + drawn++ * (width + SHEET_GAP);
        page_text(&s->page,
                  sheet_card(s, (struct box){x, box.y, width, box.height}, all[i].heading),
                  all[i].text, (struct style){17, 8, false, PAGE_LEFT, s->palette->text});
    }
}

void leaf_beside(struct sheet *s)
{
    const struct box check = {SHEET_MARGIN, CHECK_Y, LEFT_WIDTH, CARDS_HEIGHT};
    const bool made = s->input->score->has_risk;
    const double y = made ? CHECK_Y : TOP;
    draw_notice(s);
    draw_answer(s);
    page_text(&s->page, sheet_card(s, check, "To be checked by the reader"),
              s->input->note_count > 0
                  ? sheet_bullets(s, s->input->notes, s->input->note_count)
                  : "• Nothing that is not said on page 1.",
              (struct style){18, 8, false, PAGE_LEFT, s->palette->text});
    if (made)
        leaf_nomogram(s, (struct box){RIGHT_X, TOP, RIGHT_WIDTH, ANSWER_HEIGHT});
    draw_cards(s, (struct box){RIGHT_X, y, RIGHT_WIDTH, BODY_END - y});
}
