/* Defaults, and PyRadiomics' parameter files (its schema: radiomics/schemas/paramSchema.yaml). */
#include "model/radiomics/radiomics.h"

#include <string.h>

static void all_features(struct radiomics_settings *s, enum radiomics_class c)
{
    s->features[c] = (1u << radiomics_feature_defaults(c)) - 1;
}

void radiomics_settings_default(struct radiomics_settings *ret_settings)
{
    struct radiomics_settings s = {
        .texture = {.bin_width = 25, .distances = {1}, .distance_count = 1,
                    .symmetrical_glcm = true},
        .filters = 1u << FILTER_ORIGINAL,
        .label = 1,
        .geometry_tolerance = 1e-6,
        .minimum_dimensions = 2,
        .normalize_scale = 1,
        .interpolator = INTERPOLATOR_BSPLINE,
        .pad_distance = 5,
        .wavelet_level = 1,
        .gradient_use_spacing = true,
        .lbp2d_radius = 1,
        .lbp2d_samples = 8,
        .lbp2d_method = LBP_UNIFORM,
        .noise_bands = true,
    };
    for (int c = 0; c < RADIOMICS_CLASS_COUNT; c++)
        if (c != RADIOMICS_SHAPE2D)
            all_features(&s, (enum radiomics_class)c);
    *ret_settings = s;
}

void radiomics_settings_wavelet(struct radiomics_settings *ret_settings)
{
    radiomics_settings_default(ret_settings);
    ret_settings->filters |= 1u << FILTER_WAVELET;
    all_features(ret_settings, RADIOMICS_SHAPE2D);
}

/* Everything that reads one parameter file shares this. */
struct reader {
    const struct yaml *yaml;
    struct radiomics_ignored ignored;
};

struct choice {
    const char *text;
    int value;
};

static int read_choice(const struct reader *in, const struct yaml_node *node,
                       const struct choice *choices, int *ret_value, struct error *err)
{
    const char *text;
    int r = yaml_text(in->yaml, node, &text, err);
    if (r < 0)
        return r;
    for (const struct choice *c = choices; c->text; c++)
        if (strcmp(c->text, text) == 0) {
            *ret_value = c->value;
            return 0;
        }
    return yaml_error(in->yaml, node, err, "\"%s\" is not one of its values", text);
}

static int read_int(const struct reader *in, const struct yaml_node *node, int min, int max,
                    int *ret_value, struct error *err)
{
    int64_t value;
    int r = yaml_int(in->yaml, node, min, max, &value, err);
    if (r == 0)
        *ret_value = (int)value;
    return r;
}

static int read_positive(const struct reader *in, const struct yaml_node *node,
                         double *ret_value, struct error *err)
{
    double value;
    int r = yaml_double(in->yaml, node, &value, err);
    if (r < 0)
        return r;
    if (!(value > 0))
        return yaml_error(in->yaml, node, err, "must be above 0");
    *ret_value = value;
    return 0;
}

static int read_doubles(const struct reader *in, const struct yaml_node *node, int max,
                        double *ret_values, int *ret_count, struct error *err)
{
    if (node->kind != YAML_SEQUENCE || node->count > (size_t)max)
        return yaml_error(in->yaml, node, err, "must be a list of at most %d numbers", max);
    for (size_t i = 0; i < node->count; i++) {
        int r = yaml_double(in->yaml, &node->children[i], &ret_values[i], err);
        if (r < 0)
            return r;
    }
    *ret_count = (int)node->count;
    return 0;
}

/* Each key has a function; `null` leaves the default, as in PyRadiomics. */
typedef int key_fn(const struct reader *in, const struct yaml_node *node,
                   struct radiomics_settings *s, struct error *err);

static int key_bin_width(const struct reader *in, const struct yaml_node *node,
                         struct radiomics_settings *s, struct error *err)
{
    return read_positive(in, node, &s->texture.bin_width, err);
}

static int key_bin_count(const struct reader *in, const struct yaml_node *node,
                         struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 1, 1 << 19, &s->texture.bin_count, err);
}

