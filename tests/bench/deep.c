/* What deep features cost, and what they are: `bench_deep LIBRARY PACKAGE PICTURE.png MASK.png
 * [FEATURES HEAT]` prints the fastest of five runs of each deep network of the package, on one
 * thread, with and without its activations. FEATURES gets every feature of the tumour as text, a
 * line for each, HEAT the heat map's values as 32-bit floats, row by row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "image/png.h"
#include "model/package/package.h"

enum { RUNS = 5 };

static double run_ms(const struct net *net, const struct deep_network *network,
                     const struct image *grey, const struct mask *mask, const double *weights,
                     float *values)
{
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        struct heat_map heat = {0};
        int64_t start = clock_monotonic_us(clock_system());
        if (deep_run(net, network, grey, mask, NULL, weights, values, &heat, NULL) < 0)
            exit(1);
        double ms = (double)(clock_monotonic_us(clock_system()) - start) / 1e3;
        best = ms < best ? ms : best;
        heat_map_release(&heat);
    }
    return best;
}

static void time_networks(const struct package *package, const struct package_nets *nets,
                          const struct image *grey, const struct mask *mask)
{
    for (size_t i = 0; i < package->deep_count; i++) {
        const struct deep_network *network = &package->deep[i].network;
        float *values = calloc((size_t)network->count, sizeof *values);
        double *weights = calloc((size_t)network->count, sizeof *weights);
        if (!values || !weights)
            exit(1);
        printf("%-24s %7.1f ms, with its map %7.1f ms\n", package->deep[i].file,
               run_ms(nets->deep[i], network, grey, mask, NULL, values),
               network->activations ? run_ms(nets->deep[i], network, grey, mask, weights, values) : 0);
        free(values);
        free(weights);
    }
}

static int write_numbers(const struct region_finding *region, const char *features_file,
                         const char *heat_file, struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    const struct plane *plane = &region->heat.plane;
    int status = 0;
    for (size_t i = 0; i < region->features.count && status == 0; i++) {
        char number[NUMBER_TEXT_SIZE];
        number_format(region->features.items[i].value, number);
        status = buffer_print(&text, err, "%s\n", number);
    }
    if (status == 0)
        status = file_write(features_file, text.data, text.size, err);
    return status < 0 ? status
                      : file_write(heat_file, plane->values,
                                   (size_t)plane->rows * (size_t)plane->columns * sizeof(float), err);
}

int main(int argc, char **argv)
{
    const struct package_options options = {.allow_unsigned = true, .without_manifest = true};
    struct net_library *library = NULL;
    struct package *package = NULL;
    struct package_nets nets = {0};
    struct image picture = {0}, grey = {0};
    struct region_finding region = {.found = true};
    struct error err = {0};
    if (argc != 5 && argc != 7) {
        fputs("usage: bench_deep LIBRARY PACKAGE PICTURE.png MASK.png [FEATURES HEAT]\n", stderr);
        return 2;
    }
    int status = net_library_open(argv[1], &library, &err);
    if (status == 0)
        status = package_open(argv[2], &options, &package, &err);
    if (status == 0)
        status = package_nets_open(package, library, &nets, &err);
    if (status == 0)
        status = image_read_png(argv[3], &picture, &err);
    if (status == 0)
        status = image_to_grey(&picture, &grey, &err);
    if (status == 0)
        status = mask_read_png(argv[4], &region.mask, &err);
    if (status == 0)
        time_networks(package, &nets, &grey, &region.mask);
    if (status == 0)
        status = package_deep_features(package, &nets, &grey, ROI_TUMOUR, &region, &err);
    if (status == 0 && argc == 7)
        status = write_numbers(&region, argv[5], argv[6], &err);
    if (status < 0)
        fprintf(stderr, "%s %s\n", err.message, err.detail);
    region_finding_release(&region);
    image_release(&grey);
    image_release(&picture);
    package_nets_release(&nets);
    package_free(package);
    net_library_free(library);
    return status < 0;
}
