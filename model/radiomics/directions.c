/* Neighbour offsets and their weights. */
#include "model/radiomics/region.h"

#include <math.h>
#include <stdlib.h>

static int norm(const int step[3])
{
    int n = 0;
    for (int d = 0; d < 3; d++)
        n = abs(step[d]) > n ? abs(step[d]) : n;
    return n;
}

/* Of two opposite steps the one whose first component that is not zero is positive. */
static bool leading(const int step[3])
{
    for (int d = 0; d < 3; d++)
        if (step[d] != 0)
            return step[d] > 0;
    return false;
}

static bool wanted(const struct levels *l, const int step[3], const int *distances, int count,
                   int flat)
{
    if (!leading(step) || (flat >= 0 && step[flat] != 0))
        return false;
    for (int d = 0; d < 3; d++)
        if (abs(step[d]) >= l->size[d])
            return false;
    for (int i = 0; i < count; i++)
        if (distances[i] == norm(step))
            return true;
    return false;
}

int directions_list(const struct levels *l, const int *distances, int distance_count, int flat,
                    struct direction **ret_directions, int *ret_count, struct error *err)
{
    int far = 0;
    for (int i = 0; i < distance_count; i++)
        far = distances[i] > far ? distances[i] : far;
    size_t side = 2 * (size_t)far + 1;
    struct direction *list = malloc(side * side * side / 2 * sizeof *list + sizeof *list);
    if (!list)
        return error_set(err, STATUS_NOMEM, "no memory for directions");
    int n = 0;
    for (int z = 0; z <= far; z++)
        for (int y = -far; y <= far; y++)
            for (int x = -far; x <= far; x++) {
                int step[3] = {z, y, x};
                if (!wanted(l, step, distances, distance_count, flat))
                    continue;
                ptrdiff_t offset = ((ptrdiff_t)z * l->grid[1] + y) * l->grid[2] + x;
                list[n++] = (struct direction){{z, y, x}, offset};
            }
    *ret_directions = list;
    *ret_count = n;
    return 0;
}

double direction_weight(const struct direction *d, enum radiomics_weighting weighting,
                        const double spacing_mm[3])
{
    double largest = 0, sum = 0, squares = 0;
    for (int a = 0; a < 3; a++) {
        double mm = abs(d->step[a]) * spacing_mm[a];
        largest = mm > largest ? mm : largest;
        sum += mm;
        squares += mm * mm;
    }
    switch (weighting) {
    case WEIGHTING_INFINITY:
        return exp(-largest * largest);
    case WEIGHTING_EUCLIDEAN:
        return exp(-squares);
    case WEIGHTING_MANHATTAN:
        return exp(-sum * sum);
    case WEIGHTING_NONE:
    case WEIGHTING_EQUAL:
        break;
    }
    return 1;
}
