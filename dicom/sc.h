/* Writes a picture as a DICOM Secondary Capture, RGB. */
#ifndef AXNODE_DICOM_SC_H
#define AXNODE_DICOM_SC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "dicom/object.h"
#include "image/image.h"

#define SC_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.7"

struct sc_document {
    struct dicom_object object;
    const struct image *picture; /* 3 channels */
    bool identifies_patient;     /* Burned In Annotation */
    const char *derivation;      /* Derivation Description */
    const struct dicom_reference *sources;
    size_t source_count;
};

/* STATUS_INVALID: unreadable source, a picture that is not RGB; STATUS_IO. */
int sc_write(const struct sc_document *document, const char *path, struct error *err);

#endif
