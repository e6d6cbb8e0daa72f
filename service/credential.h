/* Secrets that systemd hands over as files (LoadCredential=): settings name the credential, never
 * the secret, and nothing stands on a command line or in the environment. */
#ifndef AXNODE_SERVICE_CREDENTIAL_H
#define AXNODE_SERVICE_CREDENTIAL_H

#include <limits.h>

#include "base/error.h"

enum { CREDENTIAL_TEXT_SIZE = 1024 };

/* Path of a credential's file in $CREDENTIALS_DIRECTORY: for keys, which their library reads.
 * STATUS_NOT_FOUND when this process was not given it; STATUS_INVALID: no plain name, no file, or
 * one that everybody may read. */
int credential_path(const char *name, char ret_path[PATH_MAX], struct error *err);
/* Its first line without the line's end: for passwords. Also STATUS_LIMIT: it does not fit, and
 * STATUS_INVALID: it is empty or holds a NUL. The caller wipes it (explicit_bzero). */
int credential_text(const char *name, char ret_text[CREDENTIAL_TEXT_SIZE], struct error *err);

#endif
