#include "model/radiomics/region.h"

#include <stdlib.h>
#include <string.h>

/* Smallest box that holds all set voxels; false when there are none. */
static bool bounds(const uint8_t *mask, const int size[3], struct box *ret_box)
{
    int low[3] = {size[0], size[1], size[2]}, high[3] = {-1, -1, -1};
    for (int z = 0; z < size[0]; z++)
        for (int y = 0; y < size[1]; y++) {
            const uint8_t *row = mask + ((size_t)z * (size_t)size[1] + (size_t)y) * (size_t)size[2];
            const uint8_t *first = memchr(row, 1, (size_t)size[2]);
            if (!first)
                continue;
            const uint8_t *last = memrchr(row, 1, (size_t)size[2]);
            int x0 = (int)(first - row), x1 = (int)(last - row);
            low[0] = z < low[0] ? z : low[0];
            low[1] = y < low[1] ? y : low[1];
            low[2] = x0 < low[2] ? x0 : low[2];
            high[0] = z;
            high[1] = y > high[1] ? y : high[1];
            high[2] = x1 > high[2] ? x1 : high[2];
        }
    if (high[0] < 0)
        return false;
    for (int d = 0; d < 3; d++) {
        ret_box->start[d] = low[d];
        ret_box->size[d] = high[d] - low[d] + 1;
    }
    return true;
}

int region_init(struct region *ret_region, const uint8_t *mask, const int size[3],
                const double spacing_mm[3], struct error *err)
{
    struct region r = {.spacing_mm = {spacing_mm[0], spacing_mm[1], spacing_mm[2]}};
    if (!bounds(mask, size, &r.box))
        return error_set(err, STATUS_INVALID, "the region has no voxels");
    r.mask = malloc(volume_count(r.box.size));
    if (!r.mask)
        return error_set(err, STATUS_NOMEM, "no memory for a region");
    uint8_t *to = r.mask;
    for (int z = 0; z < r.box.size[0]; z++)
        for (int y = 0; y < r.box.size[1]; y++) {
            size_t row = (size_t)(r.box.start[0] + z) * (size_t)size[1] +
                         (size_t)(r.box.start[1] + y);
            memcpy(to, mask + row * (size_t)size[2] + r.box.start[2], (size_t)r.box.size[2]);
            for (int x = 0; x < r.box.size[2]; x++)
                r.voxels += to[x];
            to += r.box.size[2];
        }
    *ret_region = r;
    return 0;
}

void region_release(struct region *r)
{
    free(r->mask);
    *r = (struct region){0};
}
