/* Segmented palette colour lookup tables (PS3.3 C.7.9.2). */
#ifndef AXNODE_DICOM_PALETTE_H
#define AXNODE_DICOM_PALETTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The `entries` values that `segments` stand for: opcodes, lengths and values of `bits` (8 or 16)
 * bits, one per element; indirect segments name theirs by a byte offset of 32 bits. What follows
 * the last entry is padding. STATUS_INVALID: too few values or too many, a segment that is cut off
 * or empty, a first one that is not discrete. */
int palette_expand(const uint16_t *segments, size_t n, int bits, size_t entries,
                   uint16_t *ret_values, struct error *err);

#endif
