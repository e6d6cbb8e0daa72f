#include "report/page.h"

#include <cairo.h>
#include <string.h>

enum { LINES_MAX = 200, PART_SIZE = 1024 };

int page_init(struct page *ret_page, int width, int height, uint32_t colour, struct error *err)
{
    struct page page = {.surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)};
    page.cr = cairo_create(page.surface);
    if (cairo_status(page.cr) != CAIRO_STATUS_SUCCESS) {
        page_release(&page);
        return error_set(err, STATUS_NOMEM, "cannot draw the picture: out of memory");
    }
    /* The same letters whatever the desktop's settings. */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(page.cr, options);
    cairo_font_options_destroy(options);
    page_fill(&page, (struct box){0, 0, width, height}, colour);
    *ret_page = page;
    return 0;
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

static double width_of(struct page *page, const char *text, size_t n)
{
    char part[PART_SIZE];
    cairo_text_extents_t extents;
    if (n >= sizeof part)
        n = sizeof part - 1;
    memcpy(part, text, n);
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

/* How much of text[begin…] goes on one line of this width: up to a blank if any fits. */
static size_t break_line(struct page *page, const char *text, size_t begin, double width)
{
    size_t blank = begin, at = begin;
    double used = 0;
    while (text[at] && text[at] != '\n' && at - begin < PART_SIZE - 16) {
        const size_t next = next_character(text, at);
        used += width_of(page, text + at, next - at);
        if (text[at] == ' ')
            blank = at;
        else if (at > begin && used > width)
            return blank > begin ? blank : at;
        at = next;
    }
    return at;
}

static size_t break_text(struct page *page, const char *text, double width,
                         struct line lines[LINES_MAX])
{
    size_t count = 0, at = 0;
    while (text[at] && count < LINES_MAX) {
        lines[count].begin = at;
        at = lines[count++].end = break_line(page, text, at, width);
        if (text[at] == '\n')
            at++;
        else
            while (text[at] == ' ')
                at++;
    }
    return count;
}

static void show_line(struct page *page, struct box box, double baseline, const char *text,
                      struct line line, bool centred, bool cut)
{
    char part[PART_SIZE];
    size_t n = line.end - line.begin; /* fits: see break_line */
    if (cut) {                        /* make room for the ellipsis */
        const double room = box.width - width_of(page, "…", strlen("…"));
        while (n > 0 && (width_of(page, text + line.begin, n) > room ||
                         (text[line.begin + n] & 0xC0) == 0x80))
            n--;
    }
    memcpy(part, text + line.begin, n);
    memcpy(part + n, cut ? "…" : "", cut ? sizeof "…" : 1);
    const double left = centred ? (box.width - width_of(page, part, strlen(part))) / 2 : 0;
    cairo_move_to(page->cr, box.x + left, baseline);
    cairo_show_text(page->cr, part);
    cairo_new_path(page->cr); /* the text left a current point */
}

/* A text set in lines at the size that fits. */
struct layout {
    struct line lines[LINES_MAX];
    size_t count, shown;
    cairo_font_extents_t font;
};

static void lay_out(struct page *page, struct box box, const char *text, struct style style,
                    struct layout *ret_layout)
{
    struct layout *l = ret_layout;
    cairo_select_font_face(page->cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    for (double size = style.size;; size -= 0.5) {
        cairo_set_font_size(page->cr, size);
        cairo_font_extents(page->cr, &l->font);
        l->count = break_text(page, text, box.width, l->lines);
        const double room = l->font.height > 0 ? box.height / l->font.height : 0;
        l->shown = (double)l->count <= room ? l->count : room > 0 ? (size_t)room : 0;
        if (l->shown == l->count || size - 0.5 < style.size_min)
            return;
    }
}

double page_text_height(struct page *page, struct box box, const char *text, struct style style)
{
    struct layout l;
    lay_out(page, box, text, style, &l);
    return (double)l.shown * l.font.height;
}

double page_text(struct page *page, struct box box, const char *text, struct style style)
{
    struct layout l;
    lay_out(page, box, text, style, &l);
    page_colour(page, style.colour);
    for (size_t i = 0; i < l.shown; i++)
        show_line(page, box, box.y + (double)i * l.font.height + l.font.ascent, text, l.lines[i],
                  style.centred, i + 1 == l.shown && l.shown < l.count);
    return (double)l.shown * l.font.height;
}

static int to_surface(const struct image *image, cairo_surface_t **ret_surface, struct error *err)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, image->columns, image->rows);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return error_set(err, STATUS_NOMEM, "cannot draw the picture: out of memory");
    }
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    unsigned char *data = cairo_image_surface_get_data(surface);
    const int step = image->channels, green = step == 3 ? 1 : 0, blue = step == 3 ? 2 : 0;
    for (int y = 0; y < image->rows; y++) {
        const uint8_t *from = image->pixels + (size_t)y * image->columns * step;
        uint32_t *to = (uint32_t *)(void *)(data + (size_t)y * stride);
        for (int x = 0; x < image->columns; x++, from += step)
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
    const int r = to_surface(image, &surface, err);
    if (r < 0)
        return r;
    cairo_save(page->cr);
    cairo_rectangle(page->cr, box.x, box.y, box.width, box.height);
    cairo_clip(page->cr);
    cairo_translate(page->cr, box.x, box.y);
    cairo_scale(page->cr, box.width / view.width, box.height / view.height);
    cairo_set_source_surface(page->cr, surface, -view.x, -view.y);
    cairo_pattern_set_filter(cairo_get_source(page->cr), CAIRO_FILTER_BILINEAR);
    cairo_paint(page->cr);
    cairo_restore(page->cr);
    cairo_surface_destroy(surface);
    return 0;
}

int page_take(struct page *page, struct image *ret_image, struct error *err)
{
    const cairo_status_t status = cairo_status(page->cr);
    if (status != CAIRO_STATUS_SUCCESS)
        return error_set(err, status == CAIRO_STATUS_NO_MEMORY ? STATUS_NOMEM : STATUS_INTERNAL,
                         "cannot draw the picture: %s", cairo_status_to_string(status));
    cairo_surface_flush(page->surface);
    const int width = cairo_image_surface_get_width(page->surface);
    const int height = cairo_image_surface_get_height(page->surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(page->surface);
    const unsigned char *data = cairo_image_surface_get_data(page->surface);
    struct image image = {0};
    const int r = image_init(&image, height, width, 3, err);
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
