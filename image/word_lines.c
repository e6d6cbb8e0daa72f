#include "image/word_lines.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LETTER_MIN = 6,     /* height */
    LETTER_MAX = 60,
    RUNS_MAX = 1 << 20, /* at one level; more is speckle, no text: the level is passed over */
    PARTS_MAX = 20000,  /* kept of a level's parts */
    CHAINS_MAX = 512,   /* kept in all */
    REACH = 3,          /* half of the widest stroke that flattening leaves */
};

/* A connected part of what is at least as bright as a level. */
struct part {
    int x0, y0, x1, y1;
    int area, runs; /* pixels; horizontal runs of them */
    int64_t sum;    /* of grey values */
    int peak;       /* brightest pixel */
    int parent;     /* while joining: another part, or itself */
};

struct parts {
    struct part *items; /* owned */
    int count, capacity;
};

struct run {
    int x0, x1, part;
};

static int part_root(struct part *items, int i)
{
    while (items[i].parent != i) {
        items[i].parent = items[items[i].parent].parent;
        i = items[i].parent;
    }
    return i;
}

static void part_join(struct part *into, const struct part *from)
{
    into->x0 = from->x0 < into->x0 ? from->x0 : into->x0;
    into->y0 = from->y0 < into->y0 ? from->y0 : into->y0;
    into->x1 = from->x1 > into->x1 ? from->x1 : into->x1;
    into->y1 = from->y1 > into->y1 ? from->y1 : into->y1;
    into->area += from->area;
    into->runs += from->runs;
    into->sum += from->sum;
    into->peak = from->peak > into->peak ? from->peak : into->peak;
}

static int parts_add(struct parts *parts, const struct part *part, struct error *err)
{
    if (parts->count == parts->capacity) {
        int capacity = parts->capacity ? 2 * parts->capacity : 4096;
        struct part *items = realloc(parts->items, (size_t)capacity * sizeof *items);
        if (!items)
            return error_set(err, STATUS_NOMEM, "out of memory for parts of a picture");
        parts->items = items;
        parts->capacity = capacity;
    }
    parts->items[parts->count] = *part;
    parts->items[parts->count].parent = parts->count;
    parts->count++;
    return 0;
}

/* Every connected part (8 neighbours), run by run. `rows` has room for two rows' runs. */
static int parts_label(const struct image *grey, int level, struct run *rows, struct parts *parts,
                       struct error *err)
{
    struct run *above = rows, *here = rows + grey->columns;
    int above_count = 0;
    parts->count = 0;
    for (int y = 0; y < grey->rows; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)grey->columns;
        int here_count = 0, first = 0;
        for (int x = 0; x < grey->columns; x++) {
            if (row[x] < level)
                continue;
            if (parts->count == RUNS_MAX) {
                parts->count = 0;
                return 0;
            }
            struct part part = {.x0 = x, .y0 = y, .y1 = y, .runs = 1};
            for (; x < grey->columns && row[x] >= level; x++) {
                part.sum += row[x];
                part.peak = row[x] > part.peak ? row[x] : part.peak;
            }
            part.x1 = x - 1;
            part.area = x - part.x0;
            int status = parts_add(parts, &part, err);
            if (status < 0)
                return status;
            int label = parts->count - 1;
            while (first < above_count && above[first].x1 < part.x0 - 1)
                first++;
            for (int i = first; i < above_count && above[i].x0 <= part.x1 + 1; i++) {
                int a = part_root(parts->items, above[i].part);
                int b = part_root(parts->items, label);
                if (a != b) {
                    part_join(&parts->items[a], &parts->items[b]);
                    parts->items[b].parent = a;
                }
            }
            here[here_count++] = (struct run){part.x0, part.x1, label};
        }
        struct run *swap = above;
        above = here;
        here = swap;
        above_count = here_count;
    }
    return 0;
}

static int part_height(const struct part *p)
{
    return p->y1 - p->y0 + 1;
}

static int part_width(const struct part *p)
{
    return p->x1 - p->x0 + 1;
}

