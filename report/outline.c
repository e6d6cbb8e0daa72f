#include "report/outline.h"

#include "image/contour.h"

enum { OUTLINE_POINTS_MAX = 200 };
/* Pixels; finer than a reader can see. */
static const double OUTLINE_TOLERANCE = 0.35;

/* Viewers take closed lines of four or five points for rectangles: an outline with few corners gets
 * the middles between them too. */
static int close_line(const struct contour *contour, struct arena *arena,
                      struct outline *ret_outline, struct error *err)
{
    const size_t step = contour->count >= 5 ? 1 : 2;
    const size_t count = contour->count * step + 1;
    float *points = arena_array(arena, count, 2 * sizeof *points);
    if (!points)
        return error_set(err, STATUS_NOMEM, "cannot draw an outline: out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct point p = contour->points[i / step % contour->count];
        const struct point q = contour->points[(i + step - 1) / step % contour->count];
        /* Pixel centres have whole numbers in masks, halves in DICOM (PS3.3 C.18.6.1.2). */
        points[2 * i] = (float)((p.x + q.x) / 2 + 0.5);
        points[2 * i + 1] = (float)((p.y + q.y) / 2 + 0.5);
    }
    *ret_outline = (struct outline){points, count};
    return 0;
}

int outline_make(const struct mask *mask, struct arena *arena, struct outline *ret_outline,
                 struct error *err)
{
    struct contour traced = {0}, simple = {0};
    int r = contour_trace(mask, &traced, err);
    if (r == 0)
        r = contour_simplify(&traced, OUTLINE_POINTS_MAX - 1, OUTLINE_TOLERANCE, &simple, NULL,
                             err);
    if (r == 0)
        r = close_line(&simple, arena, ret_outline, err);
    contour_release(&traced);
    contour_release(&simple);
    return r;
}
