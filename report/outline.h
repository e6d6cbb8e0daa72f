/* The outline of a mask as other programs draw it. */
#ifndef AXNODE_REPORT_OUTLINE_H
#define AXNODE_REPORT_OUTLINE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "image/image.h"

struct outline {
    const float *points; /* x, y; the last is the first; pixel edges as PS3.3 C.18.6 has them */
    size_t count;        /* at most 200, never 4 or 5 */
};

/* The points live in the arena. STATUS_NOMEM; STATUS_NOT_FOUND for an empty mask. */
int outline_make(const struct mask *mask, struct arena *arena, struct outline *ret_outline,
                 struct error *err);

#endif
