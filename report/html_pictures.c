#include "report/html_part.h"

#include <string.h>

#include "report/loop.h"
#include "report/nomogram.h"
#include "report/sheet.h"
#include "report/view.h"
#include "report/words.h"

enum { PICTURE_WIDTH = 760, PICTURE_HEIGHT = 600, HEAT_HEIGHT = 300, NOMOGRAM_WIDTH = 1100,
       STRIP_HEIGHT = 270, KEY_HEIGHT = 460 };

/* Draws onto a page of pixels; its PNG becomes an <img>. */
typedef int draw_picture(struct page *page, struct box box, const struct image *picture,
                         const struct region_finding *region, enum roi roi, struct error *err);

/* A page of pixels as an <img>; takes the page. */
static void put_page(struct html *h, struct page *page, int width, int height, const char *alt)
{
    struct markup *m = &h->m;
    struct buffer png BUFFER_AUTO = {0};
    if (m->status == 0)
        m->status = page_png(page, &png, m->err);
    page_release(page);
    markup_put(m, "<img width=\"%d\" height=\"%d\" alt=\"%s\" src=\"", width, height, alt);
    markup_data(m, "image/png", &png);
    markup_put(m, "\"/>");
}

static void put_picture(struct html *h, enum roi roi, int height, draw_picture *draw,
                        const char *alt)
{
    struct markup *m = &h->m;
    const struct region_finding *region = words_region(h->input, roi);
    const struct image *picture = h->input->images[region->image].picture;
    struct page page;
    if (m->status == 0)
        m->status = page_init(&page, PICTURE_WIDTH, height, 0, m->err);
    if (m->status < 0)
        return;
    m->status = draw(&page, (struct box){0, 0, PICTURE_WIDTH, height}, picture, region, roi, m->err);
    put_page(h, &page, PICTURE_WIDTH, height, alt);
}

void html_region_pictures(struct html *h, enum roi roi)
{
    const struct region_finding *region = words_region(h->input, roi);
    const struct report_image *image = &h->input->images[region->image];
    struct markup *m = &h->m;
    markup_put(m, "<figure>");
    put_picture(h, roi, PICTURE_HEIGHT, view_draw,
                roi == ROI_TUMOUR ? "Tumour with its outline and axes"
                                  : "Lymph node with its outline and axes");
    markup_put(m, "<figcaption>Part of image %d", image->header->instance_number);
    if (image->header->frames > 1)
        markup_put(m, ", frame %d of %d", image->frame + 1, image->header->frames);
    markup_put(m, ". Solid: long axis, dashed: short axis%s.</figcaption></figure>\n",
               region->hilum.pixels && mask_count(&region->hilum) > 0 ? "; hilum tinted" : "");
    if (!region->heat.plane.values || !h->input->score->has_risk)
        return;
    markup_put(m, "<figure>");
    put_picture(h, roi, HEAT_HEIGHT, view_draw_heat, "What the networks saw, and the heat map");
    markup_put(m, "<figcaption>Where its score comes from: orange raises it, blue lowers it."
                  "</figcaption></figure>\n");
}

static void put_strip(struct html *h, const struct loop_finding *loop)
{
    static const struct loop_colours colours = {0xF2F4F7, 0xAEB8C4};
    static const struct box box = {0, 0, NOMOGRAM_WIDTH, STRIP_HEIGHT};
    struct markup *m = &h->m;
    struct page page;
    if (m->status == 0)
        m->status = page_init(&page, NOMOGRAM_WIDTH, STRIP_HEIGHT, 0, m->err);
    if (m->status < 0)
        return;
    m->status = loop_draw_strip(&page, box, loop, &colours, m->err);
    put_page(h, &page, NOMOGRAM_WIDTH, STRIP_HEIGHT, "Frames of the loop, and how much each counts");
}

