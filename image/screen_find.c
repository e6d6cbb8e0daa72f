#include "image/screen_find.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELLS_ACROSS = 80,  /* of the shorter side */
    CELL_MIN = 3, CELL_MAX = 12,
    STEP_MAX = 28,      /* larger differences of neighbours are drawn, not speckle */
    STRONG = 36,        /* of 100 neighbours, that differ a little: tissue */
    WEAK = 14,          /* the same beside tissue: shadow, the far field */
    OPENING = 2,        /* cells: what is no wider than twice that is no image */
    PICTURE_MIN = 100,  /* columns and rows: smaller pictures are taken whole */
    LEVEL_NEAR = 3,     /* grey levels that count as the margin's */
};
static const double PART_MIN = 0.025;     /* of the picture: smaller parts are no image */
static const double SECOND_MIN = 0.35;    /* of the first: the other one of dual images */
static const double WHOLE_MIN = 0.90;     /* of the picture: a cropped still */
static const double SIDE_MARGIN = 0.85;   /* of the picture's width: less is an image in margins */
static const double LINE_CONTENT_MIN = 0.05; /* of a row or column: fewer is margin */

/* The picture in square cells. */
struct cells {
    int rows, columns, side;
    uint8_t *texture; /* neighbours of 100 that differ a little */
    uint8_t *set, *swap;
    int *label;
};

static void cells_release(struct cells *c)
{
    free(c->texture);
    free(c->set);
    free(c->swap);
    free(c->label);
    *c = (struct cells){0};
}

static int cells_init(struct cells *c, const struct image *grey, struct error *err)
{
    int shorter = grey->rows < grey->columns ? grey->rows : grey->columns;
    int side = shorter / CELLS_ACROSS;
    side = side < CELL_MIN ? CELL_MIN : side > CELL_MAX ? CELL_MAX : side;
    *c = (struct cells){.side = side,
                        .rows = (grey->rows + side - 1) / side,
                        .columns = (grey->columns + side - 1) / side};
    size_t count = (size_t)c->rows * (size_t)c->columns;
    c->texture = calloc(count, 1);
    c->set = calloc(count, 1);
    c->swap = calloc(count, 1);
    c->label = calloc(count, sizeof *c->label);
    if (c->texture && c->set && c->swap && c->label)
        return 0;
    cells_release(c);
    return error_set(err, STATUS_NOMEM, "out of memory for finding the imaging region");
}

/* `step_min`: smaller differences are none. */
static void cells_measure(struct cells *c, const struct image *grey, int step_min)
{
    for (int row = 0; row < c->rows; row++)
        for (int column = 0; column < c->columns; column++) {
            int y1 = (row + 1) * c->side, x1 = (column + 1) * c->side, pairs = 0, little = 0;
            y1 = y1 >= grey->rows ? grey->rows - 1 : y1;
            x1 = x1 >= grey->columns ? grey->columns - 1 : x1;
            for (int y = row * c->side; y < y1; y++) {
                const uint8_t *p = grey->pixels + (size_t)y * (size_t)grey->columns;
                for (int x = column * c->side; x < x1; x++) {
                    int across = abs(p[x + 1] - p[x]), down = abs(p[x + grey->columns] - p[x]);
                    pairs += 2;
                    little += (across >= step_min && across <= STEP_MAX) +
                              (down >= step_min && down <= STEP_MAX);
                }
            }
            c->texture[row * c->columns + column] = (uint8_t)(pairs ? 100 * little / pairs : 0);
        }
}

/* Mean of 3 × 3 cells. */
static void cells_smooth(struct cells *c)
{
    for (int row = 0; row < c->rows; row++)
        for (int column = 0; column < c->columns; column++) {
            int sum = 0, count = 0;
            for (int y = row - 1; y <= row + 1; y++)
                for (int x = column - 1; x <= column + 1; x++)
                    if (y >= 0 && y < c->rows && x >= 0 && x < c->columns) {
                        sum += c->texture[y * c->columns + x];
                        count++;
                    }
            c->swap[row * c->columns + column] = (uint8_t)(sum / count);
        }
    memcpy(c->texture, c->swap, (size_t)c->rows * (size_t)c->columns);
}

