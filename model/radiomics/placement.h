/* Where the grids of an image and a mask lie in space, and whether they are the same. */
#ifndef AXNODE_MODEL_RADIOMICS_PLACEMENT_H
#define AXNODE_MODEL_RADIOMICS_PLACEMENT_H

#include "model/radiomics/volume.h"

/* ITK's rule: origins and spacings differ by no more than `tolerance` times the image's spacing
 * along its columns, directions by no more than `tolerance`. STATUS_INVALID names the first
 * difference. Grids whose place is not known agree. */
int placement_check(const struct volume *image, const struct label_volume *labels,
                    double tolerance, struct error *err);
/* `labels` brought onto the image's grid, nearest neighbour, 0 where they do not reach
 * (PyRadiomics' correctMask). STATUS_INVALID: a place is not known, or the box of `label`
 * leaves the image by more than a thousandth of a voxel. The caller releases the result. */
int placement_resample(const struct volume *image, const struct label_volume *labels, int label,
                       struct label_volume *ret_labels, struct error *err);

#endif
