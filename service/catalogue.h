/* Model packages by name and version: those in packages.folder and the shipped ones. */
#ifndef AXNODE_SERVICE_CATALOGUE_H
#define AXNODE_SERVICE_CATALOGUE_H

#include <limits.h>

#include "model/package/package.h"
#include "service/settings.h"

/* A folder that may hold a package. */
struct catalogue_entry {
    char folder[PATH_MAX];
    struct package *package; /* NULL: refused, for `problem` */
    struct error problem;
};
struct catalogue {
    struct catalogue_entry *entries; /* count of them; packages.folder's first */
    size_t count;
};

/* Open every package, as far as `trust` lets; networks and self tests are left alone. `folder`:
 * packages.folder, "" for the shipped ones alone. */
int catalogue_open(const char *folder, const struct package_options *trust,
                   struct catalogue *ret_catalogue, struct error *err);
void catalogue_release(struct catalogue *catalogue);

/* The entry of "NAME@VERSION"; `sha256` (may be ""): of its MANIFEST. Borrowed. STATUS_NOT_FOUND:
 * there is none; STATUS_CONFLICT: two different ones are called so. */
int catalogue_find(const struct catalogue *catalogue, const char *reference, const char *sha256,
                   const struct catalogue_entry **ret_entry, struct error *err);

/* Both at once: the folder of "NAME@VERSION". */
int catalogue_folder(const struct settings *settings, const char *reference, const char *sha256,
                     char ret_folder[PATH_MAX], struct error *err);

#endif
