/* One pass of an outlining network over a window of a picture. */
#ifndef AXNODE_MODEL_OUTLINE_PASS_H
#define AXNODE_MODEL_OUTLINE_PASS_H

#include "model/outline.h"

/* What the network answers, at the window's size; hilum is empty without such a channel. */
struct pass {
    struct plane region, hilum;
};
void pass_release(struct pass *pass);

/* Marks in pixels of some picture, and where the window begins in it; those outside the window
 * are left out. */
struct marks {
    const struct point *points; /* borrowed */
    size_t count;
    int x0, y0;
};

/* All channels for one frame of grey values 0 to 255, which is normalised in place. `marks` in
 * pixels of the frame, or NULL. ret_values is the caller's to free. STATUS_INVALID: the output is no
 * probability. */
int pass_frame(const struct net *net, const struct outline_network *network,
               struct plane *frame, const struct marks *marks, float **ret_values,
               struct error *err);

/* Plain and mirrored. The window comes back mirrored. */
int pass_both(const struct net *net, const struct outline_network *network, struct plane *window,
              const struct marks *marks, struct pass *ret_plain, struct pass *ret_mirrored,
              struct error *err);

#endif
