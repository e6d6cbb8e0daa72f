/* Shape of the lesion: normalised radial length, equivalent ellipse, depth to width. */
#include <math.h>
#include <stdlib.h>

#include "image/geometry.h"
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
static int draw_ellipse(const struct busat *b, const struct moments *m, struct mask *ret_ellipse,
                        struct error *err)
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
    *ret_ellipse = ellipse;
    return 0;
}

/* Area of a drawn figure by the weights of its 2 × 2 neighbourhoods (Pratt 1991, 18.2; bwarea), of
 * the pixels where `a` and `b` are both set (`both`) or one of them. */
static double area(const struct mask *a, const struct mask *b, bool both)
{
    static const double weight[5] = {0, 0.25, 0.5, 0.875, 1};
    double sum = 0;
    for (int y = -1; y < a->rows; y++)
        for (int x = -1; x < a->columns; x++) {
            int set[4], n = 0;
            for (int k = 0; k < 4; k++) {
                int in_a = busat_inside(a, x + k % 2, y + k / 2);
                int in_b = busat_inside(b, x + k % 2, y + k / 2);
                set[k] = both ? in_a && in_b : in_a || in_b;
                n += set[k];
            }
            sum += n == 2 && set[0] == set[3] ? 0.75 : weight[n];
        }
    return sum;
}

/* A set pixel with an edge neighbour that is not. */
static bool on_edge(const struct mask *m, int x, int y)
{
    return busat_inside(m, x, y) &&
           !(busat_inside(m, x - 1, y) && busat_inside(m, x + 1, y) &&
             busat_inside(m, x, y - 1) && busat_inside(m, x, y + 1));
}

/* Mean distance from the edge of `from` to the nearest pixel on the edge of `to`. */
static int edge_distance(const struct mask *from, const struct mask *to, double *ret_mean,
                         struct error *err)
{
    struct mask edge = {0};
    struct plane distance = {0};
    double sum = 0, n = 0;
    int r = mask_init(&edge, to->rows, to->columns, err);
    if (r < 0)
        return r;
    for (int y = 0; y < to->rows; y++)
        for (int x = 0; x < to->columns; x++)
            edge.pixels[(size_t)y * (size_t)to->columns + (size_t)x] = on_edge(to, x, y);
    r = mask_distance(&edge, 1, 1, &distance, err);
    for (int y = 0; y < from->rows && r == 0; y++)
        for (int x = 0; x < from->columns; x++)
            if (on_edge(from, x, y)) {
                sum += (double)distance.values[(size_t)y * (size_t)from->columns + (size_t)x];
                n++;
            }
    plane_release(&distance);
    mask_release(&edge);
    if (r == 0)
        *ret_mean = sum / n;
    return r;
}

/* What the lesion and its ellipse have in common, and how far their edges are apart, in percent of
 * the ellipse's radius. */
static int ellipse_features(const struct busat *b, const struct moments *m, struct error *err)
{
    struct mask ellipse;
    double longest, shortest, there = 0, back = 0;
    int r = draw_ellipse(b, m, &ellipse, err);
    if (r < 0)
        return r;
    struct moments drawn = moments_of(&ellipse);
    axes_of(&drawn, &longest, &shortest);
    r = edge_distance(b->mask, &ellipse, &there, err);
    if (r == 0)
        r = edge_distance(&ellipse, b->mask, &back, err);
    double radius = sqrt(area(&ellipse, &ellipse, true) / M_PI);
    if (r == 0)
        r = busat_add(b, "sOR", area(b->mask, &ellipse, true) / area(b->mask, &ellipse, false),
                      err);
    if (r == 0)
        r = busat_add(b, "sLS", longest / shortest, err);
    if (r == 0)
        r = busat_add(b, "sAX_MX", longest, err);
    if (r == 0)
        r = busat_add(b, "sAX_MN", shortest, err);
    if (r == 0)
        r = busat_add(b, "sPD", 100 * (there + back) / (2 * radius), err);
    mask_release(&ellipse);
    return r;
}

/* Angle of the long axis to the horizontal, 0 to 90 degrees. */
static double orientation(const struct moments *m)
{
    double theta = fabs(0.5 * atan(2 * m->xy / (m->xx - m->yy)));
    return (m->xx < m->yy ? M_PI / 2 - theta : theta) * 180 / M_PI;
}

enum { SPECTRUM_MAX = 1 << 16 }; /* border pixels; the time grows with their square */

/* Spectrum of the border's distances up to an eighth of the sampling rate, over that up to a quarter
 * (Su et al. 2011); their scale cancels. `turn` has room for 2 n numbers. */
static double low_to_high(const double *length, size_t n, double *turn)
{
    double low = 0, high = 0;
    if (n > SPECTRUM_MAX)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        turn[2 * i] = cos(2 * M_PI * (double)i / (double)n);
        turn[2 * i + 1] = sin(2 * M_PI * (double)i / (double)n);
    }
    for (size_t k = 0; 4 * k <= n; k++) {
        double re = 0, im = 0;
        for (size_t i = 0, at = 0; i < n; i++) {
            re += length[i] * turn[2 * at];
            im += length[i] * turn[2 * at + 1];
            at = at + k < n ? at + k : at + k - n;
        }
        *(8 * k <= n ? &low : &high) += hypot(re, im);
    }
    return low / high;
}

/* Distances of the border from the centre, over the largest (Chou et al. 2001). */
static int radial_features(const struct busat *b, const struct moments *m, struct error *err)
{
    struct pixel *points = NULL;
    size_t n = 0;
    int r = trace(b, &points, &n, err);
    if (r < 0)
        return r;
    double *length = malloc(3 * n * sizeof *length); /* and room for the spectrum */
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
    double spiculation = low_to_high(length, n, length + n);
    for (int k = 0; k < 100; k++) {
        double p = bins[k] / (double)n;
        entropy -= p * log(p + RADIOMICS_EPSILON);
    }
    const struct {
        const char *name;
        double value;
    } values[] = {{"sNRL_mean", mean}, {"sNRL_sd", sqrt(squares / (double)(n - 1))},
                  {"sNRL_ar", above / ((double)n * mean)}, {"sNRL_rg", rough / (double)n},
                  {"sNRL_ent", entropy}, {"sNRL_zc", crossings},
                  {"Spicul", spiculation}};
    for (size_t i = 0; i < sizeof values / sizeof *values && r == 0; i++)
        r = busat_add(b, values[i].name, values[i].value, err);
    free(length);
    free(points);
    return r;
}

int busat_shape(const struct busat *b, struct error *err)
{
    struct moments m = moments_of(b->mask);
    int r = ellipse_features(b, &m, err);
    if (r == 0)
        r = radial_features(b, &m, err);
    if (r == 0)
        r = busat_add(b, "oAngle", orientation(&m), err);
    return r < 0 ? r
                 : busat_add(b, "oDWR", (double)(b->y1 - b->y0) / (double)(b->x1 - b->x0), err);
}
