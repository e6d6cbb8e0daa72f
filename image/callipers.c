#include "image/callipers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "image/calliper_glyphs.h"

/* Chosen on BUS-BRA's stills (docs/screen.md). */
enum {
    ARM_MIN = 3, ARM_MAX = 9,
    BESIDE = 2,        /* pixels between a stroke and what is looked at beside it */
    STEP_MIN = 18,     /* grey levels from a stroke's pixel to the one beside it */
    CONTRAST_MIN = 30, /* the same, mean over the mark */
    MIDDLE_MIN = 70,   /* grey level of the middle */
    SAME_MARK = 6,     /* pixels between two findings of one mark */
    BLOCK = 16,        /* pixels that are looked at together */
};
static const double UNEVEN_MAX = 0.25; /* standard deviation of the strokes over their mean */
static const double ARM_SHARE_MIN = 0.75; /* mean of the faintest arm over the mean of all */

static const struct { int x, y; } arms[2][4] = {
    {{1, 0}, {-1, 0}, {0, 1}, {0, -1}},
    {{1, 1}, {-1, 1}, {1, -1}, {-1, -1}},
};

static int max(int a, int b)
{
    return a > b ? a : b;
}

/* The two grey levels beside the arm's pixel at (x, y), `dx`, `dy` its direction. Between the arms
 * of an x there is little room: towards the middle only the inner side is looked at. */
static void beside(const uint8_t *at, int columns, int dx, int dy, bool diagonal, bool inner,
                   int ret_levels[2])
{
    int sideways = BESIDE * dx, down = BESIDE * dy * columns;
    if (!diagonal) {
        ptrdiff_t step = BESIDE * (dy + dx * columns);
        ret_levels[0] = at[step];
        ret_levels[1] = at[-step];
        return;
    }
    ret_levels[0] = at[-sideways];
    ret_levels[1] = at[-down];
    if (!inner) {
        ret_levels[0] = max(ret_levels[0], at[sideways]);
        ret_levels[1] = max(ret_levels[1], at[down]);
    }
}

/* Where, of BLOCK pixels from `first` on, the middle is bright and every arm ends after `arm`
 * pixels: few pass, and this costs little. */