static int key_distances(const struct reader *in, const struct yaml_node *node,
                         struct radiomics_settings *s, struct error *err)
{
    if (node->kind != YAML_SEQUENCE || node->count < 1 || node->count > RADIOMICS_DISTANCE_MAX)
        return yaml_error(in->yaml, node, err, "must be a list of 1 to %d distances",
                          RADIOMICS_DISTANCE_MAX);
    for (size_t i = 0; i < node->count; i++) {
        int r = read_int(in, &node->children[i], 1, 32, &s->texture.distances[i], err);
        if (r < 0)
            return r;
    }
    s->texture.distance_count = (int)node->count;
    return 0;
}

static int key_weighting(const struct reader *in, const struct yaml_node *node,
                         struct radiomics_settings *s, struct error *err)
{
    static const struct choice choices[] = {{"no_weighting", WEIGHTING_EQUAL},
                                            {"infinity", WEIGHTING_INFINITY},
                                            {"euclidean", WEIGHTING_EUCLIDEAN},
                                            {"manhattan", WEIGHTING_MANHATTAN}, {NULL, 0}};
    int value;
    int r = read_choice(in, node, choices, &value, err);
    if (r == 0)
        s->texture.weighting = (enum radiomics_weighting)value;
    return r;
}

static int key_symmetrical(const struct reader *in, const struct yaml_node *node,
                           struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->texture.symmetrical_glcm, err);
}

static int key_gldm_a(const struct reader *in, const struct yaml_node *node,
                      struct radiomics_settings *s, struct error *err)
{
    int value;
    int r = read_int(in, node, 0, 1 << 20, &value, err);
    if (r == 0)
        s->texture.gldm_a = value;
    return r;
}

static int key_array_shift(const struct reader *in, const struct yaml_node *node,
                           struct radiomics_settings *s, struct error *err)
{
    return yaml_double(in->yaml, node, &s->texture.voxel_array_shift, err);
}

static int key_label(const struct reader *in, const struct yaml_node *node,
                     struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 1, INT32_MAX, &s->label, err);
}

static int key_force_2d(const struct reader *in, const struct yaml_node *node,
                        struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->force_2d, err);
}

static int key_force_2d_dimension(const struct reader *in, const struct yaml_node *node,
                                  struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 0, 2, &s->force_2d_dimension, err);
}

static int key_minimum_dimensions(const struct reader *in, const struct yaml_node *node,
                                  struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 1, 3, &s->minimum_dimensions, err);
}

static int key_minimum_size(const struct reader *in, const struct yaml_node *node,
                            struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 1, INT32_MAX, &s->minimum_voxels, err);
}

static int key_correct_mask(const struct reader *in, const struct yaml_node *node,
                            struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->correct_mask, err);
}

static int key_geometry_tolerance(const struct reader *in, const struct yaml_node *node,
                                  struct radiomics_settings *s, struct error *err)
{
    return read_positive(in, node, &s->geometry_tolerance, err);
}

static int key_normalize(const struct reader *in, const struct yaml_node *node,
                         struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->normalize, err);
}

static int key_normalize_scale(const struct reader *in, const struct yaml_node *node,
                               struct radiomics_settings *s, struct error *err)
{
    return read_positive(in, node, &s->normalize_scale, err);
}

static int key_remove_outliers(const struct reader *in, const struct yaml_node *node,
                               struct radiomics_settings *s, struct error *err)
{
    return read_positive(in, node, &s->remove_outliers, err);
}

static int key_spacing(const struct reader *in, const struct yaml_node *node,
                       struct radiomics_settings *s, struct error *err)
{
    double xyz[3];
    int count;
    int r = read_doubles(in, node, 3, xyz, &count, err);
    if (r < 0)
        return r;
    if (count != 3)
        return yaml_error(in->yaml, node, err, "must be a list of 3 numbers");
    for (int d = 0; d < 3; d++) {
        if (!(xyz[d] >= 0))
            return yaml_error(in->yaml, node, err, "must not be below 0");
        s->resampled_spacing_mm[2 - d] = xyz[d];
    }
    s->resample = true;
    return 0;
}

