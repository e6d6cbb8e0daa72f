#include "image/screen.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/colour.h"
#include "image/screen_find.h"

/* Values of DICOM's Region Spatial Format and Region Data Type (PS3.3 C.8.5.5.1.1 and .2). */
enum { FORMAT_2D = 1, FORMAT_M_MODE = 2, FORMAT_SPECTRAL = 3, FORMAT_WAVE = 4 };
enum { DATA_TISSUE = 1, DATA_COLOUR_FLOW = 2, DATA_PW = 3, DATA_CW = 4 };

enum {
    SIDE_MIN = 8,       /* smaller boxes are marks, no regions */
    DARK = 16,          /* grey levels below are black for the share of colour */
    SOLID_PIXELS_MIN = 150, /* of colour, in a picture of any size */
};
static const double CUT_MAX = 0.5;       /* of a box beyond the picture: no longer believed */
static const double WHOLE_BOX = 0.95;    /* of the picture: a box that covers all */
static const double WHOLE_FOUND = 0.72;  /* of that box: what is found in it is smaller */
static const double CONTENT_MIN = 0.003; /* of a box's pixels: fewer is empty */
static const double MISSED = 0.5;        /* of what was found, outside all boxes */
static const double SOLID_MIN = 0.01;    /* of pixels not black: a colour frame, no logo */
static const double BOX_FILL = 0.7;      /* of the colour box: stiffness leaves no gaps */
static const double BOX_MIN = 0.06;      /* of the region: the colour box of elastography */
static const double BETWEEN_HUES = 0.15; /* yellow to cyan: medium stiffness; rare in flow */
static const double GREEN_HUES = 0.06;   /* green and cyan alone */

struct seen {
    const struct image *picture;
    struct image grey;  /* owned */
    struct mask solid;  /* owned; colour in patches; no pixels for a grey picture */
};

static double area(const struct bounds *b)
{
    return b->x1 < b->x0 || b->y1 < b->y0
               ? 0
               : (double)(b->x1 - b->x0 + 1) * (b->y1 - b->y0 + 1);
}

static struct bounds cut(const struct bounds *a, const struct bounds *b)
{
    return (struct bounds){a->x0 > b->x0 ? a->x0 : b->x0, a->y0 > b->y0 ? a->y0 : b->y0,
                           a->x1 < b->x1 ? a->x1 : b->x1, a->y1 < b->y1 ? a->y1 : b->y1};
}

static struct bounds whole_of(const struct image *picture)
{
    return (struct bounds){0, 0, picture->columns - 1, picture->rows - 1};
}

/* Pixels whose neighbours within a stroke's width are all coloured too: no words, no lines. */
static int solid_find(const struct image *picture, struct mask *ret_solid, struct error *err)
{
    struct tint tint = tint_of(picture);
    struct mask set = {0}, solid = {0};
    int status = mask_init(&set, picture->rows, picture->columns, err);
    if (status == 0)
        status = mask_init(&solid, picture->rows, picture->columns, err);
    if (status < 0) {
        mask_release(&set);
        return status;
    }
    ptrdiff_t columns = picture->columns;
    for (ptrdiff_t i = 0; i < columns * picture->rows; i++)
        set.pixels[i] = colour_is_set(picture->pixels + 3 * i, &tint);
    int reach = columns >= 500 ? 2 : 1;
    for (int y = reach; y < picture->rows - reach; y++)
        for (int x = reach; x < columns - reach; x++) {
            const uint8_t *p = set.pixels + y * columns + x;
            uint8_t all = p[0];
            for (int dy = -reach; all && dy <= reach; dy++)
                for (int dx = -reach; dx <= reach; dx++)
                    all &= p[dy * columns + dx];
            solid.pixels[y * columns + x] = all;
        }
    mask_release(&set);
    *ret_solid = solid;
    return 0;
}

/* Where the solid colour of a region lies: the box that holds all but its outermost twentieths,
 * so that a scale or a logo apart does not widen it. */
