#include "phantom/tissue.h"

#include <math.h>
#include <stdlib.h>

/* Smooth random field: values on a lattice, blended. About -1 … 1. */
enum { LATTICE = 64 };
struct field {
    float value[LATTICE][LATTICE];
};

enum { FIELDS = 6, VESSELS_MAX = 3, LAYER_COUNT = 6 };

struct anatomy {
    struct field fields[FIELDS];
    float layer_mm[LAYER_COUNT]; /* nominal depth of each upper boundary */
    float wave_mm;               /* how much they undulate */
    int vessels;
    struct shape vessel[VESSELS_MAX];
};

static void field_fill(struct field *f, struct random *r)
{
    for (int y = 0; y < LATTICE; y++)
        for (int x = 0; x < LATTICE; x++)
            f->value[y][x] = (float)random_uniform(r, -1, 1);
}

static float blend(float t)
{
    return t * t * (3 - 2 * t);
}

/* x and y in units of the lattice, at least -LATTICE. */
static float field_at(const struct field *f, float x, float y)
{
    x += LATTICE;
    y += LATTICE;
    int ix = (int)x, iy = (int)y;
    float tx = blend(x - (float)ix), ty = blend(y - (float)iy);
    const float *top = f->value[iy % LATTICE];
    const float *bottom = f->value[(iy + 1) % LATTICE];
    int left = ix % LATTICE, right = (ix + 1) % LATTICE;
    float above = top[left] + tx * (top[right] - top[left]);
    float below = bottom[left] + tx * (bottom[right] - bottom[left]);
    return above + ty * (below - above);
}

/* 0 below -half, 1 above half. */
static float step(float value, float half)
{
    float t = (value + half) / (2 * half);
    return blend(fminf(fmaxf(t, 0), 1));
}

/* 1 where `value` is 0, falling off within `width`. */
static float ridge(float value, float width)
{
    float t = value / width;
    return 1 / (1 + t * t * t * t);
}

static float mix(float low, float high, float t)
{
    return low + t * (high - low);
}

/* Lobules with thin bright septa. */
static float fat_db(const struct anatomy *a, float x, float y, float level)
{
    float septum = ridge(field_at(&a->fields[0], x / 9, y / 2.6F), 0.06F);
    float strength = 8 + 5 * field_at(&a->fields[2], x / 4, y / 4);
    return level + 3 * field_at(&a->fields[1], x / 3, y / 2) + strength * septum;
}

static float gland_db(const struct anatomy *a, float x, float y, float level)
{
    float wide = field_at(&a->fields[2], x / 5, y / 2.2F);
    float fine = field_at(&a->fields[3], x / 1.3F, y / 0.8F);
    float island = step(field_at(&a->fields[1], x / 6, y / 4) - 0.5F, 0.1F);
    return level + 4 * wide + 2.5F * fine - 7 * island;
}

/* Fibres along x, gently waved. */
static float muscle_db(const struct anatomy *a, float x, float y, float level)
{
    float wave = y + 0.6F * field_at(&a->fields[4], x / 9, 3);
    float fibre = ridge(field_at(&a->fields[5], x / 16, wave / 0.75F), 0.16F);
    return level + 9 * fibre + 2 * field_at(&a->fields[3], x / 2, y);
}

static float boundary_mm(const struct anatomy *a, int i, float x)
{
    if (i < 2)
        return a->layer_mm[i]; /* the skin is flat under the probe */
    return a->layer_mm[i] + a->wave_mm * field_at(&a->fields[4], x / 11, (float)(7 * i)) +
           0.25F * a->wave_mm * field_at(&a->fields[4], x / 3, (float)(7 * i + 3));
}

/* Air and bone behind a bright line: hardly anything but its echoes. */
static float deep_db(float below_mm, float level)
{
    return level - 0.8F * below_mm +
           9 * ridge(remainderf(below_mm, 5), 0.5F) / (1 + 0.3F * below_mm);
}

enum stuff { SKIN, FAT, GLAND, MUSCLE, DEEP };