static int key_interpolator(const struct reader *in, const struct yaml_node *node,
                            struct radiomics_settings *s, struct error *err)
{
    /* By SimpleITK's name or number. */
    static const struct choice choices[] = {
        {"sitkNearestNeighbor", INTERPOLATOR_NEAREST}, {"1", INTERPOLATOR_NEAREST},
        {"sitkLinear", INTERPOLATOR_LINEAR}, {"2", INTERPOLATOR_LINEAR},
        {"sitkBSpline", INTERPOLATOR_BSPLINE}, {"3", INTERPOLATOR_BSPLINE}, {NULL, 0}};
    int value;
    int r = read_choice(in, node, choices, &value, err);
    if (r == 0)
        s->interpolator = (enum radiomics_interpolator)value;
    return r;
}

static int key_pad_distance(const struct reader *in, const struct yaml_node *node,
                            struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 0, 10000, &s->pad_distance, err);
}

static int key_pre_crop(const struct reader *in, const struct yaml_node *node,
                        struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->pre_crop, err);
}

static int key_resegment_range(const struct reader *in, const struct yaml_node *node,
                               struct radiomics_settings *s, struct error *err)
{
    int r = read_doubles(in, node, 2, s->resegment_range, &s->resegment_count, err);
    if (r == 0 && s->resegment_count == 0)
        return yaml_error(in->yaml, node, err, "must have one or two numbers");
    return r;
}

static int key_resegment_mode(const struct reader *in, const struct yaml_node *node,
                              struct radiomics_settings *s, struct error *err)
{
    static const struct choice choices[] = {{"absolute", RESEGMENT_ABSOLUTE},
                                            {"relative", RESEGMENT_RELATIVE},
                                            {"sigma", RESEGMENT_SIGMA}, {NULL, 0}};
    int value;
    int r = read_choice(in, node, choices, &value, err);
    if (r == 0)
        s->resegment_mode = (enum radiomics_resegment)value;
    return r;
}

static int key_resegment_shape(const struct reader *in, const struct yaml_node *node,
                               struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->resegment_shape, err);
}

static int key_sigma(const struct reader *in, const struct yaml_node *node,
                     struct radiomics_settings *s, struct error *err)
{
    int r = read_doubles(in, node, RADIOMICS_SIGMA_MAX, s->sigma_mm, &s->sigma_count, err);
    s->sigma_whole = 0;
    for (int i = 0; r == 0 && i < s->sigma_count; i++) {
        if (!(s->sigma_mm[i] > 0))
            return yaml_error(in->yaml, node, err, "must be above 0");
        if (!strpbrk(node->children[i].text, ".eE"))
            s->sigma_whole |= 1u << i;
    }
    return r;
}

static int key_start_level(const struct reader *in, const struct yaml_node *node,
                           struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 0, 16, &s->wavelet_start_level, err);
}

static int key_level(const struct reader *in, const struct yaml_node *node,
                     struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 1, 16, &s->wavelet_level, err);
}

static int key_wavelet(const struct reader *in, const struct yaml_node *node,
                       struct radiomics_settings *s, struct error *err)
{
    (void)s;
    const char *text;
    int r = yaml_text(in->yaml, node, &text, err);
    if (r == 0 && strcmp(text, "coif1") != 0)
        return error_set(err, STATUS_UNSUPPORTED, "%s:%d: wavelet \"%s\" is not implemented; "
                         "coif1 is", yaml_name(in->yaml), node->line, text);
    return r;
}

static int key_gradient_spacing(const struct reader *in, const struct yaml_node *node,
                                struct radiomics_settings *s, struct error *err)
{
    return yaml_bool(in->yaml, node, &s->gradient_use_spacing, err);
}

static int key_lbp_radius(const struct reader *in, const struct yaml_node *node,
                          struct radiomics_settings *s, struct error *err)
{
    int r = read_positive(in, node, &s->lbp2d_radius, err);
    if (r == 0 && s->lbp2d_radius > 1000)
        return yaml_error(in->yaml, node, err, "must not be above 1000");
    return r;
}

static int key_lbp_samples(const struct reader *in, const struct yaml_node *node,
                           struct radiomics_settings *s, struct error *err)
{
    return read_int(in, node, 1, 24, &s->lbp2d_samples, err);
}

