#include "pipeline/select.h"

void candidate_release(struct candidate *candidate)
{
    region_finding_release(&candidate->region);
    image_release(&candidate->picture);
    image_release(&candidate->grey);
    mask_release(&candidate->graphics);
    *candidate = (struct candidate){0};
}

/* First difference decides: positive when `a` is larger. */
static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_size(const struct measurements *a, const struct measurements *b)
{
    int calibrated = compare(a->long_axis.length_mm > 0, b->long_axis.length_mm > 0);
    if (calibrated)
        return calibrated;
    return a->long_axis.length_mm > 0 ? compare(a->long_axis.length_mm, b->long_axis.length_mm)
                                      : compare(a->long_axis.length_px, b->long_axis.length_px);
}

static double relative_cortex(const struct measurements *m)
{
    return m->short_axis.length_px > 0 ? m->cortex_thickness_px / (m->short_axis.length_px / 2) : 0;
}

static int compare_suspicion(const struct measurements *a, const struct measurements *b)
{
    int order = a->hilum_marked && b->hilum_marked
                    ? compare(relative_cortex(a), relative_cortex(b))
                    : compare(b->axis_ratio, a->axis_ratio);
    return order ? order : compare_size(a, b);
}

bool region_preferred(const struct region_finding *a, const struct region_finding *b,
                      enum roi role)
{
    int order = compare(a->grey, b->grey);
    if (!order)
        order = compare(b->unsure, a->unsure);
    if (!order)
        order = role == ROI_TUMOUR ? compare_size(&a->measurements, &b->measurements)
                                   : compare_suspicion(&a->measurements, &b->measurements);
    if (!order) /* the earlier picture: the same choice whatever the order of arrival */
        order = compare(b->image, a->image);
    return order > 0;
}

void selection_release(struct selection *selection)
{
    for (int role = 0; role < ROI_COUNT; role++)
        for (int side = 0; side < 3; side++)
            candidate_release(&selection->best[role][side]);
}

void selection_offer(struct selection *selection, enum roi role, struct candidate *candidate)
{
    struct candidate *best = &selection->best[role][candidate->side];
    if (best->region.found && !region_preferred(&candidate->region, &best->region, role)) {
        candidate_release(candidate);
        return;
    }
    candidate_release(best);
    *best = *candidate;
    *candidate = (struct candidate){0};
}

static struct candidate *best_of_all(struct selection *selection, enum roi role)
{
    struct candidate *best = NULL;
    for (int side = 0; side < 3; side++) {
        struct candidate *c = &selection->best[role][side];
        if (c->region.found && (!best || region_preferred(&c->region, &best->region, role)))
            best = c;
    }
    return best;
}

void selection_choose(struct selection *selection, struct candidate *ret_chosen[ROI_COUNT])
{
    struct candidate *tumour = best_of_all(selection, ROI_TUMOUR);
    struct candidate *node = tumour ? &selection->best[ROI_NODE][tumour->side] : NULL;
    if (!node || !node->region.found)
        node = best_of_all(selection, ROI_NODE);
    ret_chosen[ROI_TUMOUR] = tumour;
    ret_chosen[ROI_NODE] = node;
}

void selection_of_side(struct selection *selection, enum side side,
                       struct candidate *ret_chosen[ROI_COUNT])
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        struct candidate *c = &selection->best[roi][side];
        ret_chosen[roi] = c->region.found ? c : NULL;
    }
}

bool selection_bilateral(const struct selection *selection, enum roi role)
{
    return selection->best[role][SIDE_LEFT].region.found &&
           selection->best[role][SIDE_RIGHT].region.found;
}