/* A letter, or several that touch: strokes much thinner than its height, neither solid nor a
 * single dot. */
static bool looks_written(const struct part *p)
{
    int height = part_height(p), width = part_width(p);
    if (height < LETTER_MIN || height > LETTER_MAX || width > 10 * height)
        return false;
    double fill = (double)p->area / ((double)height * width);
    double run = (double)p->area / p->runs;
    if (width <= height / 3) /* I, 1, l */
        return width >= 1 && fill > 0.6;
    return fill > 0.15 && fill < 0.8 && run < 0.5 * height + 1;
}

/* How many letters a part may be: by its width, and by how often a row of pixels meets a stroke.
 * Streaks of tissue are wide too, but are met once. */
static double part_letters(const struct part *p)
{
    double by_width = part_width(p) / (0.75 * part_height(p));
    double by_strokes = (double)p->runs / part_height(p) / 1.2;
    return fmax(1, fmin(by_width, by_strokes));
}

static int by_left(const void *a, const void *b)
{
    const struct part *p = a, *q = b;
    return p->x0 != q->x0 ? (p->x0 > q->x0) - (p->x0 < q->x0) : (p->y0 > q->y0) - (p->y0 < q->y0);
}

/* Keep what may be letters, sorted from left to right. */
static void parts_sift(struct parts *parts)
{
    int kept = 0;
    for (int i = 0; i < parts->count && kept < PARTS_MAX; i++)
        if (parts->items[i].parent == i && looks_written(&parts->items[i]))
            parts->items[kept++] = parts->items[i];
    parts->count = kept;
    if (kept > 1)
        qsort(parts->items, (size_t)kept, sizeof *parts->items, by_left);
    for (int i = 0; i < kept; i++)
        parts->items[i].parent = i;
}

/* Neighbours on one line: the same top and bottom, and no more than a letter between them. */
static bool stand_together(const struct part *p, const struct part *q)
{
    int height = part_height(p) > part_height(q) ? part_height(p) : part_height(q);
    int tolerance = 1 + height / 12;
    int gap = q->x0 - p->x1 - 1;
    return gap >= -1 && gap <= 1 + height && abs(p->y1 - q->y1) <= tolerance &&
           abs(p->y0 - q->y0) <= tolerance;
}

static void parts_link(struct parts *parts)
{
    struct part *items = parts->items;
    for (int i = 0; i < parts->count; i++) {
        int reach = items[i].x1 + 2 + part_height(&items[i]) + 2;
        for (int k = i + 1; k < parts->count && items[k].x0 <= reach; k++) {
            if (!stand_together(&items[i], &items[k]))
                continue;
            int a = part_root(items, i), b = part_root(items, k);
            if (a != b)
                items[a > b ? a : b].parent = a > b ? b : a;
        }
    }
}

/* Letters linked together. */
struct chain {
    struct part whole;
    double letters;         /* by width: touching letters count */
    double peaks, peaks2;   /* sums over parts */
    int count;
    double heights;
};

/* Sums over a box of grey values, and of pixels at least as bright as the level. */
static void box_sums(const struct image *grey, const struct bounds *box, int level, double *ret_sum,
                     double *ret_bright)
{
    double sum = 0, bright = 0;
    for (int y = box->y0; y <= box->y1; y++) {
        const uint8_t *row = grey->pixels + (size_t)y * (size_t)grey->columns;
        for (int x = box->x0; x <= box->x1; x++) {
            sum += row[x];
            bright += row[x] >= level;
        }
    }
    *ret_sum = sum;
    *ret_bright = bright;
}

