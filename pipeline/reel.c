#include "pipeline/reel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/times.h"
#include "image/graphics.h"

static const double ALIKE = 0.1;

bool reel_refused(const struct reel *reel)
{
    return *reel->refused;
}

int reel_refuse(struct reel *reel, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!*reel->refused)
        vsnprintf(reel->refused, sizeof reel->refused, format, args);
    va_end(args);
    return 0;
}

/* What is wrong with the file refuses the loop, anything else is a failure. */
static int refuse_file(struct reel *reel, int status, struct error *err)
{
    if (status != STATUS_UNSUPPORTED && status != STATUS_INVALID && status != STATUS_LIMIT)
        return status;
    reel_refuse(reel, "it could not be decoded: %s",
                without_path(err->message, reel->run->images[reel->index].object->path));
    *err = (struct error){0};
    return 0;
}

/* ---- times ---- */

/* At the package's assumed rate. */
static void assume(struct reel *reel)
{
    for (size_t i = 0; i < reel->count; i++)
        reel->seconds[i] = (double)i / reel->network->assumed_rate;
}

static int take_times(struct reel *reel, const struct frame_times *times, struct error *err)
{
    reel->count = (size_t)times->count;
    reel->seconds = arena_array(&reel->run->arena, reel->count, sizeof *reel->seconds);
    if (!reel->seconds)
        return error_set(err, STATUS_NOMEM, "out of memory");
    if (times->seconds)
        memcpy(reel->seconds, times->seconds, reel->count * sizeof *reel->seconds);
    else if (reel->network->assumed_rate > 0)
        assume(reel);
    else
        reel_refuse(reel, "its header does not say when its frames were taken%s%s",
                    *times->fault ? ": " : "", times->fault);
    return 0;
}

static void note_times(const struct reel *reel, const struct frame_times *times)
{
    static const char *const sources[] = {
        [FRAME_TIMES_VECTOR] = "Frame Time Vector",
        [FRAME_TIMES_TIME] = "Frame Time",
        [FRAME_TIMES_RATE] = "rate",
    };
    if (!times->seconds)
        run_note(reel->run, "image %zu: %g frames per second were assumed: %s", reel->index + 1,
                 reel->network->assumed_rate,
                 *times->fault ? times->fault : "its header does not say when they were taken");
    else if (*times->fault)
        run_note(reel->run, "image %zu: %s; its frames' times are those of its %s", reel->index + 1,
                 times->fault, sources[times->source]);
}

static int start(struct run *run, size_t index, struct reel *reel, struct frame_times *times,
                 struct error *err)
{
    const struct study_image *image = &run->images[index];
    const struct screen *screen = &image->sight->screen;
    const struct screen_region *tissue = &screen->regions[screen_principal(screen)];
    *reel = (struct reel){.run = run,
                          .index = index,
                          .network = package_loop_network(run->package),
                          .box = tissue->box};
    if (image->class.role_by_view)
        reel_refuse(reel, "that it shows the breast is known from the view network alone");
    if (!screen_kind_is_grey(tissue->kind))
        reel_refuse(reel, "it shows %s", screen_kind_name(tissue->kind));
    int status = dicom_frame_times(image->object->path, &run->settings->limits, times, err);
    if (status < 0)
        return refuse_file(reel, status, err);
    return take_times(reel, times, err);
}

int reel_time(struct run *run, size_t index, struct reel *ret_reel, struct error *err)
{
    struct frame_times times = {0};
    const int status = start(run, index, ret_reel, &times, err);
    frame_times_release(&times);
    return status;
}

int reel_open(struct run *run, size_t index, struct reel *ret_reel, struct error *err)
{
    struct frame_times times = {0};
    int status = start(run, index, ret_reel, &times, err);
    if (status == 0 && !reel_refused(ret_reel)) {
        note_times(ret_reel, &times);
        status = dicom_frames_open(run->images[index].object->path, &run->settings->limits,
                                   &ret_reel->file, err);
        status = status < 0 ? refuse_file(ret_reel, status, err) : 0;
    }
    frame_times_release(&times);
    return status;
}

void reel_close(struct reel *reel)
{
    dicom_frames_close(reel->file);
    reel->file = NULL;
}

/* ---- frames ---- */

int reel_picture(struct reel *reel, size_t frame, struct image *ret_picture, struct error *err)
{
    int status = dicom_frames_seek(reel->file, (int)frame, err);
    if (status == 0)
        status = dicom_frames_next(reel->file, ret_picture, err);
    return status < 0 ? refuse_file(reel, status, err) : 0;
}

/* Whether the outlining network finds the tumour: a plain pass and a mirrored one that agree. */
static int find_tumour(const struct reel *reel, const struct image *picture,
                       const struct image *grey, bool *ret_found, struct error *err)
{
    const struct study_image *image = &reel->run->images[reel->index];
    const struct package *package = reel->run->package;
    const struct screen *screen = &image->sight->screen;
    struct outline_network network = package->networks[ROI_TUMOUR].outline;
    struct region_finding region = {0};
    struct mask drawn = {0};
    struct image painted = {0};
    const struct us_region tissue = screen_us_region(&screen->regions[screen_principal(screen)],
                                                     image->header->regions);
    network.zoom_count = 0; /* whether, not exactly where */
    int status = 0;
    if (network.painted)
        status = graphics_find(picture, &reel->box, NULL, &drawn, err);
    if (status == 0 && network.painted)
        status = graphics_paint_over(grey, &drawn, &painted, err);
    if (status == 0)
        status = outline_run(reel->run->nets->net[ROI_TUMOUR], &network,
                             &(struct outline_input){.grey = network.painted ? &painted : grey,
                                                     .tissue = &tissue},
                             &region, err);
    if (status == 0)
        *ret_found = region.found && region.agreement >= package->agreement_min;
    region_finding_release(&region);
    mask_release(&drawn);
    image_release(&painted);
    return status;
}

int reel_look(struct reel *reel, size_t frame, struct image *ret_levels, bool *ret_found,
              struct error *err)
{
    struct image picture = {0}, grey = {0}, levels = {0};
    int status = reel_picture(reel, frame, &picture, err);
    if (status < 0 || reel_refused(reel))
        return status;
    status = image_to_grey(&picture, &grey, err);
    if (status == 0)
        status = deep_loop_levels(reel->network, &grey, reel->box, &levels, err);
    if (status == 0 && ret_found)
        status = find_tumour(reel, &picture, &grey, ret_found, err);
    image_release(&picture);
    image_release(&grey);
    if (status < 0) {
        image_release(&levels);
        return status;
    }
    *ret_levels = levels;
    return 0;
}

int reel_levels(struct reel *reel, size_t frame, struct image *ret_levels, struct error *err)
{
    return reel_look(reel, frame, ret_levels, NULL, err);
}

bool reel_alike(const struct image *a, const struct image *b)
{
    const size_t n = (size_t)a->rows * (size_t)a->columns;
    uint64_t apart = 0;
    for (size_t i = 0; i < n; i++)
        apart += (uint64_t)abs(a->pixels[i] - b->pixels[i]);
    return (double)apart < ALIKE * (double)n;
}
