/* Laws' texture energies (Laws 1979): 14 pairs of 5-tap kernels, five statistics inside the lesion.
 * The toolbox sums over the lesion but divides by the pixels of its box, which the published
 * tables confirm: their energies, deviations and means of all kernels give the same share. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/radiomics/busat_parts.h"

enum { KERNELS = 5, TAPS = 5, REACH = 2, WINDOW = 7 }; /* energies are sums over 15 × 15 */

static const double kernels[KERNELS][TAPS] = {
    {1, 4, 6, 4, 1}, {-1, -2, 0, 2, 1}, {-1, 0, 2, 0, -1}, {-1, 2, 0, -2, 1}, {1, -4, 6, -4, 1}};
static const char letters[] = "LESWR";

/* The part of the picture that the box's energies depend on. */
struct window {
    int x0, y0, columns, rows;
};

/* A kernel along y and one along x at a pixel; 0 outside of the picture, grey values from 1. */
static double filtered(const struct busat *b, int x, int y, const double *along_y,
                       const double *along_x)
{
    double sum = 0;
    for (int v = -REACH; v <= REACH; v++) {
        double line = 0;
        if (y + v < 0 || y + v >= b->grey->rows)
            continue;
        for (int u = -REACH; u <= REACH; u++)
            if (x + u >= 0 && x + u < b->grey->columns)
                line += along_x[u + REACH] * (busat_grey(b, x + u, y + v) + 1);
        sum += along_y[v + REACH] * line;
    }
    return sum;
}

/* Sums over the 2 × WINDOW + 1 values around each place of a line, in place. */
static void sum_line(double *line, int n, size_t step, double *scratch)
{
    scratch[0] = 0;
    for (int i = 0; i < n; i++)
        scratch[i + 1] = scratch[i] + line[(size_t)i * step];
    for (int i = 0; i < n; i++) {
        int from = i > WINDOW ? i - WINDOW : 0, to = i + WINDOW + 1 < n ? i + WINDOW + 1 : n;
        line[(size_t)i * step] = scratch[to] - scratch[from];
    }
}

/* Half of the energy of kernels `i` along x and `j` along y, added to `sum`. */
static void add_energy(const struct busat *b, const struct window *w, int i, int j, double *energy,
                       double *scratch, double *sum)
{
    for (int y = 0; y < w->rows; y++)
        for (int x = 0; x < w->columns; x++)
            energy[(size_t)y * (size_t)w->columns + (size_t)x] =
                fabs(filtered(b, w->x0 + x, w->y0 + y, kernels[j], kernels[i]) /
                     filtered(b, w->x0 + x, w->y0 + y, kernels[0], kernels[0]));
    for (int y = 0; y < w->rows; y++)
        sum_line(energy + (size_t)y * (size_t)w->columns, w->columns, 1, scratch);
    for (int x = 0; x < w->columns; x++)
        sum_line(energy + x, w->rows, (size_t)w->columns, scratch);
    for (size_t k = 0; k < (size_t)w->rows * (size_t)w->columns; k++)
        sum[k] += energy[k] / 2;
}

/* Sum over the lesion of (energy − centre) to a power. */
static double inside_sum(const struct busat *b, const struct window *w, const double *energy,
                         double centre, int power)
{
    double sum = 0;
    for (int y = b->y0; y <= b->y1; y++)
        for (int x = b->x0; x <= b->x1; x++)
            if (busat_inside(b->mask, x, y)) {
                double d =
                    energy[(size_t)(y - w->y0) * (size_t)w->columns + (size_t)(x - w->x0)] - centre;
                double product = 1;
                for (int k = 0; k < power; k++)
                    product *= d;
                sum += product;
            }
    return sum;
}

static int statistics(const struct busat *b, const struct window *w, const double *energy, int i,
                      int j, struct error *err)
{
    static const char *const endings[5] = {"mean", "std", "skw", "kur", "egy"};
    double box = (double)(b->x1 - b->x0 + 1) * (double)(b->y1 - b->y0 + 1);
    double mean = inside_sum(b, w, energy, 0, 1) / box;
    double squares = inside_sum(b, w, energy, 0, 2) / box;
    double m2 = inside_sum(b, w, energy, mean, 2) / box;
    double m3 = inside_sum(b, w, energy, mean, 3) / box;
    double m4 = inside_sum(b, w, energy, mean, 4) / box;
    double deviation = sqrt(m2);
    const double values[5] = {mean, deviation, m3 / (m2 * deviation), m4 / (m2 * m2) - 3, squares};
    int r = 0;
    for (int k = 0; k < 5 && r == 0; k++) {
        char name[32];
        snprintf(name, sizeof name, "e%c5%c5_%s", letters[j], letters[i], endings[k]);
        r = busat_add(b, name, values[k], err);
    }
    return r;
}

int busat_laws(const struct busat *b, struct error *err)
{
    struct window w = {b->x0 > WINDOW ? b->x0 - WINDOW : 0, b->y0 > WINDOW ? b->y0 - WINDOW : 0, 0,
                       0};
    w.columns = (b->x1 + WINDOW < b->grey->columns ? b->x1 + WINDOW + 1 : b->grey->columns) - w.x0;
    w.rows = (b->y1 + WINDOW < b->grey->rows ? b->y1 + WINDOW + 1 : b->grey->rows) - w.y0;
    size_t n = (size_t)w.columns * (size_t)w.rows;
    int longest = w.columns > w.rows ? w.columns : w.rows, r = 0;
    double *energy = malloc(n * sizeof *energy), *sum = malloc(n * sizeof *sum);
    double *scratch = malloc(((size_t)longest + 1) * sizeof *scratch);
    if (!energy || !sum || !scratch)
        r = error_set(err, STATUS_NOMEM, "no memory for texture energies");
    for (int i = 0; i < KERNELS && r == 0; i++)
        for (int j = i; j < KERNELS && r == 0; j++) {
            if (j == 0)
                continue; /* the level itself: 1 everywhere */
            memset(sum, 0, n * sizeof *sum);
            add_energy(b, &w, i, j, energy, scratch, sum);
            add_energy(b, &w, j, i, energy, scratch, sum);
            r = statistics(b, &w, sum, i, j, err);
        }
    free(scratch);
    free(sum);
    free(energy);
    return r;
}
