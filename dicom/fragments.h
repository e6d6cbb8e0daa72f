/* Compressed pixels in their file: which fragments make which frame (PS3.5 annex A.4). */
#ifndef AXNODE_DICOM_FRAGMENTS_H
#define AXNODE_DICOM_FRAGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "dicom/scan.h"
#include "dicom/syntax.h"

struct fragments;

/* `fd` and `name` are borrowed until the release. The fragments of a picture codec are assigned to
 * `frames` frames: one each where the numbers agree, else by the extended or basic offset table,
 * else by the codecs' marks of a picture's start; STATUS_INVALID when none of these works out.
 * Videos are one stream. */
int fragments_open(int fd, const char *name, const struct dicom_scan *scan,
                   const struct dicom_syntax *syntax, int frames, struct fragments **ret_fragments,
                   struct error *err);
void fragments_close(struct fragments *fragments); /* NULL is fine */

/* The compressed bytes of one frame, replacing the content of `ret_bytes`; more than `bytes_max`
 * are STATUS_LIMIT. */
int fragments_frame(const struct fragments *fragments, int frame, uint64_t bytes_max,
                    struct buffer *ret_bytes, struct error *err);

/* All of them as one stream: its length, and up to `n` bytes from position `at`. */
uint64_t fragments_size(const struct fragments *fragments);
int fragments_read(const struct fragments *fragments, uint64_t at, void *ret_bytes, size_t n,
                   size_t *ret_n, struct error *err);

#endif
