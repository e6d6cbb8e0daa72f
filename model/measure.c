#include "model/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/contour.h"
#include "image/geometry.h"

static struct axis axis_from(const struct segment *s, double column_mm)
{
    return (struct axis){s->from.x, s->from.y, s->to.x, s->to.y, s->length, s->length * column_mm};
}

static int compare_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
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

/* Whole pixels, edge to edge. */
static void measure_extents(const struct mask *mask, double aspect, double column_mm,
                            struct measurements *m)
{
    struct bounds box;
    if (!mask_bounds(mask, &box))
        return;
    m->width_px = box.x1 - box.x0 + 1;
    m->depth_px = (box.y1 - box.y0 + 1) * aspect;
    m->width_mm = m->width_px * column_mm;
    m->depth_mm = m->depth_px * column_mm;
    m->depth_width = m->depth_px / m->width_px;
}

/* Between pixel centres, which is the distance from edge to edge as well: the outline runs half
 * a pixel outside the node's outermost centres, the hilum begins half a pixel before its own. */
static struct axis cortex_axis(const struct mask *core, const struct bounds *bounds, int x, int y,
                               double aspect, double column_mm)
{
    struct axis axis = {0};
    double best = INFINITY;
    for (int v = 0; v < core->rows; v++)
        for (int u = 0; u < core->columns; u++) {
            double squared = (u - x) * (u - x) + (v - y) * (v - y) * aspect * aspect;
            if (!core->pixels[(size_t)v * (size_t)core->columns + (size_t)u] || squared >= best)
                continue;
            best = squared;
            axis = (struct axis){bounds->x0 + x, bounds->y0 + y, bounds->x0 + u, bounds->y0 + v,
                                 0, 0};
        }
    axis.length_px = sqrt(best);
    axis.length_mm = axis.length_px * column_mm;
    return axis;
}

static int cortex_from_hilum(const struct mask *mask, const struct mask *hilum, double aspect,
                             double column_mm, struct axis *ret_cortex, struct error *err)
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
    float thickness = -1;
    int at_x = 0, at_y = 0;
    for (int y = 0; status == 0 && y < node.rows; y++)
        for (int x = 0; x < node.columns; x++) {
            float here = distance.values[(size_t)y * (size_t)node.columns + (size_t)x];
            if (here <= thickness || !mask_is_boundary(&node, y, x))
                continue;
            thickness = here;
            at_x = x;
            at_y = y;
        }
    if (status == 0)
        *ret_cortex = cortex_axis(&core, &bounds, at_x, at_y, aspect, column_mm);
    mask_release(&node);
    mask_release(&core);
    plane_release(&distance);
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
    m->hilum = m->hilum_fraction < MEASURE_HILUM_LOST          ? HILUM_LOST
               : m->hilum_fraction < MEASURE_HILUM_PARTLY_LOST ? HILUM_PARTLY_LOST
                                                               : HILUM_PRESENT;
    m->cortex_thickness_px = m->short_axis.length_px / 2;
    if (pixels > 0) {
        status = cortex_from_hilum(mask, hilum, aspect, column_mm, &m->cortex, err);
        m->cortex_thickness_px = m->cortex.length_px;
    }
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
    measure_extents(mask, aspect, column_mm, &m);
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

/* First rows of the mask and of echoes above it, for each of its columns. */
static int skin_row(const struct image *grey, const struct us_region *tissue,
                    const struct bounds *box)
{
    enum { SKIN_GREY = 24, COLUMNS_MAX = 512 };
    int rows[COLUMNS_MAX], count = 0;
    int top = tissue->y0 < 0 ? 0 : tissue->y0;
    int step = 1 + (box->x1 - box->x0) / COLUMNS_MAX;
    for (int x = box->x0; x <= box->x1; x += step) {
        int y = top;
        while (y < box->y0 &&
               grey->pixels[(size_t)y * (size_t)grey->columns + (size_t)x] < SKIN_GREY)
            y++;
        rows[count++] = y;
    }
    qsort(rows, (size_t)count, sizeof *rows, compare_int);
    return rows[count / 2];
}

void measure_skin(const struct image *grey, const struct us_region *tissue,
                  const struct mask *mask, const struct calibration *calibration,
                  struct measurements *measurements)
{
    struct bounds box;
    if (!tissue || !mask_bounds(mask, &box))
        return;
    int row = skin_row(grey, tissue, &box);
    if (row > tissue->y0 + (tissue->y1 - tissue->y0) / 4)
        return;
    bool calibrated = calibration->source != CALIBRATION_NONE;
    double aspect = calibrated ? calibration->spacing_row_mm / calibration->spacing_column_mm : 1;
    measurements->skin_visible = true;
    measurements->skin_distance_px = box.y0 > row ? (box.y0 - row) * aspect : 0;
    measurements->skin_distance_mm =
        calibrated ? measurements->skin_distance_px * calibration->spacing_column_mm : 0;
}

static struct criterion judge(double value, bool met)
{
    return (struct criterion){met ? CRITERION_MET : CRITERION_NOT_MET, value, ""};
}

static struct criterion not_assessable(const char *reason)
{
    return (struct criterion){CRITERION_NOT_ASSESSABLE, NAN, reason};
}

void measure_criteria(const struct region_finding *node, struct criterion ret[CRITERION_COUNT])
{
    const struct measurements *m = &node->measurements;
    double cortex = m->cortex_thickness_mm;
    ret[CRITERION_RATIO] = judge(m->axis_ratio, m->axis_ratio < 2);
    if (!m->hilum_marked) {
        ret[CRITERION_CORTEX_3] = ret[CRITERION_CORTEX_3_5] = ret[CRITERION_HILUM] =
            not_assessable("the network marks no hilum");
        return;
    }
    ret[CRITERION_HILUM] = judge(m->hilum_fraction, m->hilum == HILUM_LOST);
    if (node->calibration.source == CALIBRATION_NONE) {
        ret[CRITERION_CORTEX_3] = ret[CRITERION_CORTEX_3_5] =
            not_assessable("the picture is not calibrated");
        return;
    }
    ret[CRITERION_CORTEX_3] = judge(cortex, cortex > 3);
    ret[CRITERION_CORTEX_3_5] = judge(cortex, cortex > 3.5);
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
        {"Width", mm ? m->width_mm : NAN, false},
        {"Depth", mm ? m->depth_mm : NAN, false},
        {"DepthWidth", m->depth_width, false},
        {"SkinDistance", mm && m->skin_visible ? m->skin_distance_mm : NAN, false},
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
