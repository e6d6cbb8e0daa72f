/* SHA-256 (FIPS 180-4) by OpenSSL. */
#ifndef AXNODE_BASE_DIGEST_H
#define AXNODE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 65 };

struct digest; /* one running computation */

/* NULL when memory is out. */
struct digest *digest_new(void);
void digest_free(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t n);
/* A text with its terminating NUL, so that "ab","c" and "a","bc" differ. */
void digest_add_text(struct digest *d, const char *text);
/* Ends the computation; only digest_free may follow. */
void digest_end(struct digest *d, uint8_t out[DIGEST_SIZE]);

void digest_bytes(const void *bytes, size_t n, uint8_t out[DIGEST_SIZE]);
void digest_format(const uint8_t digest[DIGEST_SIZE], char out[DIGEST_TEXT_SIZE]);
/* Digest of a whole file, lower-case hexadecimal, and its size when ret_size is not NULL. */
int digest_file(const char *path, char ret_hex[DIGEST_TEXT_SIZE], uint64_t *ret_size,
                struct error *err);

#endif
