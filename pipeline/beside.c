/* Several packages on one study: what holds for all of them, and what a reader must know of a score
 * that stands beside another one's outlines. */
#include <string.h>

#include "image/geometry.h"
#include "pipeline/run.h"

/* Below it two outlines of one picture are not the same region's to a reader. */
static const double SAME_OUTLINE = 0.9;

/* Every run read the same objects: image i of one is image i of all. One that could not be read at
 * all has no images. */
void run_share_contradictions(struct run *const *runs, size_t count)
{
    for (size_t i = 0; i < runs[0]->image_count; i++) {
        bool identity = false, side = false;
        for (size_t k = 0; k < count; k++) {
            identity = identity || (i < runs[k]->image_count &&
                                    runs[k]->images[i].class.identity_contradicted);
            side = side || (i < runs[k]->image_count && runs[k]->images[i].class.side_contradicted);
        }
        for (size_t k = 0; k < count; k++) {
            if (i >= runs[k]->image_count)
                continue;
            runs[k]->images[i].class.identity_contradicted = identity;
            runs[k]->images[i].class.side_contradicted = side;
        }
    }
}

void run_refuse_other_side(const struct run *leading, struct run *other)
{
    const enum side shown = run_side(leading), own = run_side(other);
    if (other->score.has_risk && shown != SIDE_UNKNOWN && own != SIDE_UNKNOWN && shown != own)
        score_add_reason(&other->score, "this package would score the %s side, and this report is "
                                        "about the %s side", side_name(own), side_name(shown));
}

/* NULL: out of memory, or nothing to say. */
static const char *outline_words(const struct run *leading, struct run *other, enum roi roi)
{
    const struct candidate *shown = leading->chosen[roi], *own = other->chosen[roi];
    const char *name = roi_name(roi);
    if (!own)
        return NULL;
    if (!shown)
        return arena_print(&other->arena,
                           "this score is of a %s outlined on image %d, which is not shown: package "
                           "%s outlined none", name, own->region.image + 1, leading->package->name);
    if (own->region.image != shown->region.image || own->region.frame != shown->region.frame)
        return arena_print(&other->arena,
                           "this score is of the %s on image %d, frame %d; the outline shown is that "
                           "on image %d, frame %d", name, own->region.image + 1,
                           own->region.frame + 1, shown->region.image + 1,
                           shown->region.frame + 1);
    const double dice = mask_dice(&own->region.mask, &shown->region.mask);
    return dice >= SAME_OUTLINE
               ? NULL
               : arena_print(&other->arena,
                             "this score is of another outline of the %s than the one shown: they "
                             "overlap by %.2f of 1 (Dice)", name, dice);
}

static bool is_said(const struct run *run, const char *note)
{
    for (size_t i = 0; i < run->note_count; i++)
        if (strcmp(run->notes[i], note) == 0)
            return true;
    return false;
}

void run_note_beside(const struct run *leading, struct run *other)
{
    const char *notes[ROI_COUNT + NOTES_MAX];
    size_t count = 0;
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const char *words = outline_words(leading, other, (enum roi)roi);
        if (words)
            notes[count++] = words;
    }
    for (size_t i = 0; i < other->note_count; i++)
        if (!is_said(leading, other->notes[i]))
            notes[count++] = other->notes[i];
    other->note_count = count < NOTES_MAX ? count : NOTES_MAX;
    memcpy(other->notes, notes, other->note_count * sizeof *notes);
}