static struct bounds solid_box(const struct mask *solid, const struct bounds *box, size_t count)
{
    struct bounds b = {box->x0, box->y0, box->x1, box->y1};
    size_t trim = count / 20, sum = 0;
    ptrdiff_t columns = solid->columns;
    for (int side = 0; side < 4; side++) {
        bool across = side < 2; /* left, right; top, bottom */
        int from = side == 0 ? box->x0 : side == 1 ? box->x1 : side == 2 ? box->y0 : box->y1;
        int step = side % 2 ? -1 : 1, low = across ? box->y0 : box->x0;
        int high = across ? box->y1 : box->x1, last = across ? (step > 0 ? box->x1 : box->x0)
                                                             : (step > 0 ? box->y1 : box->y0);
        sum = 0;
        for (int at = from; at != last + step; at += step) {
            for (int k = low; k <= high; k++)
                sum += solid->pixels[across ? k * columns + at : at * columns + k];
            if (sum > trim) {
                *(side == 0 ? &b.x0 : side == 1 ? &b.x1 : side == 2 ? &b.y0 : &b.y1) = at;
                break;
            }
        }
    }
    return b;
}

/* Stiffness fills its box, in many hues that run into each other; flow does not. */
static bool is_elastography(const struct seen *seen, const struct screen_region *region)
{
    const struct bounds *b = &region->colour_box;
    size_t solid = 0, hues[HUE_COUNT] = {0};
    ptrdiff_t columns = seen->solid.columns;
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++)
            if (seen->solid.pixels[y * columns + x]) {
                solid++;
                hues[colour_hue(seen->picture->pixels + 3 * (y * columns + x))]++;
            }
    double between = (double)(hues[HUE_YELLOW] + hues[HUE_GREEN] + hues[HUE_CYAN]);
    return area(b) >= BOX_MIN * area(&region->box) && (double)solid >= BOX_FILL * area(b) &&
           between >= BETWEEN_HUES * (double)solid &&
           (double)(hues[HUE_GREEN] + hues[HUE_CYAN]) >= GREEN_HUES * (double)solid;
}

/* The kind of a 2-D image by its colours. */
static void colours_see(const struct seen *seen, struct screen_region *region)
{
    const struct bounds *box = &region->box;
    size_t solid = 0, lit = 0;
    region->colour_box = (struct bounds){0, 0, -1, -1};
    region->colour_share = 0;
    if (!seen->solid.pixels)
        return;
    for (int y = box->y0; y <= box->y1; y++) {
        size_t at = (size_t)y * (size_t)seen->grey.columns + (size_t)box->x0;
        for (int x = box->x0; x <= box->x1; x++, at++) {
            solid += seen->solid.pixels[at];
            lit += seen->grey.pixels[at] >= DARK || seen->solid.pixels[at];
        }
    }
    if (!solid)
        return;
    region->colour_share = (double)solid / (double)lit;
    region->colour_box = solid_box(&seen->solid, box, solid);
    double least = area(box) / 200; /* of small pictures */
    if (region->colour_share < SOLID_MIN ||
        (double)solid < fmin(SOLID_PIXELS_MIN, least))
        return;
    region->kind = is_elastography(seen, region) ? SCREEN_ELASTOGRAPHY : SCREEN_COLOUR_DOPPLER;
    region->kind_source = SCREEN_FROM_PICTURE;
}

static bool is_2d(enum screen_kind kind)
{
    return kind == SCREEN_B_MODE || kind == SCREEN_COLOUR_DOPPLER || kind == SCREEN_ELASTOGRAPHY;
}

static void add(struct screen *screen, const struct screen_region *region)
{
    if (screen->count == SCREEN_REGIONS_MAX)
        screen->doubts |= SCREEN_DOUBT_TOO_MANY;
    else
        screen->regions[screen->count++] = *region;
}

/* False: no imaging region (marks, bars, data of no kind). */
static bool kind_of(const struct us_region *region, enum screen_kind *ret_kind)
{
    switch (region->spatial_format) {
    case FORMAT_2D:
        if (region->data_type == DATA_TISSUE)
            *ret_kind = SCREEN_B_MODE;
        else if (region->data_type == DATA_COLOUR_FLOW)
            *ret_kind = SCREEN_COLOUR_DOPPLER;
        else
            *ret_kind = SCREEN_OTHER;
        return true;
    case FORMAT_M_MODE: *ret_kind = SCREEN_M_MODE; return true;
    case FORMAT_SPECTRAL: *ret_kind = SCREEN_SPECTRAL; return true;
    case FORMAT_WAVE: *ret_kind = SCREEN_OTHER; return true;
    default: return false;
    }
}