/* Every cell becomes `value` that has a neighbour (of 8) with it. Beyond the border lies nothing,
 * so an image cut by the border is not eroded there. */
static void cells_spread(struct cells *c, uint8_t value)
{
    for (int row = 0; row < c->rows; row++)
        for (int column = 0; column < c->columns; column++) {
            uint8_t out = c->set[row * c->columns + column];
            for (int y = row - 1; out != value && y <= row + 1; y++)
                for (int x = column - 1; x <= column + 1; x++)
                    if (y >= 0 && y < c->rows && x >= 0 && x < c->columns &&
                        c->set[y * c->columns + x] == value)
                        out = value;
            c->swap[row * c->columns + column] = out;
        }
    memcpy(c->set, c->swap, (size_t)c->rows * (size_t)c->columns);
}

struct part {
    struct bounds box; /* in cells */
    int area;
    bool strong;
};

/* The part of set cells that holds `start`, by flooding; labels it. `stack` has room for all. */
static struct part part_flood(struct cells *c, int start, int label, int *stack)
{
    struct part part = {{c->columns, c->rows, -1, -1}, 0, false};
    int depth = 0;
    stack[depth++] = start;
    c->label[start] = label;
    while (depth) {
        int at = stack[--depth], x = at % c->columns, y = at / c->columns;
        part.area++;
        part.strong |= c->texture[at] >= STRONG;
        part.box.x0 = x < part.box.x0 ? x : part.box.x0;
        part.box.x1 = x > part.box.x1 ? x : part.box.x1;
        part.box.y0 = y < part.box.y0 ? y : part.box.y0;
        part.box.y1 = y > part.box.y1 ? y : part.box.y1;
        const int next[4] = {x > 0 ? at - 1 : -1, x + 1 < c->columns ? at + 1 : -1,
                             y > 0 ? at - c->columns : -1,
                             y + 1 < c->rows ? at + c->columns : -1};
        for (int k = 0; k < 4; k++)
            if (next[k] >= 0 && c->set[next[k]] && !c->label[next[k]]) {
                c->label[next[k]] = label;
                stack[depth++] = next[k];
            }
    }
    return part;
}

enum { PARTS_MAX = 8 };

/* Parts that are large enough, the largest first. */
static int parts_find(struct cells *c, struct part parts[PARTS_MAX], struct error *err)
{
    int total = c->rows * c->columns, count = 0, label = 0;
    int *stack = calloc((size_t)total, sizeof *stack);
    if (!stack)
        return error_set(err, STATUS_NOMEM, "out of memory for finding the imaging region");
    memset(c->label, 0, (size_t)total * sizeof *c->label);
    for (int i = 0; i < total; i++) {
        if (!c->set[i] || c->label[i])
            continue;
        struct part part = part_flood(c, i, ++label, stack);
        if (!part.strong || part.area < PART_MIN * total)
            continue;
        int to = count < PARTS_MAX ? count++ : PARTS_MAX - 1;
        if (to == PARTS_MAX - 1 && parts[to].area >= part.area && count == PARTS_MAX)
            continue;
        for (; to > 0 && parts[to - 1].area < part.area; to--)
            parts[to] = parts[to - 1];
        parts[to] = part;
    }
    free(stack);
    return count;
}

static int commonest_level(const struct image *grey, const struct bounds *box)
{
    size_t counts[256] = {0};
    for (int y = box->y0; y <= box->y1; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)grey->columns;
        for (int x = box->x0; x <= box->x1; x++)
            counts[row[x]]++;
    }
    int best = 0;
    for (int level = 1; level < 256; level++)
        best = counts[level] > counts[best] ? level : best;
    return best;
}

double screen_content(const struct image *grey, const struct bounds *box)
{
    int level = commonest_level(grey, box);
    size_t differ = 0;
    for (int y = box->y0; y <= box->y1; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)grey->columns;
        for (int x = box->x0; x <= box->x1; x++)
            differ += abs(row[x] - level) > LEVEL_NEAR;
    }
    return (double)differ / ((double)(box->x1 - box->x0 + 1) * (box->y1 - box->y0 + 1));
}

