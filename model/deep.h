/* Deep features: what a network makes of a region, one number for each of its channels, and where
 * on the picture the numbers come from. docs/deep.md has the formulas in one place. */
#ifndef AXNODE_MODEL_DEEP_H
#define AXNODE_MODEL_DEEP_H

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"
#include "model/net/net.h"

enum {
    DEEP_CHANNELS_MAX = 3,
    DEEP_FEATURES_MAX = 8192,
    DEEP_INPUT_MAX = 1024,
    DEEP_PREFIX_MAX = 40,
    DEEP_FRAMES_MIN = 2, /* LOOP_FRAMES_MAX (model/loop.h) at most */
};

/* What of the picture the network sees. */
enum deep_crop {
    DEEP_BOX,     /* the box around the region, with its margin, cut to the picture */
    DEEP_MASKED,  /* the same, black outside the region */
    DEEP_PICTURE, /* all of it */
    DEEP_SEGMENTED, /* all that the outlining network saw, black outside the region */
    DEEP_TISSUE,  /* the screen's tissue region, of every frame of a loop (deep_loop.h) */
};

/* How the network makes a feature of a channel of its last activations. */
enum deep_pooling { DEEP_AVERAGE, DEEP_MAX };

/* How that comes to the input's size. */
enum deep_resize {
    DEEP_STRETCH,
    DEEP_SHORTER_SIDE, /* to resize_to; the middle of the longer one */
    DEEP_FIT,          /* as large as both sides allow, centred on black */
};

/* Part of a package. Input 1×channels×input_rows×input_columns, of a loop
 * 1×channels×frames×input_rows×input_columns; output 1×count. */
struct deep_network {
    enum roi roi;
    int frames;          /* of a loop; 0: it sees the outlined picture */
    double assumed_rate; /* frames per second of a loop that says no times; 0: none is assumed */
    int input_rows, input_columns;
    int channels; /* 1 or 3: grey, or grey three times */
    double scale, mean[DEEP_CHANNELS_MAX], std[DEEP_CHANNELS_MAX]; /* (grey × scale − mean) / std */
    enum deep_crop crop;
    double margin; /* on each side, in longer sides of the region's box, rounded to pixels */
    enum deep_resize resize;
    int resize_to; /* with DEEP_SHORTER_SIDE: that side, of which the middle is cut */
    const char *input, *output; /* names of the tensors; borrowed from the package */
    int count;
    const char *prefix; /* features are "REGION_PREFIXn", n from `first` */
    int first;
    const char *activations; /* 1×count×rows×columns (of a loop 1×count×times×rows×columns), of which
                                the features are pooled; or NULL */
    enum deep_pooling pooling;
};

/* Names and shapes of the file are those that the package states; also of networks of loops. */
int deep_check(const struct net *net, const struct deep_network *network, struct error *err);

/* The network's input for a region, [channel][row][column], DEEP_INPUT_MAX at most: cut out,
 * resized bilinearly with antialiasing as Pillow does with pictures of 8 bits (plane_resize_levels in
 * image/resize.h), normalised. With DEEP_SHORTER_SIDE
 * the shorter side becomes resize_to R, the longer one R × longer / shorter without its fraction, and
 * the frame begins at half of what is left, a half rounded to even: torchvision's Resize and
 * CenterCrop. With DEEP_FIT it lies as fit_frame says. `mask` has the picture's size and is not empty;
 * `seen` lies in the picture and is used with DEEP_SEGMENTED alone, NULL: all of the picture.
 * STATUS_LIMIT: the box is so narrow that resizing it would pass IMAGE_SIDE_MAX. The caller frees the
 * values. */
int deep_input(const struct deep_network *network, const struct image *grey,
               const struct mask *mask, const struct bounds *seen, float **ret_values,
               struct error *err);

/* The features of a region into `values` (count of them). With `weights` (count, the change of a
 * score for a change of each feature; NULL: none), which asks for `activations`, also where on
 * the picture they come from: each activation times the score's gradient there, summed over the
 * channels. The gradient of channel k is weights[k] / (rows × columns) everywhere when features
 * are averages, and weights[k] at the first greatest activation when they are maxima; so the sum
 * over all places is the sum of weights[k] × feature k. For averages this is Grad-CAM (Selvaraju
 * et al., ICCV 2017) before its rectification. The map is brought onto the picture bilinearly;
 * what the network did not see is 0. The caller releases it. */
int deep_run(const struct net *net, const struct deep_network *network, const struct image *grey,
             const struct mask *mask, const struct bounds *seen, const double *weights,
             float *values, struct heat_map *ret_heat, struct error *err);

/* The name of feature `index`, from 0: "tumour_f_1". */
void deep_feature_name(const struct deep_network *network, int index,
                       char out[sizeof ((struct feature *)0)->name]);
/* The index of a name; -1: it is none of the network's. */
int deep_feature_index(const struct deep_network *network, const char *name);

#endif
