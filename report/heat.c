#include "report/heat.h"

#include <assert.h>
#include <math.h>

static const uint8_t RAISES[3] = {0xFF, 0x8A, 0x1E}, LOWERS[3] = {0x2A, 0x8C, 0xFF};
static const double OPAQUE = 0.65;

static double strongest(const struct plane *plane)
{
    const size_t n = (size_t)plane->rows * (size_t)plane->columns;
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(plane->values[i]));
    return most;
}

/* `part` of the strongest, -1 to 1. */
static void blend(uint8_t grey, double part, uint8_t out[3])
{
    const uint8_t *colour = part > 0 ? RAISES : LOWERS;
    const double opacity = OPAQUE * fabs(part);
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)lround((1 - opacity) * grey + opacity * colour[c]);
}

static void draw(const struct image *grey, const struct heat_map *heat, struct image *drawing)
{
    const double most = strongest(&heat->plane);
    for (int y = 0; y < drawing->rows; y++)
        for (int x = 0; x < drawing->columns; x++) {
            const size_t at = (size_t)(heat->seen.y0 + y) * (size_t)grey->columns +
                              (size_t)(heat->seen.x0 + x);
            const double part = most > 0 ? heat->plane.values[at] / most : 0;
            blend(grey->pixels[at], part,
                  drawing->pixels + 3 * ((size_t)y * (size_t)drawing->columns + (size_t)x));
        }
}

int heat_draw(const struct image *picture, const struct heat_map *heat, struct image *ret_drawing,
              struct error *err)
{
    const struct bounds *seen = &heat->seen;
    struct image grey = {0}, drawing;
    assert(picture->rows == heat->plane.rows && picture->columns == heat->plane.columns);
    int status = image_to_grey(picture, &grey, err);
    if (status == 0)
        status = image_init(&drawing, seen->y1 - seen->y0 + 1, seen->x1 - seen->x0 + 1, 3, err);
    if (status == 0) {
        draw(&grey, heat, &drawing);
        *ret_drawing = drawing;
    }
    image_release(&grey);
    return status;
}
