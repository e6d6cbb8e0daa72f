#include "image/calibration.h"

#include <math.h>

enum { SPATIAL_2D = 1, DATA_TISSUE = 1, UNITS_CM = 3 };

struct box {
    int x0, y0, x1, y1;
};

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

/* The smallest box around the mask; false when the mask is empty. */
static bool mask_box(const struct mask *mask, struct box *box)
{
    *box = (struct box){mask->columns, mask->rows, -1, -1};
    for (int y = 0; y < mask->rows; y++) {
        const uint8_t *row = mask->pixels + (size_t)y * (size_t)mask->columns;
        for (int x = 0; x < mask->columns; x++) {
            if (!row[x])
                continue;
            box->x0 = x < box->x0 ? x : box->x0;
            box->x1 = x > box->x1 ? x : box->x1;
            box->y0 = y < box->y0 ? y : box->y0;
            box->y1 = y;
        }
    }
    return box->x1 >= 0;
}

struct calibration calibration_for_mask(const struct us_region *regions, size_t count,
                                        const struct mask *mask)
{
    struct calibration found = {.source = CALIBRATION_NONE, .region = -1};
    struct box box;
    if (!mask_box(mask, &box))
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
