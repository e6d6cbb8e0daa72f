#include "report/loop.h"

#include <math.h>
#include <stdio.h>

#include "report/heat.h"
#include "report/identity.h"
#include "report/sheet.h"
#include "report/words.h"

enum { SHOWN = 6, CAPTION = 24, BARS_HEIGHT = 64 };
static const uint32_t RAISES = 0xFF8A1E, LOWERS = 0x2A8CFF; /* as heat maps have them */

const struct loop_finding *loop_of(const struct report_input *input)
{
    const struct region_finding *tumour = words_region(input, ROI_TUMOUR);
    return tumour && tumour->loop && !*tumour->loop->problem ? tumour->loop : NULL;
}

const struct loop_finding *loop_explained(const struct report_input *input)
{
    const struct loop_finding *loop = loop_of(input);
    return loop && loop->key >= 0 && input->score->has_risk ? loop : NULL;
}

struct dicom_reference loop_key_reference(const struct report_input *input)
{
    const struct loop_finding *loop = loop_of(input);
    struct dicom_reference reference = identity_reference(input, (size_t)loop->image);
    reference.frame = loop->samples[loop->key].frame + 1;
    return reference;
}

const char *loop_words(struct arena *arena, const struct report_input *input)
{
    const struct loop_finding *loop = loop_of(input);
    char whole[WORDS_NUMBER_SIZE], from[WORDS_NUMBER_SIZE], to[WORDS_NUMBER_SIZE];
    return arena_print(arena,
                       "Image %d, %d frames in %s s: the network saw %d of them, from %s s to %s s.",
                       input->images[loop->image].header->instance_number, loop->frames,
                       words_number(loop->duration_s, 2, whole), loop->count,
                       words_number(loop->from_s, 2, from), words_number(loop->to_s, 2, to));
}

const char *loop_key_words(struct arena *arena, const struct report_input *input)
{
    const struct loop_finding *loop = loop_of(input);
    const struct loop_sample *key = &loop->samples[loop->key];
    char at[WORDS_NUMBER_SIZE], part[WORDS_NUMBER_SIZE], all[WORDS_NUMBER_SIZE];
    double sum = 0;
    for (int i = 0; i < loop->count; i++)
        sum += loop->samples[i].contribution;
    return arena_print(arena, "Frame %d (%s s) contributes most to the score: %s of %s from all %d.",
                       key->frame + 1, words_number(key->seconds, 2, at),
                       words_number(key->contribution, 3, part), words_number(sum, 3, all),
                       loop->count);
}

/* ---- pictures ---- */

/* Which samples the strip shows: evenly apart, the one nearest to the key replaced by it. */
static int shown(const struct loop_finding *loop, int place)
{
    const int sample = (2 * place + 1) * loop->count / (2 * SHOWN);
    return loop->key >= 0 && loop->key * SHOWN / loop->count == place ? loop->key : sample;
}

static int draw_frame(struct page *page, struct box box, const struct loop_finding *loop,
                      int sample, const struct loop_colours *colours, struct error *err)
{
    char number[WORDS_NUMBER_SIZE], caption[96];
    const struct loop_sample *s = &loop->samples[sample];
    const struct box whole = {0, 0, s->levels.columns, s->levels.rows};
    const double scale = fmin(box.width / whole.width, (box.height - CAPTION) / whole.height);
    const struct box place = {box.x + (box.width - whole.width * scale) / 2, box.y,
                              whole.width * scale, whole.height * scale};
    const int r = page_image(page, place, &s->levels, whole, err);
    if (r < 0)
        return r;
    if (sample == loop->key)
        page_frame(page, place, RAISES, 4);
    snprintf(caption, sizeof caption, "frame %d, %s s%s", s->frame + 1,
             words_number(s->seconds, 2, number), sample == loop->key ? ", key" : "");
    page_text(page, (struct box){box.x, box.y + box.height - CAPTION, box.width, CAPTION}, caption,
              (struct style){15, 9, sample == loop->key, PAGE_CENTRED, colours->text});
    return 0;
}

/* All of one height, against the strongest. */
static void draw_bars(struct page *page, struct box box, const struct loop_finding *loop,
                      const struct loop_colours *colours)
{
    const double step = box.width / loop->count, half = box.height / 2, zero = box.y + half;
    double most = 0;
    for (int i = 0; i < loop->count; i++)
        most = fmax(most, fabs(loop->samples[i].contribution));
    for (int i = 0; i < loop->count && most > 0; i++) {
        const double height = half * loop->samples[i].contribution / most;
        const struct box bar = {box.x + (i + 0.15) * step, height > 0 ? zero - height : zero,
                                0.7 * step, fabs(height)};
        page_fill(page, bar, height > 0 ? RAISES : LOWERS);
        if (i == loop->key)
            page_frame(page, bar, colours->text, 2);
    }
    page_fill(page, (struct box){box.x, zero - 0.5, box.width, 1}, colours->faint);
}

int loop_draw_strip(struct page *page, struct box box, const struct loop_finding *loop,
                    const struct loop_colours *colours, struct error *err)
{
    const double width = (box.width - (SHOWN - 1) * SHEET_GAP) / SHOWN;
    const double height = box.height - (loop->key >= 0 ? BARS_HEIGHT + 10 : 0);
    int r = 0;
    for (int i = 0; i < SHOWN && r == 0; i++)
        r = draw_frame(page, (struct box){box.x + i * (width + SHEET_GAP), box.y, width, height},
                       loop, shown(loop, i), colours, err);
    if (r == 0 && loop->key >= 0)
        draw_bars(page, (struct box){box.x, box.y + height + 10, box.width, BARS_HEIGHT}, loop,
                  colours);
    return r;
}

int loop_draw_key(struct page *page, struct box box, const struct loop_finding *loop,
                  struct error *err)
{
    const struct bounds *seen = &loop->heat.seen;
    const struct box view = {seen->x0, seen->y0, seen->x1 - seen->x0 + 1, seen->y1 - seen->y0 + 1};
    const double half = (box.width - SHEET_GAP) / 2;
    const double scale = fmin(half / view.width, box.height / view.height);
    struct box place = {box.x + half - view.width * scale, box.y, view.width * scale,
                        view.height * scale};
    struct image heat = {0};
    int r = heat_draw(&loop->picture, &loop->heat, &heat, err);
    if (r == 0)
        r = page_image(page, place, &loop->picture, view, err);
    place.x = box.x + half + SHEET_GAP;
    if (r == 0)
        r = page_image(page, place, &heat, (struct box){0, 0, view.width, view.height}, err);
    image_release(&heat);
    return r;
}