static bool line_of_chain(const struct image *grey, const struct chain *chain, int level,
                          struct word_line *ret_line)
{
    const struct part *whole = &chain->whole;
    if (chain->letters < 1.8)
        return false;
    struct bounds box = {whole->x0, whole->y0, whole->x1, whole->y1};
    double sum, bright;
    box_sums(grey, &box, level, &sum, &bright);
    double area = (double)(box.x1 - box.x0 + 1) * (box.y1 - box.y0 + 1);
    if (area - whole->area < 1)
        return false;
    double ink = (double)whole->sum / whole->area;
    double paper = (sum - (double)whole->sum) / (area - whole->area);
    double mean = chain->peaks / chain->count;
    double spread = sqrt(fmax(0, chain->peaks2 / chain->count - mean * mean));
    double clutter = (bright - whole->area) / whole->area;
    if (ink - paper < 25)
        return false;
    *ret_line = (struct word_line){
        .box = box,
        .height = chain->heights / chain->count,
        .ink = ink,
        .paper = paper,
        .score = (fmin(chain->letters, 2 * chain->count) - 1) * (ink - paper) / (1 + spread / 8) / (1 + 4 * clutter),
    };
    return true;
}

static int by_score(const void *a, const void *b)
{
    const struct word_line *p = a, *q = b;
    return (p->score < q->score) - (p->score > q->score);
}

struct chains {
    struct word_line items[CHAINS_MAX];
    int count;
};

/* Keeps the best when there is no more room. */
static void chains_add(struct chains *chains, const struct word_line *line)
{
    if (chains->count == CHAINS_MAX) {
        qsort(chains->items, CHAINS_MAX, sizeof *chains->items, by_score);
        chains->count = CHAINS_MAX / 2;
    }
    chains->items[chains->count++] = *line;
}

static int chains_of_parts(const struct image *grey, struct parts *parts, int level, bool flat,
                           struct chains *chains, struct error *err)
{
    struct chain *sums = calloc((size_t)parts->count + 1, sizeof *sums);
    if (!sums)
        return error_set(err, STATUS_NOMEM, "out of memory for lines of a picture");
    for (int i = 0; i < parts->count; i++) {
        const struct part *p = &parts->items[i];
        struct chain *chain = &sums[part_root(parts->items, i)];
        if (chain->count++ == 0)
            chain->whole = *p;
        else
            part_join(&chain->whole, p);
        chain->letters += part_letters(p);
        chain->peaks += p->peak;
        chain->peaks2 += (double)p->peak * p->peak;
        chain->heights += part_height(p);
    }
    struct word_line line;
    for (int i = 0; i < parts->count; i++)
        if (sums[i].count && line_of_chain(grey, &sums[i], level, &line)) {
            line.flat = flat;
            chains_add(chains, &line);
        }
    free(sums);
    return 0;
}

static double overlap(const struct bounds *a, const struct bounds *b)
{
    int x0 = a->x0 > b->x0 ? a->x0 : b->x0, x1 = a->x1 < b->x1 ? a->x1 : b->x1;
    int y0 = a->y0 > b->y0 ? a->y0 : b->y0, y1 = a->y1 < b->y1 ? a->y1 : b->y1;
    if (x1 < x0 || y1 < y0)
        return 0;
    double both = (double)(x1 - x0 + 1) * (y1 - y0 + 1);
    double first = (double)(a->x1 - a->x0 + 1) * (a->y1 - a->y0 + 1);
    double second = (double)(b->x1 - b->x0 + 1) * (b->y1 - b->y0 + 1);
    return both / (first < second ? first : second);
}

/* Words of one line: the better one takes the other in. */
static bool same_line(const struct word_line *a, const struct word_line *b)
{
    double height = fmin(a->height, b->height);
    int gap = a->box.x0 > b->box.x1 ? a->box.x0 - b->box.x1 : b->box.x0 - a->box.x1;
    return fabs(a->height - b->height) <= 1 + height / 5 && gap <= 2.5 * height &&
           abs(a->box.y1 - b->box.y1) <= 1 + height / 6 &&
           abs(a->box.y0 - b->box.y0) <= 1 + height / 6;
}

static void box_join(struct bounds *into, const struct bounds *from)
{
    into->x0 = from->x0 < into->x0 ? from->x0 : into->x0;
    into->y0 = from->y0 < into->y0 ? from->y0 : into->y0;
    into->x1 = from->x1 > into->x1 ? from->x1 : into->x1;
    into->y1 = from->y1 > into->y1 ? from->y1 : into->y1;
}

