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

/* Scatterers of a volume, of which a picture sees a slab as thick as the beam. */
struct slab {
    uint64_t seed;       /* of the volume: slices are drawn from it by their number */
    double elevation_mm; /* of the scan plane, along the probe's short side */
    double sigma_mm;     /* of the beam's amplitude profile in elevation, Gaussian */
};

/* Where each point of a picture lies in the tissue, in pixels of the tissue's plane. */
struct warp {
    struct plane x, y;
};

/* One frame of a loop, one look: tissue `echo_db` at rest, seen through the beam, its echoes then
 * carried to where `warp` has moved them, so that speckle follows the tissue in the plane and
 * changes when the plane itself moves. Of two frames d mm apart in elevation the fields correlate
 * with exp(-d² / 4σ²), which is the autocorrelation of the beam's profile, and the intensities
 * with its square (Chen, Fowlkes, Carson, Rubin, Int. J. Imaging Systems and Technology 1997). `r`:
 * electronic noise, new in each frame. `ret_picture`: of the warp's size. beam->looks is not used.
 */
int speckle_frame(const struct plane *echo_db, const struct beam *beam, const struct slab *slab,
                  const struct warp *warp, struct random *r, struct image *ret_picture,
                  struct error *err);

#endif
