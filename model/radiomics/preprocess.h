/* Inside model/radiomics: what happens to image and mask before features are computed:
 * normalisation, resampling, resegmentation, checks; in PyRadiomics' order. */
#ifndef AXNODE_MODEL_RADIOMICS_PREPROCESS_H
#define AXNODE_MODEL_RADIOMICS_PREPROCESS_H

#include "model/radiomics/region.h"

struct prepared {
    struct volume image;  /* owned */
    struct region shape;  /* the outline */
    struct region grey;   /* the voxels that grey features use */
};
int prepare(const struct radiomics_input *input, const struct radiomics_settings *settings,
            struct prepared *ret_prepared, struct error *err);
void prepared_release(struct prepared *p);

/* Every value minus the mean, divided by the standard deviation (ddof 1) of the whole image,
 * times scale; with `outliers` > 0 cut at that many standard deviations. */
void normalise(struct volume *image, double scale, double outliers);

/* Image and mask on a grid of settings->resampled_spacing_mm around the region; the mask by
 * nearest neighbour. Replaces both. */
int resample(const struct radiomics_settings *settings, const struct region *region,
             struct volume *image, uint8_t **mask, struct error *err);

#endif
