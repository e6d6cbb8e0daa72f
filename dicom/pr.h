/* Writes a softcopy presentation state: how one image is shown, with lines and words over it. Grayscale
 * for monochrome images (PS3.3 A.33.1), Color for all others (A.33.2), whose ICC profile is the
 * image's own or else sRGB. */
#ifndef AXNODE_DICOM_PR_H
#define AXNODE_DICOM_PR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dicom/object.h"

#define PR_GRAYSCALE_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.11.1"
#define PR_COLOUR_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.11.2"

struct pr_line {
    const float *points; /* x, y; pixel edges as PS3.3 C.10.5 has them; closed when the last is the
                            first */
    size_t count;        /* at least 2 */
};

/* On one layer of one frame. */
struct pr_annotation {
    const char *layer;  /* at most 16 characters of A-Z, 0-9, '_' and ' ' */
    uint8_t colour[3];  /* RGB, recommended for display */
    int frame;          /* from 1; 0: the whole object */
    const struct pr_line *lines;
    size_t line_count;
    const char *text;   /* beside the point; NULL: none */
    float text_x, text_y;
};

struct pr_document {
    struct dicom_object object; /* its source is the image that is shown */
    struct dicom_reference image; /* likewise; its frame does not count */
    int rows, columns;
    const char *photometric;    /* Photometric Interpretation of the image */
    const char *label;          /* Content Label, as a layer's name */
    const char *description;
    const struct pr_annotation *annotations; /* at least one, each on a layer of its own */
    size_t annotation_count;
};

/* Of which SOP class a state for such an image is. */
const char *pr_sop_class_uid(const char *photometric);

/* STATUS_INVALID: unreadable source; STATUS_IO. */
int pr_write(const struct pr_document *document, const char *path, struct error *err);

#endif
