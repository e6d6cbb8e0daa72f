/* One loop of the study, decoded frame by frame: the times of its frames, and what the package's
 * networks see of each. */
#ifndef AXNODE_PIPELINE_REEL_H
#define AXNODE_PIPELINE_REEL_H

#include "pipeline/run.h"

struct reel {
    struct run *run; /* borrowed */
    size_t index;    /* of the study's images */
    const struct deep_network *network;
    struct bounds box; /* the tissue region of the first frame looked at */
    double *seconds;   /* of each frame; in the run's arena */
    size_t count;
    struct dicom_frames *file; /* owned */
    char refused[120]; /* why it cannot be used, in plain words; "": it can, as far as is known */
};

/* Its times alone: those of the header, or the package's assumed rate. */
int reel_time(struct run *run, size_t index, struct reel *ret_reel, struct error *err);
/* The same, and the file is opened. What times it has for want of better is noted. Close it in any
 * case. */
int reel_open(struct run *run, size_t index, struct reel *ret_reel, struct error *err);
void reel_close(struct reel *reel);

bool reel_refused(const struct reel *reel);
/* The first reason stays. 0. */
int reel_refuse(struct reel *reel, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A frame as decoded; or as the loop's network sees it; or so with whether the outlining network finds
 * a tumour on it. A frame that cannot be decoded refuses the reel: nothing is set then. */
int reel_picture(struct reel *reel, size_t frame, struct image *ret_picture, struct error *err);
int reel_levels(struct reel *reel, size_t frame, struct image *ret_levels, struct error *err);
int reel_look(struct reel *reel, size_t frame, struct image *ret_levels, bool *ret_found,
              struct error *err);

/* Whether two frames show the same: grey levels of the network differ by less than 0.1 on average.
 * Lossy videos repeat a frame almost, live tissue differs by whole levels. */
bool reel_alike(const struct image *a, const struct image *b);

#endif
