#include "image/graphics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/colour.h"

/* Speckle is blurred sideways by the width of the beam and short in depth. What is drawn is sharp
 * sideways: strokes that are thin across, of one level, and long from top to bottom tell it apart.
 * The limits were chosen on BUS-BRA's stills, looking at what they find (docs/screen.md). */
enum {
    REACH = 4,          /* pixels: wider strokes are not seen as thin */
    WORD_REACH = 8,     /* the same for letters, which have a gap on both sides */
    BLOCK = 16,         /* pixels of a block whose usual thinness is known */
    THIN_MIN = 30,      /* grey levels that a stroke stands out by, at least */
    LENGTH_MIN = 6,     /* pixels from top to bottom of a stroke that nothing but drawing makes */
    DEPTH_MAX = 12,     /* pixels from such a stroke to what hangs on it: a letter's width */
    LEVEL_STEP = 18,    /* grey levels between neighbours of one stroke */
    FAINT_LENGTH_MIN = 5,
    FAINT_MAX = 1024,   /* faint strokes that are compared */
    FAINT_TOGETHER = 4, /* letters of one line: so many are no chance */
    WORD_WIDTH = 6,     /* heights: letters of a word may touch */
    FAINT_ALIGNED = 1,  /* pixels between their tops, and between their bottoms */
    LETTERS_MAX = 512,  /* of all lines */
    LETTER_MIN = 5, LETTER_MAX = 40, /* height */
    FLAT_MIN = 200,     /* level of filled marks */
    FLAT_PIXELS_MIN = 24,
    FLAT_PIXELS_MAX = 4000,
    FLAT_EDGE = 70,     /* grey levels from a filled mark to what lies around it */
};
static const double THIN_FACTOR = 2.8;  /* times the usual thinness nearby */
static const double PART_THIN = 0.5;    /* of the limit: what hangs on a stroke */
static const double PART_LEVEL = 0.72;  /* of the stroke's level, likewise */
static const double FAINT_THIN = 0.6;   /* of the limit: strokes that count in numbers alone */
static const double FAINT_UNEVEN_MAX = 0.25;
static const double FAINT_LEVEL = 0.25; /* their levels may differ by so much */
static const double LINE_THIN = 0.45;   /* of the limit: a letter beside one that is known */
static const double LINE_LEVEL = 0.25;  /* its level may differ from that one's by so much */
static const double UNEVEN_MAX = 0.16;  /* standard deviation of a stroke over its mean */
static const double SHARP_MIN = 0.40;   /* thinness of a stroke over its level */
static const double VERY_SHARP = 0.60;  /* such a stroke may have as bright ones around it */
static const double BRIGHTER_MAX = 0.06; /* of the pixels around a stroke: brighter than it */
static const double FLAT_SHARP = 0.7;   /* of a filled mark's border */

/* The region, as planes of rows × columns. */
struct work {
    int rows, columns;
    int block_columns;
    double share;                  /* of the limit that makes a stroke's pixel */
    int length_min;
    uint8_t *grey, *across, *down; /* thinness from left to right, from top to bottom */
    uint8_t *limit;                /* of blocks: thinness that is unusual */
    uint8_t *up, *length;          /* of the stroke through a pixel */
    uint8_t *drawn;
    int *stack;
    struct letter {
        struct bounds box;
        int level, height; /* height of the line's letters */
    } letters[LETTERS_MAX]; /* marks found, and letters beside them */
    int letter_count;
};

static void work_release(struct work *w)
{
    free(w->grey);
    free(w->stack);
    *w = (struct work){0};
}

