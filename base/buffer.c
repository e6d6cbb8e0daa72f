#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *b)
{
    *b = (struct buffer){0};
}

void buffer_release(struct buffer *b)
{
    free(b->data);
    buffer_init(b);
}

static int buffer_reserve(struct buffer *b, size_t more, struct error *err)
{
    if (more >= SIZE_MAX / 2 - b->size)
        return error_set(err, STATUS_NOMEM, "out of memory");
    size_t need = b->size + more + 1;
    if (need <= b->capacity)
        return 0;
    size_t capacity = b->capacity ? b->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(b->data, capacity);
    if (!data)
        return error_set(err, STATUS_NOMEM, "out of memory");
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int buffer_add(struct buffer *b, const void *bytes, size_t n, struct error *err)
{
    int status = buffer_reserve(b, n, err);
    if (status < 0)
        return status;
    if (n)
        memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = '\0';
    return 0;
}

int buffer_print(struct buffer *b, struct error *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    int status = n < 0 ? error_set(err, STATUS_INTERNAL, "cannot format text")
                       : buffer_reserve(b, (size_t)n, err);
    if (status == 0) {
        vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
    return status;
}

const char *buffer_text(const struct buffer *b)
{
    return b->data ? b->data : "";
}
