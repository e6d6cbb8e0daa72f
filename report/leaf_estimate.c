#include <math.h>
#include <string.h>

#include "report/leaf.h"
#include "report/nomogram.h"
#include "report/terms.h"
#include "report/view.h"
#include "report/words.h"

enum {
    LEFT_WIDTH = 1052,
    COLUMN_X = SHEET_MARGIN + LEFT_WIDTH + SHEET_GAP,
    COLUMN_WIDTH = SHEET_WIDTH - SHEET_MARGIN - COLUMN_X,
    BODY_END = SHEET_FOOTER_Y - 10,
    BODY_HEIGHT = BODY_END - SHEET_BODY_Y,
    HEAT_HEIGHT = 292,
    STRONGEST = 3,
};

static bool has_heat(const struct report_input *input, enum roi roi)
{
    const struct region_finding *region = words_region(input, roi);
    return region && region->heat.plane.values;
}

static int draw_heat(struct sheet *s, enum roi roi, struct box box, struct error *err)
{
    const struct region_finding *region = words_region(s->input, roi);
    const struct box room = sheet_card(
        s, box,
        sheet_text(s, arena_print(&s->arena, "%s: where its score comes from",
                                  words_region_title(roi))));
    static const double caption = 22;
    page_text(&s->page, (struct box){room.x, room.y + room.height - caption, room.width, caption},
              "orange raises the score, blue lowers it; what the networks saw",
              (struct style){14, 10, false, PAGE_LEFT, s->palette->faint});
    return view_draw_heat(&s->page,
                          (struct box){room.x, room.y, room.width, room.height - caption - 4},
                          s->input->images[region->image].picture, region, roi, err);
}

/* The terms of a score that count most, a line each. */
static const char *strongest(struct sheet *s, const struct package_score *score, size_t *ret_count)
{
    const struct score *all = s->input->score;
    const struct contribution *picked[STRONGEST] = {0};
    const char *text = "";
    *ret_count = 0;
    for (size_t i = 0; i < all->contribution_count; i++) {
        const struct contribution *c = &all->contributions[i];
        if (strcmp(c->stage, score->name) != 0)
            continue;
        ++*ret_count;
        for (int k = 0; k < STRONGEST; k++)
            if (!picked[k] || fabs(c->contribution) > fabs(picked[k]->contribution)) {
                const struct contribution *next = picked[k];
                picked[k] = c;
                c = next;
                if (!c)
                    break;
            }
    }
    for (int k = 0; k < STRONGEST && picked[k] && text; k++) {
        const char *label = terms_label(&s->arena, s->input->package, picked[k]->name);
        char number[WORDS_NUMBER_SIZE];
        text = arena_print(&s->arena, "%s\n    %s%s  %s", text,
                           picked[k]->contribution > 0 ? "+" : "",
                           words_number(picked[k]->contribution, 2, number), label ? label : "");
    }
    return text ? text : "";
}

/* A score's value is what a later stage took of it. */
static const struct contribution *taken(const struct score *score, const char *name)
{
    for (size_t i = 0; i < score->contribution_count; i++)
        if (strcmp(score->contributions[i].name, name) == 0)
            return &score->contributions[i];
    return NULL;
}

/* "DLR: 1.230, of 17 terms; most of all" and those */
const char *leaf_scores_text(struct sheet *s)
{
    const struct package *package = s->input->package;
    const char *text = "";
    for (size_t i = 0; package && i < package->score_count && text; i++) {
        const struct package_score *score = &package->scores[i];
        const struct contribution *c = taken(s->input->score, score->name);
        size_t count;
        char number[WORDS_NUMBER_SIZE];
        if (!c)
            continue;
        const char *most = strongest(s, score, &count);
        text = arena_print(&s->arena, "%s%s%s: %s, of %zu terms%s%s", text,
                           *text ? "\n" : "", score->name, words_number(c->value, 3, number), count,
                           *most ? "; most of all" : "", most);
    }
    return text ? text : "";
}

/* Text cleaned line by line: what comes from a package must not break them. */
const char *leaf_clinical_text(struct sheet *s)
{
    const struct package *package = s->input->package;
    const char *text = "";
    for (size_t i = 0; package && s->input->clinical && i < package->clinical_count && text; i++) {
        const struct clinical_choice *choice = &s->input->clinical[i];
        char value[CLINICAL_TEXT_SIZE] = "";
        if (choice->value)
            clinical_value_format(choice->value, value);
        const char *unit = choice->value && choice->value->variable->unit
                               ? choice->value->variable->unit : "";
        const char *source = terms_source(&s->arena, choice);
        text = arena_print(&s->arena, "%s%s%s: %s%s%s%s%s%s", text, *text ? "\n" : "",
                           sheet_text(s, choice->input->text), value, *unit ? " " : "", unit,
                           *value ? " (" : "", source ? source : "", *value ? ")" : "");
    }
    return text ? text : "";
}

