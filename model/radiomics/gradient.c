/* Gradient magnitude by central differences, borders repeated: ITK's
 * GradientMagnitudeImageFilter, whose result is of single precision. */
#include "model/radiomics/filters.h"

#include <math.h>
#include <stdlib.h>

/* Half the difference of the two neighbours along an axis. */
static double slope(const struct volume *image, const int at[3], int axis, size_t step)
{
    size_t centre = ((size_t)at[0] * (size_t)image->size[1] + (size_t)at[1]) *
                        (size_t)image->size[2] + (size_t)at[2];
    double ahead = image->values[at[axis] + 1 < image->size[axis] ? centre + step : centre];
    double behind = image->values[at[axis] > 0 ? centre - step : centre];
    return 0.5 * (ahead - behind);
}

int gradient_run(const struct volume *image, const struct region *region,
                 const struct radiomics_settings *settings, filtered_fn *take, void *context,
                 struct error *err)
{
    double *values = malloc(region->voxels * sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "no memory for a region's values");
    const size_t step[3] = {(size_t)image->size[1] * (size_t)image->size[2],
                            (size_t)image->size[2], 1};
    const struct box *box = &region->box;
    const uint8_t *mask = region->mask;
    size_t n = 0;
    for (int z = 0; z < box->size[0]; z++)
        for (int y = 0; y < box->size[1]; y++)
            for (int x = 0; x < box->size[2]; x++) {
                if (!*mask++)
                    continue;
                int at[3] = {box->start[0] + z, box->start[1] + y, box->start[2] + x};
                double squares = 0;
                for (int d = 2; d >= 0; d--) {
                    double g = slope(image, at, d, step[d]);
                    if (settings->gradient_use_spacing)
                        g /= image->spacing_mm[d];
                    squares += g * g;
                }
                values[n++] = (float)sqrt(squares);
            }
    struct filtered out = {FILTER_GRADIENT, "gradient", region, values, false};
    int r = take(context, &out, err);
    free(values);
    return r;
}
