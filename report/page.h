/* A page to draw on: text that never leaves its box, lines, pictures. By cairo, onto pixels, PDF or
 * SVG alike; colours are 0xRRGGBB, lengths are in units of the page (pixels, where it has any),
 * the origin is top left. Where drawing fails is told by page_take, page_png and page_end. */
#ifndef AXNODE_REPORT_PAGE_H
#define AXNODE_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "image/image.h"

/* As <cairo.h> declares them. */
typedef struct _cairo cairo_t;
typedef struct _cairo_surface cairo_surface_t;

struct box {
    double x, y, width, height;
};

struct page {
    cairo_surface_t *surface; /* owned */
    cairo_t *cr;              /* owned */
    double advances[2][128];  /* of ASCII letters, plain and bold, of size 1; 0: not measured */
};

/* Filled with one colour. STATUS_NOMEM. */
int page_init(struct page *ret_page, int width, int height, uint32_t colour, struct error *err);
/* What a PDF says of itself. */
struct page_about {
    const char *title;  /* UTF-8 */
    int64_t created_us; /* the document's date: nothing comes from the clock */
};
/* Pages of a PDF, `width` × `height` units each, drawn at `points` (1/72 inch) for each unit. The
 * bytes go to `out`, which must stay in place until page_release. */
int page_init_pdf(struct page *ret_page, struct buffer *out, double width, double height,
                  double points, const struct page_about *about, struct error *err);
/* One SVG picture whose letters are shapes; `out` as above. */
int page_init_svg(struct page *ret_page, struct buffer *out, double width, double height,
                  struct error *err);
/* The page is full: the next one follows. PDF alone. */
void page_next(struct page *page);
/* All of a PDF or SVG is drawn and in its buffer. STATUS_NOMEM, STATUS_INTERNAL. */
int page_end(struct page *page, struct error *err);
void page_release(struct page *page);

void page_colour(struct page *page, uint32_t colour);
void page_fill(struct page *page, struct box box, uint32_t colour);
void page_frame(struct page *page, struct box box, uint32_t colour, double line_width);

enum page_align { PAGE_LEFT, PAGE_CENTRED, PAGE_RIGHT };
struct style {
    double size, size_min; /* font height: shrinks from size to size_min until the text fits */
    bool bold;
    enum page_align align;
    uint32_t colour;
};
/* Wraps at blanks (and inside words that are too long), shrinks, and as a last resort ends with
 * "…". `text` is valid UTF-8; '\n' begins a new line. Returns the height used. */
double page_text(struct page *page, struct box box, const char *text, struct style style);
/* The height that page_text would use. */
double page_text_height(struct page *page, struct box box, const char *text, struct style style);

/* Whether page_text would show all of it. */
bool page_text_fits(struct page *page, struct box box, const char *text, struct style style);
/* Of one line of text. */
double page_text_width(struct page *page, const char *text, double size, bool bold);

/* The part `view` (in pixels of the picture) of `image`, stretched to fill `box`. */
int page_image(struct page *page, struct box box, const struct image *image, struct box view,
               struct error *err);

/* The page of pixels as RGB; the caller releases it. */
int page_take(struct page *page, struct image *ret_image, struct error *err);
/* The same as a PNG, added to `out`. */
int page_png(struct page *page, struct buffer *out, struct error *err);

#endif
