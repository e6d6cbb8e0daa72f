#include "model/package/read_deep.h"

#include <string.h>

#include "model/loop.h"

/* One number for all channels, or a list with one for each. */
static int read_each(const struct fields *r, const struct yaml_node *map, const char *key,
                     double min, int channels, double ret_values[DEEP_CHANNELS_MAX],
                     struct error *err)
{
    const struct yaml_node *node = NULL;
    int status = field_need(r, map, key, &node, err);
    if (status < 0)
        return status;
    if (node->kind == YAML_MAPPING ||
        (node->kind == YAML_SEQUENCE && node->count != (size_t)channels))
        return yaml_error(r->yaml, node, err, "must be a number, or a list of %d", channels);
    for (int c = 0; c < channels && status == 0; c++) {
        const struct yaml_node *one = node->kind == YAML_SEQUENCE ? &node->children[c] : node;
        status = yaml_double(r->yaml, one, &ret_values[c], err);
        if (status == 0 && !(ret_values[c] >= min && ret_values[c] <= 1e6))
            status = yaml_error(r->yaml, one, err, "must lie between %g and %g", min, 1e6);
    }
    return status;
}

static int read_deep_normalisation(const struct fields *r, const struct yaml_node *map,
                                   struct deep_network *network, struct error *err)
{
    static const char *const keys[] = {"scale", "mean", "std", NULL};
    const struct yaml_node *node = NULL;
    int status = field_need(r, map, "normalisation", &node, err);
    if (status == 0)
        status = yaml_check_keys(r->yaml, node, keys, err);
    if (status == 0)
        status = field_above_zero(r, node, "scale", &network->scale, err);
    if (status == 0)
        status = read_each(r, node, "mean", -1e6, network->channels, network->mean, err);
    if (status == 0)
        status = read_each(r, node, "std", 1e-6, network->channels, network->std, err);
    return status;
}

static int need_word(const struct fields *r, const struct yaml_node *map, const char *key,
                     const char *const *words, int *ret_index, struct error *err)
{
    const struct yaml_node *node = NULL;
    int status = field_need(r, map, key, &node, err);
    return status < 0 ? status : field_word(r, node, words, ret_index, err);
}

static int need_int(const struct fields *r, const struct yaml_node *map, const char *key,
                    int min, int max, int *ret_value, struct error *err)
{
    const struct yaml_node *node = NULL;
    int64_t value;
    int status = field_need(r, map, key, &node, err);
    if (status == 0)
        status = yaml_int(r->yaml, node, min, max, &value, err);
    if (status == 0)
        *ret_value = (int)value;
    return status;
}

/* A network of a loop sees the tissue of every frame, and it alone does. */
static int read_deep_loop(const struct fields *r, const struct yaml_node *map,
                          struct deep_network *network, struct error *err)
{
    const struct yaml_node *frames = yaml_get(map, "frames");
    const struct yaml_node *rate = yaml_get(map, "assumed_rate");
    if (!frames && network->crop == DEEP_TISSUE)
        return yaml_error(r->yaml, yaml_get(map, "crop"), err, "'tissue' needs 'frames'");
    if (!frames)
        return rate ? yaml_error(r->yaml, rate, err, "needs 'frames'") : 0;
    int status = need_int(r, map, "frames", DEEP_FRAMES_MIN, LOOP_FRAMES_MAX, &network->frames, err);
    if (status == 0 && rate)
        status = field_number(r, map, "assumed_rate", 1, 200, &network->assumed_rate, err);
    if (status < 0)
        return status;
    if (network->roi != ROI_TUMOUR)
        return yaml_error(r->yaml, frames, err, "stands with 'region: tumour' alone");
    if (network->crop != DEEP_TISSUE)
        return yaml_error(r->yaml, yaml_get(map, "crop"), err, "must be 'tissue' with 'frames'");
    for (size_t i = 0; i < r->package->deep_count; i++)
        if (r->package->deep[i].network.frames)
            return yaml_error(r->yaml, frames, err, "stands once in a package");
    return 0;
}

/* How the crop comes to the input's size. */
static int read_deep_resize(const struct fields *r, const struct yaml_node *map,
                            struct deep_network *network, struct error *err)
{
    static const char *const resizes[] = {"stretch", "shorter_side", "fit", NULL};
    const int rows = network->input_rows, columns = network->input_columns;
    int resize = 0;
    int status = need_word(r, map, "resize", resizes, &resize, err);
    network->resize = (enum deep_resize)resize;
    if (status == 0 && network->resize == DEEP_SHORTER_SIDE)
        status = need_int(r, map, "resize_to", rows > columns ? rows : columns, DEEP_INPUT_MAX,
                          &network->resize_to, err);
    else if (status == 0 && yaml_get(map, "resize_to"))
        status = yaml_error(r->yaml, yaml_get(map, "resize_to"), err,
                            "stands with 'resize: shorter_side' alone");
    return status;
}

