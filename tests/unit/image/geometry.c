#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/contour.h"
#include "image/geometry.h"

static uint32_t random_state = 12345; /* fixed: every run sees the same masks */

static uint32_t random_next(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static struct mask mask_make(int rows, int columns)
{
    struct mask mask;
    assert_int_equal(mask_init(&mask, rows, columns, NULL), 0);
    return mask;
}

static uint8_t *at(struct mask *mask, int x, int y)
{
    return mask->pixels + (size_t)y * (size_t)mask->columns + (size_t)x;
}

static bool set_at(const struct mask *mask, int x, int y)
{
    return x >= 0 && y >= 0 && x < mask->columns && y < mask->rows &&
           mask->pixels[(size_t)y * (size_t)mask->columns + (size_t)x];
}

static struct mask random_mask(int rows, int columns, int percent)
{
    struct mask mask = mask_make(rows, columns);
    for (int i = 0; i < rows * columns; i++)
        mask.pixels[i] = random_next() % 100 < (uint32_t)percent;
    return mask;
}

/* Half axes in pixels, turned by `angle`. */
static struct mask ellipse(int side, double a, double b, double angle)
{
    struct mask mask = mask_make(side, side);
    double centre = (side - 1) / 2.0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double u = (x - centre) * cos(angle) + (y - centre) * sin(angle);
            double v = -(x - centre) * sin(angle) + (y - centre) * cos(angle);
            *at(&mask, x, y) = u * u / (a * a) + v * v / (b * b) <= 1;
        }
    return mask;
}

/* ---- by definition, slowly ---- */

static size_t flood(const struct mask *mask, int *labels, int x, int y, int label, bool value,
                    bool corners)
{
    size_t n = 0, top = 0;
    int *stack = malloc((size_t)(mask->rows * mask->columns) * sizeof *stack);
    stack[top++] = y * mask->columns + x;
    labels[y * mask->columns + x] = label;
    while (top) {
        int p = stack[--top], px = p % mask->columns, py = p / mask->columns;
        n++;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int qx = px + dx, qy = py + dy;
                if ((!corners && dx && dy) || qx < 0 || qy < 0 || qx >= mask->columns ||
                    qy >= mask->rows || set_at(mask, qx, qy) != value ||
                    labels[qy * mask->columns + qx])
                    continue;
                labels[qy * mask->columns + qx] = label;
                stack[top++] = qy * mask->columns + qx;
            }
    }
    free(stack);
    return n;
}

static void test_parts_against_flood_fill(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        int rows = 1 + (int)(random_next() % 24), columns = 1 + (int)(random_next() % 24);
        struct mask mask = random_mask(rows, columns, (int)(random_next() % 101));
        bool corners = round & 1;
        enum connectivity connectivity = corners ? CONNECTIVITY_8 : CONNECTIVITY_4;
        int *labels = calloc((size_t)(rows * columns), sizeof *labels), parts = 0, best = 0, counted;
        size_t most = 0;
        for (int i = 0; i < rows * columns; i++)
            if (mask.pixels[i] && !labels[i]) {
                size_t n = flood(&mask, labels, i % columns, i / columns, ++parts, true, corners);
                if (n > most) {
                    most = n;
                    best = parts;
                }
            }
        assert_int_equal(mask_count_parts(&mask, connectivity, &counted, NULL), 0);
        assert_int_equal(counted, parts);
        assert_int_equal(mask_keep_largest(&mask, connectivity, NULL), 0);
        for (int i = 0; i < rows * columns; i++)
            assert_int_equal(mask.pixels[i], labels[i] == best && best > 0);
        free(labels);
        mask_release(&mask);
    }
}

static void test_holes_against_flood_fill(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        int rows = 1 + (int)(random_next() % 20), columns = 1 + (int)(random_next() % 20);
        struct mask mask = random_mask(rows, columns, 60);
        int *labels = calloc((size_t)(rows * columns), sizeof *labels);
        for (int i = 0; i < rows * columns; i++) {
            int x = i % columns, y = i / columns;
            if ((x == 0 || y == 0 || x == columns - 1 || y == rows - 1) && !mask.pixels[i] &&
                !labels[i])
                flood(&mask, labels, x, y, 1, false, false);
        }
        assert_int_equal(mask_fill_holes(&mask, NULL), 0);
        for (int i = 0; i < rows * columns; i++)
            assert_int_equal(mask.pixels[i], labels[i] == 0);
        free(labels);
        mask_release(&mask);
    }
}

