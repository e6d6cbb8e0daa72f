#include "model/features.h"

#include <stdio.h>
#include <string.h>

#include "model/measure.h"
#include "model/radiomics/radiomics.h"

int region_features(const struct image *grey, const struct mask *graphics,
                    const struct radiomics_settings *settings, enum roi roi,
                    struct region_finding *region, struct error *err)
{
    int status = measure_features(region, roi, &region->features, err);
    if (status < 0 || !settings)
        return status;
    char prefix[16];
    snprintf(prefix, sizeof prefix, "%s_", roi_name(roi));
    struct radiomics_input input = {
        .image = grey,
        .mask = &region->mask,
        .spacing_row_mm = region->calibration.spacing_row_mm,
        .spacing_column_mm = region->calibration.spacing_column_mm,
        .graphics = graphics,
    };
    return radiomics_extract(&input, settings, prefix, &region->features, err);
}

bool feature_depends_on_size(const char *name)
{
    /* The part behind the region's and the image type's names. Textures are not listed: their
     * matrices count pixels, unless radiomics settings resample to mm. */
    static const char *const lengths[] = {
        "_measure_LongAxis",     "_measure_ShortAxis",      "_measure_Area",
        "_measure_Perimeter",    "_measure_CortexThickness",
        "_measure_Width",        "_measure_Depth",          "_measure_SkinDistance",
        "_shape2D_MeshSurface",  "_shape2D_PixelSurface",   "_shape2D_Perimeter",
        "_shape2D_PerimeterSurfaceRatio", "_shape2D_MaximumDiameter",
        "_shape2D_MajorAxisLength", "_shape2D_MinorAxisLength",
        "_shape_MeshVolume",     "_shape_VoxelVolume",      "_shape_SurfaceArea",
        "_shape_SurfaceVolumeRatio", "_shape_Maximum3DDiameter",
        "_shape_Maximum2DDiameterSlice", "_shape_Maximum2DDiameterColumn",
        "_shape_Maximum2DDiameterRow", "_shape_MajorAxisLength", "_shape_MinorAxisLength",
        "_shape_LeastAxisLength", "_firstorder_TotalEnergy",
    };
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t k = strlen(lengths[i]);
        if (n >= k && strcmp(name + n - k, lengths[i]) == 0)
            return true;
    }
    return false;
}
