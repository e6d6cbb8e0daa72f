#include "report/page.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"

enum { LINES_MAX = 200, PART_SIZE = 1024 };

static int drawn(cairo_status_t status, struct error *err)
{
    if (status == CAIRO_STATUS_SUCCESS)
        return 0;
    return error_set(err, status == CAIRO_STATUS_NO_MEMORY ? STATUS_NOMEM : STATUS_INTERNAL,
                     "cannot draw the picture: %s", cairo_status_to_string(status));
}

/* Takes the surface. The same letters whatever the desktop's settings. */
static int start(cairo_surface_t *surface, struct page *ret_page, struct error *err)
{
    struct page page = {.surface = surface, .cr = cairo_create(surface)};
    const int r = drawn(cairo_status(page.cr), err);
    if (r < 0) {
        page_release(&page);
        return r;
    }
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(page.cr, options);
    cairo_font_options_destroy(options);
    *ret_page = page;
    return 0;
}

int page_init(struct page *ret_page, int width, int height, uint32_t colour, struct error *err)
{
    const int r =
        start(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height), ret_page, err);
    if (r == 0)
        page_fill(ret_page, (struct box){0, 0, width, height}, colour);
    return r;
}

static cairo_status_t append(void *out, const unsigned char *bytes, unsigned int n)
{
    return buffer_add(out, bytes, n, NULL) == 0 ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}

int page_init_pdf(struct page *ret_page, struct buffer *out, double width, double height,
                  double points, const struct page_about *about, struct error *err)
{
    char created[CLOCK_TEXT_SIZE];
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(append, out, width * points, height * points);
    clock_format_iso(about->created_us, created);
    memcpy(created + strlen("2026-01-02T03:04:05"), "Z", 2); /* cairo takes whole seconds */
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, about->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, created);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, created);
    const int r = start(surface, ret_page, err);
    if (r == 0)
        cairo_scale(ret_page->cr, points, points);
    return r;
}

int page_init_svg(struct page *ret_page, struct buffer *out, double width, double height,
                  struct error *err)
{
    return start(cairo_svg_surface_create_for_stream(append, out, width, height), ret_page, err);
}

void page_next(struct page *page)
{
    cairo_show_page(page->cr);
}

int page_end(struct page *page, struct error *err)
{
    const int r = drawn(cairo_status(page->cr), err);
    cairo_surface_finish(page->surface);
    return r < 0 ? r : drawn(cairo_surface_status(page->surface), err);
}

void page_release(struct page *page)
{
    if (page->cr)
        cairo_destroy(page->cr);
    if (page->surface)
        cairo_surface_destroy(page->surface);
    *page = (struct page){0};
}

void page_colour(struct page *page, uint32_t colour)
{
    cairo_set_source_rgb(page->cr, (colour >> 16 & 0xFF) / 255.0, (colour >> 8 & 0xFF) / 255.0,
                         (colour & 0xFF) / 255.0);
}

void page_fill(struct page *page, struct box box, uint32_t colour)
{
    page_colour(page, colour);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_fill(page->cr);
}

void page_frame(struct page *page, struct box box, uint32_t colour, double line_width)
{
    page_colour(page, colour);
    cairo_set_line_width(page->cr, line_width);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_stroke(page->cr);
}

/* A line of text: part of the whole. */
struct line {
    size_t begin, end;
};

