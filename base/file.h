/* Plain files and folders. Files that must survive a crash go through store/. */
#ifndef AXNODE_BASE_FILE_H
#define AXNODE_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* The whole file into `ret_content` (initialised by the caller). Larger than `limit` bytes:
 * STATUS_LIMIT; missing: STATUS_NOT_FOUND. */
int file_read(const char *path, size_t limit, struct buffer *ret_content, struct error *err);
/* Create or replace; mode 0600; not durable. */
int file_write(const char *path, const void *bytes, size_t n, struct error *err);
/* Make a folder and those above it, mode 0700; existing ones are fine. */
int folder_make(const char *path, struct error *err);

#endif
