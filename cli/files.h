/* Files named on the command line: themselves, or all below a folder. */
#ifndef AXNODE_CLI_FILES_H
#define AXNODE_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct file_list {
    const char **paths; /* owned by the arena; sorted by name inside each folder */
    size_t count;
};

/* Regular files of `paths` (NULL-terminated); symbolic links inside folders are passed over.
 * A path that is missing or a folder that cannot be read is an error. */
int files_list(char *const *paths, struct arena *arena, struct file_list *ret_list,
               struct error *err);

/* Whether the file can be read and begins with these `size` (at most 16) bytes. */
bool file_starts_with(const char *path, const char *bytes, size_t size);
bool file_is_png(const char *path);

#endif
