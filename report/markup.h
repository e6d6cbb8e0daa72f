/* HTML in the making, for pages that stand alone: no scripts, no other files. */
#ifndef AXNODE_REPORT_MARKUP_H
#define AXNODE_REPORT_MARKUP_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* After the first failure nothing is added. The caller starts and releases the arena. */
struct markup {
    struct buffer *out; /* borrowed */
    struct error *err;  /* borrowed */
    int status;
    struct arena arena; /* for cleaned texts */
};

/* Markup as it is; a format of printf. */
#define markup_put(m, ...)                                                                        \
    do {                                                                                          \
        if ((m)->status == 0)                                                                     \
            (m)->status = buffer_print((m)->out, (m)->err, __VA_ARGS__);                          \
    } while (0)

/* Text of others: valid UTF-8 on one line, without markup; fit for attributes in quotes too. */
void markup_text(struct markup *m, const char *text);
/* `data:TYPE;base64,…` */
void markup_data(struct markup *m, const char *type, const struct buffer *bytes);

#endif
