/* Radiomic features of one outlined region, with the names and values of PyRadiomics 3.0.1
 * (https://pyradiomics.readthedocs.io). What is equal, how closely, and what is not: see
 * docs/radiomics.md. */
#ifndef AXNODE_MODEL_RADIOMICS_RADIOMICS_H
#define AXNODE_MODEL_RADIOMICS_RADIOMICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/yaml.h"
#include "image/image.h"
#include "model/findings.h"
#include "model/radiomics/volume.h"

enum radiomics_class {
    RADIOMICS_SHAPE, RADIOMICS_SHAPE2D, RADIOMICS_FIRSTORDER, RADIOMICS_GLCM, RADIOMICS_GLDM,
    RADIOMICS_GLRLM, RADIOMICS_GLSZM, RADIOMICS_NGTDM, RADIOMICS_CLASS_COUNT,
};

/* PyRadiomics' image types. */
enum radiomics_filter {
    FILTER_ORIGINAL, FILTER_WAVELET, FILTER_LOG, FILTER_SQUARE, FILTER_SQUAREROOT,
    FILTER_LOGARITHM, FILTER_EXPONENTIAL, FILTER_GRADIENT, FILTER_LBP2D, RADIOMICS_FILTER_COUNT,
};

enum radiomics_weighting {
    WEIGHTING_NONE, /* features per direction, then their mean */
    WEIGHTING_EQUAL, WEIGHTING_INFINITY, WEIGHTING_EUCLIDEAN, WEIGHTING_MANHATTAN,
};

enum radiomics_interpolator { INTERPOLATOR_NEAREST, INTERPOLATOR_LINEAR, INTERPOLATOR_BSPLINE };
enum radiomics_resegment { RESEGMENT_ABSOLUTE, RESEGMENT_RELATIVE, RESEGMENT_SIGMA };
enum radiomics_lbp { LBP_DEFAULT, LBP_ROR, LBP_UNIFORM, LBP_VAR };

enum { RADIOMICS_DISTANCE_MAX = 8, RADIOMICS_SIGMA_MAX = 16 };

/* How grey values become grey levels and matrices; each image type may have its own. */
struct radiomics_texture {
    double bin_width; /* binWidth */
    int bin_count;    /* binCount; 0: by width */
    int distances[RADIOMICS_DISTANCE_MAX]; /* in voxels, infinity norm */
    int distance_count;
    enum radiomics_weighting weighting; /* weightingNorm */
    bool symmetrical_glcm;
    double gldm_a;
    double voxel_array_shift;
};

struct radiomics_settings {
    struct radiomics_texture texture;
    /* Image types that have a texture of their own: bit 1 << filter. */
    uint32_t own_texture;
    struct radiomics_texture filter_texture[RADIOMICS_FILTER_COUNT];

    uint32_t filters;  /* image types to compute: bit 1 << filter */
    /* Features to compute per class: bit n is the n-th of radiomics_feature_name; 0: none. */
    uint32_t features[RADIOMICS_CLASS_COUNT];

    int label;
    double geometry_tolerance; /* geometryTolerance; see model/radiomics/placement.h */
    bool correct_mask;         /* a mask of another grid is brought onto the image's */
    bool force_2d;
    int force_2d_dimension; /* 0 slice, 1 row, 2 column */
    int minimum_dimensions; /* minimumROIDimensions */
    int minimum_voxels;     /* minimumROISize; 0: no rule */

    bool normalize;
    double normalize_scale;
    double remove_outliers; /* in standard deviations; 0: keep them */

    bool resample;
    double resampled_spacing_mm[3]; /* slice, row, column; 0 keeps that axis */
    enum radiomics_interpolator interpolator;
    int pad_distance;
    bool pre_crop;

    int resegment_count; /* 0 none, 1 lower bound alone, 2 both */
    double resegment_range[2];
    enum radiomics_resegment resegment_mode;
    bool resegment_shape; /* the narrowed mask is used for shape, too */

    int wavelet_start_level, wavelet_level; /* wavelet is coif1 */
    double sigma_mm[RADIOMICS_SIGMA_MAX];   /* LoG */
    int sigma_count;
    uint32_t sigma_whole; /* bit n: the n-th was written without a fraction, as names show it */
    bool gradient_use_spacing;
    double lbp2d_radius;
    int lbp2d_samples;
    enum radiomics_lbp lbp2d_method;

    /* Wavelet bands that hold nothing but rounding noise (high pass along an axis of one voxel):
     * true gives PyRadiomics' numbers bit for bit, flagged meaningless; false leaves them out. */
    bool noise_bands;
    bool portable; /* no vector instructions that not every processor has; same numbers */
};

/* PyRadiomics' defaults: Original only, every class that it enables by default, bin width 25. */
void radiomics_settings_default(struct radiomics_settings *ret_settings);
/* Original and Wavelet and all classes: 851 features of a slice, 488 with force_2d. */
void radiomics_settings_wavelet(struct radiomics_settings *ret_settings);

/* Keys of a parameter file that are known and have no meaning here; borrowed from static text. */
struct radiomics_ignored {
    const char *keys[16];
    int count;
};
/* A PyRadiomics parameter file (keys imageType, featureClass, setting, voxelSetting), or the part
 * of a larger YAML document below `node`. Unknown keys are STATUS_INVALID and named; what this
 * cannot do (another wavelet, LBP3D) is STATUS_UNSUPPORTED. `ret_ignored` may be NULL. */
int radiomics_settings_read(const struct yaml *yaml, const struct yaml_node *node,
                            struct radiomics_settings *ret_settings,
                            struct radiomics_ignored *ret_ignored, struct error *err);

/* Either a picture or a volume; everything borrowed. */
struct radiomics_input {
    const struct image *image; /* colour becomes BT.601 luma */
    const struct mask *mask;   /* of the picture's size */
    double spacing_row_mm, spacing_column_mm; /* 0: taken as 1 mm, as PyRadiomics does for PNG */

    const struct volume *volume; /* used when image is NULL */
    const struct label_volume *labels;

    /* Pixels of drawn graphics, of the picture's size, or NULL: left out of grey features; shape
     * uses the full outline. */
    const struct mask *graphics;
};

/* Append every feature that `settings` asks for, named `prefix` + PyRadiomics' name ("tumour_"
 * gives "tumour_original_firstorder_Mean"; "" for none), in PyRadiomics' order. On failure the
 * list may have grown. STATUS_INVALID: sizes or places in space differ, no voxel has the label, fewer voxels or
 * dimensions than asked for, NaN or infinite values. STATUS_LIMIT: more grey levels than
 * RADIOMICS_LEVELS_MAX. Thread-safe; memory is about 60 bytes per voxel of the region's box plus
 * 24 per voxel of the volume when filters need it. */
enum { RADIOMICS_LEVELS_MAX = 4096 };
int radiomics_extract(const struct radiomics_input *input,
                      const struct radiomics_settings *settings, const char *prefix,
                      struct feature_list *ret_features, struct error *err);

/* "glcm", "shape2D" …; static storage. */
const char *radiomics_class_name(enum radiomics_class c);
/* n-th feature of a class, NULL past the last. Those not computed by default (deprecated by
 * PyRadiomics, or IBSI's own definition) stand behind radiomics_feature_defaults(c). */
const char *radiomics_feature_name(enum radiomics_class c, int n);
int radiomics_feature_defaults(enum radiomics_class c);
/* IBSI's four-character code for a feature's name (with or without prefix and image type), or
 * NULL when there is none or the definition differs. Static storage. */
const char *radiomics_ibsi_code(const char *feature_name);

#endif
