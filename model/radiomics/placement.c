#include "model/radiomics/placement.h"

#include <math.h>

int placement_check(const struct volume *image, const struct label_volume *labels, double tolerance,
                    struct error *err)
{
    const struct placement *a = &image->placement, *b = &labels->placement;
    if (!a->known || !b->known)
        return 0;
    double near = tolerance * image->spacing_mm[2];
    for (int d = 0; d < 3; d++)
        if (!(fabs(a->origin_mm[d] - b->origin_mm[d]) <= near))
            return error_set(err, STATUS_INVALID,
                             "image and mask differ in origin: %g, %g, %g and %g, %g, %g mm",
                             a->origin_mm[0], a->origin_mm[1], a->origin_mm[2], b->origin_mm[0],
                             b->origin_mm[1], b->origin_mm[2]);
    for (int d = 0; d < 3; d++)
        if (!(fabs(image->spacing_mm[d] - labels->spacing_mm[d]) <= near))
            return error_set(err, STATUS_INVALID,
                             "image and mask differ in spacing: %g x %g x %g and %g x %g x %g mm",
                             image->spacing_mm[2], image->spacing_mm[1], image->spacing_mm[0],
                             labels->spacing_mm[2], labels->spacing_mm[1], labels->spacing_mm[0]);
    for (int axis = 0; axis < 3; axis++)
        for (int d = 0; d < 3; d++)
            if (!(fabs(a->axis[axis][d] - b->axis[axis][d]) <= tolerance))
                return error_set(err, STATUS_INVALID, "image and mask differ in direction by %g",
                                 fabs(a->axis[axis][d] - b->axis[axis][d]));
    return 0;
}

/* position = origin + step · index, and back. */
struct frame {
    double origin[3], step[3][3],
        inverse[3][3]; /* [x, y, z][slice, row, column]; inverse: [index][xyz] */
};

static int frame_init(struct frame *ret_frame, const struct placement *place,
                      const double spacing_mm[3], struct error *err)
{
    struct frame f;
    for (int d = 0; d < 3; d++) {
        f.origin[d] = place->origin_mm[d];
        for (int axis = 0; axis < 3; axis++)
            f.step[d][axis] = place->axis[axis][d] * spacing_mm[axis];
    }
    double determinant = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
            f.inverse[j][i] = f.step[i1][j1] * f.step[i2][j2] - f.step[i1][j2] * f.step[i2][j1];
        }
    for (int j = 0; j < 3; j++)
        determinant += f.step[0][j] * f.inverse[j][0];
    if (!(fabs(determinant) > 0) || !isfinite(determinant))
        return error_set(err, STATUS_INVALID, "the directions of a volume lie in one plane");
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            f.inverse[i][j] /= determinant;
    *ret_frame = f;
    return 0;
}

/* An index of `from`, with fractions, as one of `to`. */
static void move(const struct frame *from, const struct frame *to, const double index[3],
                 double ret_index[3])
{
    double away[3];
    for (int d = 0; d < 3; d++) {
        away[d] = from->origin[d] - to->origin[d];
        for (int axis = 0; axis < 3; axis++)
            away[d] += from->step[d][axis] * index[axis];
    }
    for (int axis = 0; axis < 3; axis++) {
        ret_index[axis] = 0;
        for (int d = 0; d < 3; d++)
            ret_index[axis] += to->inverse[axis][d] * away[d];
    }
}

/* Opposite corners of the label's box must lie in the image. A label that is nowhere passes: that
 * is told later. */
static int check_box(const struct volume *image, const struct frame *image_frame,
                     const struct label_volume *labels, const struct frame *mask_frame, int label,
                     struct error *err)
{
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    size_t i = 0;
    for (int z = 0; z < labels->size[0]; z++)
        for (int y = 0; y < labels->size[1]; y++)
            for (int x = 0; x < labels->size[2]; x++)
                if (labels->labels[i++] == label) {
                    const int at[3] = {z, y, x};
                    for (int d = 0; d < 3; d++) {
                        low[d] = fmin(low[d], at[d] - 0.5);
                        high[d] = fmax(high[d], at[d] + 0.5);
                    }
                }
    if (!isfinite(low[0]))
        return 0;
    double a[3], b[3];
    move(mask_frame, image_frame, low, a);
    move(mask_frame, image_frame, high, b);
    for (int d = 0; d < 3; d++)
        if (fmin(a[d], b[d]) < -0.501 || fmax(a[d], b[d]) > image->size[d] - 0.499)
            return error_set(err, STATUS_INVALID, "the region leaves the image");
    return 0;
}

static int32_t label_at(const struct label_volume *labels, const double index[3])
{
    size_t at = 0;
    for (int d = 0; d < 3; d++) {
        double nearest = floor(index[d] + 0.5);
        if (!(nearest >= 0 && nearest < labels->size[d]))
            return 0;
        at = at * (size_t)labels->size[d] + (size_t)nearest;
    }
    return labels->labels[at];
}

int placement_resample(const struct volume *image, const struct label_volume *labels, int label,
                       struct label_volume *ret_labels, struct error *err)
{
    struct frame image_frame, mask_frame;
    struct label_volume moved;
    if (!image->placement.known || !labels->placement.known)
        return error_set(err, STATUS_INVALID,
                         "correctMask needs an image and a mask that say where they lie");
    int r = frame_init(&image_frame, &image->placement, image->spacing_mm, err);
    if (r == 0)
        r = frame_init(&mask_frame, &labels->placement, labels->spacing_mm, err);
    if (r == 0)
        r = check_box(image, &image_frame, labels, &mask_frame, label, err);
    if (r == 0)
        r = label_volume_init(&moved, image->size, err);
    if (r < 0)
        return r;
    size_t i = 0;
    for (int z = 0; z < image->size[0]; z++)
        for (int y = 0; y < image->size[1]; y++)
            for (int x = 0; x < image->size[2]; x++) {
                double index[3];
                move(&image_frame, &mask_frame, (const double[3]){z, y, x}, index);
                moved.labels[i++] = label_at(labels, index);
            }
    moved.placement = image->placement;
    for (int d = 0; d < 3; d++)
        moved.spacing_mm[d] = image->spacing_mm[d];
    *ret_labels = moved;
    return 0;
}
