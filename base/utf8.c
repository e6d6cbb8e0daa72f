#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

bool utf8_is_text(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        int more = *s < 0x80 ? 0 : *s >> 5 == 6 ? 1 : *s >> 4 == 14 ? 2 : *s >> 3 == 30 ? 3 : -1;
        if (more < 0 || (more == 0 && *s < ' ' && !strchr("\t\n", *s)))
            return false;
        uint32_t point = more == 0 ? *s : *s & (0x3Fu >> more);
        s++;
        for (int i = 0; i < more; i++, s++) {
            if (*s >> 6 != 2)
                return false;
            point = point << 6 | (*s & 0x3F);
        }
        if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
            return false;
    }
    return true;
}
