/* Deflated data sets (PS3.5 annex A.5). */
#ifndef AXNODE_DICOM_INFLATE_H
#define AXNODE_DICOM_INFLATE_H

#include <stdint.h>

#include "base/error.h"

/* A file in memory with the first `offset` bytes of `fd` and, behind them, the rest inflated: at
 * most `bytes_max` in all, more is STATUS_LIMIT. `name` stands in messages; the caller closes
 * `ret_fd`. STATUS_INVALID: no deflated bytes, or cut off. */
int dicom_inflate(int fd, const char *name, uint64_t offset, uint64_t bytes_max, int *ret_fd,
                  struct error *err);

#endif
