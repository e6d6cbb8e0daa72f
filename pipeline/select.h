/* From the study's images to the tumour and the node that the report is about. */
#ifndef AXNODE_PIPELINE_SELECT_H
#define AXNODE_PIPELINE_SELECT_H

#include <stdbool.h>

#include "image/image.h"
#include "model/findings.h"

/* An outlined picture. */
struct candidate {
    struct region_finding region; /* found and measured */
    struct image picture;         /* as decoded */
    struct image grey;
    struct mask graphics;         /* drawn on the tissue: left out of grey-level features */
    enum side side;
};
void candidate_release(struct candidate *candidate);

/* Whether `a` is to be preferred to `b` as the region of its role.
 * Tumour: the larger section: longest diameter in mm, else in pixels; a calibrated one before one
 * that is not. Node: the more suspicious: relative thickness of the cortex (thickness over half
 * the short axis: 1 when the hilum is lost), or, without a hilum output, the rounder one; then the
 * larger. An unsure outline comes behind sure ones, and one on a picture whose grey levels mean
 * nothing (colour, elastography) behind all others. */
bool region_preferred(const struct region_finding *a, const struct region_finding *b,
                      enum roi role);

/* The best of each side for each role, filled while pictures are outlined one by one, so that
 * memory holds at most one picture for each. */
struct selection {
    struct candidate best[ROI_COUNT][3]; /* [role][enum side] */
};
void selection_release(struct selection *selection);
/* Takes the candidate over in any case (`candidate` is zeroed). */
void selection_offer(struct selection *selection, enum roi role, struct candidate *candidate);
/* The tumour of whatever side, and the node of its side, or else the most suspicious node of
 * another. NULL where there is none; borrowed from the selection. */
void selection_choose(struct selection *selection, struct candidate *ret_chosen[ROI_COUNT]);
/* Tumour and node of one side, NULL where there is none. */
void selection_of_side(struct selection *selection, enum side side,
                       struct candidate *ret_chosen[ROI_COUNT]);
/* Outlined on both sides. */
bool selection_bilateral(const struct selection *selection, enum roi role);

#endif
