/* Walks the structure of a DICOM file (PS3.5 section 7, PS3.10 section 7) without keeping any
 * value, before DCMTK reads it: DCMTK recurses into nested sequences without a bound and builds
 * an object for each element, and it takes some cut-off files for whole ones. */
#ifndef AXNODE_DICOM_SCAN_H
#define AXNODE_DICOM_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uid.h"

enum {
    DICOM_DEPTH_MAX = 64,         /* items inside items */
    DICOM_ELEMENTS_MAX = 1 << 20, /* elements, items and fragments together */
};

struct dicom_scan {
    char sop_class_uid[UID_SIZE]; /* from the file meta information; "" when absent */
    char transfer_syntax_uid[UID_SIZE];
    uint64_t file_bytes;
    uint64_t data_set_offset;
    bool pixels;          /* Pixel Data is there */
    bool encapsulated;    /* … as a sequence of fragments */
    uint64_t pixel_bytes; /* native: its length; encapsulated: sum of the fragments */
    uint32_t fragments;   /* encapsulated: without the offset table */
};

/* `fd` is read with pread and stays the caller's; `name` stands in messages.
 * STATUS_INVALID: no DICOM file, cut off, contradicting lengths; STATUS_LIMIT: larger than
 * `bytes_max`, too deep, too many elements; STATUS_UNSUPPORTED: a deflated data set. */
int dicom_scan_fd(int fd, const char *name, uint64_t bytes_max, struct dicom_scan *ret_scan,
                  struct error *err);
/* As above; a missing file is STATUS_NOT_FOUND, a folder or device STATUS_INVALID. */
int dicom_scan_file(const char *path, uint64_t bytes_max, struct dicom_scan *ret_scan,
                    struct error *err);

#endif
