/* A bare network: `bench_net LIBRARY NETWORK.onnx INPUT SIDES OUTPUT=FILE…` runs it on 32-bit
 * floats from the file INPUT, of shape SIDES (1x1x16x224x224), as the worker does: one thread.
 * Prints the fastest of three runs and writes each output's floats to its file. The input is named
 * `image`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "model/net/net.h"

enum { RUNS = 3, OUTPUTS_MAX = 4 };

static int parse_sides(char *text, struct net_shape *ret_shape, struct error *err)
{
    *ret_shape = (struct net_shape){0};
    char *rest = NULL;
    for (char *side = strtok_r(text, "x", &rest); side; side = strtok_r(NULL, "x", &rest)) {
        if (ret_shape->rank == NET_RANK_MAX)
            return error_set(err, STATUS_INVALID, "too many sides");
        int status =
            number_parse_int(side, 1, INT32_MAX, &ret_shape->sides[ret_shape->rank++], err);
        if (status < 0)
            return status;
    }
    return 0;
}

/* `argument`: NAME=FILE, cut at the sign. */
static int make_output(const struct net *net, char *argument, struct net_tensor *ret_output,
                       const char **ret_file, struct error *err)
{
    char *sign = strchr(argument, '=');
    if (!sign)
        return error_set(err, STATUS_INVALID, "an output is NAME=FILE");
    *sign = '\0';
    ret_output->name = argument;
    *ret_file = sign + 1;
    int status = net_output_shape(net, argument, &ret_output->shape, err);
    size_t count = status < 0 ? 0 : net_shape_count(&ret_output->shape);
    if (status == 0 && count == 0)
        status = error_set(err, STATUS_INVALID, "%s has open sides", argument);
    ret_output->values = count ? calloc(count, sizeof *ret_output->values) : NULL;
    return status == 0 && !ret_output->values ? error_set(err, STATUS_NOMEM, "no memory") : status;
}

static int run(const struct net *net, const struct net_tensor *input, struct net_tensor *outputs,
               size_t count, struct error *err)
{
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        int64_t start = clock_monotonic_us(clock_system());
        int status = net_run(net, input, 1, outputs, count, err);
        if (status < 0)
            return status;
        double ms = (double)(clock_monotonic_us(clock_system()) - start) / 1e3;
        best = ms < best ? ms : best;
    }
    printf("%.1f ms\n", best);
    return 0;
}

int main(int argc, char **argv)
{
    struct net_library *library = NULL;
    struct net *net = NULL;
    struct net_tensor input = {.name = "image"}, outputs[OUTPUTS_MAX] = {0};
    const char *files[OUTPUTS_MAX];
    struct buffer values BUFFER_AUTO = {0};
    struct error err = {0};
    if (argc < 6 || argc > 5 + OUTPUTS_MAX) {
        fputs("usage: bench_net LIBRARY NETWORK.onnx INPUT SIDES OUTPUT=FILE...\n", stderr);
        return 2;
    }
    const size_t count = (size_t)argc - 5;
    int status = net_library_open(argv[1], &library, &err);
    if (status == 0)
        status = net_open(library, argv[2], NULL, &net, &err);
    if (status == 0)
        status = file_read(argv[3], 1 << 30, &values, &err);
    if (status == 0)
        status = parse_sides(argv[4], &input.shape, &err);
    if (status == 0 && values.size != net_shape_count(&input.shape) * sizeof(float))
        status = error_set(&err, STATUS_INVALID, "the input has another size than %s", argv[4]);
    input.values = (float *)(void *)values.data;
    for (size_t i = 0; i < count && status == 0; i++)
        status = make_output(net, argv[5 + i], &outputs[i], &files[i], &err);
    if (status == 0)
        status = run(net, &input, outputs, count, &err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = file_write(files[i], outputs[i].values,
                            net_shape_count(&outputs[i].shape) * sizeof(float), &err);
    if (status < 0)
        fprintf(stderr, "%s %s\n", err.message, err.detail);
    for (size_t i = 0; i < count; i++)
        free(outputs[i].values);
    net_free(net);
    net_library_free(library);
    return status < 0;
}
