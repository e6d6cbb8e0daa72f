#include "phantom/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "phantom/random.h"
#include "phantom/screen.h"

static const struct colour WHITE = {230, 230, 230}, DIM = {140, 140, 140}, YELLOW = {240, 220, 60};

static void machine_draw(struct random *r, struct machine *m)
{
    static const int sizes[3][2] = {{640, 480}, {800, 600}, {1024, 768}};
    int size = random_below(r, 3);
    *m = (struct machine){
        .columns = sizes[size][0],
        .rows = sizes[size][1],
        .colour = random_chance(r, 0.5),
        .text_scale = size == 2 ? 2 : 1,
        .dynamic_range_db = (float)random_uniform(r, 52, 72),
        .axial_sigma_mm = (float)random_uniform(r, 0.07, 0.13),
        .lateral_sigma_mm = (float)random_uniform(r, 0.14, 0.26),
        .looks = 1 + random_below(r, 2),
        .bar_left = random_chance(r, 0.5),
    };
}

/* The principal picture of each place and, half of the time, one more: a smaller section of the
 * tumour, or a smaller and less suspicious node. In any order. */
static void pictures_draw(struct random *r, struct study_plan *p)
{
    for (int view = VIEW_BREAST; view <= VIEW_AXILLA; view++) {
        int count = 1 + random_below(r, 2);
        for (int i = 0; i < count; i++)
            p->pictures[p->picture_count++] = (struct picture_plan){
                .view = (enum view)view,
                .principal = i == 0,
                .size = i ? random_uniform(r, 0.65, 0.88) : 1,
                .callipers = view == VIEW_BREAST && random_chance(r, 0.5),
            };
    }
    for (int i = p->picture_count - 1; i > 0; i--) {
        int other = random_below(r, i + 1);
        struct picture_plan swap = p->pictures[i];
        p->pictures[i] = p->pictures[other];
        p->pictures[other] = swap;
    }
}

void study_plan_draw(uint64_t seed, int number, struct study_plan *ret_plan)
{
    struct random r = random_stream(seed, (uint64_t)number, RANDOM_STUDY, 0);
    *ret_plan = (struct study_plan){
        .seed = seed,
        .number = number,
        .latents = latents_draw(seed, (uint64_t)number),
        .side = random_chance(&r, 0.5) ? 'L' : 'R',
        .wording = (enum wording)random_below(&r, 3),
    };
    machine_draw(&r, &ret_plan->machine);
    pictures_draw(&r, ret_plan);
}

static struct random stream(const struct study_plan *p, enum random_purpose purpose, int index)
{
    return random_stream(p->seed, (uint64_t)p->number, purpose, (uint64_t)index);
}

/* Where the tissue lies on the screen, in whole pixels. */
static void region_place(const struct machine *m, struct random *r, struct scene *scene)
{
    static const double depths_mm[] = {40, 45, 50, 55};
    double depth_mm = depths_mm[random_below(r, 4)];
    double width_mm = random_uniform(r, 40, 50);
    int line = 10 * m->text_scale;
    int top = 4 * line + random_below(r, 8);
    int rows = m->rows - top - 4 * line - random_below(r, 8);
    scene->spacing_mm = depth_mm / rows;
    int columns = (int)(width_mm / scene->spacing_mm);
    int left = (m->columns - columns) / 2 + random_below(r, 17) - 8;
    scene->region = (struct us_region){
        .x0 = left,
        .y0 = top,
        .x1 = left + columns - 1,
        .y1 = top + rows - 1,
        .spatial_format = 1,
        .data_type = 1,
        .units_x = 3,
        .units_y = 3,
        .delta_x = scene->spacing_mm / 10,
        .delta_y = scene->spacing_mm / 10,
    };
}

static double between(struct random *r, double low, double high)
{
    return low < high ? random_uniform(r, low, high) : (low + high) / 2;
}

