/* A package's logistic model as a nomogram: one scale per term with the patient's value on it, the
 * points of all terms, and the risk that they mean. Made of the package and of the score's
 * contributions; nothing is fitted here.
 *
 * A term adds coefficient × (value − centre) / scale to the linear predictor. Its points are that
 * part above the least one on its scale, in units in which the longest scale has 100 points:
 *   points = (part − least part) / unit,  linear predictor = base + unit × total points. */
#ifndef AXNODE_REPORT_NOMOGRAM_H
#define AXNODE_REPORT_NOMOGRAM_H

#include "base/arena.h"
#include "report/sheet.h"

enum { NOMOGRAM_SCALES_MAX = 10 };

struct nomogram_scale {
    const struct contribution *term; /* NULL: several terms together, without values of their own */
    const char *label;
    double low, high; /* values at the ends; low < high */
    double points_low, points_high; /* at `low` and at `high` */
    double points;                  /* the patient's */
};

struct nomogram {
    const struct package *package;
    struct nomogram_scale scales[NOMOGRAM_SCALES_MAX]; /* the package's order */
    size_t count;
    double unit, base;
    double total, total_max; /* points: the patient's, and of all scales' upper ends */
};

/* False: there is no nomogram, for there is no risk, or no package or model to draw it of. Values go
 * from centre − 2.5 to centre + 2.5 of the term's scale (clinical codes: the first to the last;
 * lengths: not below 0; clinical numbers: within what a patient can have), and as far as the
 * patient's. Of more terms than NOMOGRAM_SCALES_MAX those with the shortest scales are one.
 * The texts lie in `arena`. */
bool nomogram_make(const struct report_input *input, struct arena *arena,
                   struct nomogram *ret_nomogram);
/* Of this many points, 0 to 1; and back. */
double nomogram_risk(const struct nomogram *n, double points);
double nomogram_points(const struct nomogram *n, double risk);

/* Into `box`. */
void nomogram_draw(struct sheet *s, struct box box, const struct nomogram *n);

#endif
