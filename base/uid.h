/* DICOM UIDs (PS3.5 section 9): validation, and UIDs derived from content (rule 4 of the
 * design): the same content gives the same UID on every machine. */
#ifndef AXNODE_BASE_UID_H
#define AXNODE_BASE_UID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

enum { UID_SIZE = 65 }; /* 64 characters and NUL */

/* 1 to 64 characters, digits and single dots, no leading zero in a component, no outer dot. */
bool uid_valid(const char *uid);
/* "2.25." and the decimal value of a version-8 UUID (RFC 9562) taken from the digest of
 * `content` and `purpose` ("sr", "seg", "series-sr" …). */
void uid_derive(const uint8_t content[DIGEST_SIZE], const char *purpose, char out[UID_SIZE]);

#endif
