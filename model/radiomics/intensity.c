/* Point-wise image types, scaled so that the image's maximum stays: PyRadiomics' imageoperations.
 * Where the maximum makes a formula undefined (an image without positive values), the result is
 * not a number, and extraction says so. */
#include "model/radiomics/filters.h"

#include <math.h>
#include <stdlib.h>

static double maximum(const struct volume *image)
{
    double max = image->values[0];
    for (size_t i = 1, n = volume_count(image->size); i < n; i++)
        max = image->values[i] > max ? image->values[i] : max;
    return max;
}

static void square(double *x, size_t n, double max)
{
    double scale = 1 / sqrt(max);
    for (size_t i = 0; i < n; i++)
        x[i] = (scale * x[i]) * (scale * x[i]);
}

/* numpy's sqrt(|x| × max): also not a number for a negative maximum, unless x is 0. */
static void square_root(double *x, size_t n, double max)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0 ? sqrt(x[i] * max) : x[i] < 0 ? -sqrt(-x[i] * max) : x[i];
}

static double signed_log(double x)
{
    return x > 0 ? log(x + 1) : x < 0 ? -log(1 - x) : x;
}

static void logarithm(double *x, size_t n, double max)
{
    double scale = max / signed_log(max); /* the logarithm is monotone */
    for (size_t i = 0; i < n; i++)
        x[i] = signed_log(x[i]) * scale;
}

static void exponential(double *x, size_t n, double max)
{
    double scale = log(max) / max;
    for (size_t i = 0; i < n; i++)
        x[i] = exp(scale * x[i]);
}

int intensity_run(const struct volume *image, const struct region *region,
                  enum radiomics_filter filter, filtered_fn *take, void *context,
                  struct error *err)
{
    size_t n = region->voxels;
    double *x = malloc(n * sizeof *x);
    if (!x)
        return error_set(err, STATUS_NOMEM, "no memory for a region's values");
    gather(image, region, x);
    double max = maximum(image);
    struct filtered out = {.filter = filter, .region = region, .values = x};
    switch (filter) {
    case FILTER_SQUARE:
        square(x, n, max);
        out.name = "square";
        break;
    case FILTER_SQUAREROOT:
        square_root(x, n, max);
        out.name = "squareroot";
        break;
    case FILTER_LOGARITHM:
        logarithm(x, n, max);
        out.name = "logarithm";
        break;
    default:
        exponential(x, n, max);
        out.name = "exponential";
        break;
    }
    int r = take(context, &out, err);
    free(x);
    return r;
}
