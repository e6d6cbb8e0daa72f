/* A page to draw on: text that never leaves its box, lines, pictures. By cairo; colours are
 * 0xRRGGBB, lengths are in pixels of the page, the origin is top left. */
#ifndef AXNODE_REPORT_PAGE_H
#define AXNODE_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

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
};

/* Filled with one colour. STATUS_NOMEM. */
int page_init(struct page *ret_page, int width, int height, uint32_t colour, struct error *err);
void page_release(struct page *page);

void page_colour(struct page *page, uint32_t colour);
void page_fill(struct page *page, struct box box, uint32_t colour);
void page_frame(struct page *page, struct box box, uint32_t colour, double line_width);

struct style {
    double size, size_min; /* font height: shrinks from size to size_min until the text fits */
    bool bold, centred;
    uint32_t colour;
};
/* Wraps at blanks (and inside words that are too long), shrinks, and as a last resort ends with
 * "…". `text` is valid UTF-8; '\n' begins a new line. Returns the height used. */
double page_text(struct page *page, struct box box, const char *text, struct style style);
/* The height that page_text would use. */
double page_text_height(struct page *page, struct box box, const char *text, struct style style);

/* The part `view` (in pixels of the picture) of `image`, stretched to fill `box`. */
int page_image(struct page *page, struct box box, const struct image *image, struct box view,
               struct error *err);

/* The page as RGB; the caller releases it. */
int page_take(struct page *page, struct image *ret_image, struct error *err);

#endif
