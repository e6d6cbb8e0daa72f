/* selftest/selftest.yaml: what the machine that made the package computed from the pictures and
 * masks beside it, compared with what this machine computes. The format is described in
 * docs/package-format.md. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"
#include "base/yaml.h"
#include "image/png.h"
#include "model/features.h"
#include "model/measure.h"
#include "model/package/package.h"
#include "model/score/score.h"

enum { GRID = 8, SAMPLES = GRID * GRID };
enum { CLINICAL = ROI_COUNT, LISTS }; /* of values: one for each region, and the clinical ones */
static const double SPACING_MM = 0.1; /* of the masks' pixels */
static const double NETWORK_TOLERANCE = 1e-3, FEATURE_TOLERANCE = 1e-6, SCORE_TOLERANCE = 1e-6;

/* Of one channel of a network's output. */
struct channel_result {
    double mean;
    size_t count;
    double samples[SAMPLES]; /* on a regular grid, row by row; of a vector, evenly apart */
};

/* ---- what this machine computes ---- */

static int selftest_path(const struct package *package, const char *name, char out[PATH_MAX],
                         struct error *err)
{
    if (snprintf(out, PATH_MAX, "%s/selftest/%s", package->folder, name) >= PATH_MAX)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", package->folder);
    return 0;
}

static int read_grey(const struct package *package, const char *name, struct image *ret_grey,
                     struct error *err)
{
    char path[PATH_MAX];
    struct image image;
    int status = selftest_path(package, name, path, err);
    if (status == 0)
        status = image_read_png(path, &image, err);
    if (status < 0)
        return status;
    status = image_to_grey(&image, ret_grey, err);
    image_release(&image);
    return status;
}

static int roi_path(const struct package *package, enum roi roi, const char *suffix,
                    char out[PATH_MAX], struct error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s.png", roi_name(roi), suffix);
    return selftest_path(package, name, out, err);
}

static int read_roi_grey(const struct package *package, enum roi roi, struct image *ret_grey,
                         struct error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s.png", roi_name(roi));
    return read_grey(package, name, ret_grey, err);
}

static void summarise(const struct plane *plane, struct channel_result *result)
{
    size_t n = (size_t)plane->rows * (size_t)plane->columns;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += plane->values[i];
    result->mean = sum / (double)n;
    result->count = SAMPLES;
    for (int r = 0; r < GRID; r++)
        for (int c = 0; c < GRID; c++) {
            size_t y = (size_t)((2 * r + 1) * plane->rows / (2 * GRID));
            size_t x = (size_t)((2 * c + 1) * plane->columns / (2 * GRID));
            result->samples[r * GRID + c] = plane->values[y * (size_t)plane->columns + x];
        }
}

static int run_network(const struct package *package, const struct package_nets *nets,
                       enum roi roi, struct channel_result results[OUTLINE_CHANNELS_MAX],
                       struct error *err)
{
    const struct outline_network *network = &package->networks[roi].outline;
    struct image grey;
    int status = read_roi_grey(package, roi, &grey, err);
    if (status < 0)
        return status;
    for (int i = 0; i < network->channels && status == 0; i++) {
        struct plane output;
        status = outline_raw(nets->net[roi], network, &grey, i, &output, err);
        if (status == 0) {
            summarise(&output, &results[i]);
            plane_release(&output);
        }
    }
    image_release(&grey);
    return status;
}

static int read_masks(const struct package *package, enum roi roi, struct region_finding *region,
                      struct error *err)
{
    char path[PATH_MAX];
    int status = roi_path(package, roi, "-mask", path, err);
    if (status == 0)
        status = mask_read_png(path, &region->mask, err);
    if (status == 0)
        status = roi_path(package, roi, "-hilum", path, err);
    if (status == 0 && access(path, F_OK) == 0)
        status = mask_read_png(path, &region->hilum, err);
    return status;
}

