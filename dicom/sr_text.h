/* A structured report as plain text: for people without a viewer. */
#ifndef AXNODE_DICOM_SR_TEXT_H
#define AXNODE_DICOM_SR_TEXT_H

#include "base/buffer.h"
#include "base/error.h"

/* Every content item in its order, one line "Concept: value" each, indented by its level; UTF-8.
 * Any structured report, not only ours. Added to `ret_text`. STATUS_INVALID: not a structured
 * report. */
int sr_text_read(const char *path, struct buffer *ret_text, struct error *err);

#endif
