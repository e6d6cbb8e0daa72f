#include "report/leaf.h"
#include "report/loop.h"

/* The strip above; the key frame below, with words beside it. */
enum {
    BODY_END = SHEET_FOOTER_Y - 10,
    STRIP_HEIGHT = 408,
    KEY_Y = SHEET_BODY_Y + STRIP_HEIGHT + SHEET_GAP,
    KEY_WIDTH = 1052,
    WORDS_X = SHEET_MARGIN + KEY_WIDTH + SHEET_GAP,
    WORDS_WIDTH = SHEET_WIDTH - SHEET_MARGIN - WORDS_X,
    CAPTION = 22,
};

static void draw_words(struct sheet *s)
{
    const char *text =
        arena_print(&s->arena, "%s\n\n%s\n\nThe bars tell how much of the score each frame has. A heat map "
                    "and a key frame say what this network counted, not where disease is.",
                    loop_words(&s->arena, s->input), loop_key_words(&s->arena, s->input));
    page_text(&s->page,
              sheet_card(s, (struct box){WORDS_X, KEY_Y, WORDS_WIDTH, BODY_END - KEY_Y},
                         "How to read this"),
              text ? text : "", (struct style){19, 10, false, PAGE_LEFT, s->palette->text});
}

int leaf_loop(struct sheet *s, struct error *err)
{
    const struct loop_finding *loop = loop_of(s->input);
    const struct loop_colours colours = {s->palette->text, s->palette->faint};
    struct box room = sheet_card(
        s, (struct box){SHEET_MARGIN, SHEET_BODY_Y, SHEET_BODY_WIDTH, STRIP_HEIGHT},
        "Frames that the network saw; the contribution of each: upward raises the score");
    int r = loop_draw_strip(&s->page, room, loop, &colours, err);
    if (r < 0)
        return r;
    room = sheet_card(s, (struct box){SHEET_MARGIN, KEY_Y, KEY_WIDTH, BODY_END - KEY_Y},
                      "Key frame: where its part of the score comes from");
    page_text(&s->page, (struct box){room.x, room.y + room.height - CAPTION, room.width, CAPTION},
              "orange raises the score, blue lowers it; what the network saw",
              (struct style){14, 10, false, PAGE_LEFT, s->palette->faint});
    room.height -= CAPTION + 4;
    r = loop_draw_key(&s->page, room, loop, err);
    draw_words(s);
    return r;
}