/* The same box named twice, as tissue and as colour flow. */
static bool merges(struct screen *screen, const struct screen_region *region)
{
    for (int i = 0; i < screen->count; i++) {
        struct screen_region *other = &screen->regions[i];
        struct bounds both = cut(&other->box, &region->box);
        if (!is_2d(other->kind) || !is_2d(region->kind) ||
            area(&both) < 0.9 * fmax(area(&other->box), area(&region->box)))
            continue;
        if (region->kind == SCREEN_COLOUR_DOPPLER)
            other->kind = region->kind;
        return true;
    }
    return false;
}

static void sequence_take(const struct seen *seen, const struct us_region *regions, size_t count,
                          struct screen *screen)
{
    struct bounds whole = whole_of(seen->picture);
    for (size_t i = 0; i < count; i++) {
        const struct us_region *r = &regions[i];
        struct screen_region region = {
            .source = SCREEN_FROM_SEQUENCE, .kind_source = SCREEN_FROM_SEQUENCE,
            .sequence_index = (int)i};
        if (!kind_of(r, &region.kind))
            continue;
        struct bounds named = {r->x0, r->y0, r->x1, r->y1};
        region.box = cut(&named, &whole);
        double width = (double)r->x1 - r->x0 + 1, height = (double)r->y1 - r->y0 + 1;
        if (width >= 1 && height >= 1 && fmin(width, height) < SIDE_MIN)
            continue;
        double kept = area(&region.box);
        /* A last column or row of the picture's size is counted from 1: harmless. */
        if (width < 1 || height < 1 || r->x0 < 0 || r->y0 < 0 || r->x1 > seen->picture->columns ||
            r->y1 > seen->picture->rows)
            screen->doubts |= SCREEN_DOUBT_OUTSIDE;
        if (width < 1 || height < 1 || kept < CUT_MAX * width * height ||
            region.box.x1 - region.box.x0 + 1 < SIDE_MIN ||
            region.box.y1 - region.box.y0 + 1 < SIDE_MIN)
            continue;
        if (is_2d(region.kind) && screen_content(&seen->grey, &region.box) < CONTENT_MIN) {
            screen->doubts |= SCREEN_DOUBT_EMPTY;
            continue;
        }
        if (!merges(screen, &region))
            add(screen, &region);
    }
}

static void drop_2d(struct screen *screen)
{
    int kept = 0;
    for (int i = 0; i < screen->count; i++)
        if (!is_2d(screen->regions[i].kind))
            screen->regions[kept++] = screen->regions[i];
    screen->count = kept;
}

static double found_area(const struct screen_found *found)
{
    double sum = 0;
    for (int i = 0; i < found->count; i++)
        sum += area(&found->boxes[i]);
    return sum;
}

/* The boxes of the sequence against what the picture shows. A box that covers the screen gives
 * its spacings to what is found: `ret_index`, else -1. */
static void sequence_check(const struct seen *seen, const struct screen_found *found,
                           struct screen *screen, int *ret_index)
{
    struct bounds whole = whole_of(seen->picture);
    double covered = 0, shown = found_area(found);
    bool any = false;
    *ret_index = -1;
    for (int i = 0; i < screen->count; i++) {
        const struct screen_region *region = &screen->regions[i];
        for (int k = 0; k < found->count; k++) {
            struct bounds both = cut(&region->box, &found->boxes[k]);
            covered += area(&both);
        }
        if (!is_2d(region->kind))
            continue;
        any = true;
        if (found->count && !found->whole && area(&region->box) >= WHOLE_BOX * area(&whole) &&
            shown < WHOLE_FOUND * area(&region->box)) {
            screen->doubts |= SCREEN_DOUBT_WHOLE;
            *ret_index = region->sequence_index;
        }
    }
    if (any && found->count && covered < MISSED * shown)
        screen->doubts |= SCREEN_DOUBT_ELSEWHERE;
    if (screen->doubts & (SCREEN_DOUBT_WHOLE | SCREEN_DOUBT_ELSEWHERE))
        drop_2d(screen);
}

