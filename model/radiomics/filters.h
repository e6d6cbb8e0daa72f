/* Inside model/radiomics: image types. */
#ifndef AXNODE_MODEL_RADIOMICS_FILTERS_H
#define AXNODE_MODEL_RADIOMICS_FILTERS_H

#include "model/radiomics/region.h"

/* One filtered image, as far as the region goes. */
struct filtered {
    enum radiomics_filter filter;
    const char *name; /* "original", "wavelet-LLH" … */
    const struct region *region;
    const double *values; /* of the region's voxels, raster order */
    bool noise;           /* nothing but rounding noise */
};
typedef int filtered_fn(void *context, const struct filtered *image, struct error *err);

/* Call `take` for every image that the settings ask for, in PyRadiomics' order. */
int filters_run(const struct volume *image, const struct region *region,
                const struct radiomics_settings *settings, filtered_fn *take, void *context,
                struct error *err);

/* The region's values of a whole volume, raster order. */
void gather(const struct volume *image, const struct region *region, double *ret_values);

int wavelet_run(const struct volume *image, const struct region *region,
                const struct radiomics_settings *settings, filtered_fn *take, void *context,
                struct error *err);

/* Square, SquareRoot, Logarithm, Exponential: point by point, scaled by the image's maximum. */
int intensity_run(const struct volume *image, const struct region *region,
                  enum radiomics_filter filter, filtered_fn *take, void *context,
                  struct error *err);
int log_run(const struct volume *image, const struct region *region,
            const struct radiomics_settings *settings, filtered_fn *take, void *context,
            struct error *err);
int gradient_run(const struct volume *image, const struct region *region,
                 const struct radiomics_settings *settings, filtered_fn *take, void *context,
                 struct error *err);
int lbp2d_run(const struct volume *image, const struct region *region,
              const struct radiomics_settings *settings, filtered_fn *take, void *context,
              struct error *err);

#endif