static int key_lbp_method(const struct reader *in, const struct yaml_node *node,
                          struct radiomics_settings *s, struct error *err)
{
    static const struct choice choices[] = {{"default", LBP_DEFAULT}, {"ror", LBP_ROR},
                                            {"uniform", LBP_UNIFORM}, {"var", LBP_VAR},
                                            {NULL, 0}};
    int value;
    int r = read_choice(in, node, choices, &value, err);
    if (r == 0)
        s->lbp2d_method = (enum radiomics_lbp)value;
    return r;
}

static const struct {
    const char *key;
    key_fn *read; /* NULL: known, and of no meaning here */
} keys[] = {
    {"binWidth", key_bin_width},
    {"binCount", key_bin_count},
    {"distances", key_distances},
    {"weightingNorm", key_weighting},
    {"symmetricalGLCM", key_symmetrical},
    {"gldm_a", key_gldm_a},
    {"voxelArrayShift", key_array_shift},
    {"label", key_label},
    {"force2D", key_force_2d},
    {"force2Ddimension", key_force_2d_dimension},
    {"minimumROIDimensions", key_minimum_dimensions},
    {"minimumROISize", key_minimum_size},
    {"normalize", key_normalize},
    {"normalizeScale", key_normalize_scale},
    {"removeOutliers", key_remove_outliers},
    {"resampledPixelSpacing", key_spacing},
    {"interpolator", key_interpolator},
    {"padDistance", key_pad_distance},
    {"preCrop", key_pre_crop},
    {"resegmentRange", key_resegment_range},
    {"resegmentMode", key_resegment_mode},
    {"resegmentShape", key_resegment_shape},
    {"sigma", key_sigma},
    {"start_level", key_start_level},
    {"level", key_level},
    {"wavelet", key_wavelet},
    {"gradientUseSpacing", key_gradient_spacing},
    {"lbp2DRadius", key_lbp_radius},
    {"lbp2DSamples", key_lbp_samples},
    {"lbp2DMethod", key_lbp_method},
    {"additionalInfo", NULL},
    {"correctMask", key_correct_mask},
    {"geometryTolerance", key_geometry_tolerance},
    {"label_channel", NULL},
    {"lbp3DLevels", NULL},
    {"lbp3DIcosphereRadius", NULL},
    {"lbp3DIcosphereSubdivision", NULL},
};
enum { KEY_COUNT = sizeof keys / sizeof *keys };

static void ignore(struct reader *in, const char *key)
{
    int max = (int)(sizeof in->ignored.keys / sizeof *in->ignored.keys);
    for (int i = 0; i < in->ignored.count; i++)
        if (strcmp(in->ignored.keys[i], key) == 0)
            return;
    if (in->ignored.count < max)
        in->ignored.keys[in->ignored.count++] = key;
}

