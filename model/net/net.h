/* Networks by ONNX Runtime, which is loaded at run time and nowhere linked. CPU, one thread,
 * operators in sequence: the same input gives the same output on one machine. Only the worker
 * and the command line open it. */
#ifndef AXNODE_MODEL_NET_H
#define AXNODE_MODEL_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { NET_RANK_MAX = 6, NET_FILE_MAX = 1 << 30 /* bytes */ };

struct net_library; /* stays mapped until the process ends */
struct net;         /* one network; net_run may be called from several threads */

struct net_shape {
    int rank;
    int64_t sides[NET_RANK_MAX]; /* outermost first, [batch][channel][row][column] */
};

struct net_tensor {
    const char *name; /* borrowed */
    struct net_shape shape;
    float *values; /* row-major */
};

/* `path`: the library's file, or NULL to look in the folder of the installed package, then
 * beside the program (../lib/axnode and ../lib from its folder: the build tree).
 * STATUS_NOT_FOUND with a hint when there is none, STATUS_UNSUPPORTED when it is too old. */
int net_library_open(const char *path, struct net_library **ret_library, struct error *err);
/* After every network of it. */
void net_library_free(struct net_library *library);
/* "1.30.0"; borrowed from the library. */
const char *net_library_version(const struct net_library *library);

/* `sha256`: 64 hexadecimal digits that the file's bytes must have, or NULL. The bytes are read
 * once, checked and loaded from memory; weights in a second file are STATUS_UNSUPPORTED.
 * `library` must outlive the network. */
int net_open(const struct net_library *library, const char *path, const char *sha256,
             struct net **ret_net, struct error *err);
void net_free(struct net *net);

/* The network has exactly one input, of this name, and an output of this name, both float and
 * of a shape that fits (a side the file leaves open fits every size). Else STATUS_INVALID. */
int net_check(const struct net *net, const char *input, const struct net_shape *input_shape,
              const char *output, const struct net_shape *output_shape, struct error *err);

/* The shape of an output as the file states it; a side that the file leaves open is below 0.
 * STATUS_INVALID: no such output, or none of floats. */
int net_output_shape(const struct net *net, const char *output, struct net_shape *ret_shape,
                     struct error *err);

/* Run once. Inputs are borrowed for the call. The caller sets names, shapes and room for the
 * values of `outputs`; they are filled. A network that answers with another shape or type is
 * STATUS_INVALID. */
int net_run(const struct net *net, const struct net_tensor *inputs, size_t input_count,
            struct net_tensor *outputs, size_t output_count, struct error *err);

/* Product of the sides; 0 when a side is below 1, or the product is above 2^31. */
size_t net_shape_count(const struct net_shape *shape);

#endif
