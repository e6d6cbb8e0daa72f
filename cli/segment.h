/* What `axnode segment` writes and prints. */
#ifndef AXNODE_CLI_SEGMENT_H
#define AXNODE_CLI_SEGMENT_H

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"

struct segment_files {
    const char *mask;           /* 0 or 255, of the picture's size; all 0 when nothing was found */
    const char *overlay, *hilum; /* NULL: not wanted. The hilum likewise */
};

int segment_write(const struct segment_files *out, const struct image *picture,
                  const struct region_finding *region, struct error *err);

/* One line of JSON on stdout. */
int segment_print(const char *path, const struct region_finding *region, double seconds,
                  struct error *err);

#endif
