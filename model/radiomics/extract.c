/* From an input and settings to a list of features, in PyRadiomics' order of steps. */
#include "model/radiomics/radiomics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "model/radiomics/filters.h"
#include "model/radiomics/preprocess.h"
#include "model/radiomics/region.h"

enum { FEATURES_PER_CLASS_MAX = 32 };

struct extraction {
    const struct radiomics_settings *settings;
    const char *prefix;
    struct feature_list *list;
    int flat; /* the axis without movement, or -1 */
};

static int add_class(const struct extraction *x, const char *type, enum radiomics_class c,
                     const double *values, uint32_t meaningless, struct error *err)
{
    for (int n = 0; radiomics_feature_name(c, n); n++) {
        if (!(x->settings->features[c] & 1u << n))
            continue;
        char name[96];
        int length = snprintf(name, sizeof name, "%s%s_%s_%s", x->prefix, type,
                              radiomics_class_name(c), radiomics_feature_name(c, n));
        if (length < 0 || (size_t)length >= sizeof name)
            return error_set(err, STATUS_LIMIT, "a feature's name is longer than %zu characters",
                             sizeof name - 1);
        bool undefined = !isfinite(values[n]);
        int r = feature_list_add(x->list, name, undefined ? NAN : values[n],
                                 undefined || (meaningless & 1u << n), err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int extract_shape(const struct extraction *x, const struct region *region,
                         struct error *err)
{
    double values[FEATURES_PER_CLASS_MAX];
    uint32_t meaningless;
    if (x->settings->features[RADIOMICS_SHAPE]) {
        int r = shape3d_compute(region, values, &meaningless, err);
        if (r == 0)
            r = add_class(x, "original", RADIOMICS_SHAPE, values, meaningless, err);
        if (r < 0)
            return r;
    }
    if (x->settings->features[RADIOMICS_SHAPE2D] && x->flat >= 0 &&
        region->box.size[x->flat] == 1) {
        int r = shape2d_compute(region, x->flat, values, &meaningless, err);
        if (r == 0)
            r = add_class(x, "original", RADIOMICS_SHAPE2D, values, meaningless, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int compute_class(const struct extraction *x, enum radiomics_class c,
                         const struct levels *l, const double *values,
                         const struct radiomics_texture *t, double *ret_values,
                         uint32_t *ret_meaningless, struct error *err)
{
    switch (c) {
    case RADIOMICS_FIRSTORDER:
        return firstorder_compute(values, l->voxels,
                                  l->spacing_mm[0] * l->spacing_mm[1] * l->spacing_mm[2], l,
                                  t->voxel_array_shift, ret_values, ret_meaningless, err);
    case RADIOMICS_GLCM:
        return glcm_compute(l, t, x->flat, ret_values, ret_meaningless, err);
    case RADIOMICS_GLDM:
        return gldm_compute(l, t, x->flat, ret_values, ret_meaningless, err);
    case RADIOMICS_GLRLM:
        return glrlm_compute(l, t, x->flat, ret_values, ret_meaningless, err);
    case RADIOMICS_GLSZM:
        return glszm_compute(l, x->flat, ret_values, ret_meaningless, err);
    case RADIOMICS_NGTDM:
        return ngtdm_compute(l, t, x->flat, ret_values, ret_meaningless, err);
    case RADIOMICS_SHAPE:
    case RADIOMICS_SHAPE2D:
    case RADIOMICS_CLASS_COUNT:
        break;
    }
    return error_set(err, STATUS_INTERNAL, "no such feature class");
}

/* Grey features of one filtered image, given as the region's values. */
static int extract_grey(void *context, const struct filtered *image, struct error *err)
{
    const struct extraction *x = context;
    const struct radiomics_settings *s = x->settings;
    const struct radiomics_texture *t = s->own_texture & 1u << image->filter
                                            ? &s->filter_texture[image->filter]
                                            : &s->texture;
    for (size_t i = 0; i < image->region->voxels; i++)
        if (!isfinite(image->values[i]))
            return error_set(err, STATUS_INVALID,
                             "image type %s has a value that is not a number", image->name);
    struct levels l;
    int r = levels_init(&l, image->region, image->values, t, x->flat, err);
    if (r < 0)
        return error_prefix(err, "image type %s", image->name);
    for (int c = RADIOMICS_FIRSTORDER; c < RADIOMICS_CLASS_COUNT && r == 0; c++) {
        if (!s->features[c])
            continue;
        double values[FEATURES_PER_CLASS_MAX];
        uint32_t meaningless;
        r = compute_class(x, (enum radiomics_class)c, &l, image->values, t, values,
                          &meaningless, err);
        if (r == 0)
            r = add_class(x, image->name, (enum radiomics_class)c, values,
                          image->noise ? UINT32_MAX : meaningless, err);
    }
    levels_release(&l);
    return r;
}

int radiomics_extract(const struct radiomics_input *input,
                      const struct radiomics_settings *settings, const char *prefix,
                      struct feature_list *ret_features, struct error *err)
{
    struct prepared p;
    int r = prepare(input, settings, &p, err);
    if (r < 0)
        return r;
    struct extraction x = {.settings = settings, .prefix = prefix, .list = ret_features,
                           .flat = settings->force_2d ? settings->force_2d_dimension : -1};
    r = extract_shape(&x, &p.shape, err);
    if (r == 0)
        r = filters_run(&p.image, &p.grey, settings, extract_grey, &x, err);
    prepared_release(&p);
    return r;
}
