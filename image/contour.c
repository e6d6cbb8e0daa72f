#include "image/contour.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void contour_release(struct contour *contour)
{
    free(contour->points);
    *contour = (struct contour){0};
}

static int contour_reserve(struct contour *contour, size_t count, struct error *err)
{
    contour->points = malloc(count * sizeof *contour->points);
    contour->count = 0;
    return contour->points ? 0 : error_set(err, STATUS_NOMEM, "out of memory for a contour");
}

/* ---- tracing ---- */

static bool is_set(const struct mask *mask, int x, int y)
{
    return x >= 0 && y >= 0 && x < mask->columns && y < mask->rows &&
           mask->pixels[(size_t)y * (size_t)mask->columns + (size_t)x];
}

/* Walking along pixel edges, from corner to corner, with the mask on the right hand. Corner
 * (x, y) is the top left one of pixel (x, y). */
struct walk {
    int x, y, dx, dy;
};

/* At the end of an edge: turn right where the pixel ahead on the right is clear, go on where
 * only the one on the left is, else turn left. A mask pixel that touches by its corner alone is
 * not entered, hence edge neighbours. */
static void walk_turn(const struct mask *mask, struct walk *w)
{
    /* The four pixels around a corner are (x − 1 or x, y − 1 or y). Of a direction (dx, dy) the
     * right-hand side is (−dy, dx). */
    int right_x = w->x + (w->dx - w->dy - 1) / 2, right_y = w->y + (w->dy + w->dx - 1) / 2;
    int left_x = w->x + (w->dx + w->dy - 1) / 2, left_y = w->y + (w->dy - w->dx - 1) / 2;
    int dx = w->dx, dy = w->dy;
    if (!is_set(mask, right_x, right_y)) {
        w->dx = -dy;
        w->dy = dx;
    } else if (is_set(mask, left_x, left_y)) {
        w->dx = dy;
        w->dy = -dx;
    }
}

/* One round; with `out` NULL it only counts the edges. Stops above CONTOUR_POINTS_MAX. */
static size_t walk_round(const struct mask *mask, int x, int y, struct point *out)
{
    struct walk start = {x, y, 1, 0}, w = start; /* along the top of the first pixel */
    size_t count = 0;
    do {
        if (out)
            out[count] = (struct point){w.x + 0.5 * w.dx - 0.5, w.y + 0.5 * w.dy - 0.5};
        count++;
        w.x += w.dx;
        w.y += w.dy;
        walk_turn(mask, &w);
    } while (count <= CONTOUR_POINTS_MAX &&
             (w.x != start.x || w.y != start.y || w.dx != start.dx || w.dy != start.dy));
    return count;
}

int contour_trace(const struct mask *mask, struct contour *ret_contour, struct error *err)
{
    size_t n = (size_t)mask->rows * (size_t)mask->columns, at = 0;
    while (at < n && !mask->pixels[at])
        at++;
    if (at == n)
        return error_set(err, STATUS_NOT_FOUND, "an empty mask has no contour");
    int x = (int)(at % (size_t)mask->columns), y = (int)(at / (size_t)mask->columns);
    size_t count = walk_round(mask, x, y, NULL);
    if (count > CONTOUR_POINTS_MAX)
        return error_set(err, STATUS_LIMIT, "a contour has more than %d points",
                         CONTOUR_POINTS_MAX);
    struct contour contour;
    int status = contour_reserve(&contour, count, err);
    if (status < 0)
        return status;
    contour.count = walk_round(mask, x, y, contour.points);
    *ret_contour = contour;
    return 0;
}

/* ---- simplification ---- */

