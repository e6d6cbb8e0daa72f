#include "model/radiomics/hull.h"

#include <stdint.h>

/* Twice the signed area of the triangle a, b, c. */
static int64_t cross(struct hull_point a, struct hull_point b, struct hull_point c)
{
    return (int64_t)(b.line - a.line) * (c.place - a.place) -
           (int64_t)(b.place - a.place) * (c.line - a.line);
}

/* Andrew's monotone chain: append to a chain that began at `first` and turns one way. */
static int append(struct hull_point *points, int first, int n, struct hull_point p)
{
    while (n - first >= 2 && cross(points[n - 2], points[n - 1], p) <= 0)
        n--;
    points[n] = p;
    return n + 1;
}

int hull_of_extents(const struct extent *lines, int count, struct hull_point *ret_points)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        if (lines[i].low <= lines[i].high)
            n = append(ret_points, 0, n, (struct hull_point){i, lines[i].low});
    if (n == 0)
        return 0;
    /* The last line's other end, then back over the upper ends. */
    int last = ret_points[n - 1].line, first_line = ret_points[0].line, base = n - 1;
    for (int i = last; i >= first_line; i--)
        if (lines[i].low <= lines[i].high && !(i == last && lines[i].low == lines[i].high))
            n = append(ret_points, base, n, (struct hull_point){i, lines[i].high});
    if (n > 1 && ret_points[n - 1].line == ret_points[0].line &&
        ret_points[n - 1].place == ret_points[0].place)
        n--;
    return n;
}

static double distance2(struct hull_point a, struct hull_point b, double line_step,
                        double place_step)
{
    double y = (a.line - b.line) * line_step, x = (a.place - b.place) * place_step;
    return y * y + x * x;
}

double hull_diameter2(const struct hull_point *points, int n, double line_step,
                      double place_step)
{
    double best = 0;
    for (int i = 0, j = 1; n > 1 && i < n; i++) {
        int next = (i + 1) % n;
        /* Rotating calipers: j is farthest from the edge i, next. */
        for (int guard = 0; guard < n; guard++) {
            int64_t here = cross(points[i], points[next], points[j]);
            int64_t there = cross(points[i], points[next], points[(j + 1) % n]);
            if (there <= here)
                break;
            j = (j + 1) % n;
        }
        const int ends[2] = {i, next}, far[2] = {j, (j + 1) % n};
        for (int k = 0; k < 4; k++) {
            double d = distance2(points[ends[k & 1]], points[far[k >> 1]], line_step, place_step);
            best = d > best ? d : best;
        }
    }
    return best;
}
