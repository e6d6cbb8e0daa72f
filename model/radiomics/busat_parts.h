/* Inside model/radiomics: what busat.c is put together from. */
#ifndef AXNODE_MODEL_RADIOMICS_BUSAT_PARTS_H
#define AXNODE_MODEL_RADIOMICS_BUSAT_PARTS_H

#include <stdint.h>

#include "base/error.h"
#include "image/image.h"
#include "model/findings.h"

struct busat {
    const struct image *grey;
    const struct mask *mask;
    int x0, y0, x1, y1; /* the mask's box, inclusive */
    size_t pixels;      /* of the mask */
    const char *prefix;
    struct feature_list *list;
};

int busat_add(const struct busat *b, const char *name, double value, struct error *err);
int busat_shape(const struct busat *b, struct error *err);
int busat_glcm(const struct busat *b, struct error *err);
int busat_laws(const struct busat *b, struct error *err);
/* Autocorrelation, complexity curve, posterior echo. */
int busat_texture(const struct busat *b, struct error *err);

static inline uint8_t busat_grey(const struct busat *b, int x, int y)
{
    return b->grey->pixels[(size_t)y * (size_t)b->grey->columns + (size_t)x];
}

/* 0 outside of the picture. */
static inline int busat_inside(const struct mask *m, int x, int y)
{
    return x >= 0 && y >= 0 && x < m->columns && y < m->rows &&
           m->pixels[(size_t)y * (size_t)m->columns + (size_t)x];
}

#endif