/* Share of a row (`y0 == y1`) or column that is not at the margin's level. */
static double line_content(const struct image *grey, int x0, int y0, int x1, int y1, int margin)
{
    int differ = 0;
    for (int y = y0; y <= y1; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)grey->columns;
        for (int x = x0; x <= x1; x++)
            differ += abs(row[x] - margin) > LEVEL_NEAR;
    }
    return (double)differ / ((double)(x1 - x0 + 1) * (y1 - y0 + 1));
}

/* From cells to pixels: out by a cell, then in while a line shows nothing. */
static struct bounds box_refine(const struct image *grey, const struct bounds *cells, int side,
                                int margin)
{
    struct bounds b = {(cells->x0 - 1) * side, (cells->y0 - 1) * side,
                       (cells->x1 + 2) * side - 1, (cells->y1 + 2) * side - 1};
    b.x0 = b.x0 < 0 ? 0 : b.x0;
    b.y0 = b.y0 < 0 ? 0 : b.y0;
    b.x1 = b.x1 >= grey->columns ? grey->columns - 1 : b.x1;
    b.y1 = b.y1 >= grey->rows ? grey->rows - 1 : b.y1;
    int reach = 3 * side;
    for (int k = 0; k < reach && b.x0 < b.x1 &&
                    line_content(grey, b.x0, b.y0, b.x0, b.y1, margin) < LINE_CONTENT_MIN; k++)
        b.x0++;
    for (int k = 0; k < reach && b.x0 < b.x1 &&
                    line_content(grey, b.x1, b.y0, b.x1, b.y1, margin) < LINE_CONTENT_MIN; k++)
        b.x1--;
    for (int k = 0; k < reach && b.y0 < b.y1 &&
                    line_content(grey, b.x0, b.y0, b.x1, b.y0, margin) < LINE_CONTENT_MIN; k++)
        b.y0++;
    for (int k = 0; k < reach && b.y0 < b.y1 &&
                    line_content(grey, b.x0, b.y1, b.x1, b.y1, margin) < LINE_CONTENT_MIN; k++)
        b.y1--;
    return b;
}

/* The level of what is flat: margins. */
static int margin_level(const struct cells *c, const struct image *grey)
{
    size_t counts[256] = {0};
    for (int y = 0; y < grey->rows; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)grey->columns;
        const uint8_t *texture = c->texture + y / c->side * c->columns;
        for (int x = 0; x < grey->columns; x++)
            counts[row[x]] += texture[x / c->side] < WEAK;
    }
    int best = 0;
    for (int level = 1; level < 256; level++)
        best = counts[level] > counts[best] ? level : best;
    return best;
}

static int overlap(int a0, int a1, int b0, int b1)
{
    int from = a0 > b0 ? a0 : b0, to = a1 < b1 ? a1 : b1;
    return to >= from ? to - from + 1 : 0;
}

static bool beside(const struct bounds *a, const struct bounds *b)
{
    int height = a->y1 - a->y0 < b->y1 - b->y0 ? a->y1 - a->y0 + 1 : b->y1 - b->y0 + 1;
    int width = a->x1 - a->x0 < b->x1 - b->x0 ? a->x1 - a->x0 + 1 : b->x1 - b->x0 + 1;
    return overlap(a->y0, a->y1, b->y0, b->y1) >= 0.7 * height &&
           overlap(a->x0, a->x1, b->x0, b->x1) <= 0.1 * width;
}

static bool below(const struct bounds *a, const struct bounds *b, int rows)
{
    int height = b->y1 - b->y0 + 1, width = b->x1 - b->x0 + 1;
    return b->y0 > a->y1 - height / 4 && width > 3 * height / 2 && height > rows / 10;
}

static double share_of(const struct image *grey, const struct bounds *b)
{
    return (double)(b->x1 - b->x0 + 1) * (b->y1 - b->y0 + 1) /
           ((double)grey->rows * grey->columns);
}

