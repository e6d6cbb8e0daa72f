/* One page that is readable at a glance: intended use, both regions with outlines and axes, the
 * risk or why there is none, what to check. */
#ifndef AXNODE_REPORT_PICTURE_H
#define AXNODE_REPORT_PICTURE_H

#include "base/error.h"
#include "image/image.h"
#include "report/report.h"

/* RGB, 1600 × 1000. `patient_id`: shown in the heading; NULL for none. The caller releases the
 * picture. STATUS_NOMEM, STATUS_INTERNAL. */
int picture_draw(const struct report_input *input, const char *patient_id,
                 struct image *ret_picture, struct error *err);

#endif
