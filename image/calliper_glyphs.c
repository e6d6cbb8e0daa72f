#include "image/calliper_glyphs.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Grey levels of a mark from 0, its dark edge, to 9; a point: anything. Read off BUS-BRA's stills
 * (means of marks of one kind; the machines' own pictures are a little larger or smaller, which
 * costs certainty alone). `certainty_min` was chosen there too: docs/screen.md. */
struct glyph {
    const char *rows[13];
    int height, width;
    bool diagonal;
    double certainty_min;
};

static const struct glyph glyphs[] = {
    {{/* Toshiba Aplio 300: thin, grey, with dark corners */
      "....222....",
      "....222....",
      "....232....",
      "...23532...",
      "22202520222",
      "23589898532",
      "22202520222",
      "...23532...",
      "....232....",
      "....222....",
      "....222...."}, 11, 11, false, 0.68},
    {{/* GE Logiq 5: four dots */
      "...246641....",
      "...148962....",
      ".22126830000.",
      ".33115620121.",
      "3763322224751",
      "3996520257961",
      "2975432346861",
      ".54124530144.",
      ".22126730100.",
      "...137951....",
      "...049972....",
      "...013331...."}, 12, 13, false, 0.60},
    {{/* the same: a dot within four brackets */
      "..476113651..",
      ".36632225751.",
      "157642345663.",
      "0433777763331",
      ".00069994010.",
      ".00169994011.",
      "0333678852320",
      "1766621366540",
      "1367411146511",
      ".23751025500."}, 10, 13, true, 0.62},
    {{/* the same: a star with an upright bar */
      "2562147402541",
      "236526952541.",
      ".33667975510.",
      "..237898620..",
      "..105989500..",
      "..105978500..",
      "..126988510..",
      ".12577865510.",
      ".25535852551.",
      "1563158403540",
      "2442235311330"}, 11, 13, true, 0.70},
    {{/* the same: a star with a level bar */
      "22.......12",
      "533....1254",
      "66321112564",
      "25630025532",
      "12675567312",
      "46789997553",
      "79998788885",
      "45789886543",
      "02565555201",
      "25520015531",
      "54100001553",
      "410....0143",
      "1........00"}, 13, 11, true, 0.74},
};

enum {
    GLYPH_PIXELS_MAX = 13 * 13,
    GATE_PIXELS = 8, /* brightest and darkest of a mark that are compared first */
    GATE_STEP = 10,  /* grey levels between the two, everywhere */
    BLOCK = 16,      /* pixels that pass the gate together */
    HALVES = 4,
};
static const double HALF_MIN = 0.35; /* each half must show the mark too: letters have one of them */
static const double NOISE = 3;       /* grey levels that are no structure */

/* A glyph laid out for a picture: where its pixels are from its middle, and their levels. */
struct matcher {
    int count;
    ptrdiff_t offset[GLYPH_PIXELS_MAX];
    float level[GLYPH_PIXELS_MAX];
    unsigned halves[GLYPH_PIXELS_MAX]; /* bits: above, below, left and right of the middle */
    ptrdiff_t bright[GATE_PIXELS], dark[GATE_PIXELS];
    int bright_count, dark_count;
};

/* The pixels of levels from `low` to `high`, the first GATE_PIXELS of them. */
static int gate_fill(const struct matcher *m, float low, float high, ptrdiff_t *ret_offsets)
{
    int found = 0;
    for (int i = 0; i < m->count && found < GATE_PIXELS; i++)
        if (m->level[i] >= low && m->level[i] <= high)
            ret_offsets[found++] = m->offset[i];
    return found;
}

static struct matcher matcher_of(const struct glyph *glyph, int columns)
{
    struct matcher m = {0};
    for (int row = 0; row < glyph->height; row++)
        for (int column = 0; column < glyph->width; column++) {
            int x = column - glyph->width / 2, y = row - glyph->height / 2;
            if (glyph->rows[row][column] == '.')
                continue;
            m.level[m.count] = (float)(glyph->rows[row][column] - '0');
            m.halves[m.count] = (unsigned)(y < 0) | (unsigned)(y > 0) << 1 |
                                (unsigned)(x < 0) << 2 | (unsigned)(x > 0) << 3;
            m.offset[m.count++] = (ptrdiff_t)y * columns + x;
        }
    m.bright_count = gate_fill(&m, 8, 9, m.bright);
    m.dark_count = gate_fill(&m, 0, 0, m.dark);
    return m;
}

