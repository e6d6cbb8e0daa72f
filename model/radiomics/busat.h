/* The handcrafted features of the published system dlrn-2024 (doi 10.1038/s41523-024-00628-4), as far
 * as public definitions allow: those of the Breast Ultrasound Analysis Toolbox (Rodríguez-Cristerna,
 * Gómez-Flores and de Albuquerque-Pereira 2017), under the names of the paper's feature tables.
 * Which are there and which are not: docs/radiomics.md. */
#ifndef AXNODE_MODEL_RADIOMICS_BUSAT_H
#define AXNODE_MODEL_RADIOMICS_BUSAT_H

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"

/* Append the features, named `prefix` + the table's name ("LBP_38"). The picture has one channel and
 * the mask's size; every length is in pixels. Empty mask, a mask that fills the picture or has
 * less than three pixels on a side: STATUS_INVALID. */
int busat_extract(const struct image *grey, const struct mask *mask, const char *prefix,
                  struct feature_list *ret_features, struct error *err);

#endif
