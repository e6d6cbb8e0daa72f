/* Shape of the lesion: normalised radial length, equivalent ellipse, depth to width. */
#include <math.h>
#include <stdlib.h>

#include "model/radiomics/busat_parts.h"
#include "model/radiomics/region.h"

struct pixel {
    int x, y;
};

/* The outer border's pixels in order, the first one again at the end (bwboundaries): 8-connected
 * inner tracing (Sonka, Hlavac and Boyle, 6.2.3) from the leftmost column's top pixel, with the
 * axes exchanged. */
static int trace(const struct busat *b, struct pixel **ret_points, size_t *ret_count,
                 struct error *err)
{
    static const int dx[8] = {0, -1, -1, -1, 0, 1, 1, 1}, dy[8] = {1, 1, 0, -1, -1, -1, 0, 1};
    struct pixel start = {b->x0, b->y0}, at, before;
    while (!busat_inside(b->mask, start.x, start.y))
        start.y++;
    size_t capacity = 4 * b->pixels + 4, n = 0; /* a pixel is passed four times at most */
    struct pixel *points = malloc(capacity * sizeof *points);
    if (!points)
        return error_set(err, STATUS_NOMEM, "no memory for an outline");
    points[n++] = before = at = start;
    for (int direction = 7; n < capacity;) {
        int search = (direction + (direction % 2 ? 6 : 7)) % 8, tries = 0;
        while (tries < 8 && !busat_inside(b->mask, at.x + dx[search], at.y + dy[search])) {
            search = (search + 1) % 8;
            tries++;
        }
        if (tries == 8) /* a pixel alone */
            break;
        before = at;
        direction = search;
        at = (struct pixel){at.x + dx[direction], at.y + dy[direction]};
        /* Back on the first step: the last two points are the first two. */
        if (n > 2 && at.x == points[1].x && at.y == points[1].y && before.x == start.x &&
            before.y == start.y)
            break;
        points[n++] = at;
    }
    *ret_points = points;
    *ret_count = n;
    return 0;
}

struct moments {
    double x, y, xx, yy, xy; /* centre, and second moments about it */
};

static struct moments moments_of(const struct mask *mask)
{
    struct moments m = {0};
    double n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < mask->rows; y++)
            for (int x = 0; x < mask->columns; x++) {
                if (!busat_inside(mask, x, y))
                    continue;
                if (pass == 0) {
                    m.x += x;
                    m.y += y;
                    n++;
                } else {
                    m.xx += (x - m.x) * (x - m.x) / n;
                    m.yy += (y - m.y) * (y - m.y) / n;
                    m.xy += (x - m.x) * (y - m.y) / n;
                }
            }
        m.x /= pass == 0 ? n : 1;
        m.y /= pass == 0 ? n : 1;
    }
    return m;
}

/* Axes of the ellipse of the same moments, pixels taken as squares (regionprops). */
static void axes_of(const struct moments *m, double *ret_major, double *ret_minor)
{
    double xx = m->xx + 1.0 / 12, yy = m->yy + 1.0 / 12;
    double common = sqrt((xx - yy) * (xx - yy) + 4 * m->xy * m->xy);
    *ret_major = 2 * sqrt(2) * sqrt(xx + yy + common);
    *ret_minor = 2 * sqrt(2) * sqrt(fmax(xx + yy - common, 0));
}

/* The toolbox's equivalent ellipse, drawn into the picture; its form is not quite that of the
 * moments (4 sxx syy − sxy² where an ellipse has 4 (sxx syy − sxy²)), and is kept as published. */