/* From the surface down. */
static const struct layer {
    enum stuff stuff;
    float level_db;
    float blend_mm;         /* half width of its upper boundary */
    float line_db, line_mm; /* bright interface there */
    float low, high;        /* the boundary's depth as part of the depth shown */
} LAYERS[2][LAYER_COUNT] = {
    [VIEW_BREAST] =
        {
            {SKIN, 2, 0.1F, 0, 1, 0, 0},
            {FAT, -13, 0.15F, 0, 1, 0.025F, 0.05F},
            {GLAND, 0, 0.5F, 0, 1, 0.12F, 0.24F},
            {FAT, -10, 0.5F, 0, 1, 0.58F, 0.68F},
            {MUSCLE, -11, 0.2F, 9, 0.25F, 0.66F, 0.74F},
            {DEEP, -24, 0.4F, 14, 0.4F, 0.80F, 0.97F},
        },
    [VIEW_AXILLA] =
        {
            {SKIN, 2, 0.1F, 0, 1, 0, 0},
            {FAT, -12, 0.15F, 0, 1, 0.025F, 0.05F},
            {MUSCLE, -12, 0.3F, 7, 0.25F, 0.08F, 0.14F},
            {FAT, -6, 0.3F, 7, 0.25F, 0.18F, 0.28F},
            {MUSCLE, -13, 0.3F, 0, 1, 0.66F, 0.80F},
            {DEEP, -24, 0.4F, 8, 0.4F, 0.84F, 1.05F},
        },
};

static float layer_db(const struct anatomy *a, const struct layer *l, float x, float y, float top)
{
    switch (l->stuff) {
    case SKIN: return l->level_db + 7 * (ridge(y - 0.5F, 0.2F) + ridge(y - a->layer_mm[1], 0.25F));
    case FAT: return fat_db(a, x, y, l->level_db);
    case GLAND: return gland_db(a, x, y, l->level_db);
    case MUSCLE: return muscle_db(a, x, y, l->level_db);
    case DEEP: return deep_db(y - top, l->level_db);
    }
    return 0;
}

/* `tops`: depth of each layer's upper boundary here. */
static float layers_db(const struct anatomy *a, enum view view, float x, float y, const float *tops)
{
    const struct layer *layers = LAYERS[view];
    float part[LAYER_COUNT] = {1};
    int first = 0; /* deepest layer that hides all above it */
    for (int i = 1; i < LAYER_COUNT; i++) {
        part[i] = step(y - tops[i], layers[i].blend_mm);
        if (part[i] >= 1)
            first = i;
    }
    float db = layer_db(a, &layers[first], x, y, tops[first]);
    for (int i = first + 1; i < LAYER_COUNT; i++)
        if (part[i] > 0)
            db = mix(db, layer_db(a, &layers[i], x, y, tops[i]), part[i]);
    for (int i = 1; i < LAYER_COUNT; i++)
        if (layers[i].line_db > 0)
            db += layers[i].line_db * ridge(y - tops[i], layers[i].line_mm);
    return db;
}

static float vessels_db(const struct anatomy *a, float x, float y, float db)
{
    for (int i = 0; i < a->vessels; i++) {
        const struct shape *v = &a->vessel[i];
        if (fabsf(x - (float)v->x_mm) > 4 || fabsf(y - (float)v->y_mm) > 4)
            continue;
        float depth = shape_depth_mm(v, x, y);
        db = mix(db, -32, step(depth, 0.1F)) + 6 * ridge(depth, 0.2F);
    }
    return db;
}

/* A small vessel away from the lesion, or none when it would touch. */
static void vessels_place(struct anatomy *a, const struct tissue *t, struct random *r, float width)
{
    float keep_off = shape_largest_radius_mm(&t->lesion.outline) + 4;
    int wanted = random_below(r, VESSELS_MAX + 1);
    for (int i = 0; i < wanted; i++) {
        struct shape *v = &a->vessel[a->vessels];
        double size = random_uniform(r, 1.5, 4);
        shape_node(r, size, random_uniform(r, 0.7, 1), v);
        v->x_mm = random_uniform(r, 3, width - 3);
        v->y_mm = random_uniform(r, a->layer_mm[3] + 3, a->layer_mm[4]);
        if (hypot(v->x_mm - t->lesion.outline.x_mm, v->y_mm - t->lesion.outline.y_mm) > keep_off)
            a->vessels++;
    }
}