static int read_deep_input(const struct fields *r, const struct yaml_node *map,
                           struct deep_network *network, struct error *err)
{
    static const char *const crops[] = {"box", "masked", "picture", "segmented", "tissue", NULL};
    int crop = 0;
    int status = field_input_size(r, map, DEEP_INPUT_MAX, &network->input_rows,
                                  &network->input_columns, err);
    if (status == 0)
        status = need_int(r, map, "channels", 1, DEEP_CHANNELS_MAX, &network->channels, err);
    if (status == 0 && network->channels == 2)
        status = yaml_error(r->yaml, yaml_get(map, "channels"), err, "must be 1 or 3");
    if (status == 0)
        status = read_deep_normalisation(r, map, network, err);
    if (status == 0)
        status = need_word(r, map, "crop", crops, &crop, err);
    network->crop = (enum deep_crop)crop;
    const bool around = network->crop == DEEP_BOX || network->crop == DEEP_MASKED;
    if (status == 0 && yaml_get(map, "margin"))
        status = field_number(r, map, "margin", 0, 2, &network->margin, err);
    if (status == 0 && !around && network->margin > 0)
        status = yaml_error(r->yaml, yaml_get(map, "margin"), err,
                            "has no meaning for the whole picture");
    if (status == 0)
        status = read_deep_resize(r, map, network, err);
    return status < 0 ? status : read_deep_loop(r, map, network, err);
}

/* Names end in '_' and a number, so that no two prefixes make the same one. */
static int read_deep_names(const struct fields *r, const struct yaml_node *map,
                           struct deep_network *network, struct error *err)
{
    int status = field_text(r, map, "prefix", &network->prefix, err);
    if (status == 0)
        status = need_int(r, map, "first", 0, 1, &network->first, err);
    if (status == 0)
        status = need_int(r, map, "count", 1, DEEP_FEATURES_MAX, &network->count, err);
    if (status < 0)
        return status;
    const struct yaml_node *node = yaml_get(map, "prefix");
    const char *prefix = network->prefix;
    const size_t n = strlen(prefix);
    if (n > DEEP_PREFIX_MAX || prefix[n - 1] != '_' ||
        strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != n)
        return yaml_error(r->yaml, node, err,
                          "must be up to %d letters, digits and '_', with '_' at the end",
                          DEEP_PREFIX_MAX);
    for (size_t i = 0; i < r->package->deep_count; i++)
        if (r->package->deep[i].network.roi == network->roi &&
            strcmp(r->package->deep[i].network.prefix, prefix) == 0)
            return yaml_error(r->yaml, node, err, "stands twice for the %s",
                              roi_name(network->roi));
    return 0;
}

static int read_deep_activations(const struct fields *r, const struct yaml_node *map,
                                 struct deep_network *network, struct error *err)
{
    static const char *const poolings[] = {"average", "max", NULL};
    int pooling = 0;
    if (!yaml_get(map, "activations"))
        return yaml_get(map, "pooling")
                   ? yaml_error(r->yaml, yaml_get(map, "pooling"), err, "needs 'activations'")
                   : 0;
    int status = field_text(r, map, "activations", &network->activations, err);
    if (status == 0)
        status = need_word(r, map, "pooling", poolings, &pooling, err);
    network->pooling = (enum deep_pooling)pooling;
    return status;
}

static int read_deep_network(const struct fields *r, const struct yaml_node *map,
                             struct package_deep *deep, struct error *err)
{
    static const char *const regions[] = {"tumour", "node", NULL};
    static const char *const keys[] = {
        "region", "file", "sha256", "input", "frames", "assumed_rate", "input_size", "channels",
        "normalisation", "crop", "margin", "resize", "resize_to", "output", "count", "prefix",
        "first", "activations", "pooling", NULL};
    struct deep_network *network = &deep->network;
    int roi = 0;
    int status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = need_word(r, map, "region", regions, &roi, err);
    if (status == 0 && !r->package->required[roi])
        status = yaml_error(r->yaml, yaml_get(map, "region"), err,
                            "is a region that inputs do not name");
    network->roi = (enum roi)roi;
    if (status == 0)
        status = field_file(r, map, &deep->file, deep->sha256, err);
    if (status == 0)
        status = field_name_or(r, map, "input", "image", &network->input, err);
    if (status == 0)
        status = field_name_or(r, map, "output", "features", &network->output, err);
    if (status == 0)
        status = read_deep_input(r, map, network, err);
    if (status == 0)
        status = read_deep_names(r, map, network, err);
    if (status == 0)
        status = read_deep_activations(r, map, network, err);
    return status;
}

int package_read_deep(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    struct package *p = r->package;
    const struct yaml_node *list = NULL;
    if (yaml_is_null(yaml_get(root, "deep")))
        return 0;
    int status = field_list(r, root, "deep", PACKAGE_DEEP_MAX, &list, err);
    if (status < 0)
        return status;
    p->deep = arena_array(&p->arena, list->count, sizeof *p->deep);
    if (!p->deep)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        status = read_deep_network(r, &list->children[i], &p->deep[i], err);
        p->deep_count = i + (status == 0);
    }
    return status;
}