/* Whole outline inside the region, below the skin and, if it fits, above the chest wall. */
static void lesion_place(struct random *r, double width_mm, double depth_mm, struct shape *s)
{
    double left = 0, right = 0, up = 0, down = 0;
    for (int i = 0; i < SHAPE_ANGLES; i++) {
        double angle = 2 * M_PI * i / SHAPE_ANGLES;
        double x = s->radius_mm[i] * cos(angle), y = s->radius_mm[i] * sin(angle);
        left = fmin(left, x);
        right = fmax(right, x);
        up = fmin(up, y);
        down = fmax(down, y);
    }
    s->x_mm = between(r, 1.5 - left, width_mm - 1.5 - right);
    s->y_mm = between(r, 5 - up, 0.8 * depth_mm - down);
}

struct node {
    double long_mm, roundness, cortex_mm, hilum_fraction;
};

/* The node of a picture: the one of the latents, or a more harmless neighbour. */
static struct node node_of(const struct study_plan *p, int index)
{
    const struct picture_plan *plan = &p->pictures[index];
    const struct latents *l = &p->latents;
    struct node node = {l->node_long_mm, l->node_roundness, l->cortex_mm, l->hilum_fraction};
    if (!plan->principal) {
        node.long_mm *= plan->size;
        node.roundness *= 0.9;
        double half_long = node.long_mm / 2, half_short = half_long * node.roundness;
        node.cortex_mm = fmax(0.6 * fmin(l->cortex_relative, 1), 0.15) * half_short;
        node.hilum_fraction =
            (half_long - node.cortex_mm) * (half_short - node.cortex_mm) / (half_long * half_short);
    }
    return node;
}

/* Strength of echoes and shadows: chance, never the latents. */
static void lesion_draw(const struct study_plan *p, int index, double width_mm, double depth_mm,
                        struct lesion *l)
{
    const struct picture_plan *plan = &p->pictures[index];
    struct random r = stream(p, RANDOM_SHAPE, index);
    struct node node = node_of(p, index);
    *l = (struct lesion){.mottle_db = (float)random_uniform(&r, 1.5, 4.5)};
    if (plan->view == VIEW_BREAST) {
        shape_tumour(&r, p->latents.tumour_size_mm * plan->size, p->latents.tumour_irregularity,
                     &l->outline);
        l->level_db = (float)random_uniform(&r, -24, -16);
        l->rim_db = (float)random_uniform(&r, 0, 4);
        l->rim_mm = 0.8F;
        l->edge_mm = (float)random_uniform(&r, 0.15, 0.5);
        l->shadow_db_per_mm = (float)random_uniform(&r, -0.5, 1);
    } else {
        shape_node(&r, node.long_mm, node.roundness, &l->outline);
        l->level_db = (float)random_uniform(&r, -24, -19);
        l->hilum_db = (float)random_uniform(&r, -3, 1);
        l->rim_db = (float)random_uniform(&r, 1, 5);
        l->rim_mm = 0.4F;
        l->edge_mm = (float)random_uniform(&r, 0.1, 0.25);
        l->shadow_db_per_mm = (float)random_uniform(&r, -0.4, 0.1);
    }
    lesion_place(&r, width_mm, depth_mm, &l->outline);
    l->has_hilum = plan->view == VIEW_AXILLA && node.hilum_fraction > 0;
    if (l->has_hilum)
        shape_inset(&l->outline, node.cortex_mm, &l->hilum);
}

static struct beam beam_draw(const struct machine *m, struct random *r, double depth_mm,
                             double spacing_mm)
{
    return (struct beam){
        .spacing_mm = (float)spacing_mm,
        .axial_sigma_mm = m->axial_sigma_mm,
        .lateral_sigma_mm = m->lateral_sigma_mm,
        .focus_mm = (float)random_uniform(r, 0.3 * depth_mm, 0.7 * depth_mm),
        .widening = (float)random_uniform(r, 0.003, 0.009),
        .noise_db = (float)random_uniform(r, -48, -38),
        .noise_slope_db_per_mm = (float)random_uniform(r, 0, 0.2),
        .dynamic_range_db = m->dynamic_range_db,
        .gland_grey = (float)random_uniform(r, 110, 185),
        .looks = m->looks,
    };
}

