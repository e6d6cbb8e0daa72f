/* A page of the report while it is drawn, and what its parts share: colours, frame, texts. The
 * pages are the same on a screen, in a PDF and as pictures of an HTML page; their colours differ. */
#ifndef AXNODE_REPORT_SHEET_H
#define AXNODE_REPORT_SHEET_H

#include "base/arena.h"
#include "report/page.h"
#include "report/report.h"

/* The grid, in units of the page: A4 across. The body lies between heading and footer. */
enum {
    SHEET_WIDTH = 1600,
    SHEET_HEIGHT = 1132,
    SHEET_MARGIN = 28,
    SHEET_GAP = 20,
    SHEET_BODY_Y = 176,
    SHEET_FOOTER_Y = 1034,
    SHEET_BODY_WIDTH = SHEET_WIDTH - 2 * SHEET_MARGIN,
};

/* Told apart by people with colour vision deficiencies too (after Okabe and Ito): orange, sky blue
 * and purple, which differ in lightness and are named wherever they stand. */
struct palette {
    uint32_t background, card, edge, text, faint;
    uint32_t alert;               /* of warnings as text */
    uint32_t accents[ROI_COUNT];  /* of a region's name as text */
    uint32_t mark;                /* the patient, in the nomogram */
};
/* For a dark reading room, and for paper. */
extern const struct palette PALETTE_SCREEN, PALETTE_PAPER;
/* Lines over ultrasound, which is dark on paper too. */
extern const uint32_t SHEET_REGION_COLOURS[ROI_COUNT], SHEET_HILUM_COLOUR, SHEET_LINE_COLOUR;
/* Of the banner and its text, on both. */
extern const uint32_t SHEET_BANNER_COLOUR, SHEET_BANNER_INK;

struct sheet {
    const struct report_input *input;
    const char *patient_id;        /* NULL: it is not named */
    const struct palette *palette;
    struct page page;
    struct arena arena;
    int number, count;             /* of the page, from 1 */
};

/* Valid UTF-8 on one line, never NULL: without memory it is "", and page_take will say so too. */
const char *sheet_text(struct sheet *s, const char *text);
/* "• one\n• two" of `count` texts. */
const char *sheet_bullets(struct sheet *s, const char *const *texts, size_t count);
/* The risk's reasons as an array of REASON_MAX; their count. */
size_t sheet_reasons(const struct sheet *s, const char *ret_reasons[REASON_MAX]);

/* Background, banner with the intended use, heading, footer. */
void sheet_frame(struct sheet *s, const char *title);
/* A card with its heading; the room that is left inside. */
struct box sheet_card(struct sheet *s, struct box box, const char *heading);

#endif
