/* Callipers on a picture, by a small network that learned what they look like: fainter and more
 * broken ones than their drawn shape alone tells (image/callipers.h). They guide outlines. */
#ifndef AXNODE_MODEL_CALLIPER_NET_H
#define AXNODE_MODEL_CALLIPER_NET_H

#include <stddef.h>

#include "base/error.h"
#include "image/calibration.h"
#include "image/contour.h"
#include "image/image.h"
#include "model/net/net.h"

enum {
    CALLIPER_POINTS_MAX = 8,
    CALLIPER_PIXELS_MAX = 1 << 22, /* of the tissue box; a larger one is not looked at */
};

/* Part of a package. Input 1×1×R×C, any even R and C: the tissue box in the picture's own pixels,
 * filled up with 0, each value (grey × scale − mean) / std. Output 1×1×R/2×C/2: probability that the
 * middle of a mark lies in the cell. */
struct calliper_network {
    double scale, mean, std;
    const char *input, *output; /* names of the tensors; borrowed from the package */
    double threshold;           /* of a mark's highest probability */
};

/* Names and shapes of the file are those that the package states. */
int calliper_net_check(const struct net *net, const struct calliper_network *network,
                       struct error *err);

/* The marks in the tissue box (NULL: in all of the picture), in pixels of the picture, the most
 * probable first: cells that no neighbour up to 4 cells away exceeds, each moved to the mean of its 3×3
 * cells weighted by their probability. STATUS_INVALID: the output is no probability. */
int calliper_net_find(const struct net *net, const struct calliper_network *network,
                      const struct image *grey, const struct us_region *tissue,
                      struct point ret_points[CALLIPER_POINTS_MAX], size_t *ret_count,
                      struct error *err);

/* The network's raw output for the whole picture, R/2 × C/2 cells. */
int calliper_net_raw(const struct net *net, const struct calliper_network *network,
                     const struct image *grey, struct plane *ret_output, struct error *err);

#endif
