#include "phantom/loop.h"

#include <math.h>
#include <string.h>

#include "phantom/motion.h"
#include "phantom/speckle.h"

enum { COLUMNS = 512, ROWS = 384, FRAMES_MIN = 32 };
/* Tissue that is not in the picture at rest and comes into it: a part of its rows, millimetres on
 * either side. */
static const double BELOW = 0.3, BESIDE_MM = 2;
/* The plane's anatomy goes sideways by this for each millimetre of elevation. */
static const double DRIFT = 0.25;

struct study_plan loop_plan(const struct study_plan *study)
{
    struct random r = random_stream(study->seed, (uint64_t)study->number, RANDOM_LOOP, 0);
    struct study_plan plan = *study;
    plan.seed = random_bits(&r);
    plan.machine.columns = COLUMNS;
    plan.machine.rows = ROWS;
    plan.machine.colour = false;
    plan.machine.text_scale = 1;
    plan.machine.looks = 1;
    plan.picture_count = 1;
    plan.pictures[0] = (struct picture_plan){.view = VIEW_BREAST, .principal = true, .size = 1};
    return plan;
}

/* What all frames of a loop are made of. */
struct film {
    const struct study_plan *plan;
    struct scene scene; /* its lesion in the coordinates of `echo_db`: `beside` pixels further */
    int beside;
    double thickness_mm; /* half the tumour's extent in elevation */
    double sigma_mm;     /* of the beam in elevation */
    struct motion motion;
    struct image screen; /* without tissue */
    struct image seen;   /* the region */
    struct plane echo_db;
    struct mask lesion, hilum; /* of echo_db's size; the hilum stays empty */
    struct warp warp;
};

static void film_release(struct film *f)
{
    image_release(&f->screen);
    image_release(&f->seen);
    plane_release(&f->echo_db);
    mask_release(&f->lesion);
    mask_release(&f->hilum);
    plane_release(&f->warp.x);
    plane_release(&f->warp.y);
}

static int film_init(const struct study_plan *plan, struct film *f, struct error *err)
{
    struct random r = random_stream(plan->seed, (uint64_t)plan->number, RANDOM_LOOP, 0);
    *f = (struct film){.plan = plan};
    scene_draw(plan, 0, &f->scene);
    f->beside = (int)(BESIDE_MM / f->scene.spacing_mm) + 1;
    f->scene.tissue.lesion.outline.x_mm += f->beside * f->scene.spacing_mm;
    /* A field is moved by parts of a pixel: it must not change faster than that. */
    float least_mm = 1.1F * (float)f->scene.spacing_mm;
    f->scene.beam.axial_sigma_mm = fmaxf(f->scene.beam.axial_sigma_mm, least_mm);
    f->scene.beam.lateral_sigma_mm = fmaxf(f->scene.beam.lateral_sigma_mm, least_mm);
    f->thickness_mm = plan->latents.tumour_size_mm / 2 * random_uniform(&r, 0.8, 1.1);
    f->sigma_mm = random_uniform(&r, 0.5, 0.9);
    motion_draw(&r, f->thickness_mm, &f->motion);

    int columns = f->scene.region.x1 - f->scene.region.x0 + 1;
    int rows = f->scene.region.y1 - f->scene.region.y0 + 1;
    int wide = columns + 2 * f->beside, deep = (int)(rows * (1 + BELOW));
    int status = image_init(&f->screen, plan->machine.rows, plan->machine.columns, 1, err);
    if (status == STATUS_OK)
        status = image_init(&f->seen, rows, columns, 1, err);
    if (status == STATUS_OK)
        status = plane_init(&f->echo_db, deep, wide, err);
    if (status == STATUS_OK)
        status = mask_init(&f->lesion, deep, wide, err);
    if (status == STATUS_OK)
        status = mask_init(&f->hilum, deep, wide, err);
    if (status == STATUS_OK)
        status = plane_init(&f->warp.x, rows, columns, err);
    if (status == STATUS_OK)
        status = plane_init(&f->warp.y, rows, columns, err);
    if (status == STATUS_OK)
        scene_screen(plan, 0, &f->scene, &f->screen);
    return status;
}

/* Diameter of the tumour's section here, relative to its largest: an ellipsoid. */
static double section(const struct film *f, double elevation_mm)
{
    double off = elevation_mm / f->thickness_mm;
    return off * off < 1 ? sqrt(1 - off * off) : 0;
}

/* The tissue of this plane, at rest. */
static int plane_fill(struct film *f, double elevation_mm, struct error *err)
{
    struct random anatomy =
        random_stream(f->plan->seed, (uint64_t)f->plan->number, RANDOM_TISSUE, 0);
    struct tissue tissue = f->scene.tissue;
    double size = section(f, elevation_mm);
    tissue.drift_mm = (float)(DRIFT * elevation_mm);
    for (int i = 0; i < SHAPE_ANGLES; i++)
        tissue.lesion.outline.radius_mm[i] *= (float)size;
    tissue.lesion.rim_db *= (float)size;
    if (size <= 0)
        tissue.lesion.outline.x_mm = -1000; /* out of the picture */
    memset(f->lesion.pixels, 0, (size_t)f->lesion.rows * f->lesion.columns);
    return tissue_fill(&tissue, &anatomy, &f->echo_db, &f->lesion, &f->hilum, err);
}