/* Row y of `from` is row y + by of `ret_levels`, and what leaves below comes in above. */
static int turn_levels(const struct image *from, int by, struct image *ret_levels,
                       struct error *err)
{
    const size_t row = (size_t)from->columns;
    int status = image_init(ret_levels, from->rows, from->columns, 1, err);
    for (int y = 0; y < from->rows && status == 0; y++)
        memcpy(ret_levels->pixels + (size_t)((y + by) % from->rows) * row,
               from->pixels + (size_t)y * row, row);
    return status;
}

/* Of a loop that is made of the picture. */
static int run_loop(const struct package *package, const struct package_nets *nets,
                    const struct image *grey, struct feature_list *features, struct error *err)
{
    const struct deep_network *network = package_loop_network(package);
    const struct deep_loop_place place = {{0, 0, grey->columns - 1, grey->rows - 1}, grey->rows,
                                          grey->columns};
    struct image levels = {0};
    struct loop_finding *loop = calloc(1, sizeof *loop);
    int status = loop ? deep_loop_levels(network, grey, place.box, &levels, err)
                      : error_set(err, STATUS_NOMEM, "out of memory for a loop");
    while (status == 0 && loop->count < network->frames) {
        status = turn_levels(&levels, loop->count, &loop->samples[loop->count].levels, err);
        loop->count++;
    }
    if (status == 0)
        status = package_loop_features(package, nets, &place, loop, features, err);
    image_release(&levels);
    loop_finding_free(loop);
    return status;
}

/* Every feature of the region that the mask beside the picture marks. */
static int run_features(const struct package *package, const struct package_nets *nets,
                        enum roi roi, struct feature_list *ret_features, struct error *err)
{
    struct image grey = {0};
    struct region_finding region = {
        .found = true,
        .calibration = {CALIBRATION_REGION, SPACING_MM, SPACING_MM, 0},
    };
    int status = read_roi_grey(package, roi, &grey, err);
    if (status == 0)
        status = read_masks(package, roi, &region, err);
    region.seen = (struct bounds){0, 0, grey.columns - 1, grey.rows - 1};
    if (status == 0)
        status = measure_region(&region.mask, &region.hilum, &region.calibration,
                                &region.measurements, err);
    if (status == 0)
        status = region_features(&grey, NULL, package->radiomics, roi, &region, err);
    if (status == 0)
        status = package_deep_features(package, nets, &grey, roi, &region, err);
    if (status == 0 && roi == ROI_TUMOUR && package_loop_network(package))
        status = run_loop(package, nets, &grey, &region.features, err);
    if (status == 0) {
        *ret_features = region.features;
        region.features = (struct feature_list){0};
    }
    image_release(&grey);
    region_finding_release(&region);
    return status;
}

/* The network's part of a region's features: they stand together. */
static void summarise_deep(const struct deep_network *network, const struct feature_list *features,
                           struct channel_result *result)
{
    const size_t n = (size_t)network->count;
    char name[sizeof features->items->name];
    double sum = 0;
    deep_feature_name(network, 0, name);
    const struct feature *vector = feature_list_find(features, name);
    for (size_t i = 0; i < n; i++)
        sum += vector[i].value;
    result->mean = sum / (double)n;
    result->count = n < SAMPLES ? n : SAMPLES;
    for (size_t i = 0; i < result->count; i++)
        result->samples[i] = vector[(2 * i + 1) * n / (2 * result->count)].value;
}

static bool is_deep(const struct package *package, const char *name)
{
    for (size_t i = 0; i < package->deep_count; i++)
        if (deep_feature_index(&package->deep[i].network, name) >= 0)
            return true;
    return false;
}

static bool terms_name(const struct package_term *terms, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(terms[i].feature, name) == 0)
            return true;
    return false;
}

static bool is_used(const struct package *package, const char *name)
{
    bool used = terms_name(package->terms, package->term_count, name);
    for (size_t i = 0; i < package->score_count && !used; i++)
        used = terms_name(package->scores[i].terms, package->scores[i].term_count, name);
    return used;
}

/* ---- comparing ---- */

static int differs(const struct package *package, struct error *err, const char *stage,
                   const char *what, double stated, double found)
{
    error_set(err, STATUS_CONFLICT,
              "package %s computes other numbers on this machine: %s, %s", package->name, stage,
              what);
    error_detail(err, "stated %.10g, found %.10g", stated, found);
    return STATUS_CONFLICT;
}