static int ellipse_axes(const struct busat *b, const struct moments *m, double *ret_major,
                        double *ret_minor, struct error *err)
{
    struct mask ellipse;
    int r = mask_init(&ellipse, b->mask->rows, b->mask->columns, err);
    if (r < 0)
        return r;
    double scale = 4 * m->xx * m->yy - m->xy * m->xy;
    for (int y = 0; y < ellipse.rows; y++)
        for (int x = 0; x < ellipse.columns; x++) {
            double u = x - m->x, v = y - m->y;
            ellipse.pixels[(size_t)y * (size_t)ellipse.columns + (size_t)x] =
                (m->yy * u * u - 2 * m->xy * u * v + m->xx * v * v) / scale < 1;
        }
    struct moments drawn = moments_of(&ellipse);
    axes_of(&drawn, ret_major, ret_minor);
    mask_release(&ellipse);
    return 0;
}

/* Angle of the long axis to the horizontal, 0 to 90 degrees. */
static double orientation(const struct moments *m)
{
    double theta = fabs(0.5 * atan(2 * m->xy / (m->xx - m->yy)));
    return (m->xx < m->yy ? M_PI / 2 - theta : theta) * 180 / M_PI;
}

/* Distances of the border from the centre, over the largest (Chou et al. 2001). */
static int radial_features(const struct busat *b, const struct moments *m, struct error *err)
{
    struct pixel *points = NULL;
    size_t n = 0;
    int r = trace(b, &points, &n, err);
    if (r < 0)
        return r;
    double *length = malloc(n * sizeof *length);
    if (!length) {
        free(points);
        return error_set(err, STATUS_NOMEM, "no memory for an outline");
    }
    double largest = 0, mean = 0, squares = 0, above = 0, rough = 0, entropy = 0, crossings = 0;
    double bins[100] = {0};
    for (size_t i = 0; i < n; i++) {
        length[i] = hypot(points[i].x - m->x, points[i].y - m->y);
        largest = fmax(largest, length[i]);
    }
    for (size_t i = 0; i < n; i++) {
        length[i] /= largest;
        mean += length[i] / (double)n;
        int bin = (int)(length[i] * 99);
        while (bin < 99 && length[i] >= (bin + 1) * (1.0 / 99))
            bin++;
        while (bin > 0 && length[i] < bin * (1.0 / 99))
            bin--;
        bins[bin]++;
    }
    for (size_t i = 0; i < n; i++) {
        squares += (length[i] - mean) * (length[i] - mean);
        above += fmax(length[i] - mean, 0);
        if (i > 0) {
            rough += fabs(length[i] - length[i - 1]);
            crossings += (length[i] > mean) != (length[i - 1] > mean);
        }
    }
    for (int k = 0; k < 100; k++) {
        double p = bins[k] / (double)n;
        entropy -= p * log(p + RADIOMICS_EPSILON);
    }
    const struct {
        const char *name;
        double value;
    } values[] = {{"sNRL_mean", mean}, {"sNRL_sd", sqrt(squares / (double)(n - 1))},
                  {"sNRL_ar", above / ((double)n * mean)}, {"sNRL_rg", rough / (double)n},
                  {"sNRL_ent", entropy}, {"sNRL_zc", crossings}};
    for (size_t i = 0; i < sizeof values / sizeof *values && r == 0; i++)
        r = busat_add(b, values[i].name, values[i].value, err);
    free(length);
    free(points);
    return r;
}

int busat_shape(const struct busat *b, struct error *err)
{
    struct moments m = moments_of(b->mask);
    double longest, shortest, own_long, own_short;
    axes_of(&m, &own_long, &own_short);
    int r = ellipse_axes(b, &m, &longest, &shortest, err);
    if (r == 0)
        r = busat_add(b, "sLS", longest / shortest, err);
    if (r == 0)
        r = busat_add(b, "sAX_MX", longest, err);
    if (r == 0)
        r = busat_add(b, "sAX_MN", shortest, err);
    if (r == 0)
        r = busat_add(b, "sROUND", 4 * (double)b->pixels / (M_PI * own_long * own_long), err);
    if (r == 0)
        r = radial_features(b, &m, err);
    if (r == 0)
        r = busat_add(b, "oAngle", orientation(&m), err);
    return r < 0 ? r
                 : busat_add(b, "oDWR", (double)(b->y1 - b->y0) / (double)(b->x1 - b->x0), err);
}