static void test_distance_against_definition(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        int rows = 1 + (int)(random_next() % 18), columns = 1 + (int)(random_next() % 18);
        struct mask mask = random_mask(rows, columns, round % 20);
        double sr = 0.5 + (random_next() % 100) / 50.0, sc = 0.5 + (random_next() % 100) / 50.0;
        struct plane distance;
        assert_int_equal(mask_distance(&mask, sr, sc, &distance, NULL), 0);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++) {
                double best = INFINITY;
                for (int j = 0; j < rows; j++)
                    for (int i = 0; i < columns; i++)
                        if (*at(&mask, i, j))
                            best = fmin(best, hypot((x - i) * sc, (y - j) * sr));
                double found = distance.values[y * columns + x];
                if (isinf(best))
                    assert_true(isinf(found));
                else
                    assert_true(fabs(found - best) < 1e-5);
            }
        plane_release(&distance);
        mask_release(&mask);
    }
}

static void test_bounds_and_crop(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct mask mask = random_mask(1 + (int)(random_next() % 12), 1 + (int)(random_next() % 12),
                                       round % 10), part;
        struct bounds b;
        if (!mask_bounds(&mask, &b)) {
            assert_int_equal(mask_count(&mask), 0);
            mask_release(&mask);
            continue;
        }
        assert_int_equal(mask_crop(&mask, &b, &part, NULL), 0);
        assert_int_equal(mask_count(&part), mask_count(&mask)); /* nothing lies outside */
        assert_true(mask_touches_box(&mask, b.x0, b.y0, b.x0, b.y1)); /* and no side is empty */
        assert_true(mask_touches_box(&mask, b.x1, b.y0, b.x1, b.y1));
        assert_true(mask_touches_box(&mask, b.x0, b.y0, b.x1, b.y0));
        assert_true(mask_touches_box(&mask, b.x0, b.y1, b.x1, b.y1));
        for (int y = 0; y < part.rows; y++)
            for (int x = 0; x < part.columns; x++)
                assert_int_equal(*at(&part, x, y), *at(&mask, x + b.x0, y + b.y0));
        mask_release(&part);
        mask_release(&mask);
    }
}

/* ---- contours ---- */

static void test_contour_runs_around_the_part(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct mask mask = random_mask(1 + (int)(random_next() % 16), 1 + (int)(random_next() % 16),
                                       55);
        struct contour contour = {0};
        assert_int_equal(mask_keep_largest(&mask, CONNECTIVITY_4, NULL), 0);
        assert_int_equal(mask_fill_holes(&mask, NULL), 0);
        if (mask_count(&mask) == 0) {
            assert_int_equal(contour_trace(&mask, &contour, NULL), STATUS_NOT_FOUND);
            mask_release(&mask);
            continue;
        }
        size_t edges = 0;
        for (int y = -1; y <= mask.rows; y++)
            for (int x = -1; x <= mask.columns; x++) {
                edges += set_at(&mask, x, y) != set_at(&mask, x + 1, y);
                edges += set_at(&mask, x, y) != set_at(&mask, x, y + 1);
            }
        assert_int_equal(contour_trace(&mask, &contour, NULL), 0);
        assert_int_equal(contour.count, edges); /* each edge once, none left out */
        for (size_t i = 0; i < contour.count; i++) {
            struct point p = contour.points[i];
            int x0 = (int)floor(p.x), y0 = (int)floor(p.y);
            int x1 = (int)ceil(p.x), y1 = (int)ceil(p.y);
            assert_int_equal(abs(x1 - x0) + abs(y1 - y0), 1);
            assert_true(set_at(&mask, x0, y0) != set_at(&mask, x1, y1));
            struct point q = contour.points[(i + 1) % contour.count];
            assert_true(hypot(p.x - q.x, p.y - q.y) <= 1.0 + 1e-12);
        }
        contour_release(&contour);
        mask_release(&mask);
    }
}