static void put_key(struct html *h, const struct loop_finding *loop)
{
    static const struct box box = {0, 0, NOMOGRAM_WIDTH, KEY_HEIGHT};
    struct markup *m = &h->m;
    struct page page;
    if (m->status == 0)
        m->status = page_init(&page, NOMOGRAM_WIDTH, KEY_HEIGHT, 0, m->err);
    if (m->status < 0)
        return;
    m->status = loop_draw_key(&page, box, loop, m->err);
    put_page(h, &page, NOMOGRAM_WIDTH, KEY_HEIGHT, "The key frame without and with its heat map");
}

void html_loop(struct html *h)
{
    struct markup *m = &h->m;
    const struct loop_finding *loop = loop_explained(h->input);
    if (!loop)
        return;
    markup_put(m, "<h2>The loop behind the estimate</h2>\n<p>");
    markup_text(m, loop_words(&m->arena, h->input));
    markup_put(m, "</p>\n<figure>");
    put_strip(h, loop);
    markup_put(m, "<figcaption>Some of the frames as the network saw them. The bars are the "
                  "contributions of all of them: upward raises the score.</figcaption></figure>\n"
                  "<figure>");
    put_key(h, loop);
    markup_put(m, "<figcaption>");
    markup_text(m, loop_key_words(&m->arena, h->input));
    markup_put(m, " Orange raises the score, blue lowers it: what this network counted, not where "
                  "disease is.</figcaption></figure>\n");
}

/* Cairo names the drawing by a number that counts all drawings of the process: without it the same
 * input gives the same bytes. */
static void put_anonymous(struct markup *m, const struct buffer *svg)
{
    static const char mark[] = " id=\"surface";
    struct buffer kept BUFFER_AUTO = {0};
    const char *text = buffer_text(svg), *name = strstr(text, mark);
    const char *end = name ? strchr(name + sizeof mark - 1, '"') : NULL;
    if (!end) {
        markup_data(m, "image/svg+xml", svg);
        return;
    }
    if (m->status == 0)
        m->status = buffer_add(&kept, text, (size_t)(name - text), m->err);
    if (m->status == 0)
        m->status = buffer_add(&kept, end + 1, svg->size - (size_t)(end + 1 - text), m->err);
    markup_data(m, "image/svg+xml", &kept);
}

/* `data:…` of the nomogram as SVG in these colours. */
static void put_svg(struct html *h, const struct nomogram *n, const struct palette *palette)
{
    struct markup *m = &h->m;
    struct buffer svg BUFFER_AUTO = {0};
    struct sheet s = {.input = h->input, .palette = palette};
    const double height = 60 + 62.0 * ((double)n->count + 3);
    if (m->status == 0)
        m->status = page_init_svg(&s.page, &svg, NOMOGRAM_WIDTH, height, m->err);
    if (m->status < 0)
        return;
    arena_init(&s.arena);
    page_fill(&s.page, (struct box){0, 0, NOMOGRAM_WIDTH, height}, palette->card);
    nomogram_draw(&s, (struct box){20, 20, NOMOGRAM_WIDTH - 40, height - 40}, n);
    m->status = page_end(&s.page, m->err);
    page_release(&s.page);
    arena_release(&s.arena);
    put_anonymous(m, &svg);
}

void html_nomogram(struct html *h)
{
    struct markup *m = &h->m;
    struct nomogram n;
    markup_put(m, "<h2>How the estimate was made</h2>\n");
    if (!nomogram_make(h->input, &m->arena, &n))
        return;
    markup_put(m, "<figure><picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"");
    put_svg(h, &n, &PALETTE_SCREEN);
    markup_put(m, "\"/><img alt=\"Nomogram: the points of each value, their total and the risk it "
                  "means; the numbers stand in the table below\" src=\"");
    put_svg(h, &n, &PALETTE_PAPER);
    markup_put(m, "\"/></picture><figcaption>Each line is one value that the model takes, with the "
                  "patient's mark on it. Points tell what the model learned from its data: they "
                  "explain no cause.</figcaption></figure>\n");
}