struct sums {
    float n, level, level2, grey, grey2, product;
};

static void sums_add(struct sums *s, float level, float grey)
{
    s->n += 1;
    s->level += level;
    s->level2 += level * level;
    s->grey += grey;
    s->grey2 += grey * grey;
    s->product += level * grey;
}

/* Correlation, less where all is flat; `ret_slope` (may be NULL): grey levels for a level. */
static double correlation(const struct sums *s, double *ret_slope)
{
    double product = s->product - s->level * s->grey / s->n;
    double levels = s->level2 - s->level * s->level / s->n;
    double greys = fmax(0, s->grey2 - s->grey * s->grey / s->n);
    if (ret_slope)
        *ret_slope = product / levels;
    return product / (sqrt(levels) * (sqrt(greys) + NOISE * sqrt(s->n)));
}

/* How surely the mark's middle is at `middle`: the correlation when each half shows it, else 0. */
static double certainty_at(const struct matcher *m, const uint8_t *middle, double *ret_slope)
{
    struct sums all = {0}, halves[HALVES] = {{0}};
    for (int i = 0; i < m->count; i++) {
        float level = m->level[i], grey = middle[m->offset[i]];
        sums_add(&all, level, grey);
        for (int half = 0; half < HALVES; half++)
            if (m->halves[i] & 1U << half)
                sums_add(&halves[half], level, grey);
    }
    for (int half = 0; half < HALVES; half++)
        if (correlation(&halves[half], NULL) < HALF_MIN)
            return 0;
    return correlation(&all, ret_slope);
}

/* Whether the mark's brightest pixels are all brighter than its darkest, for BLOCK middles from
 * `first` on. */
static void gate(const struct matcher *m, const uint8_t *first, bool ret_open[BLOCK])
{
    uint8_t low[BLOCK], high[BLOCK];
    memset(low, 255, sizeof low);
    memset(high, 0, sizeof high);
    for (int k = 0; k < m->bright_count; k++) {
        const uint8_t *bright = first + m->bright[k];
        for (int i = 0; i < BLOCK; i++)
            low[i] = bright[i] < low[i] ? bright[i] : low[i];
    }
    for (int k = 0; k < m->dark_count; k++) {
        const uint8_t *dark = first + m->dark[k];
        for (int i = 0; i < BLOCK; i++)
            high[i] = dark[i] > high[i] ? dark[i] : high[i];
    }
    for (int i = 0; i < BLOCK; i++)
        ret_open[i] = low[i] - high[i] >= GATE_STEP;
}

static void glyph_find(const struct glyph *glyph, const struct image *grey,
                       const struct bounds *area, glyph_found *found, void *closure)
{
    struct matcher m = matcher_of(glyph, grey->columns);
    int x0 = area->x0 + glyph->width / 2, x1 = area->x1 - glyph->width / 2;
    int y0 = area->y0 + glyph->height / 2, y1 = area->y1 - glyph->height / 2;
    for (int y = y0; y <= y1; y++)
        for (int from = x0; from <= x1 && x1 - x0 >= BLOCK - 1; from += BLOCK) {
            bool open[BLOCK];
            int x = from + BLOCK - 1 <= x1 ? from : x1 - BLOCK + 1; /* the last block overlaps */
            const uint8_t *first = grey->pixels + (size_t)y * (size_t)grey->columns + x;
            gate(&m, first, open);
            for (int i = 0; i < BLOCK; i++) {
                double slope = 0;
                double certainty = open[i] ? certainty_at(&m, first + i, &slope) : 0;
                if (certainty >= glyph->certainty_min)
                    found(closure, &(struct calliper){x + i, y, glyph->width / 2, glyph->diagonal,
                                                      9 * slope * certainty});
            }
        }
}

void calliper_glyphs_find(const struct image *grey, const struct bounds *area, glyph_found *found,
                          void *closure)
{
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        glyph_find(&glyphs[i], grey, area, found, closure);
}
