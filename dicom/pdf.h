/* Writes a PDF as a DICOM Encapsulated PDF. */
#ifndef AXNODE_DICOM_PDF_H
#define AXNODE_DICOM_PDF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "dicom/object.h"

#define PDF_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.104.1"

struct pdf_document {
    struct dicom_object object;
    const void *bytes;           /* the PDF; its size is written beside it, for the value is padded */
    size_t size;
    const char *title;           /* Document Title */
    struct dicom_concept concept; /* what kind of document it is */
    bool identifies_patient;     /* Burned In Annotation */
    const struct dicom_reference *sources;
    size_t source_count;
};

/* STATUS_INVALID: unreadable source, no PDF; STATUS_IO. */
int pdf_write(const struct pdf_document *document, const char *path, struct error *err);

#endif
