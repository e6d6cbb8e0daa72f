/* A package folder made for a test, below /tmp, and gone at its end. */
#ifndef AXNODE_TESTS_MODEL_PACKAGE_FOLDER_H
#define AXNODE_TESTS_MODEL_PACKAGE_FOLDER_H

#include <stddef.h>

/* The text of a good package.yaml; NULL-free, static. */
extern const char *const GOOD_PACKAGE;

/* Networks, selftest pictures and package.yaml with `yaml`; without MANIFEST. Returns the path,
 * static storage, one folder at a time. */
const char *package_folder_make(const char *yaml);
/* path below the folder, static storage that the next call overwrites. */
const char *package_folder_path(const char *name);
void package_folder_write(const char *name, const void *bytes, size_t n);
void package_folder_remove(void);
/* GOOD_PACKAGE with the first `from` replaced by `to`; the caller frees. */
char *package_edit(const char *from, const char *to);

#endif