static int work_init(struct work *w, int rows, int columns, struct error *err)
{
    size_t pixels = (size_t)rows * (size_t)columns;
    int block_rows = (rows + BLOCK - 1) / BLOCK;
    *w = (struct work){.rows = rows, .columns = columns,
                       .block_columns = (columns + BLOCK - 1) / BLOCK};
    /* One allocation, six planes and the blocks. */
    w->grey = calloc(6 * pixels + (size_t)block_rows * (size_t)w->block_columns, 1);
    w->stack = calloc(pixels, sizeof *w->stack);
    if (!w->grey || !w->stack) {
        work_release(w);
        return error_set(err, STATUS_NOMEM, "out of memory for finding drawn graphics");
    }
    w->across = w->grey + pixels;
    w->down = w->across + pixels;
    w->up = w->down + pixels;
    w->length = w->up + pixels;
    w->drawn = w->length + pixels;
    w->limit = w->drawn + pixels;
    return 0;
}

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* How much a pixel stands out from the darkest on both of its sides. At the border there is one
 * side alone. */
static uint8_t thinness(const uint8_t *p, ptrdiff_t step, int before, int after)
{
    int low = 255, high = 255;
    for (int k = 1; k <= before; k++)
        low = min(low, p[-k * step]);
    for (int k = 1; k <= after; k++)
        high = min(high, p[k * step]);
    int from = before && after ? max(low, high) : before ? low : high;
    return (uint8_t)max(0, *p - from);
}

static void across_fill(struct work *w, int reach)
{
    for (int y = 0; y < w->rows; y++)
        for (int x = 0; x < w->columns; x++) {
            ptrdiff_t at = (ptrdiff_t)y * w->columns + x;
            if (w->grey[at] >= THIN_MIN / 2)
                w->across[at] = thinness(w->grey + at, 1, min(x, reach),
                                         min(w->columns - 1 - x, reach));
        }
}

static void down_fill(struct work *w)
{
    for (int y = 0; y < w->rows; y++) {
        int above = min(y, REACH), under = min(w->rows - 1 - y, REACH);
        for (int x = 0; x < w->columns; x++) {
            ptrdiff_t at = (ptrdiff_t)y * w->columns + x;
            if (w->grey[at] >= THIN_MIN / 2)
                w->down[at] = thinness(w->grey + at, w->columns, above, under);
        }
    }
}

/* The mean thinness of 3 × 3 blocks, times a factor. */
static void limits_fill(struct work *w)
{
    int block_rows = (w->rows + BLOCK - 1) / BLOCK;
    for (int row = 0; row < block_rows; row++)
        for (int column = 0; column < w->block_columns; column++) {
            int y0 = max(0, (row - 1) * BLOCK), y1 = min(w->rows, (row + 2) * BLOCK);
            int x0 = max(0, (column - 1) * BLOCK), x1 = min(w->columns, (column + 2) * BLOCK);
            int sum = 0, count = 0;
            for (int y = y0; y < y1; y += 2)
                for (int x = x0; x < x1; x++) {
                    sum += w->across[(ptrdiff_t)y * w->columns + x];
                    count++;
                }
            double limit = THIN_FACTOR * sum / max(1, count);
            w->limit[row * w->block_columns + column] =
                (uint8_t)fmin(160, fmax(THIN_MIN, limit));
        }
}

static int limit_at(const struct work *w, int x, int y)
{
    return w->limit[y / BLOCK * w->block_columns + x / BLOCK];
}

static bool on_stroke(const struct work *w, int x, int y)
{
    return w->across[(ptrdiff_t)y * w->columns + x] >= w->share * limit_at(w, x, y);
}

/* The longest chain of stroke pixels of one level that ends at x, y, coming from `dy`. */
static int chain(const struct work *w, const uint8_t *lengths, int x, int y, int dy)
{
    int best = 0, level = w->grey[(ptrdiff_t)y * w->columns + x];
    if (y + dy < 0 || y + dy >= w->rows)
        return 1;
    for (int dx = -1; dx <= 1; dx++) {
        if (x + dx < 0 || x + dx >= w->columns)
            continue;
        ptrdiff_t from = (ptrdiff_t)(y + dy) * w->columns + x + dx;
        if (lengths[from] > best && abs(w->grey[from] - level) <= LEVEL_STEP)
            best = lengths[from];
    }
    return min(best + 1, 200);
}