static double cross(struct point a, struct point b, struct point c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static struct contour random_points(size_t count, int range)
{
    struct contour c = {malloc(count * sizeof *c.points), count};
    for (size_t i = 0; i < count; i++)
        c.points[i] = (struct point){random_next() % (uint32_t)range / 2.0,
                                     random_next() % (uint32_t)range / 2.0};
    return c;
}

static void test_hull_and_diameter_against_all_pairs(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct contour c = random_points(1 + random_next() % 30, 2 + (int)(random_next() % 40));
        double sx = 0.2 + random_next() % 50 / 10.0, sy = 0.2 + random_next() % 50 / 10.0;
        double longest = 0;
        for (size_t i = 0; i < c.count; i++)
            for (size_t k = 0; k < c.count; k++)
                longest = fmax(longest, hypot((c.points[i].x - c.points[k].x) * sx,
                                              (c.points[i].y - c.points[k].y) * sy));
        struct contour hull;
        struct segment diameter;
        assert_int_equal(contour_hull(&c, &hull, NULL), 0);
        for (size_t i = 0; hull.count > 2 && i < hull.count; i++) {
            struct point a = hull.points[i], b = hull.points[(i + 1) % hull.count];
            assert_true(cross(a, b, hull.points[(i + 2) % hull.count]) > 0);
            for (size_t k = 0; k < c.count; k++)
                assert_true(cross(a, b, c.points[k]) >= 0);
        }
        assert_int_equal(contour_diameter(&c, sx, sy, &diameter, NULL), 0);
        assert_true(fabs(diameter.length - longest) < 1e-9);
        contour_release(&hull);
        contour_release(&c);
    }
}

/* Brute force: every station, every edge. */
static double widest(const struct contour *c, const struct segment *axis, double sx, double sy)
{
    double ux = (axis->to.x - axis->from.x) * sx, uy = (axis->to.y - axis->from.y) * sy;
    double length = hypot(ux, uy), best = 0;
    ux /= length;
    uy /= length;
    for (size_t s = 0; s < c->count; s++) {
        double t = c->points[s].x * sx * ux + c->points[s].y * sy * uy;
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < c->count; i++) {
            struct point a = c->points[i], b = c->points[(i + 1) % c->count];
            double ta = a.x * sx * ux + a.y * sy * uy, tb = b.x * sx * ux + b.y * sy * uy;
            double va = -a.x * sx * uy + a.y * sy * ux, vb = -b.x * sx * uy + b.y * sy * ux;
            if (ta == t) {
                low = fmin(low, va);
                high = fmax(high, va);
            }
            if ((ta - t) * (tb - t) >= 0)
                continue;
            double v = va + (vb - va) * (t - ta) / (tb - ta);
            low = fmin(low, v);
            high = fmax(high, v);
        }
        best = fmax(best, high - low);
    }
    return best;
}

static void test_perpendicular_against_all_lines(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct mask mask = random_mask(4 + (int)(random_next() % 12), 4 + (int)(random_next() % 12),
                                       70);
        struct contour c;
        struct segment axis, extent;
        double sx = 0.5 + random_next() % 20 / 10.0, sy = 0.5 + random_next() % 20 / 10.0;
        assert_int_equal(mask_keep_largest(&mask, CONNECTIVITY_4, NULL), 0);
        if (mask_count(&mask) == 0) {
            mask_release(&mask);
            continue;
        }
        assert_int_equal(contour_trace(&mask, &c, NULL), 0);
        assert_int_equal(contour_diameter(&c, sx, sy, &axis, NULL), 0);
        assert_int_equal(contour_perpendicular(&c, &axis, sx, sy, &extent, NULL), 0);
        assert_true(fabs(extent.length - widest(&c, &axis, sx, sy)) < 1e-9);
        double ax = (axis.to.x - axis.from.x) * sx, ay = (axis.to.y - axis.from.y) * sy;
        double ex = (extent.to.x - extent.from.x) * sx, ey = (extent.to.y - extent.from.y) * sy;
        assert_true(fabs(hypot(ex, ey) - extent.length) < 1e-9);
        assert_true(fabs(ax * ex + ay * ey) < 1e-6 * axis.length);
        contour_release(&c);
        mask_release(&mask);
    }
}