static void warp_fill(struct film *f, const struct pose *pose, double firmness)
{
    double spacing = f->scene.spacing_mm, size = section(f, pose->elevation_mm);
    struct squeeze squeeze = {
        .lesion = &f->scene.tissue.lesion.outline,
        .middle_mm = f->echo_db.columns * spacing / 2,
        .strain = f->motion.strain * pose->push,
        .shift_x_mm = pose->shift_x_mm,
        .shift_y_mm = pose->shift_y_mm,
        .firmness = firmness * size,
        .slip_mm = f->motion.slip_mm * pose->push * (1 - firmness) * size,
    };
    for (int row = 0; row < f->warp.x.rows; row++)
        for (int column = 0; column < f->warp.x.columns; column++) {
            double x, y;
            size_t i = (size_t)row * f->warp.x.columns + column;
            squeeze_source(&squeeze, (column + f->beside) * spacing, row * spacing, &x, &y);
            f->warp.x.values[i] = (float)(x / spacing);
            f->warp.y.values[i] = (float)(y / spacing);
        }
}

static int frame_render(struct film *f, int number, const struct pose *pose, double firmness,
                        struct image *ret_frame, struct error *err)
{
    struct random noise = random_stream(f->plan->seed, (uint64_t)f->plan->number, RANDOM_SPECKLE,
                                        (uint64_t)number + 1);
    struct slab slab = {f->plan->seed, pose->elevation_mm, f->sigma_mm};
    int status = plane_fill(f, pose->elevation_mm, err);
    warp_fill(f, pose, firmness);
    if (status == STATUS_OK)
        status = speckle_frame(&f->echo_db, &f->scene.beam, &slab, &f->warp, &noise, &f->seen, err);
    if (status == STATUS_OK)
        status = image_copy(&f->screen, ret_frame, err);
    const struct us_region *region = &f->scene.region;
    for (int row = 0; row < f->seen.rows && status == STATUS_OK; row++)
        memcpy(ret_frame->pixels + (size_t)(region->y0 + row) * ret_frame->columns + region->x0,
               f->seen.pixels + (size_t)row * f->seen.columns, (size_t)f->seen.columns);
    return status;
}

/* The tumour in the frame that was rendered last. */
static int lesion_copy(const struct film *f, struct mask *ret_lesion, struct error *err)
{
    const struct us_region *region = &f->scene.region;
    mask_release(ret_lesion);
    int status = mask_init(ret_lesion, f->screen.rows, f->screen.columns, err);
    for (int row = 0; row < f->seen.rows && status == STATUS_OK; row++)
        for (int column = 0; column < f->seen.columns; column++) {
            size_t i = (size_t)row * f->seen.columns + column;
            long x = lroundf(f->warp.x.values[i]), y = lroundf(f->warp.y.values[i]);
            if (x >= 0 && y >= 0 && x < f->lesion.columns && y < f->lesion.rows)
                ret_lesion->pixels[(size_t)(region->y0 + row) * ret_lesion->columns + region->x0 +
                                   column] = f->lesion.pixels[y * f->lesion.columns + x];
        }
    return status;
}

int loop_render(const struct study_plan *plan, double firmness, struct loop *ret_loop,
                struct error *err)
{
    struct random r = random_stream(plan->seed, (uint64_t)plan->number, RANDOM_LOOP, 2);
    struct film f;
    memset(ret_loop, 0, sizeof *ret_loop);
    ret_loop->firmness = firmness;
    ret_loop->frame_count = FRAMES_MIN + random_below(&r, PHANTOM_FRAMES_MAX - FRAMES_MIN + 1);
    ret_loop->frame_time_ms = random_uniform(&r, 33, 66);
    int status = film_init(plan, &f, err);
    ret_loop->region = f.scene.region;
    ret_loop->spacing_mm = f.scene.spacing_mm;
    double nearest = INFINITY;
    for (int i = 0; i < ret_loop->frame_count && status == STATUS_OK; i++) {
        struct pose pose = motion_at(&f.motion, (double)i / (ret_loop->frame_count - 1),
                                     i * ret_loop->frame_time_ms / 1000);
        ret_loop->elevation_mm[i] = pose.elevation_mm;
        ret_loop->push[i] = pose.push;
        status = frame_render(&f, i, &pose, firmness, &ret_loop->frames[i], err);
        ret_loop->shows[i] = mask_count(&f.lesion) > 0;
        if (status == STATUS_OK && fabs(pose.elevation_mm) < nearest) {
            nearest = fabs(pose.elevation_mm);
            ret_loop->largest = i;
            status = lesion_copy(&f, &ret_loop->lesion, err);
        }
    }
    film_release(&f);
    if (status != STATUS_OK)
        loop_release(ret_loop);
    return status;
}

void loop_release(struct loop *loop)
{
    for (int i = 0; i < PHANTOM_FRAMES_MAX; i++)
        image_release(&loop->frames[i]);
    mask_release(&loop->lesion);
    memset(loop, 0, sizeof *loop);
}
