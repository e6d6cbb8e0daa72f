/* One arena per job for small metadata: allocate freely, release once. Not for pixels. */
#ifndef AXNODE_BASE_ARENA_H
#define AXNODE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* owned */
};

void arena_init(struct arena *a);
void arena_release(struct arena *a);
/* Zeroed memory, aligned for any type, valid until arena_release; NULL when memory is out. */
void *arena_alloc(struct arena *a, size_t size);
/* count × size with the product checked. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_text(struct arena *a, const char *text);
char *arena_print(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_AUTO __attribute__((cleanup(arena_release)))

#endif
