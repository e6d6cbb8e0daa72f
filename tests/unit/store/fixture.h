/* A store in a scratch folder, and objects to put into it. */
#ifndef AXNODE_TESTS_UNIT_STORE_FIXTURE_H
#define AXNODE_TESTS_UNIT_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

struct fixture {
    char folder[64]; /* scratch; the store is its sub-folder "a/store" */
    char root[96];
    struct store *store;
};

/* cmocka's per-test setup and teardown; *state is the struct fixture. */
int fixture_setup(void **state);
/* The same with the scratch folder in memory (/dev/shm), where syncs cost nothing. */
int fixture_setup_in_memory(void **state);
int fixture_teardown(void **state);

/* A Part 10 file: `meta` bytes of file meta information and the text as data set. */
size_t object_make(char *out, size_t size, size_t meta, const char *dataset);
/* Store an object; returns the status. */
int object_store(struct store *store, const char *uid, size_t meta, const char *dataset,
                 struct store_committed *ret_committed, struct error *err);
/* Files in an area, by a scan. */
size_t area_count(struct store *store, enum store_area area);
/* Entries of a folder below the root, without "." and "..". */
size_t folder_count(const struct fixture *f, const char *folder);
/* Whether the file ends with this data set. */
bool file_holds(const char *path, const char *dataset);

#endif
