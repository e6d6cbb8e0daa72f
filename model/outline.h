/* From a picture to the outlined region: one network is run on the picture as it is and mirrored
 * and, where the package says so, on crops around what was found, as they are and mirrored. */
#ifndef AXNODE_MODEL_OUTLINE_H
#define AXNODE_MODEL_OUTLINE_H

#include "base/error.h"
#include "image/calibration.h"
#include "image/contour.h"
#include "image/image.h"
#include "model/findings.h"
#include "model/net/net.h"

enum {
    OUTLINE_INPUT_MAX = 2048,
    OUTLINE_CHANNELS_MAX = 4,
    OUTLINE_ZOOMS_MAX = 3,
    OUTLINE_PASSES_MAX = 2 + 2 * OUTLINE_ZOOMS_MAX,
};

/* How to feed a network and read it; part of a package. Input 1×1×input_rows×input_columns, or
 * 1×2×… with callipers: the window as large as both sides allow and centred on black, each
 * value (grey × scale − mean) / std; the second channel is 0 but for a bell of
 * exp(−d² / (2 · 3²)) around each mark, d in pixels of the input, the greatest where several
 * meet. Output 1×channels×input_rows×input_columns: probabilities. */
struct outline_network {
    int input_rows, input_columns;
    double scale, mean, std;
    const char *input, *output; /* names of the tensors; borrowed from the package */
    bool callipers;             /* the input has the second channel */
    bool painted;               /* sees pictures whose drawn graphics are painted over */
    int channels;
    int region_channel;       /* tumour or node */
    int hilum_channel;        /* -1: none */
    double threshold;         /* inside when the probability is at least this */
    double min_area_fraction; /* of the picture (or its tissue box); smaller is 'not found' */
    double zooms[OUTLINE_ZOOMS_MAX]; /* sides of the crops, in longest sides of the found box */
    int zoom_count;
};

/* Names and shapes of the file are those that the package states. */
int outline_check(const struct net *net, const struct outline_network *network,
                  struct error *err);

/* Everything is borrowed. */
struct outline_input {
    const struct image *grey;       /* one channel; painted over where the network says so */
    const struct us_region *tissue; /* the network sees this box only (clipped to the picture; a
                                       box that lies outside counts as none); NULL: all of it */
    const struct point *marks;      /* ends of callipers on the picture, in its pixels; those
                                       outside the box are left out */
    size_t mark_count;
};

/* Fills found, seen, mask, hilum, probability, agreement, passes, callipers, touches_border; image and
 * frame are -1 and 0, the rest is zero. Nothing found, or a picture that spans fewer than 16 grey
 * levels: found is false and there is no mask.
 *
 * Passes: the box as it is and mirrored. Where the mean of these two finds a region, for each zoom
 * a square of zoom × its longest side around it (clipped to the box) as it is and mirrored, unless
 * that square is as large as the box's longest side; around the square stands the mean of the first
 * two. The mask is made of the mean of all passes or, where that shows nothing, of the first two:
 * the largest part (edge neighbours) with its holes filled. agreement: mean Dice of every two passes'
 * masks, made in the same way; two empty ones count 0. The caller releases the region. */
int outline_run(const struct net *net, const struct outline_network *network,
                const struct outline_input *input, struct region_finding *ret_region,
                struct error *err);

/* One plain pass without marks: the network's raw output for channel `channel`,
 * input_rows × input_columns. */
int outline_raw(const struct net *net, const struct outline_network *network,
                const struct image *grey, int channel, struct plane *ret_output,
                struct error *err);

#endif