static bool close_enough(double a, double b, double absolute, double relative)
{
    return fabs(a - b) <= absolute + relative * fmax(fabs(a), fabs(b));
}

static int check_channel(const struct package *package, const struct yaml *yaml,
                         const struct yaml_node *node, const struct channel_result *found,
                         double relative, const char *stage, struct error *err)
{
    static const char *const keys[] = {"mean", "samples", NULL};
    double stated;
    int status = yaml_check_keys(yaml, node, keys, err);
    if (status == 0)
        status = yaml_double(yaml, yaml_get(node, "mean"), &stated, err);
    if (status < 0)
        return status;
    if (!close_enough(stated, found->mean, NETWORK_TOLERANCE, relative))
        return differs(package, err, stage, "mean of the network's output", stated, found->mean);
    const struct yaml_node *samples = yaml_get(node, "samples");
    if (!samples || samples->count != found->count)
        return yaml_error(yaml, node, err, "must have %zu samples", found->count);
    for (size_t i = 0; i < found->count; i++) {
        status = yaml_double(yaml, &samples->children[i], &stated, err);
        if (status < 0)
            return status;
        if (!close_enough(stated, found->samples[i], NETWORK_TOLERANCE, relative))
            return differs(package, err, stage, "output of the network", stated,
                           found->samples[i]);
    }
    return 0;
}

static int check_network(const struct package *package, const struct package_nets *nets,
                         const struct yaml *yaml, const struct yaml_node *map, enum roi roi,
                         struct error *err)
{
    struct channel_result results[OUTLINE_CHANNELS_MAX];
    const struct yaml_node *list = yaml_get(map, roi_name(roi));
    if (!list || list->kind != YAML_SEQUENCE ||
        list->count != (size_t)package->networks[roi].outline.channels)
        return yaml_error(yaml, map, err, "'%s' must list every channel of the network",
                          roi_name(roi));
    int status = run_network(package, nets, roi, results, err);
    for (size_t i = 0; i < list->count && status == 0; i++)
        status = check_channel(package, yaml, &list->children[i], &results[i], 0, roi_name(roi),
                               err);
    return status;
}

static int run_view(const struct package *package, const struct package_nets *nets,
                    double probability[VIEW_COUNT], struct error *err)
{
    struct image grey;
    int status = read_grey(package, "view.png", &grey, err);
    if (status < 0)
        return status;
    status = view_run(nets->view, &package->view.network, &grey, NULL, probability, err);
    image_release(&grey);
    return status;
}

static int check_view(const struct package *package, const struct package_nets *nets,
                      const struct yaml *yaml, const struct yaml_node *map, struct error *err)
{
    double found[VIEW_COUNT], stated;
    const struct yaml_node *list = yaml_get(map, "view");
    if (!list || list->kind != YAML_SEQUENCE || list->count != VIEW_COUNT)
        return yaml_error(yaml, map, err, "'view' must list %d probabilities", VIEW_COUNT);
    int status = run_view(package, nets, found, err);
    for (size_t i = 0; i < VIEW_COUNT && status == 0; i++) {
        status = yaml_double(yaml, &list->children[i], &stated, err);
        if (status == 0 && !close_enough(stated, found[i], NETWORK_TOLERANCE, 0))
            status = differs(package, err, "view", "output of the network", stated, found[i]);
    }
    return status;
}

/* Features of deep networks are as near as networks are. */
static bool feature_agrees(const struct package *package, const char *name, double stated,
                           double found)
{
    return is_deep(package, name) ? close_enough(stated, found, NETWORK_TOLERANCE, NETWORK_TOLERANCE)
                                  : close_enough(stated, found, 1e-12, FEATURE_TOLERANCE);
}

