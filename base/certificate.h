/* X.509 certificates (RFC 5280) by OpenSSL: what a service must know of its own and of its
 * peers'. Chains and handshakes are TLS' affair. */
#ifndef AXNODE_BASE_CERTIFICATE_H
#define AXNODE_BASE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* The first certificate of a PEM file: when it ends, in microseconds since 1970, and its SHA-256.
 * STATUS_NOT_FOUND, STATUS_INVALID. */
struct certificate {
    int64_t begins_us, ends_us;
    char sha256[DIGEST_TEXT_SIZE];
};
int certificate_read(const char *path, struct certificate *ret_certificate, struct error *err);

/* What TLS will load: a certificate, its private key without passphrase, and those of authorities.
 * STATUS_NOT_FOUND, STATUS_INVALID say which file it is. */
int certificate_check(const char *path, const char *key, const char *authorities,
                      struct error *err);

/* Whether a certificate in DER is made out to a host name or numeric address: a subject
 * alternative name, or the common name where there are none. Never by a wildcard. */
bool certificate_names(const uint8_t *der, size_t n, const char *name);

#endif
