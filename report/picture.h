/* The pages that people see, as pixels or PDF: what was found and what it means (the first page
 * alone says it all), how the estimate was made, notes that the first page had no room for. */
#ifndef AXNODE_REPORT_PICTURE_H
#define AXNODE_REPORT_PICTURE_H

#include "base/buffer.h"
#include "base/error.h"
#include "image/image.h"
#include "report/report.h"

enum { PICTURE_PAGES_MAX = 3 };

/* How many pages this report has. STATUS_NOMEM, STATUS_INTERNAL. */
int picture_pages(const struct report_input *input, int *ret_count, struct error *err);

/* Page `number` of them, from 1: RGB, 1600 × 1132, for a dark room. `patient_id`: shown in the
 * heading; NULL for none. The caller releases the picture. STATUS_NOMEM, STATUS_INTERNAL. */
int picture_draw(const struct report_input *input, const char *patient_id, int number,
                 struct image *ret_picture, struct error *err);

/* All pages as a PDF, A4 across, on white, letters as text. Same input, same bytes. */
int picture_pdf(const struct report_input *input, const char *patient_id, struct buffer *out,
                struct error *err);

#endif
