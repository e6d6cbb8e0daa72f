/* From scattering strength to a B-mode picture: random scatterers seen through the beam. */
#ifndef AXNODE_PHANTOM_SPECKLE_H
#define AXNODE_PHANTOM_SPECKLE_H

#include "image/image.h"
#include "phantom/random.h"

struct beam {
    float spacing_mm;
    float axial_sigma_mm;        /* of the point spread function */
    float lateral_sigma_mm;      /* at the focus */
    float focus_mm, widening;    /* lateral sigma grows by `widening` mm per mm off focus */
    float noise_db;              /* electronic noise, relative to gland at the surface */
    float noise_slope_db_per_mm; /* amplified with depth like the echoes */
    float dynamic_range_db;      /* black to white */
    float gland_grey;            /* grey of 0 dB, 0 to 255: the gain */
    int looks;                   /* 1 or 2: spatial compounding */
};

/* `ret_picture`: grey, of the plane's size, initialised by the caller. Gaussian scatterers, a
 * separable Gaussian point spread function, Rayleigh envelope, log compression (Wagner et al.,
 * IEEE Trans. Sonics Ultrasonics 1983). */
int speckle_fill(const struct plane *echo_db, const struct beam *beam, struct random *r,
                 struct image *ret_picture, struct error *err);

#endif