static void anatomy_draw(struct anatomy *a, const struct tissue *t, struct random *r,
                         float width_mm, float height_mm)
{
    for (int i = 0; i < FIELDS; i++)
        field_fill(&a->fields[i], r);
    for (int i = 0; i < LAYER_COUNT; i++) {
        const struct layer *l = &LAYERS[t->view][i];
        a->layer_mm[i] = height_mm * (float)random_uniform(r, l->low, l->high);
    }
    a->wave_mm = (float)random_uniform(r, 1, 2.5);
    a->vessels = 0;
    if (t->view == VIEW_AXILLA)
        vessels_place(a, t, r, width_mm);
}

/* Echo of the lesion instead of `db`; where `depth` says outside, halo or capsule. */
static float lesion_db(const struct lesion *l, const struct anatomy *a, float x, float y,
                       float depth, float db)
{
    float mottle = l->mottle_db * (field_at(&a->fields[2], x / 2.5F, y / 1.8F) +
                                   0.6F * field_at(&a->fields[3], x / 1.1F, y / 0.9F));
    float inside = l->level_db + mottle;
    if (l->has_hilum) {
        float centre = l->hilum_db + 3 * field_at(&a->fields[3], x / 1.5F, y / 0.7F);
        float ragged = 0.35F * field_at(&a->fields[5], x / 0.9F, y / 0.9F);
        inside =
            mix(inside, centre, step(shape_depth_mm(&l->hilum, x, y) + ragged, 2 * l->edge_mm));
    }
    if (depth < 0)
        db += l->rim_db * expf(depth / l->rim_mm);
    return mix(db, inside, step(depth, l->edge_mm));
}

int tissue_fill(const struct tissue *tissue, struct random *r, struct plane *ret_echo_db,
                struct mask *ret_lesion, struct mask *ret_hilum, struct error *err)
{
    int rows = ret_echo_db->rows, columns = ret_echo_db->columns;
    float spacing = tissue->spacing_mm;
    const struct lesion *lesion = &tissue->lesion;
    struct anatomy *a = calloc(1, sizeof *a);
    float *path_db = calloc((size_t)columns, sizeof *path_db); /* lost or gained above */
    float(*tops)[LAYER_COUNT] = calloc((size_t)columns, sizeof *tops);
    if (!a || !path_db || !tops) {
        free(a);
        free(path_db);
        free(tops);
        return error_set(err, STATUS_NOMEM, "no memory for a synthetic picture");
    }
    anatomy_draw(a, tissue, r, (float)columns * spacing, (float)rows * spacing);
    for (int column = 0; column < columns; column++)
        for (int i = 0; i < LAYER_COUNT; i++)
            tops[column][i] = boundary_mm(a, i, (float)column * spacing + tissue->drift_mm);
    float reach = shape_largest_radius_mm(&lesion->outline) + 5 * lesion->rim_mm + 1;
    for (int row = 0; row < rows; row++) {
        float y = (float)row * spacing;
        float *echo = ret_echo_db->values + (size_t)row * columns;
        uint8_t *in_lesion = ret_lesion->pixels + (size_t)row * columns;
        uint8_t *in_hilum = ret_hilum->pixels + (size_t)row * columns;
        float before = 0;
        for (int column = 0; column < columns; column++) {
            float x = (float)column * spacing;
            float db = layers_db(a, tissue->view, x + tissue->drift_mm, y, tops[column]);
            db = vessels_db(a, x, y, db);
            if (fabsf(x - (float)lesion->outline.x_mm) < reach &&
                fabsf(y - (float)lesion->outline.y_mm) < reach) {
                float depth = shape_depth_mm(&lesion->outline, x, y);
                if (depth > -5 * lesion->rim_mm)
                    db = lesion_db(lesion, a, x, y, depth, db);
                if (depth >= 0) {
                    in_lesion[column] = 1;
                    path_db[column] += lesion->shadow_db_per_mm * spacing;
                    in_hilum[column] =
                        lesion->has_hilum && shape_depth_mm(&lesion->hilum, x, y) >= 0;
                }
            }
            echo[column] = db - path_db[column] + tissue->slope_db_per_mm * y;
            /* The beam is wider than a column: shadows soften on their way down. */
            float next = column + 1 < columns ? path_db[column + 1] : path_db[column];
            float own = path_db[column];
            path_db[column] = own + 0.2F * ((column ? before : own) + next - 2 * own);
            before = own;
        }
    }
    free(a);
    free(path_db);
    free(tops);
    return STATUS_OK;
}