static int check_deep(const struct package *package, const struct yaml *yaml, enum roi roi,
                      const struct feature_list *found, struct error *err)
{
    const struct yaml_node *map = yaml_get(yaml_root(yaml), "deep");
    int status = 0;
    for (size_t i = 0; i < package->deep_count && status == 0; i++) {
        const struct deep_network *network = &package->deep[i].network;
        struct channel_result result;
        char name[sizeof found->items->name];
        if (network->roi != roi)
            continue;
        snprintf(name, sizeof name, "%s_%s", roi_name(roi), network->prefix);
        const struct yaml_node *node = yaml_get(map, name);
        if (!node)
            return yaml_error(yaml, yaml_root(yaml), err, "'deep' must hold '%s'", name);
        summarise_deep(network, found, &result);
        status = check_channel(package, yaml, node, &result, NETWORK_TOLERANCE, name, err);
    }
    return status;
}

/* Compares, and leaves the stated values in ret_stated for the score's stage. */
static int check_features(const struct package *package, const struct package_nets *nets,
                          const struct yaml *yaml, enum roi roi, struct feature_list *ret_stated,
                          struct error *err)
{
    struct feature_list found = {0};
    const struct yaml_node *map = yaml_get(yaml_root(yaml), "features");
    const struct yaml_node *list = yaml_get(map, roi_name(roi));
    if (!list || list->kind != YAML_MAPPING || list->count == 0)
        return yaml_error(yaml, map, err, "features of the %s are missing", roi_name(roi));
    int status = run_features(package, nets, roi, &found, err);
    if (status == 0)
        status = check_deep(package, yaml, roi, &found, err);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        const struct yaml_node *node = &list->children[i];
        const struct feature *feature = feature_list_find(&found, node->key);
        double stated;
        status = yaml_double(yaml, node, &stated, err);
        if (status < 0)
            break;
        if (!feature)
            status = yaml_error(yaml, node, err, "is not computed");
        else if (!feature_agrees(package, node->key, stated, feature->value))
            status = differs(package, err, "features", node->key, stated, feature->value);
        else
            status = feature_list_add(ret_stated, node->key, stated, false, err);
    }
    feature_list_release(&found);
    return status;
}

static int check_number(const struct package *package, const struct yaml *yaml,
                        const struct yaml_node *map, const char *key, double found,
                        struct error *err)
{
    double stated;
    const struct yaml_node *node = yaml_get(map, key);
    if (!node)
        return yaml_error(yaml, map, err, "'%s' is missing", key);
    int status = yaml_double(yaml, node, &stated, err);
    if (status == 0 && !close_enough(stated, found, SCORE_TOLERANCE, 0))
        status = differs(package, err, "score", key, stated, found);
    return status;
}

static int check_score(const struct package *package, const struct yaml *yaml,
                       const struct yaml_node *map, const struct feature_list *const *stated,
                       struct error *err)
{
    static const char *const keys[] = {"linear_predictor", "risk", NULL};
    struct score score;
    int status = yaml_check_keys(yaml, map, keys, err);
    if (status == 0)
        status = score_predict(package, stated, LISTS, &score, err);
    if (status < 0)
        return status;
    if (!score.has_risk)
        status = error_set(err, STATUS_CONFLICT, "package %s gives no risk in its selftest: %s",
                           package->name, score.reasons[0]);
    if (status == 0)
        status = check_number(package, yaml, map, "linear_predictor", score.linear_predictor, err);
    if (status == 0)
        status = check_number(package, yaml, map, "risk", score.risk, err);
    score_release(&score);
    return status;
}

/* Values that stand there by name, as features. */
static int read_values(const struct yaml *yaml, const struct yaml_node *map,
                       struct feature_list *values, struct error *err)
{
    int status = 0;
    if (map && map->kind != YAML_MAPPING)
        return yaml_error(yaml, map, err, "must be a mapping of names and values");
    for (size_t i = 0; map && i < map->count && status == 0; i++) {
        double value;
        status = yaml_double(yaml, &map->children[i], &value, err);
        if (status == 0)
            status = feature_list_add(values, map->children[i].key, value, false, err);
    }
    return status;
}

static int check_value(const struct package *package, const struct yaml *yaml,
                       const struct yaml_node *map, const char *key, const char *name,
                       const struct feature_list *values, struct error *err)
{
    double found;
    int status = score_value(package, name, &values, 1, &found, err);
    return status < 0 ? status : check_number(package, yaml, map, key, found, err);
}

