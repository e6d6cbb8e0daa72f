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
    DICOM_INFLATED_MAX = 64 << 20,
};

struct dicom_scan {
    char sop_class_uid[UID_SIZE]; /* from the file meta information; "" when absent */
    char transfer_syntax_uid[UID_SIZE];
    uint64_t file_bytes;
    uint64_t data_set_offset;
    bool deflated;        /* and everything here is of the inflated copy */
    bool pixels;          /* Pixel Data is there */
    bool encapsulated;    /* … as a sequence of fragments */
    bool pixel_words;     /* … in words of 16 bit (OW, or implicit) */
    uint64_t pixel_at;    /* where its value begins: bytes, or the offset table's item */
    uint64_t pixel_bytes; /* native: its length; encapsulated: sum of the fragments */
    uint32_t fragments;   /* encapsulated: without the offset table */
    uint64_t extended_at, extended_bytes; /* Extended Offset Table (7FE0,0001); 0 when absent */
};

/* Open and scan; a deflated data set is inflated into memory (at most DICOM_INFLATED_MAX), and
 * `ret_fd` and the offsets are of that. The caller closes `ret_fd`; `name` stands in messages.
 * STATUS_NOT_FOUND: no such file; STATUS_INVALID: a folder or device, no DICOM file, cut off,
 * contradicting lengths; STATUS_LIMIT: larger than `bytes_max`, too deep, too many elements. */
int dicom_scan_open(const char *path, const char *name, uint64_t bytes_max, int *ret_fd,
                    struct dicom_scan *ret_scan, struct error *err);
/* The scan alone. */
int dicom_scan_file(const char *path, uint64_t bytes_max, struct dicom_scan *ret_scan,
                    struct error *err);

#endif
