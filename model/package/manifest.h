/* The list of a package's files with their SHA-256: lines of "DIGEST  relative/path", sorted by
 * path, for every file but MANIFEST and MANIFEST.sig. */
#ifndef AXNODE_MODEL_PACKAGE_MANIFEST_H
#define AXNODE_MODEL_PACKAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "model/package/package.h"

struct manifest_entry {
    const char *path; /* relative to the package */
    char sha256[DIGEST_TEXT_SIZE];
};

struct manifest {
    struct manifest_entry *entries; /* in the arena */
    size_t count;
    char digest[DIGEST_TEXT_SIZE]; /* of the MANIFEST file */
    bool is_signed;
};

/* The folder holds exactly the files that MANIFEST names, each with its digest, all plain files
 * below it; and a trusted signature unless `options` allow none. STATUS_INVALID says which file
 * and why. */
int manifest_check(const char *folder, const struct package_options *options, struct arena *arena,
                   struct manifest *ret_manifest, struct error *err);
/* NULL when no such file is named. */
const char *manifest_digest(const struct manifest *manifest, const char *path);
/* Letters, digits, '.', '_', '-', joined by single '/', no part that starts with '.'. */
bool manifest_path_valid(const char *path);

#endif
