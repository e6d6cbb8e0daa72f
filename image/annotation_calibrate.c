#include <math.h>

#include "image/annotation.h"

/* The line between two marks. */
struct span {
    struct annotation_point a, b;
    double length;
    char mark;
};

enum { MARKS_MAX = 8, SPANS_MAX = MARKS_MAX * (MARKS_MAX - 1) / 2 };

static bool signs_differ(char a, char b)
{
    bool sign_a = a == '+' || a == 'x', sign_b = b == '+' || b == 'x';
    return sign_a && sign_b && a != b;
}

static int spans_make(const struct annotation_point *marks, size_t count, struct span *spans)
{
    int n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (!signs_differ(marks[i].mark, marks[k].mark))
                spans[n++] = (struct span){marks[i], marks[k],
                                           hypot(marks[i].x - marks[k].x, marks[i].y - marks[k].y),
                                           marks[i].mark ? marks[i].mark : marks[k].mark};
    return n;
}

static double turn(const struct annotation_point *a, const struct annotation_point *b,
                   const struct annotation_point *c)
{
    return (b->x - a->x) * (c->y - a->y) - (b->y - a->y) * (c->x - a->x);
}

/* Each line has the ends of the other on both of its sides. */
static bool cross(const struct span *p, const struct span *q)
{
    return turn(&p->a, &p->b, &q->a) * turn(&p->a, &p->b, &q->b) < 0 &&
           turn(&q->a, &q->b, &p->a) * turn(&q->a, &q->b, &p->b) < 0;
}

static double spacing_of(const struct annotation_reading *reading, const struct span *span)
{
    static const double finest = 0.02, coarsest = 0.5;
    double spacing = span->length >= 8 ? reading->mm / span->length : 0;
    bool fits = !signs_differ(reading->mark, span->mark);
    return fits && spacing >= finest && spacing <= coarsest ? spacing : 0;
}

static bool agree(double a, double b)
{
    return fabs(a - b) <= 0.03 * fmin(a, b);
}

struct calibration annotation_calibrate(const struct annotation_reading *readings,
                                        size_t reading_count,
                                        const struct annotation_point *marks, size_t mark_count)
{
    const struct calibration none = {.source = CALIBRATION_NONE, .region = -1};
    struct span spans[SPANS_MAX];
    double sum = 0, first = 0;
    int found = 0;
    if (mark_count < 4 || mark_count > MARKS_MAX || reading_count < 2 ||
        reading_count > ANNOTATION_READINGS_MAX)
        return none;
    int count = spans_make(marks, mark_count, spans);
    for (int p = 0; p < count; p++)
        for (int q = p + 1; q < count; q++) {
            if (!cross(&spans[p], &spans[q]))
                continue;
            for (size_t i = 0; i < reading_count; i++)
                for (size_t k = 0; k < reading_count; k++) {
                    double one = spacing_of(&readings[i], &spans[p]);
                    double other = spacing_of(&readings[k], &spans[q]);
                    if (i == k || one == 0 || other == 0 || !agree(one, other))
                        continue;
                    double mean = (one + other) / 2;
                    if (found && !agree(mean, first))
                        return none;
                    first = found ? first : mean;
                    sum += mean;
                    found++;
                }
        }
    if (!found)
        return none;
    return (struct calibration){CALIBRATION_ESTIMATED, sum / found, sum / found, -1};
}
