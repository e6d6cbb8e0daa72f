#include "model/measure.h"

#include <math.h>
#include <stdio.h>

#include "image/contour.h"
#include "image/geometry.h"

static struct axis axis_from(const struct segment *s, double column_mm)
{
    return (struct axis){s->from.x, s->from.y, s->to.x, s->to.y, s->length, s->length * column_mm};
}

/* Lengths in column pixels: x as it is, y stretched by `aspect`. */
static int measure_contour(const struct mask *mask, double aspect, double column_mm,
                           struct measurements *m, struct error *err)
{
    struct contour contour;
    struct segment longest, across;
    int status = contour_trace(mask, &contour, err);
    if (status < 0)
        return status;
    status = contour_diameter(&contour, 1, aspect, &longest, err);
    if (status == 0)
        status = contour_perpendicular(&contour, &longest, 1, aspect, &across, err);
    if (status == 0) {
        m->long_axis = axis_from(&longest, column_mm);
        m->short_axis = axis_from(&across, column_mm);
        m->axis_ratio = longest.length / across.length;
        m->perimeter_px = contour_perimeter(&contour, 1, aspect);
        m->perimeter_mm = m->perimeter_px * column_mm;
    }
    contour_release(&contour);
    return status;
}

/* Between pixel centres, which is the distance from edge to edge as well: the outline runs half
 * a pixel outside the node's outermost centres, the hilum begins half a pixel before its own. */
static int cortex_from_hilum(const struct mask *mask, const struct mask *hilum, double aspect,
                             double *ret_thickness, struct error *err)
{
    struct bounds bounds;
    struct mask node = {0}, core = {0};
    struct plane distance = {0};
    if (!mask_bounds(mask, &bounds))
        return error_set(err, STATUS_NOT_FOUND, "the node's mask is empty");
    int status = mask_crop(mask, &bounds, &node, err);
    if (status == 0)
        status = mask_crop(hilum, &bounds, &core, err);
    for (int i = 0; status == 0 && i < core.rows * core.columns; i++)
        core.pixels[i] &= node.pixels[i];
    if (status == 0)
        status = mask_distance(&core, aspect, 1, &distance, err);
    double thickness = 0;
    for (int y = 0; status == 0 && y < node.rows; y++)
        for (int x = 0; x < node.columns; x++)
            if (mask_is_boundary(&node, y, x))
                thickness = fmax(
                    thickness, distance.values[(size_t)y * (size_t)node.columns + (size_t)x]);
    mask_release(&node);
    mask_release(&core);
    plane_release(&distance);
    if (status == 0)
        *ret_thickness = thickness;
    return status;
}

static int measure_hilum(const struct mask *mask, const struct mask *hilum, double aspect,
                         double column_mm, struct measurements *m, struct error *err)
{
    size_t pixels = 0;
    int status = 0;
    for (size_t i = 0; i < (size_t)mask->rows * (size_t)mask->columns; i++)
        pixels += hilum->pixels[i] && mask->pixels[i];
    m->hilum_marked = true;
    m->hilum_fraction = (double)pixels / m->area_px;
    m->cortex_thickness_px = m->short_axis.length_px / 2;
    if (pixels > 0)
        status = cortex_from_hilum(mask, hilum, aspect, &m->cortex_thickness_px, err);
    m->cortex_thickness_mm = m->cortex_thickness_px * column_mm;
    return status;
}

int measure_region(const struct mask *mask, const struct mask *hilum,
                   const struct calibration *calibration, struct measurements *ret_measurements,
                   struct error *err)
{
    struct measurements m = {0};
    bool calibrated = calibration->source != CALIBRATION_NONE;
    double column_mm = calibrated ? calibration->spacing_column_mm : 0;
    double aspect = calibrated ? calibration->spacing_row_mm / calibration->spacing_column_mm : 1;
    m.area_px = (double)mask_count(mask);
    m.area_mm2 = m.area_px * aspect * column_mm * column_mm;
    int status = measure_contour(mask, aspect, column_mm, &m, err);
    if (status < 0)
        return status;
    m.circularity = 4 * M_PI * m.area_px * aspect / (m.perimeter_px * m.perimeter_px);
    if (hilum && hilum->pixels) {
        if (hilum->rows != mask->rows || hilum->columns != mask->columns)
            return error_set(err, STATUS_INVALID, "the hilum's mask has another size");
        status = measure_hilum(mask, hilum, aspect, column_mm, &m, err);
        if (status < 0)
            return status;
    }
    *ret_measurements = m;
    return 0;
}

static int add(struct feature_list *list, enum roi roi, const char *name, double value,
               struct error *err)
{
    char full[96];
    snprintf(full, sizeof full, "%s_measure_%s", roi_name(roi), name);
    return feature_list_add(list, full, value, false, err);
}

int measure_features(const struct region_finding *region, enum roi roi,
                     struct feature_list *list, struct error *err)
{
    const struct measurements *m = &region->measurements;
    bool mm = region->calibration.source != CALIBRATION_NONE;
    const struct {
        const char *name;
        double value;
        bool hilum_only;
    } rows[] = {
        {"LongAxis", mm ? m->long_axis.length_mm : NAN, false},
        {"ShortAxis", mm ? m->short_axis.length_mm : NAN, false},
        {"AxisRatio", m->axis_ratio, false},
        {"Area", mm ? m->area_mm2 : NAN, false},
        {"Perimeter", mm ? m->perimeter_mm : NAN, false},
        {"Circularity", m->circularity, false},
        {"HilumFraction", m->hilum_fraction, true},
        {"CortexThickness", mm ? m->cortex_thickness_mm : NAN, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].hilum_only && !m->hilum_marked)
            continue;
        int status = add(list, roi, rows[i].name, rows[i].value, err);
        if (status < 0)
            return status;
    }
    return 0;
}