static bool has_2d(const struct screen *screen)
{
    for (int i = 0; i < screen->count; i++)
        if (is_2d(screen->regions[i].kind))
            return true;
    return false;
}

/* A trace over time: a spectrum is mostly black with bright columns; an M-mode is full. */
static enum screen_kind kind_below(const struct image *grey, const struct bounds *box)
{
    return screen_content(grey, box) < 0.6 ? SCREEN_SPECTRAL : SCREEN_M_MODE;
}

/* Most of it lies in traces that the sequence names. */
static bool is_traced(const struct screen *screen, const struct bounds *box)
{
    double covered = 0;
    for (int i = 0; i < screen->count; i++)
        if (!is_2d(screen->regions[i].kind)) {
            struct bounds both = cut(&screen->regions[i].box, box);
            covered += area(&both);
        }
    return covered > MISSED * area(box);
}

/* What was found, as images. A screen of traces by name shows none where no image stands out. */
static void found_take(const struct seen *seen, const struct screen_found *found, int index,
                       struct screen *screen)
{
    struct screen_region region = {.source = SCREEN_FROM_PICTURE,
                                   .kind = SCREEN_B_MODE,
                                   .kind_source = SCREEN_FROM_PICTURE,
                                   .sequence_index = index};
    bool traced = false;
    for (int i = 0; i < screen->count; i++)
        traced |= !is_2d(screen->regions[i].kind);
    for (int i = 0; i < found->count; i++) {
        if (traced && (found->whole || is_traced(screen, &found->boxes[i])))
            continue;
        region.box = found->boxes[i];
        region.source = found->whole ? SCREEN_WHOLE_PICTURE : SCREEN_FROM_PICTURE;
        add(screen, &region);
    }
    if (found->count == 0 && !traced) {
        region.box = whole_of(seen->picture);
        region.source = SCREEN_WHOLE_PICTURE;
        add(screen, &region);
    }
    if (found->has_below && !traced) {
        region.box = found->below;
        region.kind = kind_below(&seen->grey, &found->below);
        region.sequence_index = -1;
        add(screen, &region);
    }
}

/* 2-D images that hold two images become two regions. */
static void halves_split(const struct seen *seen, struct screen *screen)
{
    int count = screen->count;
    for (int i = 0; i < count; i++) {
        struct screen_region *region = &screen->regions[i];
        double width = region->box.x1 - region->box.x0 + 1;
        double height = region->box.y1 - region->box.y0 + 1;
        struct bounds left, right;
        if (!is_2d(region->kind) || width < 1.2 * height ||
            screen->count == SCREEN_REGIONS_MAX ||
            !screen_find_seam(&seen->grey, &region->box, &left, &right))
            continue;
        struct screen_region second = *region;
        region->box = left;
        second.box = right;
        add(screen, &second);
    }
}

static int by_place(const void *a, const void *b)
{
    const struct screen_region *p = a, *q = b;
    if (is_2d(p->kind) != is_2d(q->kind))
        return is_2d(p->kind) ? -1 : 1;
    if (p->box.x0 != q->box.x0)
        return p->box.x0 < q->box.x0 ? -1 : 1;
    return (p->box.y0 > q->box.y0) - (p->box.y0 < q->box.y0);
}

static bool is_dual(const struct screen *screen)
{
    if (screen->count < 2 || !is_2d(screen->regions[1].kind))
        return false;
    const struct bounds *a = &screen->regions[0].box, *b = &screen->regions[1].box;
    struct bounds both = cut(a, b);
    double height = fmin(a->y1 - a->y0 + 1, b->y1 - b->y0 + 1);
    double width = fmin(a->x1 - a->x0 + 1, b->x1 - b->x0 + 1);
    return both.y1 - both.y0 + 1 >= 0.7 * height && both.x1 - both.x0 + 1 <= 0.1 * width &&
           fmin(area(a), area(b)) >= 0.35 * fmax(area(a), area(b));
}