/* The scores and the model alone, from numbers that stand beside them. */
static int check_table(const struct package *package, const struct yaml *yaml,
                       const struct yaml_node *map, struct error *err)
{
    static const char *const keys[] = {"values", "scores", "linear_predictor", NULL};
    struct feature_list stated = {0};
    const struct yaml_node *scores = yaml_get(map, "scores");
    int status = yaml_check_keys(yaml, map, keys, err);
    if (status == 0)
        status = read_values(yaml, yaml_get(map, "values"), &stated, err);
    for (size_t i = 0; i < package->score_count && status == 0; i++) {
        const char *name = package->scores[i].name;
        status = scores ? check_value(package, yaml, scores, name, name, &stated, err)
                        : yaml_error(yaml, map, err, "'scores' is missing");
    }
    if (status == 0 && package->has_model)
        status = check_value(package, yaml, map, "linear_predictor", "model", &stated, err);
    feature_list_release(&stated);
    return status;
}

static bool has_score(const struct package *package)
{
    return package->incomplete_count == 0;
}

/* Whether there is anything but the score to test. */
static bool computes(const struct package *package)
{
    return package->networks[ROI_TUMOUR].present || package->networks[ROI_NODE].present ||
           package->view.present || package->radiomics || package->deep_count > 0;
}

static int check_all(const struct package *package, const struct package_nets *nets,
                     const struct yaml *yaml, struct feature_list stated[LISTS],
                     struct error *err)
{
    static const char *const keys[] = {"format", "networks", "features", "deep", "clinical",
                                       "score", "table", NULL};
    const struct yaml_node *root = yaml_root(yaml);
    int64_t format;
    int status = yaml_check_keys(yaml, root, keys, err);
    if (status == 0)
        status = yaml_int(yaml, yaml_get(root, "format"), 1, 1, &format, err);
    if (status == 0 && yaml_get(root, "table") && !computes(package))
        return check_table(package, yaml, yaml_get(root, "table"), err);
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++)
        if (package->networks[roi].present)
            status = check_network(package, nets, yaml, yaml_get(root, "networks"), (enum roi)roi,
                                   err);
    if (status == 0 && package->view.present)
        status = check_view(package, nets, yaml, yaml_get(root, "networks"), err);
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++)
        if (package->required[roi])
            status = check_features(package, nets, yaml, (enum roi)roi, &stated[roi], err);
    if (status == 0)
        status = read_values(yaml, yaml_get(root, "clinical"), &stated[CLINICAL], err);
    const struct feature_list *lists[LISTS] = {&stated[ROI_TUMOUR], &stated[ROI_NODE],
                                               &stated[CLINICAL]};
    if (status == 0 && has_score(package))
        status = check_score(package, yaml, yaml_get(root, "score"), lists, err);
    return status;
}

int package_selftest(const struct package *package, const struct package_nets *nets,
                     struct error *err)
{
    char path[PATH_MAX];
    struct yaml *yaml;
    struct feature_list stated[LISTS] = {0};
    int status = selftest_path(package, "selftest.yaml", path, err);
    if (status == 0)
        status = yaml_load_file(path, &yaml, err);
    if (status < 0)
        return status;
    status = check_all(package, nets, yaml, stated, err);
    for (int i = 0; i < LISTS; i++)
        feature_list_release(&stated[i]);
    yaml_unload(yaml);
    return status;
}

/* ---- writing ---- */

/* Five decimals are plenty beside the tolerance. */
static int print_rounded(double value, const char *before, struct buffer *out, struct error *err)
{
    char number[NUMBER_TEXT_SIZE];
    number_format(round(value * 1e5) / 1e5, number);
    return buffer_print(out, err, "%s%s", before, number);
}

/* `before`: what the lines begin with. */
static int print_channel(const struct channel_result *result, const char *before,
                         const char *next, struct buffer *out, struct error *err)
{
    int status = print_rounded(result->mean, before, out, err);
    if (status == 0)
        status = buffer_print(out, err, "%ssamples: [", next);
    for (size_t k = 0; k < result->count && status == 0; k++)
        status = print_rounded(result->samples[k], k ? ", " : "", out, err);
    return status < 0 ? status : buffer_print(out, err, "]\n");
}

