#include "model/radiomics/filters.h"

#include <stdlib.h>

void gather(const struct volume *image, const struct region *region, double *ret_values)
{
    const struct box *box = &region->box;
    const uint8_t *mask = region->mask;
    for (int z = 0; z < box->size[0]; z++)
        for (int y = 0; y < box->size[1]; y++) {
            size_t row = (size_t)(box->start[0] + z) * (size_t)image->size[1] +
                         (size_t)(box->start[1] + y);
            const double *from = image->values + row * (size_t)image->size[2] + box->start[2];
            for (int x = 0; x < box->size[2]; x++)
                if (*mask++)
                    *ret_values++ = from[x];
        }
}

static int original_run(const struct volume *image, const struct region *region,
                        filtered_fn *take, void *context, struct error *err)
{
    double *values = malloc(region->voxels * sizeof *values);
    if (!values)
        return error_set(err, STATUS_NOMEM, "no memory for a region's values");
    gather(image, region, values);
    struct filtered out = {FILTER_ORIGINAL, "original", region, values, false};
    int r = take(context, &out, err);
    free(values);
    return r;
}

int filters_run(const struct volume *image, const struct region *region,
                const struct radiomics_settings *settings, filtered_fn *take, void *context,
                struct error *err)
{
    int r = 0;
    for (int f = 0; f < RADIOMICS_FILTER_COUNT && r == 0; f++) {
        if (!(settings->filters & 1u << f))
            continue;
        switch ((enum radiomics_filter)f) {
        case FILTER_ORIGINAL:
            r = original_run(image, region, take, context, err);
            break;
        case FILTER_WAVELET:
            r = wavelet_run(image, region, settings, take, context, err);
            break;
        case FILTER_SQUARE:
        case FILTER_SQUAREROOT:
        case FILTER_LOGARITHM:
        case FILTER_EXPONENTIAL:
            r = intensity_run(image, region, (enum radiomics_filter)f, take, context, err);
            break;
        case FILTER_LOG:
            r = log_run(image, region, settings, take, context, err);
            break;
        case FILTER_GRADIENT:
            r = gradient_run(image, region, settings, take, context, err);
            break;
        case FILTER_LBP2D:
            r = lbp2d_run(image, region, settings, take, context, err);
            break;
        case RADIOMICS_FILTER_COUNT:
            break;
        }
    }
    return r;
}
