#include "pipeline/look.h"

#include <string.h>

#include "image/graphics.h"
#include "model/measure.h"
#include "pipeline/select.h"

void look_release(struct look *look)
{
    image_release(&look->picture);
    image_release(&look->grey);
    image_release(&look->painted);
    mask_release(&look->graphics);
    *look = (struct look){0};
}

static bool is_image(enum screen_kind kind)
{
    return kind == SCREEN_B_MODE || kind == SCREEN_COLOUR_DOPPLER || kind == SCREEN_ELASTOGRAPHY;
}

int look_places(const struct screen *screen, int ret_places[SCREEN_REGIONS_MAX])
{
    const int principal = screen_principal(screen);
    const enum screen_kind kind = screen->regions[principal].kind;
    int count = 0;
    if (!is_image(kind))
        return 0;
    ret_places[count++] = principal;
    for (int i = 0; screen->dual && i < 2; i++)
        if (i != principal && screen->regions[i].kind == kind)
            ret_places[count++] = i;
    return count;
}

/* Graphics and callipers of every place where a region may lie. */
static int find_drawings(struct look *look, struct error *err)
{
    int places[SCREEN_REGIONS_MAX];
    const int count = look_places(&look->sight.screen, places);
    int status = mask_init(&look->graphics, look->picture.rows, look->picture.columns, err);
    for (int i = 0; i < count && status == 0; i++) {
        const struct bounds *box = &look->sight.screen.regions[places[i]].box;
        struct callipers *all = &look->sight.callipers, here;
        struct mask drawn;
        status = graphics_find(&look->picture, box, &here, &drawn, err);
        if (status < 0)
            return status;
        for (int k = 0; k < here.count && all->count < CALLIPERS_MAX; k++)
            all->marks[all->count++] = here.marks[k];
        const size_t n = (size_t)drawn.rows * (size_t)drawn.columns;
        for (size_t k = 0; k < n; k++)
            look->graphics.pixels[k] |= drawn.pixels[k];
        mask_release(&drawn);
    }
    return status;
}

static void read_words(struct look *look, const struct look_input *input)
{
    const struct annotation_patient patient = {input->patient_name, input->patient_id};
    struct sight *sight = &look->sight;
    if (!input->words)
        return;
    const int status = annotation_read(input->words, &look->picture, NULL, &patient, NULL,
                                       &sight->words, &look->words_failed);
    sight->words_read = status == 0;
}

static int understand(struct look *look, const struct look_input *input, struct error *err)
{
    int status = image_to_grey(&look->picture, &look->grey, err);
    if (status == 0)
        status = screen_analyse(&look->picture, input->regions, input->region_count,
                                &look->sight.screen, err);
    if (status == 0)
        status = find_drawings(look, err);
    if (status == 0 && input->paint)
        status = graphics_paint_over(&look->grey, &look->graphics, &look->painted, err);
    if (status == 0)
        read_words(look, input);
    return status;
}

int look_init(struct look *ret_look, struct image *picture, const struct look_input *input,
              struct error *err)
{
    struct look look = {.picture = *picture};
    *picture = (struct image){0};
    const int status = understand(&look, input, err);
    if (status < 0) {
        look_release(&look);
        return status;
    }
    *ret_look = look;
    return 0;
}

static struct calibration calibrate(const struct look *look, const struct us_region *regions,
                                    size_t region_count, const struct mask *mask)
{
    const struct sight *sight = &look->sight;
    struct annotation_point marks[CALLIPERS_MAX];
    struct calibration found = calibration_for_mask(regions, region_count, mask);
    if (found.source != CALIBRATION_NONE || !sight->words_read)
        return found;
    for (int i = 0; i < sight->callipers.count; i++)
        marks[i] = (struct annotation_point){sight->callipers.marks[i].x,
                                             sight->callipers.marks[i].y,
                                             sight->callipers.marks[i].diagonal ? 'x' : '+'};
    return annotation_calibrate(sight->words.readings, (size_t)sight->words.reading_count, marks,
                                (size_t)sight->callipers.count);
}

static void judge_quality(const struct look *look, const struct screen_region *place,
                          struct region_finding *region)
{
    const struct quality_input input = {
        .grey = &look->grey,
        .outline = &region->mask,
        .graphics = &look->graphics,
        .region = place,
        .calibrated = region->calibration.source != CALIBRATION_NONE,
    };
    quality_measure(&input, &region->quality);
    region->grey = screen_kind_is_grey(place->kind);
}

static int outline_place(const struct look *look, const struct look_outliner *o, int place,
                         struct region_finding *ret_region, struct error *err)
{
    const struct screen_region *where = &look->sight.screen.regions[place];
    const struct us_region tissue = screen_us_region(where, o->regions);
    const struct callipers *callipers = &look->sight.callipers;
    const struct image *shown = o->network->painted ? &look->painted : &look->grey;
    struct point marks[CALLIPERS_MAX];
    struct region_finding region;
    for (int i = 0; i < callipers->count; i++)
        marks[i] = (struct point){callipers->marks[i].x, callipers->marks[i].y};
    int status = outline_run(o->net, o->network,
                             &(struct outline_input){.grey = shown,
                                                     .tissue = &tissue,
                                                     .marks = marks,
                                                     .mark_count = (size_t)callipers->count},
                             &region, err);
    if (status == 0 && region.found) {
        region.unsure = region.agreement < o->agreement_min;
        region.calibration = calibrate(look, o->regions, o->region_count, &region.mask);
        status = measure_region(&region.mask, region.hilum.pixels ? &region.hilum : NULL,
                                &region.calibration, &region.measurements, err);
        if (status < 0) {
            region_finding_release(&region);
            return status;
        }
        measure_skin(&look->grey, &tissue, &region.mask, &region.calibration,
                     &region.measurements);
        judge_quality(look, where, &region);
    }
    if (status == 0)
        *ret_region = region;
    return status;
}

int look_outline(const struct look *look, const struct look_outliner *outliner,
                 struct region_finding *ret_region, struct error *err)
{
    struct region_finding best = {.image = -1};
    int places[SCREEN_REGIONS_MAX];
    const int count = look_places(&look->sight.screen, places);
    for (int i = 0; i < count; i++) {
        struct region_finding here;
        int status = outline_place(look, outliner, places[i], &here, err);
        if (status < 0) {
            region_finding_release(&best);
            return status;
        }
        if (!here.found || (best.found && !region_preferred(&here, &best, outliner->roi))) {
            region_finding_release(&here);
            continue;
        }
        region_finding_release(&best);
        best = here;
    }
    *ret_region = best;
    return 0;
}
