/* What a loop costs: `bench_loop LIBRARY PACKAGE STUDY.dcm…` looks at a study with a loop of the tumour as the
 * worker does, then prints the least processor time of three runs of all that the loop takes (choosing it, finding the part that
 * shows the tumour, sampling, network, key frame and heat map), of the looks for the tumour alone, and of the bare
 * networks on inputs of their shapes, all in one process and on one thread; and the most memory that the process
 * had before the loop and with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "dicom/setup.h"
#include "model/loop.h"
#include "pipeline/loop.h"
#include "pipeline/reel.h"

enum { RUNS = 3, OBJECTS_MAX = 64, LOOKS = 16 };

static int fail(const struct error *err)
{
    fprintf(stderr, "%s (%s)\n", err->message, err->detail);
    return 1;
}

static double memory_mib(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss / 1024;
}

/* Processor time of all threads: what else the machine does counts less. */
static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int time_loop(struct run *run, struct candidate *tumour, double *ret_ms, struct error *err)
{
    loop_finding_free(tumour->region.loop);
    tumour->region.loop = NULL;
    feature_list_release(&tumour->region.features);
    const double start = now_ms();
    int status = run_loop(run, tumour, err);
    *ret_ms = now_ms() - start;
    if (status == 0 && *tumour->region.loop->problem)
        status = error_set(err, STATUS_INVALID, "%s", tumour->region.loop->problem);
    return status;
}

/* Decoding and outlining the frames that are looked at. */
static int time_looks(struct run *run, const struct loop_finding *loop, double *ret_ms,
                      struct error *err)
{
    struct reel reel;
    const double start = now_ms();
    int status = reel_open(run, (size_t)loop->image, &reel, err);
    for (size_t i = 0; i < LOOKS && status == 0 && !reel_refused(&reel); i++) {
        struct image levels = {0};
        bool found;
        status = reel_look(&reel, (2 * i + 1) * reel.count / (2 * LOOKS), &levels, &found, err);
        image_release(&levels);
    }
    reel_close(&reel);
    *ret_ms = now_ms() - start;
    return status;
}

/* A network alone, on zeros. */
static int time_bare(const struct net *net, struct net_tensor input, struct net_tensor output,
                     double *ret_ms, struct error *err)
{
    input.values = calloc(net_shape_count(&input.shape), sizeof(float));
    output.values = calloc(net_shape_count(&output.shape), sizeof(float));
    const double start = now_ms();
    int status = input.values && output.values ? net_run(net, &input, 1, &output, 1, err)
                                               : error_set(err, STATUS_NOMEM, "out of memory");
    *ret_ms = now_ms() - start;
    free(input.values);
    free(output.values);
    return status;
}

static int time_network(const struct package *package, const struct package_nets *nets,
                        double *ret_ms, struct error *err)
{
    const struct deep_network *n = package_loop_network(package);
    size_t index = 0;
    while (&package->deep[index].network != n)
        index++;
    return time_bare(
        nets->deep[index],
        (struct net_tensor){
            n->input, {5, {1, n->channels, n->frames, n->input_rows, n->input_columns}}, NULL},
        (struct net_tensor){n->output, {2, {1, n->count}}, NULL}, ret_ms, err);
}

static int time_tumour(const struct package *package, const struct package_nets *nets,
                       double *ret_ms, struct error *err)
{
    const struct outline_network *n = &package->networks[ROI_TUMOUR].outline;
    return time_bare(
        nets->net[ROI_TUMOUR],
        (struct net_tensor){
            n->input, {4, {1, n->callipers ? 2 : 1, n->input_rows, n->input_columns}}, NULL},
        (struct net_tensor){n->output, {4, {1, n->channels, n->input_rows, n->input_columns}}, NULL},
        ret_ms, err);
}

static int measure(struct run *run, struct error *err)
{
    double loop = 1e9, looks = 1e9, bare = 1e9, pass = 1e9, ms;
    const double before = memory_mib();
    int status = 0;
    selection_choose(&run->selection, run->chosen);
    struct candidate *tumour = run->chosen[ROI_TUMOUR];
    if (!tumour)
        return error_set(err, STATUS_NOT_FOUND, "no tumour was found");
    for (int i = 0; i < RUNS && status == 0; i++) {
        status = time_loop(run, tumour, &ms, err);
        loop = ms < loop ? ms : loop;
        if (status == 0)
            status = time_looks(run, tumour->region.loop, &ms, err);
        looks = ms < looks ? ms : looks;
        if (status == 0)
            status = time_network(run->package, run->nets, &ms, err);
        bare = ms < bare ? ms : bare;
        if (status == 0)
            status = time_tumour(run->package, run->nets, &ms, err);
        pass = ms < pass ? ms : pass;
    }
    const double all = bare + 2 * LOOKS * pass;
    if (status == 0)
        printf("%d frames: loop %.0f ms, of which looks for the tumour %.0f ms\n"
               "bare: network of the loop %.0f ms, %d passes of the tumour's %.0f ms\n"
               "%.3f times both; without the looks %.3f times the first\n"
               "memory: %.0f MiB before, %.0f MiB with the loop\n",
               tumour->region.loop->frames, loop, looks, bare, 2 * LOOKS, 2 * LOOKS * pass,
               loop / all, (loop - looks) / bare, before, memory_mib());
    return status;
}

static int run_study(const struct package *package, const struct package_nets *nets, int count,
                     char **paths, struct error *err)
{
    static struct pipeline_object objects[OBJECTS_MAX];
    const struct pipeline_settings settings = pipeline_settings_default();
    char reason[256] = "";
    for (int i = 0; i < count; i++)
        objects[i].path = paths[i];
    const struct pipeline_job job = {.objects = objects, .object_count = (size_t)count};
    struct run run = {.settings = &settings, .package = package, .nets = nets, .job = &job};
    arena_init(&run.arena);
    int status = run_read(&run, reason, sizeof reason, err);
    if (status == 0 && *reason)
        status = error_set(err, STATUS_INVALID, "%s", reason);
    if (status == 0)
        status = run_find(&run, err);
    if (status == 0)
        status = measure(&run, err);
    selection_release(&run.selection);
    arena_release(&run.arena);
    return status;
}

int main(int argc, char **argv)
{
    static const struct package_options making = {.allow_unsigned = true, .without_manifest = true};
    struct net_library *library = NULL;
    struct package *package = NULL;
    struct package_nets nets = {0};
    struct error err = {0};
    if (argc < 4 || argc > 3 + OBJECTS_MAX) {
        fprintf(stderr, "Usage: bench_loop LIBRARY PACKAGE STUDY.dcm…\n");
        return 2;
    }
    int status = dicom_setup(&err);
    if (status == 0)
        status = net_library_open(argv[1], &library, &err);
    if (status == 0)
        status = package_open(argv[2], &making, &package, &err);
    if (status == 0)
        status = package_nets_open(package, library, &nets, &err);
    if (status == 0 && !package_loop_network(package))
        status = error_set(&err, STATUS_INVALID, "the package has no network over a loop");
    if (status == 0)
        status = run_study(package, &nets, argc - 3, argv + 3, &err);
    package_nets_release(&nets);
    package_free(package);
    net_library_free(library);
    return status < 0 ? fail(&err) : 0;
}