static void lengths_fill(struct work *w, double share, int length_min)
{
    size_t pixels = (size_t)w->rows * (size_t)w->columns;
    w->share = share;
    w->length_min = length_min;
    memset(w->up, 0, pixels);
    memset(w->length, 0, pixels);
    for (int y = 0; y < w->rows; y++)
        for (int x = 0; x < w->columns; x++)
            if (on_stroke(w, x, y))
                w->up[(ptrdiff_t)y * w->columns + x] = (uint8_t)chain(w, w->up, x, y, -1);
    for (int y = w->rows - 1; y >= 0; y--)
        for (int x = 0; x < w->columns; x++)
            if (on_stroke(w, x, y))
                w->length[(ptrdiff_t)y * w->columns + x] =
                    (uint8_t)chain(w, w->length, x, y, 1);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)w->rows * w->columns; i++)
        if (w->length[i])
            w->length[i] = (uint8_t)min(255, w->length[i] + w->up[i] - 1);
}

/* One long stroke with what hangs on it. */
struct part {
    int first, count; /* in the stack */
    int strong;
    double sum, squares, thin; /* of its strong pixels */
};

enum { NEW = 0, SEEN = 1, DRAWN = 2 };

/* All strong pixels that touch each other, onto the stack. */
static struct part strokes_collect(struct work *w, int start)
{
    struct part part = {.count = 1};
    w->stack[0] = start;
    w->drawn[start] = SEEN;
    for (int i = 0; i < part.count; i++) {
        int at = w->stack[i], x = at % w->columns, y = at / w->columns, level = w->grey[at];
        part.strong++;
        part.sum += level;
        part.squares += (double)level * level;
        part.thin += w->across[at];
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                if (x + dx < 0 || y + dy < 0 || x + dx >= w->columns || y + dy >= w->rows)
                    continue;
                int next = at + dy * w->columns + dx;
                if (w->drawn[next] == NEW && w->length[next] >= w->length_min &&
                    abs(w->grey[next] - level) <= 2 * LEVEL_STEP) {
                    w->drawn[next] = SEEN;
                    w->stack[part.count++] = next;
                }
            }
    }
    return part;
}

/* What hangs on the strokes: thin in any direction and nearly as bright, a letter's width away
 * at most. */
static void strokes_grow(struct work *w, struct part *part)
{
    int level = (int)(PART_LEVEL * part->sum / part->strong), from = 0;
    for (int depth = 0; depth < DEPTH_MAX && from < part->count; depth++) {
        int to = part->count;
        for (int i = from; i < to; i++) {
            int at = w->stack[i], x = at % w->columns, y = at / w->columns;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    if (x + dx < 0 || y + dy < 0 || x + dx >= w->columns || y + dy >= w->rows)
                        continue;
                    int next = at + dy * w->columns + dx;
                    if (w->drawn[next] != NEW || w->grey[next] < level ||
                        max(w->across[next], w->down[next]) <
                            PART_THIN * limit_at(w, x + dx, y + dy))
                        continue;
                    w->drawn[next] = DRAWN;
                    w->stack[part->count++] = next;
                }
        }
        from = to;
    }
}

/* Share of the pixels around x, y that are at least as bright. Speckle has its like all around;
 * what is drawn has not. */
static double share_as_bright(const struct work *w, int x, int y, int level)
{
    int x0 = max(0, x - BLOCK), x1 = min(w->columns - 1, x + BLOCK), brighter = 0, count = 0;
    for (int row = max(0, y - BLOCK); row <= min(w->rows - 1, y + BLOCK); row += 2)
        for (int column = x0; column <= x1; column++, count++)
            brighter += w->grey[(ptrdiff_t)row * w->columns + column] >= level;
    return (double)brighter / count;
}

static struct bounds part_bounds(const struct work *w, const struct part *part)
{
    struct bounds b = {w->columns, w->rows, -1, -1};
    for (int i = 0; i < part->count; i++) {
        int x = w->stack[i] % w->columns, y = w->stack[i] / w->columns;
        b = (struct bounds){min(b.x0, x), min(b.y0, y), max(b.x1, x), max(b.y1, y)};
    }
    return b;
}