int screen_analyse(const struct image *picture, const struct us_region *regions, size_t count,
                   struct screen *ret_screen, struct error *err)
{
    struct seen seen = {.picture = picture};
    struct screen screen = {0};
    struct screen_found found = {0};
    int index = -1;
    int status = image_to_grey(picture, &seen.grey, err);
    if (status == 0 && picture->channels == 3)
        status = solid_find(picture, &seen.solid, err);
    if (status == 0)
        status = screen_find(&seen.grey, &found, err);
    if (status == 0) {
        sequence_take(&seen, regions, count, &screen);
        sequence_check(&seen, &found, &screen, &index);
        if (!has_2d(&screen))
            found_take(&seen, &found, index, &screen);
        halves_split(&seen, &screen);
        for (int i = 0; i < screen.count; i++)
            if (is_2d(screen.regions[i].kind))
                colours_see(&seen, &screen.regions[i]);
            else
                screen.regions[i].colour_box = (struct bounds){0, 0, -1, -1};
        qsort(screen.regions, (size_t)screen.count, sizeof screen.regions[0], by_place);
        screen.dual = is_dual(&screen);
        *ret_screen = screen;
    }
    image_release(&seen.grey);
    mask_release(&seen.solid);
    return status;
}

bool screen_kind_is_grey(enum screen_kind kind)
{
    return kind == SCREEN_B_MODE;
}

int screen_principal(const struct screen *screen)
{
    int best = 0;
    double best_score = -1;
    for (int i = 0; i < screen->count; i++) {
        const struct screen_region *r = &screen->regions[i];
        double score = is_2d(r->kind) ? area(&r->box) : 0;
        if (r->kind == SCREEN_B_MODE)
            score += 1e9; /* more than any picture's area */
        if (score > best_score + 0.1 * area(&r->box)) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

int screen_region_of(const struct screen *screen, const struct mask *mask)
{
    int best = -1;
    size_t most = 0;
    for (int i = 0; i < screen->count; i++) {
        struct bounds whole = {0, 0, mask->columns - 1, mask->rows - 1};
        struct bounds box = cut(&screen->regions[i].box, &whole);
        size_t inside = 0;
        for (int y = box.y0; y <= box.y1; y++)
            for (int x = box.x0; x <= box.x1; x++)
                inside += mask->pixels[(size_t)y * (size_t)mask->columns + (size_t)x];
        if (inside > most) {
            most = inside;
            best = i;
        }
    }
    return best;
}

struct us_region screen_us_region(const struct screen_region *region,
                                  const struct us_region *regions)
{
    struct us_region out = {0};
    if (region->sequence_index >= 0 && regions)
        out = regions[region->sequence_index];
    out.x0 = region->box.x0;
    out.y0 = region->box.y0;
    out.x1 = region->box.x1;
    out.y1 = region->box.y1;
    out.spatial_format = FORMAT_2D;
    out.data_type = DATA_TISSUE;
    return out;
}

const char *screen_kind_name(enum screen_kind kind)
{
    switch (kind) {
    case SCREEN_B_MODE: return "B-mode";
    case SCREEN_COLOUR_DOPPLER: return "colour Doppler";
    case SCREEN_ELASTOGRAPHY: return "elastography";
    case SCREEN_SPECTRAL: return "spectral Doppler";
    case SCREEN_M_MODE: return "M-mode";
    case SCREEN_OTHER: return "other";
    }
    return "other";
}

const char *screen_source_name(enum screen_source source)
{
    switch (source) {
    case SCREEN_FROM_SEQUENCE: return "regions sequence";
    case SCREEN_FROM_PICTURE: return "found in the picture";
    case SCREEN_WHOLE_PICTURE: return "whole picture";
    }
    return "whole picture";
}

const char *screen_doubt_text(enum screen_doubt doubt)
{
    switch (doubt) {
    case SCREEN_DOUBT_OUTSIDE: return "a box of the regions sequence reaches beyond the picture";
    case SCREEN_DOUBT_WHOLE: return "a box of the regions sequence covers the screen's margins";
    case SCREEN_DOUBT_EMPTY: return "a box of the regions sequence is empty in the picture";
    case SCREEN_DOUBT_ELSEWHERE:
        return "the regions sequence leaves out most of the image that the picture shows";
    case SCREEN_DOUBT_TOO_MANY: return "the regions sequence names more regions than are kept";
    }
    return "";
}
