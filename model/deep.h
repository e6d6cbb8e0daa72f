/* Deep features: what a network makes of a region, one number for each of its channels, and where
 * on the picture the numbers come from. docs/deep.md has the formulas in one place. */
#ifndef AXNODE_MODEL_DEEP_H
#define AXNODE_MODEL_DEEP_H

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"
#include "model/net/net.h"

enum { DEEP_CHANNELS_MAX = 3, DEEP_FEATURES_MAX = 8192, DEEP_INPUT_MAX = 1024, DEEP_PREFIX_MAX = 40 };

/* What of the picture the network sees. */
enum deep_crop {
    DEEP_BOX,     /* the box around the region, with its margin, cut to the picture */
    DEEP_MASKED,  /* the same, black outside the region */
    DEEP_PICTURE, /* all of it */
};

/* How the network makes a feature of a channel of its last activations. */
enum deep_pooling { DEEP_AVERAGE, DEEP_MAX };

/* Part of a package. Input 1×channels×input_size×input_size, output 1×count. */
struct deep_network {
    enum roi roi;
    int input_size;
    int channels; /* 1 or 3: grey, or grey three times */
    double scale, mean[DEEP_CHANNELS_MAX], std[DEEP_CHANNELS_MAX]; /* (grey × scale − mean) / std */
    enum deep_crop crop;
    double margin; /* on each side, in longer sides of the region's box, rounded to pixels */
    int resize_to; /* shorter side, of which the middle square is cut; 0: stretched to the square */
    const char *input, *output; /* names of the tensors; borrowed from the package */
    int count;
    const char *prefix; /* features are "REGION_PREFIXn", n from `first` */
    int first;
    const char *activations; /* 1×count×rows×columns, of which the features are pooled; or NULL */
    enum deep_pooling pooling;
};

/* Names and shapes of the file are those that the package states. */
int deep_check(const struct net *net, const struct deep_network *network, struct error *err);

/* The network's input for a region, [channel][row][column], DEEP_INPUT_MAX at most: cut out,
 * resized bilinearly with antialiasing as Pillow does with pictures of 8 bits (plane_resize_levels in
 * image/resize.h), normalised. With resize_to R
 * the shorter side becomes R, the longer one R × longer / shorter without its fraction, and the
 * square begins at half of what is left, a half rounded to even: torchvision's Resize and
 * CenterCrop. `mask` has the picture's size and is not empty. STATUS_LIMIT: the box is so narrow
 * that resizing it would pass IMAGE_SIDE_MAX. The caller frees the values. */
int deep_input(const struct deep_network *network, const struct image *grey,
               const struct mask *mask, float **ret_values, struct error *err);

/* The features of a region into `values` (count of them). With `weights` (count, the change of a
 * score for a change of each feature; NULL: none), which asks for `activations`, also where on
 * the picture they come from: each activation times the score's gradient there, summed over the
 * channels. The gradient of channel k is weights[k] / (rows × columns) everywhere when features
 * are averages, and weights[k] at the first greatest activation when they are maxima; so the sum
 * over all places is the sum of weights[k] × feature k. For averages this is Grad-CAM (Selvaraju
 * et al., ICCV 2017) before its rectification. The map is brought onto the picture bilinearly;
 * what the network did not see is 0. The caller releases it. */
int deep_run(const struct net *net, const struct deep_network *network, const struct image *grey,
             const struct mask *mask, const double *weights, float *values,
             struct heat_map *ret_heat, struct error *err);

/* The name of feature `index`, from 0: "tumour_f_1". */
void deep_feature_name(const struct deep_network *network, int index,
                       char out[sizeof ((struct feature *)0)->name]);
/* The index of a name; -1: it is none of the network's. */
int deep_feature_index(const struct deep_network *network, const char *name);

#endif
