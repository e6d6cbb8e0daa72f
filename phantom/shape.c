#include "phantom/shape.h"

#include <math.h>

static double angle_of(int i)
{
    return 2 * M_PI * i / SHAPE_ANGLES;
}

static void scale_to(struct shape *s, double long_mm)
{
    double factor = long_mm / shape_diameter(s).length_mm;
    for (int i = 0; i < SHAPE_ANGLES; i++)
        s->radius_mm[i] = (float)(s->radius_mm[i] * factor);
}

static double ellipse_radius(double half_long, double half_short, double angle)
{
    double c = cos(angle) / half_long;
    double s = sin(angle) / half_short;
    return 1 / sqrt(c * c + s * s);
}

void shape_tumour(struct random *r, double long_mm, double irregularity, struct shape *ret_shape)
{
    enum { LOBES = 9, SPIKES_MAX = 14 };
    double aspect = random_uniform(r, 0.55, 0.85);
    double tilt = random_uniform(r, -0.35, 0.35);
    double amplitude[LOBES], phase[LOBES];
    for (int k = 0; k < LOBES; k++) {
        /* Waves of 3 to 11 per turn; higher ones are lower. */
        amplitude[k] =
            (0.015 + 0.10 * irregularity) * random_uniform(r, 0.5, 1) * sqrt(3.0 / (k + 3));
        phase[k] = random_uniform(r, 0, 2 * M_PI);
    }
    int spikes = (int)(irregularity * SPIKES_MAX + 0.5);
    double spike_at[SPIKES_MAX], spike_height[SPIKES_MAX], spike_width[SPIKES_MAX];
    for (int k = 0; k < SPIKES_MAX; k++) {
        spike_at[k] = random_uniform(r, 0, 2 * M_PI);
        spike_height[k] = irregularity * random_uniform(r, 0.10, 0.28);
        spike_width[k] = random_uniform(r, 0.08, 0.15);
    }
    *ret_shape = (struct shape){0};
    for (int i = 0; i < SHAPE_ANGLES; i++) {
        double angle = angle_of(i);
        double factor = 1;
        for (int k = 0; k < LOBES; k++)
            factor += amplitude[k] * cos((k + 3) * angle + phase[k]);
        for (int k = 0; k < spikes; k++) {
            double off = remainder(angle - spike_at[k], 2 * M_PI) / spike_width[k];
            factor += spike_height[k] * exp(-off * off);
        }
        ret_shape->radius_mm[i] =
            (float)(ellipse_radius(1, aspect, angle - tilt) * fmax(factor, 0.35));
    }
    scale_to(ret_shape, long_mm);
}

void shape_node(struct random *r, double long_mm, double roundness, struct shape *ret_shape)
{
    double tilt = random_uniform(r, -0.35, 0.35);
    double bean = random_uniform(r, 0, 0.04);
    double phase = random_uniform(r, 0, 2 * M_PI);
    *ret_shape = (struct shape){0};
    for (int i = 0; i < SHAPE_ANGLES; i++) {
        double angle = angle_of(i);
        double factor = 1 + bean * cos(3 * angle + phase);
        ret_shape->radius_mm[i] = (float)(ellipse_radius(1, roundness, angle - tilt) * factor);
    }
    scale_to(ret_shape, long_mm);
}

void shape_inset(const struct shape *outer, double cortex_mm, struct shape *ret_inner)
{
    /* Distance along the ray is not distance to the outline: divide by the cosine between the
     * ray and the outline's normal, from the slope of r(θ). */
    struct shape inner = *outer;
    for (int i = 0; i < SHAPE_ANGLES; i++) {
        double before = outer->radius_mm[(i + SHAPE_ANGLES - 1) % SHAPE_ANGLES];
        double after = outer->radius_mm[(i + 1) % SHAPE_ANGLES];
        double radius = outer->radius_mm[i];
        double slope = (after - before) / (2 * angle_of(1)) / radius;
        inner.radius_mm[i] = (float)fmax(radius - cortex_mm * sqrt(1 + slope * slope), 0);
    }
    *ret_inner = inner;
}

float shape_depth_mm(const struct shape *s, float x_mm, float y_mm)
{
    float dx = x_mm - (float)s->x_mm;
    float dy = y_mm - (float)s->y_mm;
    float turn = atan2f(dy, dx) * (float)(SHAPE_ANGLES / (2 * M_PI));
    if (turn < 0)
        turn += SHAPE_ANGLES;
    int i = (int)turn;
    float part = turn - (float)i;
    float low = s->radius_mm[i % SHAPE_ANGLES];
    float high = s->radius_mm[(i + 1) % SHAPE_ANGLES];
    return low + part * (high - low) - sqrtf(dx * dx + dy * dy);
}

float shape_largest_radius_mm(const struct shape *s)
{
    float largest = 0;
    for (int i = 0; i < SHAPE_ANGLES; i++)
        largest = fmaxf(largest, s->radius_mm[i]);
    return largest;
}

struct diameter shape_diameter(const struct shape *s)
{
    double x[SHAPE_ANGLES], y[SHAPE_ANGLES];
    for (int i = 0; i < SHAPE_ANGLES; i++) {
        x[i] = s->x_mm + s->radius_mm[i] * cos(angle_of(i));
        y[i] = s->y_mm + s->radius_mm[i] * sin(angle_of(i));
    }
    struct diameter best = {0};
    for (int i = 0; i < SHAPE_ANGLES; i++)
        for (int j = i + 1; j < SHAPE_ANGLES; j++) {
            double dx = x[j] - x[i];
            double dy = y[j] - y[i];
            double square = dx * dx + dy * dy;
            if (square > best.length_mm)
                best = (struct diameter){x[i], y[i], x[j], y[j], square};
        }
    best.length_mm = sqrt(best.length_mm);
    return best;
}

double shape_width_mm(const struct shape *s, const struct diameter *across)
{
    double nx = -(across->y1_mm - across->y0_mm) / across->length_mm;
    double ny = (across->x1_mm - across->x0_mm) / across->length_mm;
    double low = 0, high = 0;
    for (int i = 0; i < SHAPE_ANGLES; i++) {
        double along = s->radius_mm[i] * (cos(angle_of(i)) * nx + sin(angle_of(i)) * ny);
        low = fmin(low, along);
        high = fmax(high, along);
    }
    return high - low;
}
