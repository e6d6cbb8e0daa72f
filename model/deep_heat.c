/* Where deep features come from. */
#include <math.h>

#include "model/deep_parts.h"

static size_t greatest(const float *values, size_t n)
{
    size_t at = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] > values[at])
            at = i;
    return at;
}

void deep_weigh(const struct deep_network *network, const float *activations,
                const double *weights, struct plane *cells)
{
    const size_t n = (size_t)cells->rows * (size_t)cells->columns;
    for (int k = 0; k < network->count; k++, activations += n) {
        if (network->pooling == DEEP_MAX) {
            const size_t at = greatest(activations, n);
            cells->values[at] += (float)(weights[k] * activations[at]);
            continue;
        }
        const float weight = (float)(weights[k] / (double)n);
        for (size_t i = 0; i < n; i++)
            cells->values[i] += weight * activations[i];
    }
}

/* Bilinear between the cells' middles; the outermost reach to the border. */
static float cell_at(const struct plane *cells, double y, double x)
{
    y = fmin(fmax(y, 0), cells->rows - 1);
    x = fmin(fmax(x, 0), cells->columns - 1);
    const int y0 = (int)y, x0 = (int)x;
    const int y1 = y0 + 1 < cells->rows ? y0 + 1 : y0;
    const int x1 = x0 + 1 < cells->columns ? x0 + 1 : x0;
    const double dy = y - y0, dx = x - x0;
    const float *up = cells->values + (size_t)y0 * (size_t)cells->columns;
    const float *down = cells->values + (size_t)y1 * (size_t)cells->columns;
    return (float)((1 - dy) * ((1 - dx) * up[x0] + dx * up[x1]) +
                   dy * ((1 - dx) * down[x0] + dx * down[x1]));
}

void deep_spread(const struct deep_network *network, const struct placement *p,
                 const struct plane *cells, struct heat_map *heat)
{
    const double high = network->input_rows, wide = network->input_columns;
    const double step_y = (double)p->rows / (p->box.y1 - p->box.y0 + 1);
    const double step_x = (double)p->columns / (p->box.x1 - p->box.x0 + 1);
    heat->seen = (struct bounds){p->box.x1, p->box.y1, p->box.x0, p->box.y0};
    for (int y = p->box.y0; y <= p->box.y1; y++) {
        const double v = (y - p->box.y0 + 0.5) * step_y - p->top;
        for (int x = p->box.x0; x <= p->box.x1; x++) {
            const double u = (x - p->box.x0 + 0.5) * step_x - p->left;
            if (v < 0 || v > high || u < 0 || u > wide)
                continue;
            heat->plane.values[(size_t)y * (size_t)heat->plane.columns + (size_t)x] =
                cell_at(cells, v * cells->rows / high - 0.5, u * cells->columns / wide - 0.5);
            heat->seen.x0 = x < heat->seen.x0 ? x : heat->seen.x0;
            heat->seen.x1 = x > heat->seen.x1 ? x : heat->seen.x1;
            heat->seen.y0 = y < heat->seen.y0 ? y : heat->seen.y0;
            heat->seen.y1 = y > heat->seen.y1 ? y : heat->seen.y1;
        }
    }
}
