#include "phantom/motion.h"

#include <math.h>

/* Sideways strain for each unit of strain in depth: soft tissue keeps its volume, part of it by
 * moving out of the plane. */
static const double SIDEWAYS = 0.4;
/* Around a firm lesion the tissue follows it up to about here. */
static const double FOLLOW_MM = 5;

void motion_draw(struct random *r, double reach_mm, struct motion *ret_motion)
{
    double side = random_chance(r, 0.5) ? -1 : 1;
    bool enters = random_chance(r, 0.75), leaves = random_chance(r, 0.75);
    *ret_motion = (struct motion){
        .enter = enters ? random_uniform(r, 0.12, 0.2) : 0,
        .leave = leaves ? random_uniform(r, 0.12, 0.2) : 0,
        .from_mm = side * (reach_mm + random_uniform(r, 1, 3)),
        .to_mm = -side * (reach_mm + random_uniform(r, 1, 3)),
        .wobble_mm = random_uniform(r, 0.1, 0.4),
        .pushes = 1 + random_below(r, 2),
        .strain = random_uniform(r, 0.14, 0.22),
        .slip_mm = (random_chance(r, 0.5) ? 1 : -1) * random_uniform(r, 3, 4),
        .breath_mm = {random_uniform(r, 0.2, 1), random_uniform(r, 0.2, 0.8)},
        .breath_s = random_uniform(r, 2.5, 4.5),
        .breath_phase = random_uniform(r, 0, 2 * M_PI),
    };
}

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

struct pose motion_at(const struct motion *m, double part, double seconds)
{
    double breath = sin(2 * M_PI * seconds / m->breath_s + m->breath_phase);
    struct pose pose = {.shift_x_mm = m->breath_mm[0] * breath,
                        .shift_y_mm = m->breath_mm[1] * breath};
    if (part < m->enter) {
        pose.elevation_mm = m->from_mm * smooth(1 - part / m->enter);
    } else if (part > 1 - m->leave) {
        pose.elevation_mm = m->to_mm * smooth((part - (1 - m->leave)) / m->leave);
    } else {
        double rest = (part - m->enter) / (1 - m->enter - m->leave);
        double half = sin(M_PI * m->pushes * rest);
        pose.push = half * half;
        pose.elevation_mm = m->wobble_mm * sin(2 * M_PI * 2 * rest);
    }
    return pose;
}

void squeeze_source(const struct squeeze *s, double x_mm, double y_mm, double *ret_x_mm,
                    double *ret_y_mm)
{
    double narrow = 1 / (1 + SIDEWAYS * s->strain), press = 1 - s->strain;
    double x = s->middle_mm + (x_mm - s->middle_mm) * narrow + s->shift_x_mm;
    double y = y_mm / press + s->shift_y_mm;
    double depth = shape_depth_mm(s->lesion, (float)x, (float)y);
    double share = depth >= 0 ? 1 : exp(-(depth / FOLLOW_MM) * (depth / FOLLOW_MM));
    /* Moved as a whole, the lesion lies around where its middle has gone. */
    double middle_x = s->middle_mm + (s->lesion->x_mm - s->shift_x_mm - s->middle_mm) / narrow;
    double middle_y = (s->lesion->y_mm - s->shift_y_mm) * press;
    double firm = share * s->firmness;
    *ret_x_mm = x + firm * (s->lesion->x_mm + x_mm - middle_x - x) - share * s->slip_mm;
    *ret_y_mm = y + firm * (s->lesion->y_mm + y_mm - middle_y - y);
}