static void set_font(struct page *page, double size, bool bold)
{
    cairo_select_font_face(page->cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(page->cr, size);
}

/* A font in use, and how wide its letters are: without hinting they grow with the size. */
struct font {
    double size;
    bool bold;
};

static double measure(struct page *page, const char *character, size_t n)
{
    char part[8];
    cairo_text_extents_t extents;
    memcpy(part, character, n);
    part[n] = 0;
    cairo_text_extents(page->cr, part, &extents);
    return extents.x_advance;
}

static size_t next_character(const char *text, size_t at)
{
    do
        at++;
    while ((text[at] & 0xC0) == 0x80);
    return at;
}

/* Of one character; the font is set. */
static double advance(struct page *page, struct font font, const char *text, size_t n)
{
    const unsigned char c = (unsigned char)*text;
    if (c >= 128 || n > 1)
        return measure(page, text, n < 8 ? n : 7);
    double *known = &page->advances[font.bold][c];
    if (!(*known > 0))
        *known = measure(page, text, 1) / font.size;
    return *known * font.size;
}

static double width_of(struct page *page, struct font font, const char *text, size_t n)
{
    double width = 0;
    for (size_t at = 0, next; at < n; at = next) {
        next = next_character(text, at);
        width += advance(page, font, text + at, next - at);
    }
    return width;
}

double page_text_width(struct page *page, const char *text, double size, bool bold)
{
    set_font(page, size, bold);
    return width_of(page, (struct font){size, bold}, text, strlen(text));
}

/* How much of text[begin…] goes on one line of this width: up to a blank if any fits. */
static size_t break_line(struct page *page, struct font font, const char *text, size_t begin,
                         double width)
{
    size_t blank = begin, at = begin;
    double used = 0;
    while (text[at] && text[at] != '\n' && at - begin < PART_SIZE - 16) {
        const size_t next = next_character(text, at);
        used += advance(page, font, text + at, next - at);
        if (text[at] == ' ')
            blank = at;
        else if (at > begin && used > width)
            return blank > begin ? blank : at;
        at = next;
    }
    return at;
}

static size_t break_text(struct page *page, struct font font, const char *text, double width,
                         struct line lines[LINES_MAX])
{
    size_t count = 0, at = 0;
    while (text[at] && count < LINES_MAX) {
        lines[count].begin = at;
        at = lines[count++].end = break_line(page, font, text, at, width);
        if (text[at] == '\n')
            at++;
        else
            while (text[at] == ' ')
                at++;
    }
    return count;
}

/* A text set in lines at the size that fits. */
struct layout {
    struct font font;
    struct line lines[LINES_MAX];
    size_t count, shown;
    double ascent, height; /* of a line */
};

static void lay_out(struct page *page, struct box box, const char *text, struct style style,
                    struct layout *ret_layout)
{
    struct layout *l = ret_layout;
    cairo_font_extents_t extents;
    l->font.bold = style.bold;
    for (double size = style.size;; size -= 0.5) {
        l->font.size = size;
        set_font(page, size, style.bold);
        cairo_font_extents(page->cr, &extents);
        l->ascent = extents.ascent;
        l->height = extents.height;
        l->count = break_text(page, l->font, text, box.width, l->lines);
        const double room = l->height > 0 ? box.height / l->height : 0;
        l->shown = (double)l->count <= room ? l->count : room > 0 ? (size_t)room : 0;
        if (l->shown == l->count || size - 0.5 < style.size_min)
            return;
    }
}

static void show_line(struct page *page, const struct layout *l, size_t index, struct box box,
                      const char *text, enum page_align align)
{
    char part[PART_SIZE];
    const struct line line = l->lines[index];
    const bool cut = index + 1 == l->shown && l->shown < l->count;
    size_t n = line.end - line.begin; /* fits: see break_line */
    if (cut) {                        /* make room for the ellipsis */
        const double room = box.width - width_of(page, l->font, "…", strlen("…"));
        while (n > 0 && (width_of(page, l->font, text + line.begin, n) > room ||
                         (text[line.begin + n] & 0xC0) == 0x80))
            n--;
    }
    memcpy(part, text + line.begin, n);
    memcpy(part + n, cut ? "…" : "", cut ? sizeof "…" : 1);
    const double left = box.width - width_of(page, l->font, part, strlen(part));
    cairo_move_to(page->cr,
                  box.x + (align == PAGE_RIGHT ? left : align == PAGE_CENTRED ? left / 2 : 0),
                  box.y + (double)index * l->height + l->ascent);
    cairo_show_text(page->cr, part);
    cairo_new_path(page->cr); /* the text left a current point */
}

double page_text_height(struct page *page, struct box box, const char *text, struct style style)
{
    struct layout l;
    lay_out(page, box, text, style, &l);
    return (double)l.shown * l.height;
}

bool page_text_fits(struct page *page, struct box box, const char *text, struct style style)
{
    struct layout l;
    lay_out(page, box, text, style, &l);
    return l.shown == l.count;
}

double page_text(struct page *page, struct box box, const char *text, struct style style)
{
    struct layout l;
    lay_out(page, box, text, style, &l);
    page_colour(page, style.colour);
    for (size_t i = 0; i < l.shown; i++)
        show_line(page, &l, i, box, text, style.align);
    return (double)l.shown * l.height;
}

/* The picture's part that holds the view: nothing else of it goes into a PDF. */
struct part {
    int x, y, columns, rows;
};

static struct part part_of(const struct image *image, struct box view)
{
    const int x0 = (int)fmax(0, floor(view.x) - 1), y0 = (int)fmax(0, floor(view.y) - 1);
    const int x1 = (int)fmin(image->columns, ceil(view.x + view.width) + 1);
    const int y1 = (int)fmin(image->rows, ceil(view.y + view.height) + 1);
    return (struct part){x0, y0, x1 > x0 ? x1 - x0 : 1, y1 > y0 ? y1 - y0 : 1};
}

static int to_surface(const struct image *image, struct part part, cairo_surface_t **ret_surface,
                      struct error *err)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, part.columns, part.rows);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return error_set(err, STATUS_NOMEM, "cannot draw the picture: out of memory");
    }
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    unsigned char *data = cairo_image_surface_get_data(surface);
    const int step = image->channels, green = step == 3 ? 1 : 0, blue = step == 3 ? 2 : 0;
    for (int y = 0; y < part.rows; y++) {
        const uint8_t *from =
            image->pixels + ((size_t)(part.y + y) * image->columns + part.x) * step;
        uint32_t *to = (uint32_t *)(void *)(data + (size_t)y * stride);
        for (int x = 0; x < part.columns; x++, from += step)
            to[x] = (uint32_t)from[0] << 16 | (uint32_t)from[green] << 8 | from[blue];
    }
    cairo_surface_mark_dirty(surface);
    *ret_surface = surface;
    return 0;
}

