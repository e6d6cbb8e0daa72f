/* What a network saw of a cine loop, and which of its frames counted most. */
#ifndef AXNODE_MODEL_LOOP_H
#define AXNODE_MODEL_LOOP_H

#include <stdbool.h>

#include "model/findings.h"

enum { LOOP_FRAMES_MAX = 32 };

/* A frame that the network saw. */
struct loop_sample {
    int frame;           /* of the object, from 0 */
    double seconds;      /* since the loop's first frame */
    double contribution; /* to the model's linear predictor; 0 without activations */
    struct image levels; /* owned: grey, as the network saw it, before its normalisation */
};

struct loop_finding {
    char problem[200]; /* why no loop gave numbers, in plain words; "": one did, and all below is set */
    int image;         /* index in the study's list */
    int frames;        /* of the object */
    double duration_s; /* of the whole loop */
    double from_s, to_s; /* the part that shows the tumour */
    struct loop_sample samples[LOOP_FRAMES_MAX];
    int count;
    int key;              /* of the samples, the one that contributes most; -1: without activations */
    struct image picture; /* owned: the key frame as decoded; no pixels without one */
    struct heat_map heat; /* of the key frame; no values without activations */
};
/* NULL is fine. */
void loop_finding_free(struct loop_finding *loop);

#endif
