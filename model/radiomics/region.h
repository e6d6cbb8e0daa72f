/* Inside model/radiomics: what the feature classes work on. Triples are slice, row, column. */
#ifndef AXNODE_MODEL_RADIOMICS_REGION_H
#define AXNODE_MODEL_RADIOMICS_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/radiomics/radiomics.h"

/* Added inside every logarithm: numpy.spacing(1). */
#define RADIOMICS_EPSILON 2.220446049250313e-16

struct box {
    int start[3], size[3];
};

/* The voxels of a region inside its bounding box. */
struct region {
    struct box box;       /* in the volume */
    double spacing_mm[3];
    uint8_t *mask;        /* owned; of the box; 0 or 1 */
    size_t voxels;
};
/* From a mask over a whole volume; STATUS_INVALID when it is empty. */
int region_init(struct region *ret_region, const uint8_t *mask, const int size[3],
                const double spacing_mm[3], struct error *err);
void region_release(struct region *r);

/* A region's grey levels on a grid with a margin, so that every neighbour can be read without a
 * check. Levels are numbered from 1 over those that occur; `grey` has the real ones. */
struct levels {
    int size[3];      /* of the box */
    int grid[3];      /* of the grid: box and margins */
    int margin[3];
    int *level;       /* owned; of the grid; 0 outside of the region */
    int *at;          /* owned; the region's voxels in the grid, in raster order */
    size_t voxels;
    int count;        /* levels that occur */
    int *grey;        /* owned; their real grey levels, ascending, from 1 */
    int highest;      /* the last of them: PyRadiomics' Ng */
    double spacing_mm[3];
};
/* `values`: of the region's voxels in raster order. Bins: see radiomics_texture. `flat` is the
 * axis in which nothing moves (force2D), or -1. STATUS_LIMIT: too many grey levels. */
int levels_init(struct levels *ret_levels, const struct region *region, const double *values,
                const struct radiomics_texture *texture, int flat, struct error *err);
void levels_release(struct levels *l);

/* Neighbour offsets, one of each opposite pair. */
struct direction {
    int step[3];
    ptrdiff_t offset; /* in the grid */
};
/* All offsets with an infinity norm in `distances` that fit into the box; free() the array.
 * None at all is possible (a single voxel). */
int directions_list(const struct levels *l, const int *distances, int distance_count, int flat,
                    struct direction **ret_directions, int *ret_count, struct error *err);
/* exp(-norm²) of one step in mm. */
double direction_weight(const struct direction *d, enum radiomics_weighting weighting,
                        const double spacing_mm[3]);

/* Counts by grey level and size (of runs, zones or dependences). */
struct size_matrix {
    int rows, columns;
    const int *grey;  /* of each row; borrowed */
    int *sizes;       /* of each column; owned */
    double *counts;   /* [row][column]; owned */
};
void size_matrix_release(struct size_matrix *m);
int size_matrix_init(struct size_matrix *ret_matrix, int rows, int columns, const int *grey,
                     struct error *err);

/* What runs, zones and dependences have in common; sizes are j, grey levels are i, p the share
 * of one count in all. */
struct emphasis {
    double total;                    /* Σ n */
    double voxels;                   /* Σ n j */
    double small, large;             /* Σ p/j², Σ p j² */
    double low_grey, high_grey;      /* Σ p/i², Σ p i² */
    double small_low, small_high, large_low, large_high;
    double grey_nonuniformity, grey_nonuniformity_normalised;
    double size_nonuniformity, size_nonuniformity_normalised;
    double grey_variance, size_variance, entropy;
};
int emphasis_compute(const struct size_matrix *m, struct emphasis *ret_emphasis,
                     struct error *err);

/* The classes. `ret_values` has one place per name of radiomics_feature_name, in that order;
 * bits of `ret_meaningless` mark values without meaning for this input. */
int firstorder_compute(const double *values, size_t n, double voxel_volume_mm3,
                       const struct levels *levels, double shift, double *ret_values,
                       uint32_t *ret_meaningless, struct error *err);
int glcm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                 double *ret_values, uint32_t *ret_meaningless, struct error *err);
int gldm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                 double *ret_values, uint32_t *ret_meaningless, struct error *err);
int glrlm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                  double *ret_values, uint32_t *ret_meaningless, struct error *err);
int glszm_compute(const struct levels *l, int flat, double *ret_values,
                  uint32_t *ret_meaningless, struct error *err);
int ngtdm_compute(const struct levels *l, const struct radiomics_texture *texture, int flat,
                  double *ret_values, uint32_t *ret_meaningless, struct error *err);
int shape3d_compute(const struct region *region, double *ret_values, uint32_t *ret_meaningless,
                    struct error *err);
/* `flat`: the axis across the slice, of one voxel. */
int shape2d_compute(const struct region *region, int flat, double *ret_values,
                    uint32_t *ret_meaningless, struct error *err);

/* The matrices themselves, for tests. free() or release what is returned. */
void glcm_counts(const struct levels *l, const struct direction *d, bool symmetrical,
                double *ret_counts);
int glrlm_matrix(const struct levels *l, const struct direction *d,
                 struct size_matrix *ret_matrix, bool *ret_empty, struct error *err);
int glszm_matrix(const struct levels *l, int flat, struct size_matrix *ret_matrix,
                 struct error *err);
int gldm_matrix(const struct levels *l, const struct radiomics_texture *texture, int flat,
                struct size_matrix *ret_matrix, struct error *err);
/* [level][2]: voxels, sum of differences to their neighbourhood. */
int ngtdm_matrix(const struct levels *l, const struct radiomics_texture *texture, int flat,
                 double *ret_matrix, struct error *err);

/* Eigenvalues of a symmetric matrix [n][n], descending; `a` is destroyed. n up to 3. */
void symmetric_eigenvalues3(double a[9], int n, double ret_values[3]);

#endif
