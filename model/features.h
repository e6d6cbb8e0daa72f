/* All features of a region: its measurements and its radiomics. */
#ifndef AXNODE_MODEL_FEATURES_H
#define AXNODE_MODEL_FEATURES_H

#include <stdbool.h>

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"

struct radiomics_settings;

/* Append to region->features measure_features and, with `settings` (NULL: none), the radiomics
 * of `grey` inside the mask as "tumour_original_firstorder_Entropy" …; grey features leave out
 * the pixels of `graphics` (NULL: nothing is drawn). Without calibration pixels count as 1 mm.
 * The region must be found and measured. */
int region_features(const struct image *grey, const struct mask *graphics,
                    const struct radiomics_settings *settings, enum roi roi,
                    struct region_finding *region, struct error *err);

/* Whether a feature's value changes with the size of a pixel in mm (lengths, areas, volumes and
 * what is made of them). */
bool feature_depends_on_size(const char *name);

#endif
