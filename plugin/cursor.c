#include "plugin/cursor.h"

void cursor_init(struct cursor *cursor, int64_t sequence, int64_t now_us)
{
    *cursor = (struct cursor){sequence, sequence, sequence, now_us};
}

int64_t cursor_safe(struct cursor *cursor, int64_t floor, int64_t lag_us, int64_t now_us)
{
    if (now_us - cursor->young_us >= lag_us) {
        cursor->settled = cursor->young;
        cursor->young = cursor->read;
        cursor->young_us = now_us;
    }
    return floor <= cursor->settled ? floor - 1 : cursor->settled;
}