/* The region's picture and masks onto the screen. */
static void region_copy(const struct image *tissue, const struct mask *lesion,
                        const struct mask *hilum, struct picture *picture)
{
    const struct us_region *region = &picture->region;
    for (int row = 0; row < tissue->rows; row++) {
        size_t from = (size_t)row * tissue->columns;
        size_t to = (size_t)(region->y0 + row) * picture->image.columns + region->x0;
        memcpy(picture->lesion.pixels + to, lesion->pixels + from, (size_t)tissue->columns);
        memcpy(picture->hilum.pixels + to, hilum->pixels + from, (size_t)tissue->columns);
        for (int column = 0; column < tissue->columns; column++)
            for (int c = 0; c < picture->image.channels; c++)
                picture->image.pixels[(to + column) * picture->image.channels + c] =
                    tissue->pixels[from + column];
    }
}

static int tissue_render(const struct study_plan *p, int index, const struct tissue *tissue,
                         const struct beam *beam, struct picture *picture, struct error *err)
{
    int rows = picture->region.y1 - picture->region.y0 + 1;
    int columns = picture->region.x1 - picture->region.x0 + 1;
    struct plane echo = {0};
    struct image grey = {0};
    struct mask lesion = {0}, hilum = {0};
    struct random anatomy = stream(p, RANDOM_TISSUE, index);
    struct random scatterers = stream(p, RANDOM_SPECKLE, index);
    int status = plane_init(&echo, rows, columns, err);
    if (status == STATUS_OK)
        status = image_init(&grey, rows, columns, 1, err);
    if (status == STATUS_OK)
        status = mask_init(&lesion, rows, columns, err);
    if (status == STATUS_OK)
        status = mask_init(&hilum, rows, columns, err);
    if (status == STATUS_OK)
        status = tissue_fill(tissue, &anatomy, &echo, &lesion, &hilum, err);
    if (status == STATUS_OK)
        status = speckle_fill(&echo, beam, &scatterers, &grey, err);
    if (status == STATUS_OK)
        region_copy(&grey, &lesion, &hilum, picture);
    plane_release(&echo);
    image_release(&grey);
    mask_release(&lesion);
    mask_release(&hilum);
    return status;
}

static void words_draw(const struct study_plan *p, int index, const struct scene *scene,
                       struct image *screen)
{
    const struct machine *m = &p->machine;
    int line = 10 * m->text_scale;
    char text[64];
    screen_text(screen, line, line / 2, m->text_scale, WHITE, "AXNODE PHANTOM");
    snprintf(text, sizeof text, "STUDY %04d", p->number);
    screen_text(screen, line, line / 2 + line, m->text_scale, DIM, text);
    const char *note = "SYNTHETIC DATA";
    screen_text(screen, m->columns - line - screen_text_width(m->text_scale, note), line / 2,
                m->text_scale, WHITE, note);
    snprintf(text, sizeof text, "GAIN %d  DR %d  %.1f CM", (int)(scene->beam.gland_grey / 3),
             (int)scene->beam.dynamic_range_db,
             (scene->region.y1 - scene->region.y0 + 1) * scene->spacing_mm / 10);
    screen_text(screen, m->columns - line - screen_text_width(m->text_scale, text), line / 2 + line,
                m->text_scale, DIM, text);
    bool left = p->side == 'L';
    snprintf(text, sizeof text, "%s %s",
             p->pictures[index].view == VIEW_BREAST ? "BREAST" : "AXILLA", left ? "LEFT" : "RIGHT");
    screen_text(screen, scene->region.x0, m->rows - 3 * line, m->text_scale, WHITE, text);
}

/* Ticks each 5 mm right of the tissue with figures each 10 mm, and the grey bar. */
static void scales_draw(const struct machine *m, const struct scene *scene, struct image *screen)
{
    const struct us_region *region = &scene->region;
    int scale = m->text_scale;
    double depth_mm = (region->y1 - region->y0 + 1) * scene->spacing_mm;
    for (int tick = 0; tick * 5 <= depth_mm; tick++) {
        int y = region->y0 + (int)(tick * 5 / scene->spacing_mm);
        bool whole = tick % 2 == 0;
        screen_box(screen, region->x1 + 4 * scale, y, (whole ? 6 : 3) * scale, 1, DIM);
        char text[16];
        snprintf(text, sizeof text, "%d", tick / 2);
        if (whole && tick)
            screen_text(screen, region->x1 + 12 * scale, y - 3 * scale, scale, DIM, text);
    }
    int x = m->bar_left ? 12 * scale : m->columns - 22 * scale;
    int top = region->y0 + 10 * scale, height = m->rows / 4;
    for (int i = 0; i < height; i++) {
        uint8_t grey = (uint8_t)(255 - 255 * i / height);
        screen_box(screen, x, top + i, 8 * scale, 1, (struct colour){grey, grey, grey});
    }
}