static void letter_add(struct work *w, const struct bounds *box, int level, int height)
{
    if (w->letter_count < LETTERS_MAX && height >= LETTER_MIN && height <= LETTER_MAX)
        w->letters[w->letter_count++] = (struct letter){*box, level, height};
}

static void strokes_find(struct work *w)
{
    int pixels = w->rows * w->columns;
    for (int i = 0; i < pixels; i++) {
        if (w->length[i] < LENGTH_MIN || w->drawn[i] != NEW)
            continue;
        struct part part = strokes_collect(w, i);
        double mean = part.sum / part.strong;
        double spread = sqrt(fmax(0, part.squares / part.strong - mean * mean));
        if (part.strong < LENGTH_MIN || spread > UNEVEN_MAX * mean ||
            part.thin / part.strong < SHARP_MIN * mean)
            continue;
        if (part.thin / part.strong < VERY_SHARP * mean &&
            share_as_bright(w, i % w->columns, i / w->columns, (int)mean) > BRIGHTER_MAX)
            continue;
        for (int k = 0; k < part.count; k++)
            w->drawn[w->stack[k]] = DRAWN;
        strokes_grow(w, &part);
        struct bounds box = part_bounds(w, &part);
        letter_add(w, &box, (int)mean, box.y1 - box.y0 + 1);
    }
    for (int i = 0; i < pixels; i++)
        w->drawn[i] = w->drawn[i] == DRAWN ? DRAWN : NEW;
}

/* A faint stroke, which alone proves nothing. */
struct faint {
    struct bounds box;
    int start; /* one of its pixels */
    double level;
    bool drawn;
};

static bool of_one_line(const struct faint *a, const struct faint *b)
{
    int height = a->box.y1 - a->box.y0 + 1;
    int gap = max(a->box.x0, b->box.x0) - min(a->box.x1, b->box.x1) - 1;
    return abs(a->box.y0 - b->box.y0) <= FAINT_ALIGNED &&
           abs(a->box.y1 - b->box.y1) <= FAINT_ALIGNED && gap >= 0 && gap <= height &&
           fabs(a->level - b->level) <= FAINT_LEVEL * a->level;
}

/* The strokes that stand with `first` in one line, onto `queue`. */
static int line_collect(struct faint *faint, int count, int first, int *queue)
{
    int found = 1;
    queue[0] = first;
    faint[first].drawn = true;
    for (int i = 0; i < found; i++)
        for (int k = 0; k < count; k++)
            if (!faint[k].drawn && of_one_line(&faint[queue[i]], &faint[k])) {
                faint[k].drawn = true;
                queue[found++] = k;
            }
    return found;
}

