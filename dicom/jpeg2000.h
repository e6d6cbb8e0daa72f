/* One JPEG 2000 picture, a codestream or a JP2 file (ISO 15444-1, and -2 as far as OpenJPEG). */
#ifndef AXNODE_DICOM_JPEG2000_H
#define AXNODE_DICOM_JPEG2000_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What the header says; the picture must agree. */
struct jpeg2000_shape {
    int rows, columns;
    int samples; /* components: 1 or 3 */
    int bits;    /* 8 or 16: room for each sample */
};

/* `ret_samples`: rows × columns × samples values of bits / 8 bytes in the machine's order, [row]
 * [column][component]; untouched or half filled on failure. The codestream's own component
 * transform is undone. Memory: about 12 bytes per sample. `name` stands in messages. */
int jpeg2000_decode(const void *bytes, size_t n, const struct jpeg2000_shape *shape,
                    const char *name, void *ret_samples, struct error *err);

#endif