int page_image(struct page *page, struct box box, const struct image *image, struct box view,
               struct error *err)
{
    cairo_surface_t *surface = NULL;
    const struct part part = part_of(image, view);
    const int r = to_surface(image, part, &surface, err);
    if (r < 0)
        return r;
    cairo_save(page->cr);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_clip(page->cr);
    cairo_translate(page->cr, box.x, box.y);
    cairo_scale(page->cr, box.width / view.width, box.height / view.height);
    cairo_set_source_surface(page->cr, surface, part.x - view.x, part.y - view.y);
    cairo_pattern_set_filter(cairo_get_source(page->cr), CAIRO_FILTER_BILINEAR);
    cairo_paint(page->cr);
    cairo_restore(page->cr);
    cairo_surface_destroy(surface);
    return 0;
}

int page_take(struct page *page, struct image *ret_image, struct error *err)
{
    int r = drawn(cairo_status(page->cr), err);
    if (r < 0)
        return r;
    cairo_surface_flush(page->surface);
    const int width = cairo_image_surface_get_width(page->surface);
    const int height = cairo_image_surface_get_height(page->surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(page->surface);
    const unsigned char *data = cairo_image_surface_get_data(page->surface);
    struct image image = {0};
    r = image_init(&image, height, width, 3, err);
    if (r < 0)
        return r;
    for (int y = 0; y < height; y++) {
        const uint32_t *from = (const uint32_t *)(const void *)(data + (size_t)y * stride);
        uint8_t *to = image.pixels + (size_t)y * width * 3;
        for (int x = 0; x < width; x++, to += 3) {
            to[0] = (uint8_t)(from[x] >> 16);
            to[1] = (uint8_t)(from[x] >> 8);
            to[2] = (uint8_t)from[x];
        }
    }
    *ret_image = image;
    return 0;
}

int page_png(struct page *page, struct buffer *out, struct error *err)
{
    const int r = drawn(cairo_status(page->cr), err);
    return r < 0 ? r : drawn(cairo_surface_write_to_png_stream(page->surface, append, out), err);
}
