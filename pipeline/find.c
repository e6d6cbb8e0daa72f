#include <string.h>

#include "pipeline/run.h"

/* The file is opened with its first frame and stays open for the others. */
static int decode(struct run *run, size_t index, int frame, struct dicom_frames **frames,
                  struct image *ret_picture, struct error *err)
{
    int status = 0;
    if (!*frames)
        status = dicom_frames_open(run->images[index].object->path, &run->settings->limits, frames,
                                   err);
    if (status == 0)
        status = dicom_frames_seek(*frames, frame, err);
    return status < 0 ? status : dicom_frames_next(*frames, ret_picture, err);
}

/* One frame of an object, decoded and looked at; false when that was not possible, noted. */
static int look_at(struct run *run, size_t index, int frame, bool first,
                   struct dicom_frames **frames, struct look *ret_look, bool *ret_seen,
                   struct error *err)
{
    const struct study_image *image = &run->images[index];
    const struct dicom_instance *header = image->header;
    struct image picture;
    *ret_seen = false;
    int status = decode(run, index, frame, frames, &picture, err);
    if (status == STATUS_UNSUPPORTED || status == STATUS_INVALID || status == STATUS_LIMIT) {
        run_note(run, "image %zu could not be decoded: %s", index + 1,
                 without_path(err->message, image->object->path));
        *err = (struct error){0};
        return 0;
    }
    if (status < 0)
        return status;
    run->frames_decoded++;
    const struct look_input input = {
        .regions = header->regions,
        .region_count = (size_t)header->region_count,
        .words = first ? run->settings->words : NULL,
        .paint = run->package->networks[ROI_TUMOUR].outline.painted ||
                 run->package->networks[ROI_NODE].outline.painted,
        .patient_name = header->patient_name,
        .patient_id = header->patient_id,
    };
    status = look_init(ret_look, &picture, &input, err);
    *ret_seen = status == 0;
    return status;
}

/* What the first frame tells beyond the header: kept, and the image is classified again. */
static int learn(struct run *run, size_t index, struct look *look, struct error *err)
{
    struct study_image *image = &run->images[index];
    const struct view_network *network = &run->package->view.network;
    int status = 0;
    if (look->words_failed.status < 0)
        run_note(run, "image %zu: the words on it could not be read", index + 1);
    if (run->nets->view) {
        const struct us_region tissue =
            screen_us_region(&look->sight.screen.regions[screen_principal(&look->sight.screen)],
                             image->header->regions);
        status = view_run(run->nets->view, network, &look->grey, &tissue, look->sight.view,
                          err);
        look->sight.view_known = status == 0;
    }
    struct sight *sight = status == 0 ? arena_alloc(&run->arena, sizeof *sight) : NULL;
    if (!sight)
        return status < 0 ? status : error_set(err, STATUS_NOMEM, "out of memory");
    *sight = look->sight;
    image->sight = sight;
    image_classify(&(struct image_evidence){.header = image->header,
                                            .words = sight->words_read ? &sight->words : NULL,
                                            .view = sight->view_known ? sight->view : NULL,
                                            .view_network = network},
                   &image->class);
    return 0;
}

/* Outline, and offer what is found. Takes the pictures out of the look then. */
static int outline_frame(struct run *run, size_t index, int frame, struct look *look,
                         struct error *err)
{
    struct study_image *image = &run->images[index];
    const enum roi role = image->class.role;
    const struct screen *screen = &look->sight.screen;
    const struct look_outliner outliner = {
        .net = run->nets->net[role],
        .network = &run->package->networks[role].outline,
        .roi = role,
        .agreement_min = run->package->agreement_min,
        .regions = image->header->regions,
        .region_count = (size_t)image->header->region_count,
    };
    struct candidate candidate = {.side = image->class.side};
    int places[SCREEN_REGIONS_MAX];
    if (look_places(screen, places) == 0)
        run_note(run, "image %zu was left out: it shows %s", index + 1,
                 screen_kind_name(screen->regions[screen_principal(screen)].kind));
    int status = look_outline(look, &outliner, &candidate.region, err);
    if (status < 0 || !candidate.region.found)
        return status;
    candidate.region.image = (int)index;
    candidate.region.frame = frame;
    candidate.picture = look->picture;
    candidate.grey = look->grey;
    candidate.graphics = look->graphics;
    look->picture = (struct image){0};
    look->grey = (struct image){0};
    look->graphics = (struct mask){0};
    image->tumour_found = image->tumour_found || role == ROI_TUMOUR;
    selection_offer(&run->selection, role, &candidate);
    return 0;
}

/* Whether the image may show something to outline, as far as is known. */
static bool worth_a_look(const struct run *run, const struct image_class *class)
{
    if (class->role < ROI_COUNT)
        return run->nets->net[class->role] != NULL;
    return !class->role_contradicted && (run->settings->words || run->nets->view);
}

static int find_in_frames(struct run *run, size_t index, struct dicom_frames **opened,
                          size_t *left_out, struct error *err)
{
    const struct study_image *image = &run->images[index];
    const int frames = image->header->frames > 0 ? image->header->frames : 1;
    const int taken = frames < FRAMES_PER_OBJECT_MAX ? frames : FRAMES_PER_OBJECT_MAX;
    for (int k = 0; k < taken && worth_a_look(run, &image->class); k++) {
        if (run->frames_outlined >= run->settings->frames_max) {
            ++*left_out;
            continue;
        }
        run->frames_outlined++;
        struct look look;
        bool seen;
        const int frame = (int)((2 * (int64_t)k + 1) * frames / (2 * taken));
        int status = look_at(run, index, frame, !image->sight, opened, &look, &seen, err);
        if (status == 0 && !seen)
            continue;
        if (status == 0 && !image->sight)
            status = learn(run, index, &look, err);
        const enum roi role = image->class.role;
        const bool wanted = status == 0 && role < ROI_COUNT && run->nets->net[role];
        if (wanted)
            status = outline_frame(run, index, frame, &look, err);
        if (seen)
            look_release(&look);
        if (status < 0 || !wanted)
            return status;
    }
    return 0;
}

static int find_in_image(struct run *run, size_t index, size_t *left_out, struct error *err)
{
    struct dicom_frames *opened = NULL;
    int status = find_in_frames(run, index, &opened, left_out, err);
    dicom_frames_close(opened);
    return status;
}

/* Every picture of breast or axilla; of loops a few frames evenly apart. */
int run_find(struct run *run, struct error *err)
{
    size_t left_out = 0;
    if (!run->settings->words)
        run_note(run, "words on the pictures were not read: Tesseract's data are not installed");
    for (size_t i = 0; i < run->image_count; i++) {
        int status = find_in_image(run, i, &left_out, err);
        if (status < 0)
            return status;
    }
    if (left_out)
        run_note(run, "%zu pictures were not looked at: the limit is %d", left_out,
                 run->settings->frames_max);
    for (size_t i = 0; i < run->image_count; i++) {
        const struct image_class *class = &run->images[i].class;
        for (int k = 0; k < class->remark_count; k++)
            run_note(run, "image %zu%s: %s", i + 1, class->role_contradicted ? " was left out" : "",
                     class->remarks[k]);
    }
    return 0;
}