static void arms_end(const uint8_t *first, int columns, int arm, bool diagonal,
                     bool ret_open[BLOCK])
{
    uint8_t least[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        least[i] = first[i] < MIDDLE_MIN ? 0 : 255;
    for (int a = 0; a < 4; a++) {
        ptrdiff_t step = arms[diagonal][a].x + arms[diagonal][a].y * columns;
        const uint8_t *end = first + step * arm, *beyond = first + step * (arm + BESIDE);
        for (int i = 0; i < BLOCK; i++) {
            uint8_t fall = end[i] > beyond[i] ? (uint8_t)(end[i] - beyond[i]) : 0;
            least[i] = fall < least[i] ? fall : least[i];
        }
    }
    for (int i = 0; i < BLOCK; i++)
        ret_open[i] = least[i] >= STEP_MIN;
}

/* The contrast of a mark at `middle`, a bright one whose arms end; 0 when there is none. */
static double contrast_at(const uint8_t *middle, int columns, int arm, bool diagonal)
{
    int total = *middle, squares = *middle * *middle, faintest = 255 * arm;
    int levels_beside = 0, looked_at = 0, steps = 0;
    for (int a = 0; a < 4; a++) {
        int dx = arms[diagonal][a].x, dy = arms[diagonal][a].y, sum = 0;
        const uint8_t *at = middle;
        for (int k = 1; k <= arm; k++) {
            at += dx + dy * columns;
            sum += *at;
            squares += *at * *at;
            if (k < (diagonal ? 3 : 2))
                continue;
            int levels[2];
            beside(at, columns, dx, dy, diagonal, k < arm - 1, levels);
            levels_beside += levels[0] + levels[1];
            looked_at += 2;
            steps += (*at - levels[0] >= STEP_MIN) + (*at - levels[1] >= STEP_MIN);
        }
        total += sum;
        faintest = sum < faintest ? sum : faintest;
    }
    int pixels = 4 * arm + 1;
    double mean = (double)total / pixels;
    double contrast = mean - (double)levels_beside / looked_at;
    double deviation = sqrt(fmax(0, (double)squares / pixels - mean * mean));
    bool drawn = steps >= looked_at - looked_at / 8 && contrast >= CONTRAST_MIN &&
                 (double)faintest / arm >= ARM_SHARE_MIN * mean &&
                 deviation <= UNEVEN_MAX * mean;
    return drawn ? contrast : 0;
}

static bool is_same(const struct calliper *a, const struct calliper *b)
{
    int dx = a->x - b->x, dy = a->y - b->y;
    return dx * dx + dy * dy <= SAME_MARK * SAME_MARK;
}

static bool is_listed(const struct callipers *list, const struct calliper *mark)
{
    for (int i = 0; i < list->count; i++)
        if (is_same(&list->marks[i], mark))
            return true;
    return false;
}

/* Keep the list sorted, with one finding for each mark. */
static void add(struct callipers *list, struct calliper mark)
{
    for (int i = 0; i < list->count; i++) {
        if (!is_same(&list->marks[i], &mark))
            continue;
        if (list->marks[i].contrast >= mark.contrast)
            return;
        list->count--;
        memmove(&list->marks[i], &list->marks[i + 1],
                (size_t)(list->count - i) * sizeof list->marks[0]);
        i--;
    }
    int to = list->count;
    while (to > 0 && list->marks[to - 1].contrast < mark.contrast)
        to--;
    if (to == CALLIPERS_MAX)
        return;
    if (list->count < CALLIPERS_MAX)
        list->count++;
    memmove(&list->marks[to + 1], &list->marks[to],
            (size_t)(list->count - 1 - to) * sizeof list->marks[0]);
    list->marks[to] = mark;
}

static void crosses_find(const struct image *grey, const struct bounds *box, int arm,
                         bool diagonal, struct callipers *list)
{
    int margin = arm + BESIDE, x0 = box->x0 + margin, x1 = box->x1 - margin;
    for (int y = box->y0 + margin; y <= box->y1 - margin; y++)
        for (int from = x0; from <= x1 && x1 - x0 >= BLOCK - 1; from += BLOCK) {
            int x = from + BLOCK - 1 <= x1 ? from : x1 - BLOCK + 1; /* the last block overlaps */
            const uint8_t *first = grey->pixels + (size_t)y * (size_t)grey->columns + x;
            bool open[BLOCK];
            arms_end(first, grey->columns, arm, diagonal, open);
            for (int i = 0; i < BLOCK; i++) {
                double contrast =
                    open[i] ? contrast_at(first + i, grey->columns, arm, diagonal) : 0;
                if (contrast > 0)
                    add(list, (struct calliper){x + i, y, arm, diagonal, contrast});
            }
        }
}

static void add_glyph(void *closure, const struct calliper *mark)
{
    add(closure, *mark);
}

void callipers_find(const struct image *grey, const struct bounds *area,
                    struct callipers *ret_callipers)
{
    assert(grey->channels == 1);
    struct bounds box = {0, 0, grey->columns - 1, grey->rows - 1};
    if (area) {
        box.x0 = max(box.x0, area->x0);
        box.y0 = max(box.y0, area->y0);
        box.x1 = area->x1 < box.x1 ? area->x1 : box.x1;
        box.y1 = area->y1 < box.y1 ? area->y1 : box.y1;
    }
    *ret_callipers = (struct callipers){0};
    for (int diagonal = 0; diagonal < 2; diagonal++)
        for (int arm = ARM_MAX; arm >= ARM_MIN; arm--)
            crosses_find(grey, &box, arm, diagonal, ret_callipers);
    struct callipers known = {0};
    calliper_glyphs_find(grey, &box, add_glyph, &known);
    for (int i = 0; i < known.count; i++)
        if (!is_listed(ret_callipers, &known.marks[i]))
            add(ret_callipers, known.marks[i]);
}