/* Small or blurred letters: several faint strokes of one level, height and line. */
static int faint_find(struct work *w, struct error *err)
{
    struct faint *faint = calloc(FAINT_MAX, sizeof *faint);
    int *queue = calloc(FAINT_MAX, sizeof *queue);
    int count = 0, pixels = w->rows * w->columns, status = 0;
    if (!faint || !queue)
        status = error_set(err, STATUS_NOMEM, "out of memory for finding drawn graphics");
    if (status == 0) {
        across_fill(w, WORD_REACH);
        limits_fill(w);
        lengths_fill(w, FAINT_THIN, FAINT_LENGTH_MIN);
    }
    for (int i = 0; status == 0 && i < pixels && count < FAINT_MAX; i++) {
        if (w->length[i] < FAINT_LENGTH_MIN || w->drawn[i] != NEW)
            continue;
        struct part part = strokes_collect(w, i);
        struct bounds box = part_bounds(w, &part);
        double mean = part.sum / part.strong;
        double spread = sqrt(fmax(0, part.squares / part.strong - mean * mean));
        if (spread <= FAINT_UNEVEN_MAX * mean && box.x1 - box.x0 <= WORD_WIDTH * (box.y1 - box.y0) && box.y1 - box.y0 + 1 >= LETTER_MIN &&
            box.y1 - box.y0 + 1 <= LETTER_MAX)
            faint[count++] = (struct faint){box, i, mean, false};
    }
    for (int i = 0; i < pixels; i++)
        w->drawn[i] = w->drawn[i] == DRAWN ? DRAWN : NEW;
    for (int i = 0; i < count; i++) {
        int found = faint[i].drawn ? 0 : line_collect(faint, count, i, queue);
        double letters = 0;
        for (int k = 0; k < found; k++) {
            const struct bounds *b = &faint[queue[k]].box;
            letters += fmax(1, (double)(b->x1 - b->x0 + 1) / (b->y1 - b->y0 + 1));
        }
        for (int k = 0; found > 1 && letters >= FAINT_TOGETHER && k < found; k++) {
            const struct faint *f = &faint[queue[k]];
            if (w->drawn[f->start] != NEW)
                continue;
            struct part part = strokes_collect(w, f->start);
            for (int m = 0; m < part.count; m++)
                w->drawn[w->stack[m]] = DRAWN;
            strokes_grow(w, &part);
            letter_add(w, &f->box, (int)f->level, f->box.y1 - f->box.y0 + 1);
        }
    }
    free(faint);
    free(queue);
    return status;
}

static bool like_letter(const struct work *w, int at, const struct letter *letter)
{
    int x = at % w->columns, y = at / w->columns;
    return w->grey[at] >= (1 - LINE_LEVEL) * letter->level &&
           w->grey[at] <= (1 + LINE_LEVEL) * letter->level &&
           max(w->across[at], w->down[at]) >= LINE_THIN * limit_at(w, x, y);
}

/* A part of letter-like pixels that holds `start`: drawn when it keeps to the line, as letters do
 * and tissue does not. */
static void letter_try(struct work *w, int start, const struct letter *letter, uint8_t *seen)
{
    struct part part = {.count = 1};
    struct bounds box = {w->columns, w->rows, -1, -1};
    bool leaves = false;
    int thin = 0;
    w->stack[0] = start;
    seen[start] = 1;
    for (int i = 0; i < part.count; i++) {
        int at = w->stack[i], x = at % w->columns, y = at / w->columns;
        box = (struct bounds){min(box.x0, x), min(box.y0, y), max(box.x1, x), max(box.y1, y)};
        leaves |= y < letter->box.y0 - 1 || y > letter->box.y1 + 1 ||
                  box.x1 - box.x0 > 2 * letter->height;
        thin += w->across[at] >= limit_at(w, x, y);
        if (leaves)
            break;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                if (x + dx < 0 || y + dy < 0 || x + dx >= w->columns || y + dy >= w->rows)
                    continue;
                int next = at + dy * w->columns + dx;
                if (!seen[next] && !w->drawn[next] && like_letter(w, next, letter)) {
                    seen[next] = 1;
                    w->stack[part.count++] = next;
                }
            }
    }
    for (int i = 0; i < part.count; i++)
        seen[w->stack[i]] = 0;
    if (leaves || thin * 4 < part.count)
        return;
    for (int i = 0; i < part.count; i++)
        w->drawn[w->stack[i]] = DRAWN;
    if (box.y0 <= letter->box.y0 + 1 && box.y1 >= letter->box.y1 - 1) { /* a whole one */
        box.y0 = letter->box.y0;
        box.y1 = letter->box.y1;
        letter_add(w, &box, letter->level, letter->height);
    }
}

/* Letters stand in lines: what is less clear beside a clear one. */
static void lines_complete(struct work *w)
{
    uint8_t *seen = w->up; /* no longer needed */
    memset(seen, 0, (size_t)w->rows * (size_t)w->columns);
    for (int i = 0; i < w->letter_count; i++) {
        struct letter letter = w->letters[i];
        int reach = letter.height + 4;
        for (int y = letter.box.y0; y <= letter.box.y1; y++)
            for (int x = max(0, letter.box.x0 - reach);
                 x <= min(w->columns - 1, letter.box.x1 + reach); x++) {
                int at = y * w->columns + x;
                if (!w->drawn[at] && on_stroke(w, x, y) && like_letter(w, at, &letter))
                    letter_try(w, at, &letter, seen);
            }
    }
}

