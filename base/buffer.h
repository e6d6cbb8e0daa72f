/* A growable byte buffer that is always NUL-terminated, for text and files in memory. */
#ifndef AXNODE_BASE_BUFFER_H
#define AXNODE_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct buffer {
    char *data; /* owned; NULL while nothing was added; data[size] is NUL */
    size_t size;
    size_t capacity;
};

void buffer_init(struct buffer *b);
void buffer_release(struct buffer *b);
/* Both return STATUS_NOMEM when memory is out; the content stays. */
int buffer_add(struct buffer *b, const void *bytes, size_t n, struct error *err);
int buffer_print(struct buffer *b, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The text so far, "" when empty; borrowed until the next change. */
const char *buffer_text(const struct buffer *b);

#define BUFFER_AUTO __attribute__((cleanup(buffer_release)))

#endif
