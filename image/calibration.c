#include "image/calibration.h"

#include <math.h>

#include "image/geometry.h"

enum { SPATIAL_2D = 1, DATA_TISSUE = 1, UNITS_CM = 3 };

static bool delta_plausible(double delta)
{
    return isfinite(delta) && delta > 0 && delta <= 1.0;
}

static bool region_counts(const struct us_region *r)
{
    return r->spatial_format == SPATIAL_2D && r->data_type == DATA_TISSUE &&
           r->units_x == UNITS_CM && r->units_y == UNITS_CM && delta_plausible(r->delta_x) &&
           delta_plausible(r->delta_y);
}

struct calibration calibration_for_mask(const struct us_region *regions, size_t count,
                                        const struct mask *mask)
{
    struct calibration found = {.source = CALIBRATION_NONE, .region = -1};
    struct bounds box;
    if (!mask_bounds(mask, &box))
        return found;
    for (size_t i = 0; i < count; i++) {
        const struct us_region *r = &regions[i];
        if (!region_counts(r) || box.x0 < r->x0 || box.y0 < r->y0 || box.x1 > r->x1 ||
            box.y1 > r->y1)
            continue;
        struct calibration here = {
            .source = CALIBRATION_REGION,
            .spacing_row_mm = r->delta_y * 10.0,
            .spacing_column_mm = r->delta_x * 10.0,
            .region = (int)i,
        };
        /* Two regions that hold the outline and disagree: neither can be believed. */
        if (found.region >= 0 && (found.spacing_row_mm != here.spacing_row_mm ||
                                  found.spacing_column_mm != here.spacing_column_mm))
            return (struct calibration){.source = CALIBRATION_NONE, .region = -1};
        if (found.region < 0)
            found = here;
    }
    return found;
}

const struct us_region *us_region_tissue(const struct us_region *regions, size_t count)
{
    const struct us_region *best = NULL;
    int64_t best_area = 0;
    for (size_t i = 0; i < count; i++) {
        const struct us_region *r = &regions[i];
        if (r->spatial_format != SPATIAL_2D || r->data_type != DATA_TISSUE || r->x1 <= r->x0 ||
            r->y1 <= r->y0)
            continue;
        int64_t area = ((int64_t)r->x1 - r->x0 + 1) * ((int64_t)r->y1 - r->y0 + 1);
        if (area > best_area) {
            best = r;
            best_area = area;
        }
    }
    return best;
}
