/* From a picture to the outlined region: a network is run on the picture as it is and mirrored,
 * both outputs are averaged. */
#ifndef AXNODE_MODEL_OUTLINE_H
#define AXNODE_MODEL_OUTLINE_H

#include "base/error.h"
#include "image/calibration.h"
#include "image/image.h"
#include "model/findings.h"
#include "model/net/net.h"

enum { OUTLINE_INPUT_MAX = 2048, OUTLINE_CHANNELS_MAX = 4 };

/* How to feed a network and read it; part of a package. Input 1×1×input_size×input_size: the
 * picture's longest side fitted to input_size and centred on black, each value
 * (grey × scale − mean) / std. Output 1×channels×input_size×input_size: probabilities. */
struct outline_network {
    int input_size;
    double scale, mean, std;
    const char *input, *output; /* names of the tensors; borrowed from the package */
    int channels;
    int region_channel;       /* tumour or node */
    int hilum_channel;        /* -1: none */
    double threshold;         /* inside when the probability is at least this */
    double min_area_fraction; /* of the picture (or its tissue box); smaller is 'not found' */
};

/* Names and shapes of the file are those that the package states. */
int outline_check(const struct net *net, const struct outline_network *network,
                  struct error *err);

/* `grey`: one channel. `tissue`: the network sees this box only (clipped to the picture; a box
 * that lies outside counts as none), NULL: the whole picture. Fills found, mask, hilum,
 * probability, agreement, touches_border; image and frame are -1 and 0, the rest is zero.
 * Nothing found, or a picture that spans fewer than 16 grey levels: found is false and there is
 * no mask. The mask is the largest part (edge neighbours) with its holes filled; agreement
 * compares the masks of the two passes, made in the same way. The caller releases the region. */
int outline_run(const struct net *net, const struct outline_network *network,
                const struct image *grey, const struct us_region *tissue,
                struct region_finding *ret_region, struct error *err);

/* One plain pass: the network's raw output for channel `channel`, input_size × input_size. */
int outline_raw(const struct net *net, const struct outline_network *network,
                const struct image *grey, int channel, struct plane *ret_output,
                struct error *err);

#endif
