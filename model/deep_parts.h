/* What deep features of pictures (deep.c) and of loops (deep_loop.c) have in common. */
#ifndef AXNODE_MODEL_DEEP_PARTS_H
#define AXNODE_MODEL_DEEP_PARTS_H

#include "model/deep.h"

/* A box of the picture, its size after resizing, and where the network's frame lies in that: below
 * 0 where the frame is larger. */
struct placement {
    struct bounds box;
    int rows, columns;
    int top, left;
};

/* STATUS_LIMIT: resizing the box would pass IMAGE_SIDE_MAX. */
int deep_place(const struct deep_network *network, struct bounds box,
               struct placement *ret_placement, struct error *err);
/* Grey levels 0 to 255 of what the network's frame is cut from. `mask` for those that are black
 * outside the region; the others may have NULL. */
int deep_look(const struct deep_network *network, const struct image *grey,
              const struct mask *mask, const struct placement *placement, struct plane *ret_levels,
              struct error *err);
/* One of them; black around them. */
float deep_level(const struct plane *levels, int y, int x);

/* Runs the network, and checks that what it answers is finite. With room for the activations where
 * they are asked for (NULL: they are not), which the caller frees. */
int deep_feed(const struct net *net, const struct deep_network *network, float *input,
              float *values, struct net_tensor *activations, struct error *err);

/* Activation times gradient in each cell, summed over the channels, into zeroed `cells`, whose
 * rows × columns are all the cells that a channel has. */
void deep_weigh(const struct deep_network *network, const float *activations,
                const double *weights, struct plane *cells);
/* Cells onto the part of the box that lies in the network's frame, bilinearly. `heat` has a zeroed
 * plane of the picture's size. */
void deep_spread(const struct deep_network *network, const struct placement *placement,
                 const struct plane *cells, struct heat_map *heat);

#endif
