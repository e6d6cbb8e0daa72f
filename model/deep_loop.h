/* Deep features of a cine loop: what a network makes of some of its frames, and which of them and
 * which places on them the numbers come from. docs/loops.md. */
#ifndef AXNODE_MODEL_DEEP_LOOP_H
#define AXNODE_MODEL_DEEP_LOOP_H

#include "base/error.h"
#include "model/deep.h"
#include "model/loop.h"

/* The box of a frame as the network sees it: grey levels, input_rows × input_columns, resized as
 * deep_input does. The box lies in the picture. The caller releases them. */
int deep_loop_levels(const struct deep_network *network, const struct image *grey,
                     struct bounds box, struct image *ret_levels, struct error *err);

/* Where the frames lie in the pictures they were cut from. */
struct deep_loop_place {
    struct bounds box;
    int rows, columns; /* of the pictures */
};

/* The features of network->frames samples, of which the levels are set, into `values`. With
 * `weights` (as deep_run) also each sample's contribution, the key and its heat map: at each time
 * and place of the activations activation times gradient, summed over the channels; a sample has
 * what lies between the two times around its middle, linearly, in its share of the time. So the
 * contributions sum up to Σ weights[k] × feature k. The key is the sample that contributes most; of
 * equal ones, as with few times, the middle one. */
int deep_loop_run(const struct net *net, const struct deep_network *network,
                  const struct deep_loop_place *place, const double *weights,
                  struct loop_finding *loop, float *values, struct error *err);

#endif