static void test_ellipses(void **state)
{
    (void)state;
    const struct {
        double a, b, angle;
    } cases[] = {{60, 30, 0}, {60, 30, 0.4}, {80, 25, 1.1}, {40, 40, 0}, {90, 60, -0.7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double a = cases[i].a, b = cases[i].b;
        struct mask mask = ellipse(220, a, b, cases[i].angle);
        struct contour c;
        struct segment axis, extent;
        assert_int_equal(contour_trace(&mask, &c, NULL), 0);
        assert_int_equal(contour_diameter(&c, 1, 1, &axis, NULL), 0);
        assert_int_equal(contour_perpendicular(&c, &axis, 1, 1, &extent, NULL), 0);
        assert_true(fabs(axis.length - 2 * a) < 1.0);
        assert_true(fabs(extent.length - 2 * b) < 1.5);
        assert_true(fabs(contour_area(&c) - M_PI * a * b) < 0.01 * M_PI * a * b);
        /* Ramanujan's circumference; stepping along pixel edges at 45° overshoots a little. */
        double h = (a - b) * (a - b) / ((a + b) * (a + b));
        double around = M_PI * (a + b) * (1 + 3 * h / (10 + sqrt(4 - 3 * h)));
        double ratio = contour_perimeter(&c, 1, 1) / around;
        assert_true(ratio > 0.99 && ratio < 1.08);
        contour_release(&c);
        mask_release(&mask);
    }
}

static void test_rectangle_exactly(void **state)
{
    (void)state;
    struct mask mask = mask_make(40, 60);
    struct contour c;
    struct segment axis, extent;
    for (int y = 10; y < 20; y++)
        for (int x = 5; x < 45; x++)
            *at(&mask, x, y) = 1;
    assert_int_equal(contour_trace(&mask, &c, NULL), 0);
    assert_int_equal(c.count, 100);
    assert_true(fabs(contour_area(&c) - (400 - 4 * 0.125)) < 1e-9); /* corners are cut */
    /* From the middle of one end's outermost pixel edge to the other's, diagonally. */
    assert_int_equal(contour_diameter(&c, 1, 1, &axis, NULL), 0);
    assert_true(fabs(axis.length - hypot(40, 9)) < 1e-9);
    struct segment along = {{4.5, 15}, {44.5, 15}, 40};
    assert_int_equal(contour_perpendicular(&c, &along, 1, 1, &extent, NULL), 0);
    assert_true(fabs(extent.length - 10) < 1e-9);
    assert_true(mask_touches_box(&mask, 5, 0, 59, 39));
    assert_false(mask_touches_box(&mask, 4, 9, 45, 20));
    contour_release(&c);
    mask_release(&mask);
}

static double polygon_distance(const struct contour *c, struct point p)
{
    double best = INFINITY;
    for (size_t i = 0; i < c->count; i++) {
        struct point a = c->points[i], b = c->points[(i + 1) % c->count];
        double dx = b.x - a.x, dy = b.y - a.y, l = dx * dx + dy * dy;
        double t = l > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / l : 0;
        t = fmin(1, fmax(0, t));
        best = fmin(best, hypot(p.x - a.x - t * dx, p.y - a.y - t * dy));
    }
    return best;
}

static void test_simplify_keeps_its_promise(void **state)
{
    (void)state;
    struct mask mask = ellipse(300, 130, 70, 0.5);
    struct contour c, simple;
    double deviation;
    assert_int_equal(contour_trace(&mask, &c, NULL), 0);
    assert_int_equal(contour_simplify(&c, 1000, 0.75, &simple, &deviation, NULL), 0);
    assert_in_range(simple.count, 10, 120);
    assert_true(deviation <= 0.75);
    for (size_t i = 0; i < c.count; i++)
        assert_true(polygon_distance(&simple, c.points[i]) <= 0.75 + 1e-9);
    contour_release(&simple);
    assert_int_equal(contour_simplify(&c, 8, 0.75, &simple, &deviation, NULL), 0);
    assert_int_equal(simple.count, 8);
    assert_true(deviation > 0.75);
    for (size_t i = 0; i < c.count; i++)
        assert_true(polygon_distance(&simple, c.points[i]) <= deviation + 1e-9);
    contour_release(&simple);
    contour_release(&c);
    struct mask dot = mask_make(3, 3);
    *at(&dot, 1, 1) = 1;
    assert_int_equal(contour_trace(&dot, &c, NULL), 0);
    assert_int_equal(contour_simplify(&c, 100, 5, &simple, NULL, NULL), 0);
    assert_int_equal(simple.count, 3);
    contour_release(&simple);
    contour_release(&c);
    mask_release(&dot);
    mask_release(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_against_flood_fill),
        cmocka_unit_test(test_holes_against_flood_fill),
        cmocka_unit_test(test_distance_against_definition),
        cmocka_unit_test(test_bounds_and_crop),
        cmocka_unit_test(test_contour_runs_around_the_part),
        cmocka_unit_test(test_hull_and_diameter_against_all_pairs),
        cmocka_unit_test(test_perpendicular_against_all_lines),
        cmocka_unit_test(test_ellipses),
        cmocka_unit_test(test_rectangle_exactly),
        cmocka_unit_test(test_simplify_keeps_its_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