static int print_network(const struct package *package, const struct package_nets *nets,
                         enum roi roi, struct buffer *out, struct error *err)
{
    struct channel_result results[OUTLINE_CHANNELS_MAX];
    int status = run_network(package, nets, roi, results, err);
    if (status == 0)
        status = buffer_print(out, err, "  %s:\n", roi_name(roi));
    for (int i = 0; i < package->networks[roi].outline.channels && status == 0; i++)
        status = print_channel(&results[i], "    - mean: ", "\n      ", out, err);
    return status;
}

static int print_view(const struct package *package, const struct package_nets *nets,
                      struct buffer *out, struct error *err)
{
    double probability[VIEW_COUNT];
    int status = run_view(package, nets, probability, err);
    if (status == 0)
        status = buffer_print(out, err, "  view: [");
    for (int i = 0; i < VIEW_COUNT && status == 0; i++)
        status = print_rounded(probability[i], i ? ", " : "", out, err);
    return status < 0 ? status : buffer_print(out, err, "]\n");
}

/* Of deep features those alone that a term names. */
static int print_features(const struct package *package, const struct feature_list *features,
                          enum roi roi, struct buffer *out, struct error *err)
{
    int status = buffer_print(out, err, "  %s:\n", roi_name(roi));
    for (size_t i = 0; i < features->count && status == 0; i++) {
        const struct feature *feature = &features->items[i];
        char number[NUMBER_TEXT_SIZE];
        number_format(feature->value, number);
        const bool listed = !is_deep(package, feature->name) || is_used(package, feature->name);
        if (listed && isfinite(feature->value) && !feature->meaningless)
            status = buffer_print(out, err, "    %s: %s\n", feature->name, number);
    }
    return status;
}

static int print_deep(const struct package *package, const struct feature_list *features,
                      struct buffer *out, struct error *err)
{
    int status = package->deep_count ? buffer_print(out, err, "deep:\n") : 0;
    for (size_t i = 0; i < package->deep_count && status == 0; i++) {
        const struct deep_network *network = &package->deep[i].network;
        struct channel_result result;
        summarise_deep(network, &features[network->roi], &result);
        status = buffer_print(out, err, "  %s_%s:\n", roi_name(network->roi), network->prefix);
        if (status == 0)
            status = print_channel(&result, "    mean: ", "\n    ", out, err);
    }
    return status;
}

static int print_named(const char *name, double value, struct buffer *out, struct error *err)
{
    char number[NUMBER_TEXT_SIZE];
    number_format(value, number);
    int status = buffer_print(out, err, "    ");
    if (status == 0)
        status = yaml_print_text(out, name, err);
    return status < 0 ? status : buffer_print(out, err, ": %s\n", number);
}

/* Values for the terms whose features begin with `prefix`, as far as they are not there yet: each
 * one scale from its centre, so that its coefficient counts. */
static int print_term_values(const struct package_term *terms, size_t count, const char *prefix,
                             struct feature_list *values, struct buffer *out, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct package_term *term = &terms[i];
        if (term->score || strncmp(term->feature, prefix, strlen(prefix)) != 0 ||
            feature_list_find(values, term->feature))
            continue;
        double value = term->centre + term->scale;
        status = feature_list_add(values, term->feature, value, false, err);
        if (status == 0)
            status = print_named(term->feature, value, out, err);
    }
    return status;
}

static int print_values(const struct package *package, const char *prefix,
                        struct feature_list *values, struct buffer *out, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < package->score_count && status == 0; i++)
        status = print_term_values(package->scores[i].terms, package->scores[i].term_count, prefix,
                                   values, out, err);
    return status < 0 ? status
                      : print_term_values(package->terms, package->term_count, prefix, values, out,
                                          err);
}

static int print_clinical(const struct package *package, struct feature_list *values,
                          struct buffer *out, struct error *err)
{
    struct buffer lines BUFFER_AUTO = {0};
    int status = print_values(package, "clinical_", values, &lines, err);
    if (status == 0 && lines.size > 0)
        status = buffer_print(out, err, "clinical:\n%s", buffer_text(&lines));
    return status;
}