/* Filled marks: one bright level with an abrupt border. Saturated tissue fades out. */
static void flats_find(struct work *w)
{
    int pixels = w->rows * w->columns;
    uint8_t *seen = w->up; /* no longer needed */
    memset(seen, 0, (size_t)w->rows * (size_t)w->columns);
    for (int start = 0; start < pixels; start++) {
        int level = w->grey[start], count = 1, border = 0, sharp = 0;
        if (level < FLAT_MIN || seen[start])
            continue;
        w->stack[0] = start;
        seen[start] = 1;
        for (int i = 0; i < count; i++) {
            int at = w->stack[i], x = at % w->columns, y = at / w->columns;
            static const int sides[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
            for (int k = 0; k < 4; k++) {
                int dx = sides[k][0], dy = sides[k][1];
                if (x + dx < 0 || y + dy < 0 || x + dx >= w->columns || y + dy >= w->rows)
                    continue;
                int next = at + dy * w->columns + dx;
                if (abs(w->grey[next] - level) <= 1) {
                    if (!seen[next]) {
                        seen[next] = 1;
                        w->stack[count++] = next;
                    }
                    continue;
                }
                int x2 = min(max(x + 2 * dx, 0), w->columns - 1);
                int y2 = min(max(y + 2 * dy, 0), w->rows - 1);
                border++;
                sharp += level - w->grey[y2 * w->columns + x2] >= FLAT_EDGE;
            }
        }
        if (count < FLAT_PIXELS_MIN || count > FLAT_PIXELS_MAX || sharp < FLAT_SHARP * border ||
            border > count)
            continue;
        for (int i = 0; i < count; i++)
            w->drawn[w->stack[i]] = 1;
    }
}

static void callipers_add(const struct callipers *found, const struct bounds *box, struct work *w)
{
    for (int i = 0; i < found->count; i++) {
        const struct calliper *mark = &found->marks[i];
        for (int k = -mark->arm; k <= mark->arm; k++)
            for (int side = -1; side <= 1; side += 2) {
                int x = mark->x - box->x0 + (mark->diagonal || side > 0 ? k : 0);
                int y = mark->y - box->y0 + (mark->diagonal ? side * k : side < 0 ? k : 0);
                w->drawn[y * w->columns + x] = 1;
            }
    }
}

static void colours_add(const struct image *picture, const struct bounds *box, struct work *w)
{
    struct tint tint = tint_of(picture);
    for (int y = 0; y < w->rows; y++)
        for (int x = 0; x < w->columns; x++) {
            size_t at = (size_t)(box->y0 + y) * (size_t)picture->columns + (size_t)(box->x0 + x);
            if (colour_is_set(picture->pixels + 3 * at, &tint))
                w->drawn[y * w->columns + x] = 1;
        }
}

/* One pixel wider, onto the picture's mask. */
static void mask_fill(const struct work *w, const struct bounds *box, struct mask *mask)
{
    for (int y = 0; y < w->rows; y++)
        for (int x = 0; x < w->columns; x++) {
            if (!w->drawn[y * w->columns + x])
                continue;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    if (x + dx >= 0 && y + dy >= 0 && x + dx < w->columns && y + dy < w->rows)
                        mask->pixels[(size_t)(box->y0 + y + dy) * (size_t)mask->columns +
                                     (size_t)(box->x0 + x + dx)] = 1;
        }
}

int graphics_find(const struct image *picture, const struct bounds *region,
                  struct callipers *ret_callipers, struct mask *ret_graphics, struct error *err)
{
    struct callipers callipers = {0};
    struct bounds box = {0, 0, picture->columns - 1, picture->rows - 1};
    if (region)
        box = (struct bounds){max(box.x0, region->x0), max(box.y0, region->y0),
                              min(box.x1, region->x1), min(box.y1, region->y1)};
    struct image grey = {0};
    struct work w = {0};
    struct mask mask = {0};
    int status = mask_init(&mask, picture->rows, picture->columns, err);
    if (status == 0 && (box.x1 < box.x0 || box.y1 < box.y0)) {
        *ret_graphics = mask;
        if (ret_callipers)
            *ret_callipers = callipers;
        return 0;
    }
    if (status == 0)
        status = image_to_grey(picture, &grey, err);
    if (status == 0)
        status = work_init(&w, box.y1 - box.y0 + 1, box.x1 - box.x0 + 1, err);
    if (status == 0) {
        for (int y = 0; y < w.rows; y++)
            memcpy(w.grey + (ptrdiff_t)y * w.columns,
                   grey.pixels + (size_t)(box.y0 + y) * (size_t)grey.columns + box.x0,
                   (size_t)w.columns);
        across_fill(&w, REACH);
        down_fill(&w);
        limits_fill(&w);
        lengths_fill(&w, 1, LENGTH_MIN);
        strokes_find(&w);
        status = faint_find(&w, err);
    }
    if (status == 0) {
        lines_complete(&w);
        flats_find(&w);
        callipers_find(&grey, &box, &callipers);
        callipers_add(&callipers, &box, &w);
        if (picture->channels == 3)
            colours_add(picture, &box, &w);
        mask_fill(&w, &box, &mask);
        *ret_graphics = mask;
        if (ret_callipers)
            *ret_callipers = callipers;
    } else {
        mask_release(&mask);
    }
    work_release(&w);
    image_release(&grey);
    return status;
}

/* Painting over: each channel's known pixels are averaged into ever coarser halves, then holes are
 * filled from coarse to fine, and the filled pixels smoothed by diffusion. */
enum { LEVELS_MAX = 14, DIFFUSION_STEPS = 12 };

struct level {
    int rows, columns;
    float *value; /* mean of known pixels; then filled */
    float *weight;
};

static void levels_release(struct level *levels, int count)
{
    for (int i = 0; i < count; i++)
        free(levels[i].value);
}

static int levels_init(struct level *levels, int rows, int columns, int *ret_count,
                       struct error *err)
{
    int count = 0;
    for (;;) {
        size_t pixels = (size_t)rows * (size_t)columns;
        levels[count] = (struct level){rows, columns, calloc(2 * pixels, sizeof(float)), NULL};
        if (!levels[count].value) {
            levels_release(levels, count);
            return error_set(err, STATUS_NOMEM, "out of memory for painting over graphics");
        }
        levels[count].weight = levels[count].value + pixels;
        count++;
        if ((rows == 1 && columns == 1) || count == LEVELS_MAX)
            break;
        rows = (rows + 1) / 2;
        columns = (columns + 1) / 2;
    }
    *ret_count = count;
    return 0;
}

static void level_halve(const struct level *fine, struct level *coarse)
{
    for (int y = 0; y < coarse->rows; y++)
        for (int x = 0; x < coarse->columns; x++) {
            float sum = 0, weight = 0;
            for (int k = 0; k < 4; k++) {
                int fy = 2 * y + k / 2, fx = 2 * x + k % 2;
                if (fy >= fine->rows || fx >= fine->columns)
                    continue;
                int at = fy * fine->columns + fx;
                sum += fine->weight[at] * fine->value[at];
                weight += fine->weight[at];
            }
            coarse->value[y * coarse->columns + x] = weight > 0 ? sum / weight : 0;
            coarse->weight[y * coarse->columns + x] = weight > 0 ? 1 : 0;
        }
}

/* Unknown pixels from the coarser level, bilinear. */
static void level_fill(const struct level *coarse, struct level *fine)
{
    for (int y = 0; y < fine->rows; y++)
        for (int x = 0; x < fine->columns; x++) {
            int at = y * fine->columns + x;
            if (fine->weight[at] > 0)
                continue;
            float cy = fmaxf(0, ((float)y - 0.5F) / 2), cx = fmaxf(0, ((float)x - 0.5F) / 2);
            int y0 = (int)cy, x0 = (int)cx;
            int y1 = min(y0 + 1, coarse->rows - 1), x1 = min(x0 + 1, coarse->columns - 1);
            float fy = cy - (float)y0, fx = cx - (float)x0;
            const float *v = coarse->value;
            float top = v[y0 * coarse->columns + x0] * (1 - fx) +
                        v[y0 * coarse->columns + x1] * fx;
            float bottom = v[y1 * coarse->columns + x0] * (1 - fx) +
                           v[y1 * coarse->columns + x1] * fx;
            fine->value[at] = top * (1 - fy) + bottom * fy;
        }
}

/* Each filled pixel becomes the mean of its neighbours, in reading order there and back. */
static void level_diffuse(struct level *level, const int *holes, int count)
{
    for (int step = 0; step < DIFFUSION_STEPS; step++)
        for (int i = 0; i < count; i++) {
            int at = holes[step % 2 ? count - 1 - i : i];
            int x = at % level->columns, y = at / level->columns, neighbours = 0;
            float sum = 0;
            if (x > 0)
                sum += level->value[at - 1], neighbours++;
            if (x + 1 < level->columns)
                sum += level->value[at + 1], neighbours++;
            if (y > 0)
                sum += level->value[at - level->columns], neighbours++;
            if (y + 1 < level->rows)
                sum += level->value[at + level->columns], neighbours++;
            if (neighbours)
                level->value[at] = sum / (float)neighbours;
        }
}

/* `holes`: the `hole_count` masked pixels in reading order. */
static void channel_paint(struct level *levels, int count, const int *holes, int hole_count,
                          struct image *picture, int channel)
{
    int pixels = picture->rows * picture->columns, step = picture->channels;
    for (int i = 0; i < pixels; i++) {
        levels[0].value[i] = picture->pixels[(size_t)i * (size_t)step + (size_t)channel];
        levels[0].weight[i] = 1;
    }
    for (int i = 0; i < hole_count; i++)
        levels[0].weight[holes[i]] = 0;
    for (int i = 1; i < count; i++)
        level_halve(&levels[i - 1], &levels[i]);
    for (int i = count - 1; i > 0; i--)
        level_fill(&levels[i], &levels[i - 1]);
    level_diffuse(&levels[0], holes, hole_count);
    for (int i = 0; i < hole_count; i++)
        picture->pixels[(size_t)holes[i] * (size_t)step + (size_t)channel] =
            (uint8_t)(fminf(255, fmaxf(0, levels[0].value[holes[i]])) + 0.5F);
}

int graphics_paint_over(const struct image *picture, const struct mask *graphics,
                        struct image *ret_painted, struct error *err)
{
    assert(picture->rows == graphics->rows && picture->columns == graphics->columns);
    struct image painted = {0};
    struct level levels[LEVELS_MAX];
    int count = 0;
    size_t drawn = mask_count(graphics);
    int status = image_copy(picture, &painted, err);
    if (status < 0)
        return status;
    if (drawn > 0 && drawn < (size_t)picture->rows * (size_t)picture->columns) {
        int *holes = calloc(drawn, sizeof *holes), found = 0;
        status = holes ? levels_init(levels, picture->rows, picture->columns, &count, err)
                       : error_set(err, STATUS_NOMEM, "out of memory for painting over graphics");
        for (int i = 0; status == 0 && i < picture->rows * picture->columns; i++)
            if (graphics->pixels[i])
                holes[found++] = i;
        for (int c = 0; status == 0 && c < picture->channels; c++)
            channel_paint(levels, count, holes, found, &painted, c);
        levels_release(levels, count);
        free(holes);
    }
    if (status < 0)
        image_release(&painted);
    else
        *ret_painted = painted;
    return status;
}
