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

static void draw_answer(struct sheet *s, double width)
{
    const struct box room =
        sheet_card(s, (struct box){SHEET_MARGIN, TOP, width, ANSWER_HEIGHT}, NULL);
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

struct beside_card {
    const char *heading, *text;
};
enum { CARDS_MAX = 3 };

/* Those with a text alone; the count. */
static int list_cards(struct sheet *s, struct beside_card cards[CARDS_MAX])
{
    const struct beside_card all[CARDS_MAX] = {
        {"Scores that enter the model", leaf_scores_text(s)},
        {"Clinical values and their source", leaf_clinical_text(s)},
        {"For whom the package is meant", eligibility_text(s)},
    };
    int count = 0;
    for (int i = 0; i < CARDS_MAX; i++)
        if (*all[i].text)
            cards[count++] = all[i];
    return count;
}

void leaf_beside(struct sheet *s)
{
    struct beside_card cards[CARDS_MAX];
    const int count = list_cards(s, cards);
    const bool made = s->input->score->has_risk;
    const double y = made ? CHECK_Y : TOP;
    const double left = made || count > 0 ? LEFT_WIDTH : SHEET_BODY_WIDTH;
    draw_notice(s);
    draw_answer(s, left);
    page_text(&s->page,
              sheet_card(s, (struct box){SHEET_MARGIN, CHECK_Y, left, BODY_END - CHECK_Y},
                         "To be checked by the reader"),
              s->input->note_count > 0
                  ? sheet_bullets(s, s->input->notes, s->input->note_count)
                  : "• Nothing that is not said on page 1.",
              (struct style){18, 8, false, PAGE_LEFT, s->palette->text});
    if (made)
        leaf_nomogram(s, (struct box){RIGHT_X, TOP, RIGHT_WIDTH,
                                      count > 0 ? ANSWER_HEIGHT : BODY_END - TOP});
    for (int i = 0; i < count; i++) {
        const double width = (RIGHT_WIDTH - (count - 1) * SHEET_GAP) / (double)count;
        const struct box box = {RIGHT_X + i * (width + SHEET_GAP), y, width, BODY_END - y};
        page_text(&s->page, sheet_card(s, box, cards[i].heading), cards[i].text,
                  (struct style){17, 8, false, PAGE_LEFT, s->palette->text});
    }
}