static int print_score(const struct package *package, const struct feature_list *const *features,
                       struct buffer *out, struct error *err)
{
    struct score score;
    char predictor[NUMBER_TEXT_SIZE], risk[NUMBER_TEXT_SIZE];
    int status = score_predict(package, features, LISTS, &score, err);
    if (status < 0)
        return status;
    number_format(score.linear_predictor, predictor);
    number_format(score.risk, risk);
    status = score.has_risk
                 ? buffer_print(out, err, "score:\n  linear_predictor: %s\n  risk: %s\n",
                                predictor, risk)
                 : error_set(err, STATUS_INVALID,
                             "package %s gives no risk from its selftest masks: %s", package->name,
                             score.reasons[0]);
    score_release(&score);
    return status;
}

static int print_all(const struct package *package, const struct package_nets *nets,
                     struct feature_list features[LISTS], struct buffer *out, struct error *err)
{
    bool any = package->networks[ROI_TUMOUR].present || package->networks[ROI_NODE].present ||
               package->view.present;
    int status = buffer_print(out, err, "format: 1\n%s", any ? "networks:\n" : "");
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++)
        if (package->networks[roi].present)
            status = print_network(package, nets, (enum roi)roi, out, err);
    if (status == 0 && package->view.present)
        status = print_view(package, nets, out, err);
    if (status == 0)
        status = buffer_print(out, err, "features:\n");
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++) {
        if (!package->required[roi])
            continue;
        status = run_features(package, nets, (enum roi)roi, &features[roi], err);
        if (status == 0)
            status = print_features(package, &features[roi], (enum roi)roi, out, err);
    }
    if (status == 0)
        status = print_deep(package, features, out, err);
    if (status == 0)
        status = print_clinical(package, &features[CLINICAL], out, err);
    const struct feature_list *lists[LISTS] = {&features[ROI_TUMOUR], &features[ROI_NODE],
                                               &features[CLINICAL]};
    if (status == 0 && has_score(package))
        status = print_score(package, lists, out, err);
    return status;
}

static int print_table(const struct package *package, struct buffer *out, struct error *err)
{
    struct feature_list values = {0};
    const struct feature_list *lists[] = {&values};
    double value = 0;
    char number[NUMBER_TEXT_SIZE];
    const bool any = package->has_model || package->score_count > 0;
    int status = buffer_print(out, err, "format: 1\ntable:\n  values:%s\n", any ? "" : " {}");
    if (status == 0)
        status = print_values(package, "", &values, out, err);
    if (status == 0 && package->score_count > 0)
        status = buffer_print(out, err, "  scores:\n");
    for (size_t i = 0; i < package->score_count && status == 0; i++) {
        status = score_value(package, package->scores[i].name, lists, 1, &value, err);
        if (status == 0)
            status = print_named(package->scores[i].name, value, out, err);
    }
    if (status == 0 && package->has_model)
        status = score_value(package, "model", lists, 1, &value, err);
    number_format(value, number);
    if (status == 0 && package->has_model)
        status = buffer_print(out, err, "  linear_predictor: %s\n", number);
    feature_list_release(&values);
    return status;
}

static bool has_pictures(const struct package *package)
{
    char path[PATH_MAX];
    bool any = false;
    for (int roi = 0; roi < ROI_COUNT; roi++)
        any |= package->required[roi] && roi_path(package, (enum roi)roi, "", path, NULL) == 0 &&
               access(path, F_OK) == 0;
    return any;
}

int package_selftest_write(const struct package *package, const struct package_nets *nets,
                           struct error *err)
{
    char path[PATH_MAX];
    struct buffer out BUFFER_AUTO = {0};
    struct feature_list features[LISTS] = {0};
    int status = selftest_path(package, "selftest.yaml", path, err);
    if (status == 0)
        status = computes(package) || has_pictures(package)
                     ? print_all(package, nets, features, &out, err)
                     : print_table(package, &out, err);
    for (int i = 0; i < LISTS; i++)
        feature_list_release(&features[i]);
    return status < 0 ? status : file_write(path, out.data, out.size, err);
}
