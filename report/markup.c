#include "report/markup.h"

#include "report/words.h"

void markup_text(struct markup *m, const char *text)
{
    const char *clean = words_clean(&m->arena, text);
    if (!clean && m->status == 0)
        m->status = error_set(m->err, STATUS_NOMEM, "out of memory for a page");
    for (; clean && *clean && m->status == 0; clean++) {
        switch (*clean) {
        case '<': markup_put(m, "&lt;"); break;
        case '>': markup_put(m, "&gt;"); break;
        case '&': markup_put(m, "&amp;"); break;
        case '"': markup_put(m, "&quot;"); break;
        default: m->status = buffer_add(m->out, clean, 1, m->err);
        }
    }
}

/* Three bytes as four characters (RFC 4648). */
static void encode(const unsigned char *bytes, size_t n, char out[4])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned a = bytes[0], b = n > 1 ? bytes[1] : 0, c = n > 2 ? bytes[2] : 0;
    out[0] = digits[a >> 2];
    out[1] = digits[(a & 3) << 4 | b >> 4];
    out[2] = n > 1 ? digits[(b & 15) << 2 | c >> 6] : '=';
    out[3] = n > 2 ? digits[c & 63] : '=';
}

void markup_data(struct markup *m, const char *type, const struct buffer *bytes)
{
    const unsigned char *data = (const unsigned char *)buffer_text(bytes);
    markup_put(m, "data:%s;base64,", type);
    for (size_t i = 0; i < bytes->size && m->status == 0; i += 3) {
        const size_t left = bytes->size - i;
        char four[4];
        encode(data + i, left < 3 ? left : 3, four);
        m->status = buffer_add(m->out, four, 4, m->err);
    }
}
