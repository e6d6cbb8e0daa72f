/* The loop that a network of the package sees: which one of the study, which part and which frames
 * of it. docs/loops.md. */
#ifndef AXNODE_PIPELINE_LOOP_H
#define AXNODE_PIPELINE_LOOP_H

#include "pipeline/run.h"

/* For a package with a network over a loop: sets tumour->region.loop and appends its features. Of the
 * loops of the tumour's side the longest sound one is taken; without one `problem` says why, and no
 * features are there. What a reader is to know of it is noted. Memory: two frames and what the network
 * sees, however long the loop is. */
int run_loop(struct run *run, struct candidate *tumour, struct error *err);

#endif
