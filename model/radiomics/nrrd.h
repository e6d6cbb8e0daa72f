/* NRRD files (http://teem.sourceforge.net/nrrd/format.html): 2 or 3 axes of one number per voxel,
 * encodings raw and gzip, data in the same file. Everything else is STATUS_UNSUPPORTED. */
#ifndef AXNODE_MODEL_RADIOMICS_NRRD_H
#define AXNODE_MODEL_RADIOMICS_NRRD_H

#include "model/radiomics/volume.h"

/* The first axis of the file is the column. Spacing is 1 mm, the origin 0 and directions those of
 * x, y, z where the file has none. */
int nrrd_read(const char *path, struct volume *ret_volume, struct error *err);
/* The same from memory; `name` stands in messages. */
int nrrd_read_bytes(const void *bytes, size_t n, const char *name, struct volume *ret_volume,
                    struct error *err);
/* Values that are whole numbers as labels; others are STATUS_INVALID. */
int label_volume_from_volume(const struct volume *volume, struct label_volume *ret_labels,
                             struct error *err);

#endif
