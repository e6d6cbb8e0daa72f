/* What a JPEG 2000 codestream says of itself (ISO 15444-1 annex A), looked at before OpenJPEG
 * is: it makes a record of each tile, precinct and code block, however small. */
#ifndef AXNODE_DICOM_CODESTREAM_H
#define AXNODE_DICOM_CODESTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct codestream {
    const uint8_t *bytes; /* of the codestream alone, without the boxes of a JP2 file */
    size_t size;
    uint32_t rows, columns, components;
    uint64_t tiles;
    uint64_t pieces; /* precincts and code blocks, at most, by the worst header of all */
};

/* Every marker up to the end is read, those in tile-part headers too. STATUS_INVALID: none, or
 * lengths that contradict each other. `name` stands in messages. */
int codestream_read(const uint8_t *bytes, size_t n, const char *name,
                    struct codestream *ret_codestream, struct error *err);

#endif
