#include "pipeline/loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/loop.h"
#include "pipeline/reel.h"
#include "pipeline/sampling.h"

enum {
    LOOPS_TRIED = 4,  /* the longest ones */
    LOOKS = 16,       /* at the loop, to find the part that shows the tumour */
    DISTINCT_MIN = 8, /* frames that differ: fewer are no loop */
    COMPARED_MAX = 256, /* frames that are compared to find those that only repeat */
};
static const double SECONDS_MIN = 0.5;

/* Frames of a loop, in their order. */
struct strip {
    size_t *frames;
    double *seconds; /* of each of them */
    size_t count;
};

static int strip_init(struct reel *reel, size_t count, struct strip *ret_strip, struct error *err)
{
    struct arena *arena = &reel->run->arena;
    *ret_strip = (struct strip){arena_array(arena, count, sizeof *ret_strip->frames),
                                arena_array(arena, count, sizeof *ret_strip->seconds), 0};
    return ret_strip->frames && ret_strip->seconds ? 0
                                                   : error_set(err, STATUS_NOMEM, "out of memory");
}

static void strip_add(struct strip *strip, size_t frame, double seconds)
{
    strip->frames[strip->count] = frame;
    strip->seconds[strip->count++] = seconds;
}

/* ---- the part that shows the tumour ---- */

/* Looks at frames evenly apart in time: which show the tumour, and whether any differs from the one
 * before. */
static int look_through(struct reel *reel, const size_t *looks, size_t count, bool *ret_seen,
                        bool *ret_moves, struct error *err)
{
    struct image before = {0};
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct image levels = {0};
        status = reel_look(reel, looks[i], &levels, &ret_seen[i], err);
        if (status == 0 && before.pixels && !reel_alike(&before, &levels))
            *ret_moves = true;
        image_release(&before);
        before = levels;
    }
    image_release(&before);
    return status;
}

/* Equal neighbours once. */
static size_t drop_equal(size_t *indices, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!kept || indices[kept - 1] != indices[i])
            indices[kept++] = indices[i];
    return kept;
}

static int find_part(struct reel *reel, struct strip *ret_part, struct error *err)
{
    size_t looks[LOOKS], first, last;
    bool seen[LOOKS] = {false}, moves = false;
    const size_t wanted = reel->count < LOOKS ? reel->count : LOOKS;
    sampling_pick(reel->seconds, reel->count, wanted, looks);
    const size_t count = drop_equal(looks, wanted);
    int status = look_through(reel, looks, count, seen, &moves, err);
    if (status < 0 || reel_refused(reel))
        return status;
    if (!moves)
        return reel_refuse(reel, "it is frozen: its frames are all alike");
    if (!sampling_stretch(reel->seconds, reel->count, looks, seen, count, &first, &last))
        return reel_refuse(reel, "no tumour was found on the %zu frames that were looked at", count);
    status = strip_init(reel, last - first + 1, ret_part, err);
    for (size_t i = first; i <= last && status == 0; i++)
        strip_add(ret_part, i, reel->seconds[i]);
    return status;
}

/* ---- its frames ---- */

/* The part without frames that repeat the one before. */
static int drop_repeated(struct reel *reel, struct strip *part, struct error *err)
{
    size_t picks[COMPARED_MAX];
    struct strip kept;
    struct image before = {0};
    const size_t wanted = part->count < COMPARED_MAX ? part->count : COMPARED_MAX;
    sampling_pick(part->seconds, part->count, wanted, picks);
    const size_t count = drop_equal(picks, wanted);
    int status = strip_init(reel, count, &kept, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct image levels = {0};
        status = reel_levels(reel, part->frames[picks[i]], &levels, err);
        if (status < 0 || reel_refused(reel))
            break;
        if (before.pixels && reel_alike(&before, &levels)) {
            image_release(&levels);
            continue;
        }
        image_release(&before);
        before = levels;
        strip_add(&kept, part->frames[picks[i]], part->seconds[picks[i]]);
    }
    image_release(&before);
    if (status == 0 && kept.count < count)
        run_note(reel->run, "image %zu: %zu of %zu frames repeat the one before and were left out",
                 reel->index + 1, count - kept.count, count);
    *part = kept;
    return status;
}

/* Too little of it means nothing. */
static void judge_part(struct reel *reel, const struct strip *part)
{
    const double seconds = part->count ? sampling_duration(part->seconds, part->count) : 0;
    if (part->count < DISTINCT_MIN)
        reel_refuse(reel, "only %zu frames that differ show the tumour; %d are needed", part->count,
                    DISTINCT_MIN);
    else if (seconds < SECONDS_MIN)
        reel_refuse(reel, "it shows the tumour for %.2f s only; %.1f s are needed", seconds,
                    SECONDS_MIN);
}

static void release_samples(struct loop_finding *loop)
{
    for (int i = 0; i < loop->count; i++)
        image_release(&loop->samples[i].levels);
    loop->count = 0;
}

/* The frames that the network sees. */
static int take_samples(struct reel *reel, const struct strip *part, struct loop_finding *loop,
                        bool *ret_repeats, struct error *err)
{
    size_t picks[LOOP_FRAMES_MAX];
    const int wanted = reel->network->frames;
    int status = 0;
    *ret_repeats = false;
    sampling_pick(part->seconds, part->count, (size_t)wanted, picks);
    for (int i = 0; i < wanted && status == 0 && !reel_refused(reel); i++) {
        struct loop_sample *sample = &loop->samples[i];
        *sample = (struct loop_sample){.frame = (int)part->frames[picks[i]],
                                       .seconds = part->seconds[picks[i]]};
        const bool same = i > 0 && picks[i] == picks[i - 1];
        status = same ? image_copy(&sample[-1].levels, &sample->levels, err)
                      : reel_levels(reel, part->frames[picks[i]], &sample->levels, err);
        loop->count++;
        if (status == 0 && !reel_refused(reel) && i > 0 && !same)
            *ret_repeats = *ret_repeats || reel_alike(&sample[-1].levels, &sample->levels);
    }
    return status;
}

