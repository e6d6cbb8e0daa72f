/* What a picture shows, by a small network: a breast with its tumour, an axilla with its node, or
 * neither. The last rung of the ladder of evidence: it is asked where nothing else says. */
#ifndef AXNODE_MODEL_VIEW_H
#define AXNODE_MODEL_VIEW_H

#include "base/error.h"
#include "image/calibration.h"
#include "image/image.h"
#include "model/findings.h"
#include "model/net/net.h"

/* The output's places. The first two are those of enum roi. */
enum { VIEW_TUMOUR, VIEW_NODE, VIEW_OTHER, VIEW_COUNT };

/* Part of a package. Input 1×1×input_size×input_size, fed as an outlining network is
 * (model/outline.h); output 1×3: probabilities. */
struct view_network {
    int input_size;
    double scale, mean, std;
    const char *input, *output; /* names of the tensors; borrowed from the package */
    double confidence_min;      /* a view of a smaller probability decides nothing */
};

/* Names and shapes of the file are those that the package states. */
int view_check(const struct net *net, const struct view_network *network, struct error *err);

/* `grey`: one channel; `tissue`: the network sees this box only, NULL: all of the picture.
 * STATUS_INVALID: the output is no probability. */
int view_run(const struct net *net, const struct view_network *network, const struct image *grey,
             const struct us_region *tissue, double ret_probability[VIEW_COUNT],
             struct error *err);

/* ROI_TUMOUR, ROI_NODE, or ROI_COUNT: something else, or not sure enough. */
enum roi view_decide(const struct view_network *network, const double probability[VIEW_COUNT]);

#endif