static double segment_distance(struct point p, struct point a, struct point b)
{
    double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy, t = 0;
    if (length2 > 0)
        t = ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/* A stretch of the contour between two kept points (end may be count, meaning point 0), and the
 * point in it farthest from the chord. */
struct stretch {
    size_t begin, end, farthest;
    double distance;
};

static struct stretch stretch_make(const struct contour *c, size_t begin, size_t end)
{
    struct stretch s = {begin, end, begin, -1};
    for (size_t i = begin + 1; i < end; i++) {
        double d = segment_distance(c->points[i], c->points[begin], c->points[end % c->count]);
        if (d > s.distance) {
            s.distance = d;
            s.farthest = i;
        }
    }
    return s;
}

/* A heap with the largest distance on top. */
static void heap_push(struct stretch *heap, size_t *count, struct stretch s)
{
    size_t i = (*count)++;
    for (; i > 0 && heap[(i - 1) / 2].distance < s.distance; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = s;
}

static struct stretch heap_pop(struct stretch *heap, size_t *count)
{
    struct stretch top = heap[0], last = heap[--*count];
    size_t i = 0;
    for (size_t child = 1; child < *count; child = 2 * i + 1) {
        if (child + 1 < *count && heap[child + 1].distance > heap[child].distance)
            child++;
        if (heap[child].distance <= last.distance)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

static size_t farthest_from(const struct contour *c, size_t from)
{
    size_t best = from;
    double most = -1;
    for (size_t i = 0; i < c->count; i++) {
        double d = hypot(c->points[i].x - c->points[from].x, c->points[i].y - c->points[from].y);
        if (d > most) {
            most = d;
            best = i;
        }
    }
    return best;
}

/* Split the worst stretch first, until all are good or the points are used up. Marks the points
 * to keep and returns the deviation left. */
static double choose_points(const struct contour *c, size_t max_points, double tolerance,
                            bool *keep, struct stretch *heap)
{
    size_t a = 0, b = farthest_from(c, 0), heap_count = 0, kept = 2;
    keep[a] = keep[b] = true;
    heap_push(heap, &heap_count, stretch_make(c, a, b));
    heap_push(heap, &heap_count, stretch_make(c, b, c->count));
    while (kept < max_points && heap[0].distance >= 0 &&
           (heap[0].distance > tolerance || kept < 3)) {
        struct stretch s = heap_pop(heap, &heap_count);
        keep[s.farthest] = true;
        kept++;
        heap_push(heap, &heap_count, stretch_make(c, s.begin, s.farthest));
        heap_push(heap, &heap_count, stretch_make(c, s.farthest, s.end));
    }
    return heap[0].distance > 0 ? heap[0].distance : 0;
}

int contour_simplify(const struct contour *contour, size_t max_points, double tolerance,
                     struct contour *ret_contour, double *ret_deviation, struct error *err)
{
    if (max_points < 3 || contour->count < 3)
        return error_set(err, STATUS_INVALID, "a polygon has at least 3 points");
    struct contour simple = {0};
    double deviation = 0;
    size_t room = contour->count < max_points ? contour->count : max_points;
    bool *keep = calloc(contour->count, sizeof *keep);
    struct stretch *heap = calloc(room + 2, sizeof *heap);
    int status = keep && heap ? contour_reserve(&simple, room, err)
                              : error_set(err, STATUS_NOMEM, "out of memory for a contour");
    if (status == 0) {
        deviation = choose_points(contour, max_points, tolerance, keep, heap);
        for (size_t i = 0; i < contour->count; i++)
            if (keep[i])
                simple.points[simple.count++] = contour->points[i];
        *ret_contour = simple;
        if (ret_deviation)
            *ret_deviation = deviation;
    }
    free(keep);
    free(heap);
    return status;
}

/* ---- hull and diameters ---- */

static int compare_points(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return p->y < q->y ? -1 : p->y > q->y;
}

/* Above 0 when a → b → c turns clockwise on the screen (y grows downwards). */
static double turn(struct point a, struct point b, struct point c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/* Andrew's monotone chain, in place; returns the number of hull points at the front of `out`,
 * which has room for 2 × count. */
static size_t hull_chain(const struct point *sorted, size_t count, struct point *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        while (n >= 2 && turn(out[n - 2], out[n - 1], sorted[i]) <= 0)
            n--;
        out[n++] = sorted[i];
    }
    size_t upper = n + 1;
    for (size_t i = count - 1; i-- > 0;) {
        while (n >= upper && turn(out[n - 2], out[n - 1], sorted[i]) <= 0)
            n--;
        out[n++] = sorted[i];
    }
    return n > 1 ? n - 1 : n;
}

int contour_hull(const struct contour *contour, struct contour *ret_hull, struct error *err)
{
    if (contour->count == 0)
        return error_set(err, STATUS_NOT_FOUND, "a contour without points has no hull");
    struct contour hull;
    int status = contour_reserve(&hull, 2 * contour->count, err);
    if (status < 0)
        return status;
    struct point *sorted = malloc(contour->count * sizeof *sorted);
    if (!sorted) {
        contour_release(&hull);
        return error_set(err, STATUS_NOMEM, "out of memory for a contour");
    }
    memcpy(sorted, contour->points, contour->count * sizeof *sorted);
    qsort(sorted, contour->count, sizeof *sorted, compare_points);
    hull.count = hull_chain(sorted, contour->count, hull.points);
    free(sorted);
    *ret_hull = hull;
    return 0;
}

double contour_perimeter(const struct contour *contour, double scale_x, double scale_y)
{
    double sum = 0;
    for (size_t i = 0; i < contour->count; i++) {
        struct point a = contour->points[i], b = contour->points[(i + 1) % contour->count];
        sum += hypot((b.x - a.x) * scale_x, (b.y - a.y) * scale_y);
    }
    return sum;
}

double contour_area(const struct contour *contour)
{
    double twice = 0;
    for (size_t i = 0; i < contour->count; i++) {
        struct point a = contour->points[i], b = contour->points[(i + 1) % contour->count];
        twice += a.x * b.y - b.x * a.y;
    }
    return fabs(twice) / 2;
}

static double scaled_distance(struct point a, struct point b, double scale_x, double scale_y)
{
    return hypot((b.x - a.x) * scale_x, (b.y - a.y) * scale_y);
}

static void take_longer(struct segment *best, struct point a, struct point b, double scale_x,
                        double scale_y)
{
    double length = scaled_distance(a, b, scale_x, scale_y);
    if (length > best->length)
        *best = (struct segment){a, b, length};
}

int contour_diameter(const struct contour *contour, double scale_x, double scale_y,
                     struct segment *ret_diameter, struct error *err)
{
    struct contour hull;
    int status = contour_hull(contour, &hull, err);
    if (status < 0)
        return status;
    /* Scaling the axes keeps a hull a hull and multiplies every area alike, so the calipers can
     * turn in pixel coordinates. */
    const struct point *p = hull.points;
    size_t n = hull.count, j = 1;
    struct segment best = {p[0], p[0], 0};
    for (size_t i = 0; i < n; i++) {
        struct point a = p[i], b = p[(i + 1) % n];
        while (turn(a, b, p[(j + 1) % n]) > turn(a, b, p[j % n]))
            j = (j + 1) % n;
        take_longer(&best, a, p[j % n], scale_x, scale_y);
        take_longer(&best, b, p[j % n], scale_x, scale_y);
        /* An edge parallel to this one has two points equally far. */
        take_longer(&best, a, p[(j + 1) % n], scale_x, scale_y);
        take_longer(&best, b, p[(j + 1) % n], scale_x, scale_y);
    }
    contour_release(&hull);
    *ret_diameter = best;
    return 0;
}

/* A contour point in the axis' own frame: `along` it, and across to the right of it. */
struct placed {
    double along, across;
};

static int compare_along(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return p < q ? -1 : p > q;
}

/* First entry of the sorted list that is at least `value`. */
static size_t lower_bound(const double *sorted, size_t count, double value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t drop_equal(double *sorted, size_t count)
{
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (sorted[i] != sorted[kept - 1])
            sorted[kept++] = sorted[i];
    return kept;
}

/* The width of the contour across the axis is linear between neighbouring `stations` (the
 * points' own places along it), so its maximum is found at one of them. */
static void measure_widths(const struct placed *placed, size_t count, const double *stations,
                           size_t station_count, double *lowest, double *highest)
{
    for (size_t i = 0; i < count; i++) {
        struct placed a = placed[i], b = placed[(i + 1) % count];
        if (a.along > b.along) {
            struct placed kept = a;
            a = b;
            b = kept;
        }
        for (size_t k = lower_bound(stations, station_count, a.along);
             k < station_count && stations[k] <= b.along; k++) {
            double span = b.along - a.along;
            double t = span > 0 ? (stations[k] - a.along) / span : 0;
            double across = a.across + t * (b.across - a.across);
            lowest[k] = fmin(lowest[k], across);
            highest[k] = fmax(highest[k], across);
        }
    }
}

int contour_perpendicular(const struct contour *contour, const struct segment *axis,
                          double scale_x, double scale_y, struct segment *ret_extent,
                          struct error *err)
{
    double ux = (axis->to.x - axis->from.x) * scale_x, uy = (axis->to.y - axis->from.y) * scale_y;
    double length = hypot(ux, uy);
    size_t n = contour->count;
    if (n == 0 || !(length > 0))
        return error_set(err, STATUS_NOT_FOUND, "an axis without length has no perpendicular");
    ux /= length;
    uy /= length;
    struct placed *placed = malloc(n * sizeof *placed);
    double *stations = malloc(3 * n * sizeof *stations);
    if (!placed || !stations) {
        free(placed);
        free(stations);
        return error_set(err, STATUS_NOMEM, "out of memory for a contour");
    }
    double *lowest = stations + n, *highest = lowest + n;
    for (size_t i = 0; i < n; i++) {
        double x = contour->points[i].x * scale_x, y = contour->points[i].y * scale_y;
        placed[i] = (struct placed){x * ux + y * uy, -x * uy + y * ux};
        stations[i] = placed[i].along;
        lowest[i] = INFINITY;
        highest[i] = -INFINITY;
    }
    qsort(stations, n, sizeof *stations, compare_along);
    size_t station_count = drop_equal(stations, n);
    measure_widths(placed, n, stations, station_count, lowest, highest);
    size_t best = 0;
    for (size_t k = 1; k < station_count; k++)
        if (highest[k] - lowest[k] > highest[best] - lowest[best])
            best = k;
    double along = stations[best], low = lowest[best], high = highest[best];
    free(placed);
    free(stations);
    *ret_extent = (struct segment){
        {(along * ux - low * uy) / scale_x, (along * uy + low * ux) / scale_y},
        {(along * ux - high * uy) / scale_x, (along * uy + high * ux) / scale_y},
        high - low,
    };
    return 0;
}