static void found_from_parts(const struct image *grey, const struct cells *c,
                             const struct part *parts, int count, struct screen_found *found)
{
    int margin = margin_level(c, grey);
    found->boxes[found->count++] = box_refine(grey, &parts[0].box, c->side, margin);
    if (share_of(grey, &found->boxes[0]) >= WHOLE_MIN) {
        found->boxes[0] = (struct bounds){0, 0, grey->columns - 1, grey->rows - 1};
        found->whole = true;
        return;
    }
    for (int i = 1; i < count; i++) {
        if (parts[i].area >= SECOND_MIN * parts[0].area && found->count == 1 &&
            beside(&parts[0].box, &parts[i].box)) {
            struct bounds box = box_refine(grey, &parts[i].box, c->side, margin);
            found->boxes[found->count++] = box;
            if (box.x0 < found->boxes[0].x0) {
                found->boxes[1] = found->boxes[0];
                found->boxes[0] = box;
            }
        } else if (!found->has_below && below(&parts[0].box, &parts[i].box, c->rows)) {
            found->below = box_refine(grey, &parts[i].box, c->side, margin);
            found->has_below = true;
        }
    }
}

static int find_at(const struct image *grey, int step_min, struct screen_found *ret_found,
                   struct error *err)
{
    struct cells c;
    struct part parts[PARTS_MAX];
    struct screen_found found = {0};
    int status = cells_init(&c, grey, err);
    if (status < 0)
        return status;
    cells_measure(&c, grey, step_min);
    cells_smooth(&c);
    int total = c.rows * c.columns;
    for (int i = 0; i < total; i++)
        c.set[i] = c.texture[i] >= WEAK;
    cells_spread(&c, 1); /* close small holes, then drop what is thin: words, bars */
    for (int i = 0; i < 1 + OPENING; i++)
        cells_spread(&c, 0);
    for (int i = 0; i < OPENING; i++)
        cells_spread(&c, 1);
    int count = parts_find(&c, parts, err);
    if (count > 0)
        found_from_parts(grey, &c, parts, count, &found);
    cells_release(&c);
    if (count < 0)
        return count;
    *ret_found = found;
    return 0;
}

int screen_find(const struct image *grey, struct screen_found *ret_found, struct error *err)
{
    assert(grey->channels == 1);
    struct screen_found found = {0}, coarse = {0};
    int status = 0;
    if (grey->rows >= PICTURE_MIN && grey->columns >= PICTURE_MIN)
        status = find_at(grey, 1, &found, err);
    /* Compression leaves steps of one in margins. Steps of two alone would cut the far field off,
     * so they count only where they show a margin at the side. */
    if (status == 0 && found.whole) {
        status = find_at(grey, 2, &coarse, err);
        if (coarse.count && !coarse.whole &&
            coarse.boxes[coarse.count - 1].x1 - coarse.boxes[0].x0 + 1 <
                SIDE_MARGIN * grey->columns)
            found = coarse;
    }
    if (status == 0)
        *ret_found = found;
    return status;
}

/* Nothing but one level, or steps too large for tissue, from top to bottom. */
static bool column_is_flat(const struct image *grey, const struct bounds *box, int x)
{
    int differ = 0;
    const uint8_t *p = grey->pixels + (size_t)box->y0 * (size_t)grey->columns + x;
    for (int y = box->y0; y < box->y1; y++, p += grey->columns)
        differ += abs(p[grey->columns] - p[0]) > LEVEL_NEAR;
    return differ <= (box->y1 - box->y0) / 25;
}

bool screen_find_seam(const struct image *grey, const struct bounds *box,
                      struct bounds *ret_left, struct bounds *ret_right)
{
    int width = box->x1 - box->x0 + 1, middle = box->x0 + width / 2;
    if (width < 64 || box->y1 - box->y0 < 32)
        return false;
    int best = -1;
    for (int x = box->x0 + width * 3 / 10; x <= box->x0 + width * 7 / 10; x++)
        if (column_is_flat(grey, box, x) && (best < 0 || abs(x - middle) < abs(best - middle)))
            best = x;
    if (best < 0)
        return false;
    int from = best, to = best;
    while (from > box->x0 && column_is_flat(grey, box, from - 1))
        from--;
    while (to < box->x1 && column_is_flat(grey, box, to + 1))
        to++;
    struct bounds left = {box->x0, box->y0, from - 1, box->y1};
    struct bounds right = {to + 1, box->y0, box->x1, box->y1};
    if (from - left.x0 < width / 4 || right.x1 - to < width / 4)
        return false; /* one image beside an empty half */
    double least = 0.25; /* an image shows something; the flat beside one does not */
    if (screen_content(grey, &left) < least || screen_content(grey, &right) < least)
        return false;
    *ret_left = left;
    *ret_right = right;
    return true;
}
