/* Synthetic breast and axilla ultrasound studies with known truth (docs/phantom.md). */
#ifndef AXNODE_PHANTOM_PHANTOM_H
#define AXNODE_PHANTOM_PHANTOM_H

#include <stdint.h>

#include "base/error.h"

enum { PHANTOM_STUDIES_MAX = 100000 };

/* Called after each study; `done` counts from 1. Anything but 0 stops the run, and
 * phantom_generate returns STATUS_UNAVAILABLE. */
typedef int phantom_progress(void *context, int done, int studies);

enum phantom_content {
    PHANTOM_STILLS = 1,
    PHANTOM_LOOPS = 2,
};

struct phantom_request {
    int studies; /* 1 to PHANTOM_STUDIES_MAX */
    uint64_t seed;
    unsigned content; /* of enum phantom_content, one or both */
};

/* Write studies 1 to `studies` of `seed` to `out_folder` (made when missing):
 *
 *   study-0001/IMG0001.dcm …   2 to 4 ultrasound stills
 *   study-0001/LOOP0001.dcm    one loop of the tumour
 *   masks/study-0001/IMG0001-tumour.png, -node.png, -hilum.png   0 or 255, size of the picture
 *   masks/study-0001/LOOP0001-tumour.png
 *   truth.json                 all studies; see docs/phantom.md
 *
 * Study k of a seed has the same bytes however many studies are written with it, and its stills
 * the same with and without loops. Existing files are replaced. `progress` may be NULL. dicom_setup
 * must have been called. */
int phantom_generate(const char *out_folder, const struct phantom_request *request,
                     phantom_progress *progress, void *context, struct error *err);

#endif