static int choose(struct chains *chains, int most, struct word_line *lines)
{
    int count = 0;
    qsort(chains->items, (size_t)chains->count, sizeof *chains->items, by_score);
    for (int i = 0; i < chains->count; i++) {
        const struct word_line *line = &chains->items[i];
        int k = 0;
        while (k < count && overlap(&lines[k].box, &line->box) < 0.5 && !same_line(&lines[k], line))
            k++;
        if (k < count) {
            if (same_line(&lines[k], line))
                box_join(&lines[k].box, &line->box);
        } else if (count < most) {
            lines[count++] = *line;
        }
    }
    return count;
}

/* One pass of a running minimum or maximum over 2 × REACH + 1 pixels along rows or columns. */
static void extreme(const struct image *from, bool along_rows, bool highest, uint8_t *to)
{
    int rows = from->rows, columns = from->columns;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            int here = along_rows ? x : y, end = (along_rows ? columns : rows) - 1;
            int first = here - REACH < 0 ? 0 : here - REACH;
            int last = here + REACH > end ? end : here + REACH;
            const uint8_t *p = from->pixels + (along_rows ? (size_t)y * (size_t)columns + (size_t)first
                                                          : (size_t)first * (size_t)columns + (size_t)x);
            size_t step = along_rows ? 1 : (size_t)columns;
            uint8_t value = *p;
            for (int k = first + 1; k <= last; k++) {
                p += step;
                if (highest ? *p > value : *p < value)
                    value = *p;
            }
            to[(size_t)y * (size_t)columns + (size_t)x] = value;
        }
}

int word_lines_flatten(const struct image *grey, struct image *ret_flat, struct error *err)
{
    struct image a = {0}, b = {0};
    int status = image_init(&a, grey->rows, grey->columns, 1, err);
    if (status == 0)
        status = image_init(&b, grey->rows, grey->columns, 1, err);
    if (status == 0) {
        extreme(grey, true, false, a.pixels);
        extreme(&a, false, false, b.pixels);
        extreme(&b, true, true, a.pixels);
        extreme(&a, false, true, b.pixels);
        for (size_t i = 0; i < (size_t)grey->rows * (size_t)grey->columns; i++)
            b.pixels[i] = (uint8_t)(grey->pixels[i] - b.pixels[i]);
        *ret_flat = b;
        b = (struct image){0};
    }
    image_release(&a);
    image_release(&b);
    return status;
}

/* Adds the lines of one picture, at levels from `first` down to `last`. */
static int search(const struct image *picture, bool flat, int first, int last, int step,
                  struct chains *chains, struct error *err)
{
    struct parts parts = {0};
    struct run *rows = calloc((size_t)picture->columns * 2, sizeof *rows);
    int status = rows ? 0 : error_set(err, STATUS_NOMEM, "out of memory for lines of a picture");
    for (int level = first; status == 0 && level >= last; level -= step) {
        status = parts_label(picture, level, rows, &parts, err);
        if (status < 0)
            break;
        parts_sift(&parts);
        parts_link(&parts);
        status = chains_of_parts(picture, &parts, level, flat, chains, err);
    }
    free(parts.items);
    free(rows);
    return status;
}

int word_lines_find(const struct image *grey, const struct image *flat, int most,
                    struct word_line *lines, int *ret_count, struct error *err)
{
    assert(grey->channels == 1 && flat->channels == 1);
    struct chains *chains = calloc(1, sizeof *chains);
    if (!chains)
        return error_set(err, STATUS_NOMEM, "out of memory for lines of a picture");
    int status = search(grey, false, 250, 70, 15, chains, err);
    if (status == 0)
        status = search(flat, true, 160, 40, 20, chains, err);
    if (status == 0)
        *ret_count = choose(chains, most, lines);
    free(chains);
    return status;
}
