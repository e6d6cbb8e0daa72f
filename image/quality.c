#include "image/quality.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const double GRAPHICS_MAX = 0.01, BLACK_MAX = 0.5, WHITE_MAX = 0.02, OUTSIDE_MAX = 0;
enum { PIXELS_MIN = 400, SIDE_MIN = 16 };

static unsigned faults_of(const struct quality *q, const struct bounds *box)
{
    unsigned faults = 0;
    if (q->graphics_share > GRAPHICS_MAX)
        faults |= QUALITY_GRAPHICS;
    if (q->cut_left || q->cut_right || q->cut_top || q->cut_bottom)
        faults |= QUALITY_CUT_OFF;
    if (q->black_share > BLACK_MAX)
        faults |= QUALITY_DARK;
    if (q->white_share > WHITE_MAX)
        faults |= QUALITY_BRIGHT;
    if (q->pixels < PIXELS_MIN || box->x1 - box->x0 + 1 < SIDE_MIN ||
        box->y1 - box->y0 + 1 < SIDE_MIN)
        faults |= QUALITY_SMALL;
    if (!q->calibrated)
        faults |= QUALITY_UNCALIBRATED;
    if (!screen_kind_is_grey(q->kind))
        faults |= QUALITY_NOT_GREY;
    if (q->outside_share > OUTSIDE_MAX)
        faults |= QUALITY_SPLIT;
    return faults;
}

void quality_measure(const struct quality_input *input, struct quality *ret_quality)
{
    const struct image *grey = input->grey;
    const struct mask *outline = input->outline;
    assert(grey->channels == 1 && outline->rows == grey->rows &&
           outline->columns == grey->columns);
    assert(!input->graphics || (input->graphics->rows == grey->rows &&
                                input->graphics->columns == grey->columns));
    struct bounds region = {0, 0, grey->columns - 1, grey->rows - 1}, box = {0, 0, -1, -1};
    if (input->region)
        region = input->region->box;
    struct quality q = {.kind = input->region ? input->region->kind : SCREEN_B_MODE,
                        .calibrated = input->calibrated};
    size_t drawn = 0, black = 0, white = 0, outside = 0;
    mask_bounds(outline, &box);
    for (int y = box.y0; y <= box.y1; y++)
        for (int x = box.x0; x <= box.x1; x++) {
            size_t at = (size_t)y * (size_t)grey->columns + (size_t)x;
            if (!outline->pixels[at])
                continue;
            q.pixels++;
            outside += x < region.x0 || x > region.x1 || y < region.y0 || y > region.y1;
            if (input->graphics && input->graphics->pixels[at]) {
                drawn++;
                continue;
            }
            black += grey->pixels[at] == 0;
            white += grey->pixels[at] == 255;
        }
    if (q.pixels) {
        size_t clear = q.pixels - drawn;
        q.graphics_share = (double)drawn / (double)q.pixels;
        q.outside_share = (double)outside / (double)q.pixels;
        q.black_share = clear ? (double)black / (double)clear : 0;
        q.white_share = clear ? (double)white / (double)clear : 0;
        q.cut_left = box.x0 <= region.x0;
        q.cut_right = box.x1 >= region.x1;
        q.cut_top = box.y0 <= region.y0;
        q.cut_bottom = box.y1 >= region.y1;
    }
    q.faults = faults_of(&q, &box);
    *ret_quality = q;
}

static const struct {
    const char *name, *text;
} words[QUALITY_FAULTS] = {
    {"graphics inside", "Drawn graphics cover more than 1 % of the region; they are left out of "
                        "grey-level features."},
    {"cut off", "The region touches the border of the image: it may continue beyond."},
    {"black", "More than half of the region has grey level 0: no texture is left there."},
    {"saturated", "More than 2 % of the region has grey level 255: the gain was too high."},
    {"too small", "The region has too few pixels for its shape and texture to be measured well."},
    {"no calibration", "No calibrated region holds the outline: sizes are in pixels."},
    {"not B-mode", "The image is no B-mode: its colours are not tissue's grey levels."},
    {"beyond the image", "The outline reaches beyond the image that it lies in."},
};

static int index_of(enum quality_fault fault)
{
    for (int i = 0; i < QUALITY_FAULTS; i++)
        if (fault == 1U << i)
            return i;
    return -1;
}

const char *quality_fault_name(enum quality_fault fault)
{
    int i = index_of(fault);
    return i < 0 ? "" : words[i].name;
}

const char *quality_fault_text(enum quality_fault fault)
{
    int i = index_of(fault);
    return i < 0 ? "" : words[i].text;
}

void quality_words(unsigned faults, char *ret_text, size_t size)
{
    assert(size > 0);
    size_t used = 0;
    ret_text[0] = '\0';
    for (int i = 0; i < QUALITY_FAULTS; i++) {
        if (!(faults & 1U << i))
            continue;
        int n = snprintf(ret_text + used, size - used, "%s%s", used ? ", " : "", words[i].name);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}