static int read_setting(struct reader *in, const struct yaml_node *map,
                        struct radiomics_settings *s, struct error *err)
{
    if (map->kind != YAML_MAPPING)
        return yaml_is_null(map) ? 0 : yaml_error(in->yaml, map, err, "must be a mapping");
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *node = &map->children[i];
        int k = 0;
        while (k < KEY_COUNT && strcmp(keys[k].key, node->key) != 0)
            k++;
        if (k == KEY_COUNT)
            return yaml_error(in->yaml, node, err, "unknown setting");
        if (!keys[k].read) {
            ignore(in, keys[k].key);
            continue;
        }
        int r = yaml_is_null(node) ? 0 : keys[k].read(in, node, s, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static const char *const filter_names[RADIOMICS_FILTER_COUNT] = {
    [FILTER_ORIGINAL] = "Original",
    [FILTER_WAVELET] = "Wavelet",
    [FILTER_LOG] = "LoG",
    [FILTER_SQUARE] = "Square",
    [FILTER_SQUAREROOT] = "SquareRoot",
    [FILTER_LOGARITHM] = "Logarithm",
    [FILTER_EXPONENTIAL] = "Exponential",
    [FILTER_GRADIENT] = "Gradient",
    [FILTER_LBP2D] = "LBP2D",
};

/* Settings below an image type: its filter's go to the common settings, since no other type has
 * them; those of texture become its own. */
static int read_image_type(struct reader *in, const struct yaml_node *node,
                           struct radiomics_settings *s, struct error *err)
{
    int f = 0;
    while (f < RADIOMICS_FILTER_COUNT && strcmp(filter_names[f], node->key) != 0)
        f++;
    if (strcmp(node->key, "LBP3D") == 0)
        return error_set(err, STATUS_UNSUPPORTED, "%s:%d: image type LBP3D is not implemented",
                         yaml_name(in->yaml), node->key_line);
    if (f == RADIOMICS_FILTER_COUNT)
        return yaml_error(in->yaml, node, err, "unknown image type");
    struct radiomics_settings own = *s;
    int r = read_setting(in, node, &own, err);
    if (r < 0)
        return r;
    struct radiomics_texture common = s->texture, texture = own.texture;
    *s = own;
    s->texture = common;
    s->filters |= 1u << f;
    if (node->kind == YAML_MAPPING && node->count > 0) {
        s->own_texture |= 1u << f;
        s->filter_texture[f] = texture;
    }
    return 0;
}

static int read_class(struct reader *in, const struct yaml_node *node,
                      struct radiomics_settings *s, struct error *err)
{
    int c = 0;
    while (c < RADIOMICS_CLASS_COUNT &&
           strcmp(radiomics_class_name((enum radiomics_class)c), node->key) != 0)
        c++;
    if (c == RADIOMICS_CLASS_COUNT)
        return yaml_error(in->yaml, node, err, "unknown feature class");
    if (yaml_is_null(node) || (node->kind == YAML_SEQUENCE && node->count == 0)) {
        all_features(s, (enum radiomics_class)c);
        return 0;
    }
    if (node->kind != YAML_SEQUENCE)
        return yaml_error(in->yaml, node, err, "must be a list of feature names, or empty");
    for (size_t i = 0; i < node->count; i++) {
        const char *text, *name;
        int r = yaml_text(in->yaml, &node->children[i], &text, err);
        if (r < 0)
            return r;
        int n = 0;
        while ((name = radiomics_feature_name((enum radiomics_class)c, n)) &&
               strcmp(name, text) != 0)
            n++;
        if (!name)
            return yaml_error(in->yaml, &node->children[i], err, "unknown feature \"%s\" of %s",
                              text, node->key);
        s->features[c] |= 1u << n;
    }
    return 0;
}

static int each(struct reader *in, const struct yaml_node *map,
                int (*read)(struct reader *, const struct yaml_node *,
                            struct radiomics_settings *, struct error *),
                struct radiomics_settings *s, struct error *err)
{
    if (map->kind != YAML_MAPPING)
        return yaml_error(in->yaml, map, err, "must be a mapping");
    int r = 0;
    for (size_t i = 0; i < map->count && r == 0; i++)
        r = read(in, &map->children[i], s, err);
    return r;
}

int radiomics_settings_read(const struct yaml *yaml, const struct yaml_node *node,
                            struct radiomics_settings *ret_settings,
                            struct radiomics_ignored *ret_ignored, struct error *err)
{
    static const char *const known[] = {"setting", "featureClass", "imageType", "voxelSetting",
                                        NULL};
    struct reader in = {.yaml = yaml};
    struct radiomics_settings s;
    radiomics_settings_default(&s);
    int r = yaml_check_keys(yaml, node, known, err);
    const struct yaml_node *setting = yaml_get(node, "setting");
    const struct yaml_node *classes = yaml_get(node, "featureClass");
    const struct yaml_node *types = yaml_get(node, "imageType");
    if (yaml_get(node, "voxelSetting"))
        ignore(&in, "voxelSetting");
    if (r == 0 && setting)
        r = read_setting(&in, setting, &s, err);
    if (r == 0 && classes && !yaml_is_null(classes)) {
        memset(s.features, 0, sizeof s.features);
        r = each(&in, classes, read_class, &s, err);
    }
    if (r == 0 && types && !yaml_is_null(types)) {
        s.filters = 0;
        r = each(&in, types, read_image_type, &s, err);
    }
    if (r < 0)
        return r;
    *ret_settings = s;
    if (ret_ignored)
        *ret_ignored = in.ignored;
    return 0;
}
