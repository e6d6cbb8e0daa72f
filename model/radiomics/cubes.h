/* The surface of a set of voxels by marching cubes at half height, as sums per kind of cube. */
#ifndef AXNODE_MODEL_RADIOMICS_CUBES_H
#define AXNODE_MODEL_RADIOMICS_CUBES_H

#include <stdint.h>

/* A cube has eight voxels as corners; its kind has bit k set when corner k is in the region.
 * Corners 0 … 7 lie at (slice, row, column) 000 001 011 010 100 101 111 110. */
enum { CUBE_KINDS = 256 };

/* What one kind adds, in mm: its area; its part of six times the volume when the cube lies at
 * the origin, and what that part grows by per step along each axis. */
struct cube_surface {
    double area, volume6, volume6_step[3];
};
struct cube_surface cube_surface(uint8_t kind, const double spacing_mm[3]);

#endif