static void callipers_draw(const struct study_plan *p, const struct diameter *d,
                           struct picture *picture)
{
    const struct us_region *region = &picture->region;
    int arm = 3 + 2 * p->machine.text_scale, line = 10 * p->machine.text_scale;
    double scale = 1 / picture->spacing_mm;
    screen_cross(&picture->image, region->x0 + (int)lround(d->x0_mm * scale),
                 region->y0 + (int)lround(d->y0_mm * scale), arm, YELLOW);
    screen_cross(&picture->image, region->x0 + (int)lround(d->x1_mm * scale),
                 region->y0 + (int)lround(d->y1_mm * scale), arm, YELLOW);
    char text[32];
    snprintf(text, sizeof text, "+ D1 %.1f MM", d->length_mm);
    screen_text(&picture->image, region->x0, p->machine.rows - 2 * line, p->machine.text_scale,
                YELLOW, text);
}

void scene_draw(const struct study_plan *plan, int index, struct scene *ret_scene)
{
    struct random r = stream(plan, RANDOM_PICTURE, index);
    region_place(&plan->machine, &r, ret_scene);
    const struct us_region *region = &ret_scene->region;
    double width_mm = (region->x1 - region->x0 + 1) * ret_scene->spacing_mm;
    double depth_mm = (region->y1 - region->y0 + 1) * ret_scene->spacing_mm;
    ret_scene->tissue = (struct tissue){
        .view = plan->pictures[index].view,
        .spacing_mm = (float)ret_scene->spacing_mm,
        .slope_db_per_mm = (float)random_uniform(&r, -0.15, 0.05),
    };
    lesion_draw(plan, index, width_mm, depth_mm, &ret_scene->tissue.lesion);
    ret_scene->beam = beam_draw(&plan->machine, &r, depth_mm, ret_scene->spacing_mm);
}

void scene_screen(const struct study_plan *plan, int index, const struct scene *scene,
                  struct image *screen)
{
    words_draw(plan, index, scene, screen);
    scales_draw(&plan->machine, scene, screen);
}

int picture_render(const struct study_plan *plan, int index, struct picture *ret_picture,
                   struct error *err)
{
    const struct machine *m = &plan->machine;
    struct scene scene;
    scene_draw(plan, index, &scene);
    struct picture picture = {.region = scene.region, .spacing_mm = scene.spacing_mm};
    int status = image_init(&picture.image, m->rows, m->columns, m->colour ? 3 : 1, err);
    if (status == STATUS_OK)
        status = mask_init(&picture.lesion, m->rows, m->columns, err);
    if (status == STATUS_OK)
        status = mask_init(&picture.hilum, m->rows, m->columns, err);
    if (status == STATUS_OK)
        status = tissue_render(plan, index, &scene.tissue, &scene.beam, &picture, err);
    if (status != STATUS_OK) {
        picture_release(&picture);
        return status;
    }
    const struct shape *outline = &scene.tissue.lesion.outline;
    struct diameter d = shape_diameter(outline);
    picture.long_mm = d.length_mm;
    picture.short_mm = shape_width_mm(outline, &d);
    if (scene.tissue.view == VIEW_AXILLA) {
        picture.cortex_mm = node_of(plan, index).cortex_mm;
        picture.hilum_fraction =
            (double)mask_count(&picture.hilum) / (double)mask_count(&picture.lesion);
    }
    scene_screen(plan, index, &scene, &picture.image);
    if (plan->pictures[index].callipers)
        callipers_draw(plan, &d, &picture);
    *ret_picture = picture;
    return STATUS_OK;
}

void picture_release(struct picture *picture)
{
    image_release(&picture->image);
    mask_release(&picture->lesion);
    mask_release(&picture->hilum);
}