/* Cards in the column, as high as their texts need; where that is too much, in proportion, and
 * the letters shrink. Those without text are left out. */
static void draw_column(struct sheet *s)
{
    static const char reading[] =
        "Each line is one value that the model takes, with the patient's mark on it. The higher its "
        "points, the higher the risk; the points of all lines add up to the total, and below the "
        "total stands the risk. The scales show about 2.5 standard deviations to each side of the "
        "mean that the model was made with. Points tell what the model learned from its data: they "
        "explain no cause.";
    const struct {
        const char *heading, *text;
    } all[] = {
        {"Scores that enter the model", leaf_scores_text(s)},
        {"Clinical values and their source", leaf_clinical_text(s)},
        {"How to read this", reading},
    };
    enum { CARDS = sizeof all / sizeof *all, FRAME = 76 };
    const struct style style = {18, 9, false, PAGE_LEFT, s->palette->text};
    double heights[CARDS], needed = -SHEET_GAP, y = SHEET_BODY_Y;
    for (int i = 0; i < CARDS; i++) {
        const struct box room = {0, 0, COLUMN_WIDTH - 36, 4000};
        heights[i] = *all[i].text ? page_text_height(&s->page, room, all[i].text, style) + FRAME : 0;
        needed += heights[i] > 0 ? heights[i] + SHEET_GAP : 0;
    }
    for (int i = 0; i < CARDS; i++) {
        const double height = heights[i] * fmin(1, BODY_HEIGHT / needed);
        if (!(height > 0))
            continue;
        const struct box room =
            sheet_card(s, (struct box){COLUMN_X, y, COLUMN_WIDTH, height}, all[i].heading);
        page_text(&s->page, room, all[i].text, style);
        y += height + SHEET_GAP;
    }
}

void leaf_nomogram(struct sheet *s, struct box box)
{
    struct nomogram nomogram;
    const struct box room = sheet_card(
        s, box, sheet_text(s, arena_print(&s->arena, "Nomogram: %s", s->input->outcome_text)));
    if (nomogram_make(s->input, &s->arena, &nomogram))
        nomogram_draw(s, room, &nomogram);
    else
        page_text(&s->page, room, "The model of this package cannot be drawn.",
                  (struct style){18, 12, false, PAGE_LEFT, s->palette->faint});
}

int leaf_estimate(struct sheet *s, struct error *err)
{
    const int heats = has_heat(s->input, ROI_TUMOUR) + has_heat(s->input, ROI_NODE);
    const double height = BODY_HEIGHT - (heats ? HEAT_HEIGHT + SHEET_GAP : 0);
    int r = 0, drawn = 0;
    leaf_nomogram(s, (struct box){SHEET_MARGIN, SHEET_BODY_Y, LEFT_WIDTH, height});
    for (int roi = 0; roi < ROI_COUNT && r == 0; roi++) {
        const double width = heats ? (LEFT_WIDTH - (heats - 1) * SHEET_GAP) / (double)heats : 0;
        if (!has_heat(s->input, (enum roi)roi))
            continue;
        r = draw_heat(s, (enum roi)roi,
                      (struct box){SHEET_MARGIN + drawn * (width + SHEET_GAP),
                                   BODY_END - HEAT_HEIGHT, width, HEAT_HEIGHT},
                      err);
        drawn++;
    }
    draw_column(s);
    return r;
}

void leaf_notes(struct sheet *s)
{
    const char *reasons[REASON_MAX];
    const size_t reason_count = s->input->score->has_risk ? 0 : sheet_reasons(s, reasons);
    const struct style style = {19, 8, false, PAGE_LEFT, s->palette->text};
    const double half = (SHEET_BODY_WIDTH - SHEET_GAP) / 2.0;
    struct box box = {SHEET_MARGIN, SHEET_BODY_Y, reason_count ? half : SHEET_BODY_WIDTH,
                      BODY_HEIGHT};
    if (reason_count > 0) {
        page_text(&s->page, sheet_card(s, box, "Why no risk is estimated"),
                  sheet_bullets(s, reasons, reason_count), style);
        box.x += half + SHEET_GAP;
    }
    page_text(&s->page, sheet_card(s, box, "To be checked by the reader"),
              sheet_bullets(s, s->input->notes, s->input->note_count), style);
}