static int choose_samples(struct reel *reel, struct strip *part, struct loop_finding *loop,
                          struct error *err)
{
    bool repeats = false;
    judge_part(reel, part);
    if (reel_refused(reel))
        return 0;
    int status = take_samples(reel, part, loop, &repeats, err);
    if (status < 0 || reel_refused(reel) || !repeats)
        return status;
    release_samples(loop);
    status = drop_repeated(reel, part, err);
    if (status == 0 && !reel_refused(reel))
        judge_part(reel, part);
    if (status < 0 || reel_refused(reel))
        return status;
    return take_samples(reel, part, loop, &repeats, err);
}

/* ---- one loop ---- */

static int run_network(struct reel *reel, struct loop_finding *loop,
                       struct feature_list *features, struct error *err)
{
    struct run *run = reel->run;
    const struct dicom_instance *header = run->images[reel->index].header;
    const struct deep_loop_place place = {reel->box, header->rows, header->columns};
    int status = package_loop_features(run->package, run->nets, &place, loop, features, err);
    if (status < 0 || loop->key < 0)
        return status;
    status = reel_picture(reel, (size_t)loop->samples[loop->key].frame, &loop->picture, err);
    return status == 0 && reel_refused(reel) /* it could be decoded before */
               ? error_set(err, STATUS_IO, "a loop changed while it was read")
               : status;
}

static void describe(const struct reel *reel, const struct strip *part, struct loop_finding *loop)
{
    loop->image = (int)reel->index;
    loop->frames = (int)reel->count;
    loop->duration_s = sampling_duration(reel->seconds, reel->count);
    loop->from_s = part->seconds[0];
    loop->to_s = loop->from_s + sampling_duration(part->seconds, part->count);
    loop->key = -1;
}

/* Everything of one loop. It is unsound when the reel is refused afterwards. */
static int see_loop(struct reel *reel, struct loop_finding *loop, struct feature_list *features,
                    struct error *err)
{
    struct strip part = {0};
    int status = reel_refused(reel) ? 0 : find_part(reel, &part, err);
    if (status == 0 && !reel_refused(reel))
        status = choose_samples(reel, &part, loop, err);
    if (status < 0 || reel_refused(reel))
        return status;
    describe(reel, &part, loop);
    if (part.count < (size_t)reel->network->frames)
        run_note(reel->run, "image %zu: %zu frames stand for the %d that the network sees",
                 reel->index + 1, part.count, reel->network->frames);
    return run_network(reel, loop, features, err);
}

/* ---- which loop ---- */

struct choice {
    size_t index;
    double seconds;
};

static int longest_first(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    const int order = (y->seconds > x->seconds) - (y->seconds < x->seconds);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static bool is_loop_of(const struct study_image *image, enum side side)
{
    return image->header->frames > 1 && image->class.role == ROI_TUMOUR && image->sight &&
           image->class.side == side;
}

/* Loops of the side, the longest first. */
static int list_loops(struct run *run, enum side side, struct choice **ret_list, size_t *ret_count,
                      struct error *err)
{
    struct choice *list = arena_array(&run->arena, run->image_count, sizeof *list);
    size_t count = 0;
    if (!list)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < run->image_count; i++) {
        if (!is_loop_of(&run->images[i], side))
            continue;
        struct reel reel;
        const int status = reel_time(run, i, &reel, err);
        if (status < 0)
            return status;
        list[count++] = (struct choice){
            i, reel_refused(&reel) ? 0 : sampling_duration(reel.seconds, reel.count)};
    }
    qsort(list, count, sizeof *list, longest_first);
    *ret_list = list;
    *ret_count = count;
    return 0;
}

/* The first reason is that of the longest loop: it is the one that a reader is told. */
static void refuse(struct run *run, const struct reel *reel, struct loop_finding *loop)
{
    run_note(run, "image %zu, a loop, was not taken: %s", reel->index + 1, reel->refused);
    if (!*loop->problem)
        snprintf(loop->problem, sizeof loop->problem, "the loop of the tumour cannot be used (image "
                 "%zu): %s", reel->index + 1, reel->refused);
}

static int try_loops(struct run *run, const struct choice *list, size_t count,
                     struct loop_finding *loop, struct feature_list *features, struct error *err)
{
    snprintf(loop->problem, sizeof loop->problem, "%s",
             count ? "" : "the study has no loop of the tumour");
    for (size_t i = 0; i < count && i < LOOPS_TRIED; i++) {
        struct reel reel;
        int status = reel_open(run, list[i].index, &reel, err);
        if (status == 0)
            status = see_loop(&reel, loop, features, err);
        reel_close(&reel);
        if (status < 0)
            return status;
        if (!reel_refused(&reel)) {
            *loop->problem = '\0';
            return 0;
        }
        release_samples(loop);
        refuse(run, &reel, loop);
    }
    return 0;
}

int run_loop(struct run *run, struct candidate *tumour, struct error *err)
{
    struct choice *list = NULL;
    size_t count = 0;
    struct loop_finding *loop = calloc(1, sizeof *loop);
    if (!loop)
        return error_set(err, STATUS_NOMEM, "out of memory for a loop");
    *loop = (struct loop_finding){.image = -1, .key = -1};
    tumour->region.loop = loop;
    int status = list_loops(run, tumour->side, &list, &count, err);
    return status < 0 ? status
                      : try_loops(run, list, count, loop, &tumour->region.features, err);
}
