/* Ed25519 signatures (RFC 8032) by OpenSSL; keys in PEM files. `openssl genpkey -algorithm
 * ed25519` makes a key, `openssl pkeyutl -sign -rawin` the same signatures. */
#ifndef AXNODE_BASE_SIGNATURE_H
#define AXNODE_BASE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SIGNATURE_SIZE = 64 };

/* Whether the signature is one of these bytes by the private half of the public key in
 * `key_file`. A file that holds no Ed25519 public key is STATUS_INVALID. */
int signature_verify(const char *key_file, const void *bytes, size_t n,
                     const uint8_t signature[SIGNATURE_SIZE], bool *ret_valid, struct error *err);
/* `key_file`: an Ed25519 private key without passphrase. */
int signature_make(const char *key_file, const void *bytes, size_t n,
                   uint8_t ret_signature[SIGNATURE_SIZE], struct error *err);

#endif
