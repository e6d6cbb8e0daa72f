/* The report as one HTML page for those who have no viewer at hand. It names the patient by its ID
 * and shows the pictures: mode 0600, like the objects. */
#ifndef AXNODE_REPORT_HTML_H
#define AXNODE_REPORT_HTML_H

#include "base/buffer.h"
#include "base/error.h"
#include "report/report.h"

/* Stands alone: style and pictures are in it, no script. Well-formed XML too. Light or dark as the
 * reader's system wishes, and fit to print. Same input, same bytes. `objects`: what was made
 * beside it, `count` of them. Added to `out`. STATUS_NOMEM, STATUS_INTERNAL. */
int html_write(const struct report_input *input, const struct report_object *objects, int count,
               struct buffer *out, struct error *err);

#endif
