#include "model/window.h"

struct window window_of_tissue(const struct image *picture, const struct us_region *tissue)
{
    struct window whole = {0, 0, picture->rows, picture->columns};
    if (!tissue)
        return whole;
    int x0 = tissue->x0 < 0 ? 0 : tissue->x0, y0 = tissue->y0 < 0 ? 0 : tissue->y0;
    int x1 = tissue->x1 >= picture->columns ? picture->columns - 1 : tissue->x1;
    int y1 = tissue->y1 >= picture->rows ? picture->rows - 1 : tissue->y1;
    if (x0 > x1 || y0 > y1)
        return whole;
    return (struct window){x0, y0, y1 - y0 + 1, x1 - x0 + 1};
}
