#include "model/package/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "model/features.h"
#include "model/package/fields.h"
#include "model/package/manifest.h"
#include "model/package/read_clinical.h"
#include "model/package/read_deep.h"
#include "model/radiomics/radiomics.h"

enum { TERMS_MAX = 4096, COVARIANCE_SIDE_MAX = 256, NAME_MAX_CHARACTERS = 64 };
enum { SCORES_MAX = 16, GROUPS_MAX = 8, BOOTSTRAP_MIN = 100, BOOTSTRAP_MAX = 2000 };

static const char *const roi_words[] = {"tumour", "node", NULL};

/* ---- head ---- */

static int read_name(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *node = NULL;
    int status = field_need(r, root, "name", &node, err);
    if (status == 0)
        status = field_keep_text(r, node, &r->package->name, err);
    if (status < 0)
        return status;
    const char *name = r->package->name;
    if (strlen(name) > NAME_MAX_CHARACTERS ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
        return yaml_error(r->yaml, node, err,
                          "must be up to %d lower-case letters, digits and '-'",
                          NAME_MAX_CHARACTERS);
    return 0;
}

static int read_head(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    static const char *const outcome_keys[] = {"text", "short", NULL};
    struct package *p = r->package;
    const struct yaml_node *node = NULL;
    int64_t format;
    int status = field_need(r, root, "format", &node, err);
    if (status == 0)
        status = yaml_int(r->yaml, node, 1, 1, &format, err);
    if (status == 0)
        status = read_name(r, root, err);
    if (status == 0)
        status = field_text(r, root, "version", &p->version, err);
    if (status == 0 && strlen(p->version) > NAME_MAX_CHARACTERS)
        status = yaml_error(r->yaml, yaml_get(root, "version"), err,
                            "is longer than %d characters", NAME_MAX_CHARACTERS);
    if (status == 0)
        status = field_text(r, root, "intended_use", &p->intended_use, err);
    if (status == 0)
        status = field_need(r, root, "outcome", &node, err);
    if (status == 0)
        status = yaml_check_keys(r->yaml, node, outcome_keys, err);
    if (status == 0)
        status = field_text(r, node, "text", &p->outcome_text, err);
    if (status == 0)
        status = field_text(r, node, "short", &p->outcome_short, err);
    return status;
}

static int read_population(const struct fields *r, const struct yaml_node *root,
                           struct error *err)
{
    static const char *const keys[] = {"evidence", "text", PACKAGE_CRITERION_KEYS, NULL};
    const char *kinds[EVIDENCE_COUNT + 1] = {0};
    struct package *p = r->package;
    const struct yaml_node *list = NULL;
    for (int i = 0; i < EVIDENCE_COUNT; i++)
        kinds[i] = evidence_name((enum evidence_kind)i);
    int status = field_list(r, root, "population", 32, &list, err);
    if (status < 0)
        return status;
    p->population = arena_array(&p->arena, list->count, sizeof *p->population);
    if (!p->population)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *item = &list->children[i], *kind = NULL;
        int index;
        status = yaml_check_keys(r->yaml, item, keys, err);
        if (status == 0)
            status = field_need(r, item, "evidence", &kind, err);
        if (status == 0)
            status = field_word(r, kind, kinds, &index, err);
        if (status == 0)
            status = field_text(r, item, "text", &p->population[i].text, err);
        if (status < 0)
            return status;
        p->population[i].evidence = (enum evidence_kind)index;
        for (size_t k = 0; status == 0 && k < i; k++)
            if ((int)p->population[k].evidence == index)
                status = yaml_error(r->yaml, kind, err, "the evidence stands twice");
        if (status == 0)
            status = package_read_criterion(r, item, &p->population[i], err);
        if (status < 0)
            return status;
        p->population_count = i + 1;
    }
    return 0;
}

static int read_inputs(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"regions", "sizes_require_calibration", "clinical", NULL};
    static const char *const sizes[] = {"region", "estimated", "none", NULL};
    const struct yaml_node *map = NULL, *list = NULL, *node = NULL;
    int index;
    int status = field_need(r, root, "inputs", &map, err);
    if (status == 0)
        status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = field_list(r, map, "regions", ROI_COUNT, &list, err);
    for (size_t i = 0; status == 0 && i < list->count; i++) {
        status = field_word(r, &list->children[i], roi_words, &index, err);
        if (status == 0 && r->package->required[index])
            status = yaml_error(r->yaml, &list->children[i], err, "the region stands twice");
        if (status == 0)
            r->package->required[index] = true;
    }
    if (status == 0)
        status = field_need(r, map, "sizes_require_calibration", &node, err);
    if (status == 0)
        status = field_word(r, node, sizes, &index, err);
    if (status == 0)
        r->package->sizes = (enum package_sizes)index;
    return status < 0 ? status : package_read_clinical(r, map, err);
}

/* ---- networks ---- */

static int read_normalisation(const struct fields *r, const struct yaml_node *map,
                              double *ret_scale, double *ret_mean, double *ret_std,
                              struct error *err)
{
    static const char *const keys[] = {"scale", "mean", "std", NULL};
    const struct yaml_node *node = NULL;
    int status = field_need(r, map, "normalisation", &node, err);
    if (status == 0)
        status = yaml_check_keys(r->yaml, node, keys, err);
    if (status == 0)
        status = field_above_zero(r, node, "scale", ret_scale, err);
    if (status == 0)
        status = field_number(r, node, "mean", -1e6, 1e6, ret_mean, err);
    if (status == 0)
        status = field_above_zero(r, node, "std", ret_std, err);
    return status;
}

static int read_channels(const struct fields *r, const struct yaml_node *map, enum roi roi,
                         struct outline_network *outline, struct error *err)
{
    const char *const words[] = {roi_name(roi), "hilum", NULL};
    int places[2] = {-1, -1}, index;
    const struct yaml_node *list = NULL;
    int status = field_list(r, map, "channels", OUTLINE_CHANNELS_MAX, &list, err);
    for (size_t i = 0; status == 0 && i < list->count; i++) {
        status = field_word(r, &list->children[i], words, &index, err);
        if (status == 0 && places[index] >= 0)
            status = yaml_error(r->yaml, &list->children[i], err, "the channel stands twice");
        if (status == 0)
            places[index] = (int)i;
    }
    if (status < 0)
        return status;
    if (places[0] < 0 || (places[1] >= 0 && roi != ROI_NODE))
        return yaml_error(r->yaml, list, err, "must hold '%s'%s", roi_name(roi),
                          roi == ROI_NODE ? " and may hold 'hilum'" : " alone");
    outline->channels = (int)list->count;
    outline->region_channel = places[0];
    outline->hilum_channel = places[1];
    return 0;
}

/* Optional: what the input's channels are. Grey always comes first. */
static int read_channels_in(const struct fields *r, const struct yaml_node *map,
                            struct outline_network *outline, struct error *err)
{
    static const char *const words[] = {"grey", "callipers", NULL};
    const struct yaml_node *list = yaml_get(map, "channels_in");
    int index, status = 0;
    if (!list)
        return 0;
    if (list->kind != YAML_SEQUENCE || list->count < 1 || list->count > 2)
        return yaml_error(r->yaml, list, err, "must be [grey] or [grey, callipers]");
    for (size_t i = 0; i < list->count && status == 0; i++) {
        status = field_word(r, &list->children[i], words, &index, err);
        if (status == 0 && index != (int)i)
            status = yaml_error(r->yaml, list, err, "must be [grey] or [grey, callipers]");
    }
    outline->callipers = list->count == 2;
    return status;
}

/* Optional: whether the network sees what is drawn on the picture. */
static int read_graphics(const struct fields *r, const struct yaml_node *map,
                         struct outline_network *outline, struct error *err)
{
    static const char *const words[] = {"kept", "painted", NULL};
    const struct yaml_node *node = yaml_get(map, "graphics");
    int index = 0;
    int status = node ? field_word(r, node, words, &index, err) : 0;
    outline->painted = index == 1;
    return status;
}

/* Optional: closer looks. */
static int read_zoom(const struct fields *r, const struct yaml_node *map,
                     struct outline_network *outline, struct error *err)
{
    const struct yaml_node *list = NULL;
    if (!yaml_get(map, "zoom"))
        return 0;
    int status = field_list(r, map, "zoom", OUTLINE_ZOOMS_MAX, &list, err);
    for (size_t i = 0; status == 0 && i < list->count; i++) {
        const struct yaml_node *one = &list->children[i];
        status = yaml_double(r->yaml, one, &outline->zooms[i], err);
        if (status == 0 && !(outline->zooms[i] >= 1.2 && outline->zooms[i] <= 8))
            status = yaml_error(r->yaml, one, err, "must lie between 1.2 and 8");
    }
    outline->zoom_count = status == 0 ? (int)list->count : 0;
    return status;
}

static int read_network(const struct fields *r, const struct yaml_node *map, enum roi roi,
                        struct error *err)
{
    static const char *const keys[] = {"file", "sha256", "input", "output", "input_size",
                                       "normalisation", "channels_in", "channels", "threshold",
                                       "min_area_fraction", "zoom", "graphics", NULL};
    struct package_network *network = &r->package->networks[roi];
    struct outline_network *outline = &network->outline;
    int status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = field_file(r, map, &network->file, network->sha256, err);
    if (status == 0)
        status = field_name_or(r, map, "input", "image", &outline->input, err);
    if (status == 0)
        status = field_name_or(r, map, "output", "probability", &outline->output, err);
    if (status == 0)
        status = field_input_size(r, map, OUTLINE_INPUT_MAX, &outline->input_rows,
                                  &outline->input_columns, err);
    if (status == 0)
        status = read_normalisation(r, map, &outline->scale, &outline->mean, &outline->std, err);
    if (status == 0)
        status = read_channels_in(r, map, outline, err);
    if (status == 0)
        status = read_channels(r, map, roi, outline, err);
    if (status == 0)
        status = read_zoom(r, map, outline, err);
    if (status == 0)
        status = read_graphics(r, map, outline, err);
    if (status == 0)
        status = field_number(r, map, "threshold", 0.01, 0.99, &outline->threshold, err);
    if (status == 0)
        status = field_number(r, map, "min_area_fraction", 0, 1, &outline->min_area_fraction, err);
    if (status < 0)
        return status;
    network->present = true;
    return 0;
}

static int read_view(const struct fields *r, const struct yaml_node *map, struct error *err)
{
    static const char *const keys[] = {"file", "sha256", "input", "output", "input_size",
                                       "normalisation", "confidence_min", NULL};
    struct package_view *view = &r->package->view;
    const struct yaml_node *node = NULL;
    int64_t size;
    int status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = field_file(r, map, &view->file, view->sha256, err);
    if (status == 0)
        status = field_name_or(r, map, "input", "image", &view->network.input, err);
    if (status == 0)
        status = field_name_or(r, map, "output", "probability", &view->network.output, err);
    if (status == 0)
        status = field_need(r, map, "input_size", &node, err);
    if (status == 0)
        status = yaml_int(r->yaml, node, 8, OUTLINE_INPUT_MAX, &size, err);
    if (status == 0)
        status = read_normalisation(r, map, &view->network.scale, &view->network.mean,
                                    &view->network.std, err);
    if (status == 0)
        status = field_number(r, map, "confidence_min", 0.34, 1, &view->network.confidence_min,
                              err);
    if (status < 0)
        return status;
    view->network.input_size = (int)size;
    view->present = true;
    return 0;
}

static int read_networks(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *map = yaml_get(root, "networks");
    if (yaml_is_null(map))
        return 0;
    static const char *const keys[] = {"tumour", "node", "view", NULL};
    int status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0 && !yaml_is_null(yaml_get(map, "view")))
        status = read_view(r, yaml_get(map, "view"), err);
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++) {
        const struct yaml_node *node = yaml_get(map, roi_words[roi]);
        if (!yaml_is_null(node))
            status = read_network(r, node, (enum roi)roi, err);
    }
    return status;
}

/* ---- radiomics and model ---- */

static int read_radiomics(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    const struct yaml_node *node = yaml_get(root, "radiomics");
    if (yaml_is_null(node))
        return 0;
    r->package->radiomics = calloc(1, sizeof *r->package->radiomics);
    if (!r->package->radiomics)
        return field_no_memory(err);
    return radiomics_settings_read(r->yaml, node, r->package->radiomics, NULL, err);
}

static bool is_clinical_input(const struct package *package, const char *feature)
{
    static const char prefix[] = "clinical_";
    const size_t n = sizeof prefix - 1;
    for (size_t i = 0; strncmp(feature, prefix, n) == 0 && i < package->clinical_count; i++)
        if (strcmp(feature + n, package->clinical[i].variable->name) == 0)
            return true;
    return false;
}

static int read_feature_name(const struct fields *r, const struct yaml_node *item,
                             struct package_term *term, struct error *err)
{
    int status = field_text(r, item, "feature", &term->feature, err);
    if (status < 0)
        return status;
    const struct yaml_node *node = yaml_get(item, "feature");
    if (strlen(term->feature) >= sizeof ((struct feature *)0)->name)
        return yaml_error(r->yaml, node, err, "is too long for a feature's name");
    for (size_t i = 0; i < r->package->score_count; i++)
        if (strcmp(r->package->scores[i].name, term->feature) == 0) {
            term->score = &r->package->scores[i];
            return 0;
        }
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        size_t n = strlen(roi_words[roi]);
        if (strncmp(term->feature, roi_words[roi], n) != 0 || term->feature[n] != '_')
            continue;
        if (!r->package->required[roi])
            return yaml_error(r->yaml, node, err, "belongs to a region that inputs do not name");
        return 0;
    }
    if (is_clinical_input(r->package, term->feature))
        return 0;
    /* No picture has it; a package that gives no risk may still rank tables by it. */
    if (!yaml_is_null(yaml_get(yaml_root(r->yaml), "incomplete")))
        return 0;
    return yaml_error(r->yaml, node, err,
                      "'%s' begins with no region's name and is no clinical value of the inputs",
                      term->feature);
}

static int read_term(const struct fields *r, const struct yaml_node *item,
                     struct package_term *term, struct error *err)
{
    static const char *const keys[] = {"feature", "centre", "scale", "coefficient",
                                       "needs_calibration", "missing", NULL};
    static const char *const missing[] = {"refuse", NULL};
    const struct yaml_node *node = NULL;
    int index;
    int status = yaml_check_keys(r->yaml, item, keys, err);
    if (status == 0)
        status = read_feature_name(r, item, term, err);
    if (status == 0)
        status = field_number(r, item, "centre", -1e30, 1e30, &term->centre, err);
    if (status == 0)
        status = field_above_zero(r, item, "scale", &term->scale, err);
    if (status == 0)
        status = field_number(r, item, "coefficient", -1e30, 1e30, &term->coefficient, err);
    if (status == 0)
        status = field_need(r, item, "needs_calibration", &node, err);
    if (status == 0)
        status = yaml_bool(r->yaml, node, &term->needs_calibration, err);
    if (status == 0 && !term->needs_calibration && feature_depends_on_size(term->feature))
        status = yaml_error(r->yaml, node, err, "'%s' depends on the size of pixels",
                            term->feature);
    if (status == 0)
        status = field_need(r, item, "missing", &node, err);
    if (status == 0)
        status = field_word(r, node, missing, &index, err);
    return status;
}

static int read_terms(const struct fields *r, const struct yaml_node *map,
                      struct package_term **ret_terms, size_t *ret_count, struct error *err)
{
    const struct yaml_node *list = NULL;
    int status = field_list(r, map, "terms", TERMS_MAX, &list, err);
    if (status < 0)
        return status;
    struct package_term *terms = arena_array(&r->package->arena, list->count, sizeof *terms);
    if (!terms)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count; i++) {
        status = read_term(r, &list->children[i], &terms[i], err);
        if (status < 0)
            return status;
        for (size_t k = 0; k < i; k++)
            if (strcmp(terms[k].feature, terms[i].feature) == 0)
                return yaml_error(r->yaml, &list->children[i], err, "feature '%s' stands twice",
                                  terms[i].feature);
    }
    *ret_terms = terms;
    *ret_count = list->count;
    return 0;
}

static int read_intercept(const struct fields *r, const struct yaml_node *map, bool *ret_has,
                          double *ret_intercept, struct error *err)
{
    *ret_has = !yaml_is_null(yaml_get(map, "intercept"));
    return *ret_has ? field_number(r, map, "intercept", -1e30, 1e30, ret_intercept, err) : 0;
}

static int read_score_name(const struct fields *r, const struct yaml_node *map,
                           const char **ret_name, struct error *err)
{
    const char *name;
    int status = field_text(r, map, "name", &name, err);
    if (status < 0)
        return status;
    const struct yaml_node *node = yaml_get(map, "name");
    if (strlen(name) >= STAGE_SIZE ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
        return yaml_error(r->yaml, node, err, "must be up to %d lower-case letters, digits and '_'",
                          STAGE_SIZE - 1);
    if (strcmp(name, "model") == 0)
        return yaml_error(r->yaml, node, err, "'model' is the name of the last step");
    for (size_t i = 0; i < r->package->score_count; i++)
        if (strcmp(r->package->scores[i].name, name) == 0)
            return yaml_error(r->yaml, node, err, "score '%s' stands twice", name);
    *ret_name = name;
    return 0;
}

/* Scores that a later step takes count for the model when that step does. */
static void mark_in_model(struct package *p, const struct package_term *terms, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (terms[i].score)
            p->scores[terms[i].score - p->scores].in_model = true;
}

static int read_scores(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"name", "intercept", "terms", NULL};
    struct package *p = r->package;
    const struct yaml_node *list = NULL;
    if (yaml_is_null(yaml_get(root, "scores")))
        return 0;
    int status = field_list(r, root, "scores", SCORES_MAX, &list, err);
    if (status < 0)
        return status;
    p->scores = arena_array(&p->arena, list->count, sizeof *p->scores);
    if (!p->scores)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        const struct yaml_node *map = &list->children[i];
        struct package_score *score = &p->scores[i];
        status = yaml_check_keys(r->yaml, map, keys, err);
        if (status == 0)
            status = read_score_name(r, map, &score->name, err);
        if (status == 0)
            status = read_intercept(r, map, &score->has_intercept, &score->intercept, err);
        if (status == 0)
            status = read_terms(r, map, &score->terms, &score->term_count, err);
        p->score_count = i + (status == 0);
    }
    return status;
}

/* Optional: the lower triangle, row by row, of the intercept and the terms in their order. */
static int read_covariance(const struct fields *r, const struct yaml_node *model,
                           struct error *err)
{
    struct package *p = r->package;
    const struct yaml_node *list = yaml_get(model, "covariance");
    size_t side = p->term_count + 1;
    int status = 0;
    if (yaml_is_null(list))
        return 0;
    if (list->kind != YAML_SEQUENCE || list->count != side || side > COVARIANCE_SIDE_MAX)
        return yaml_error(r->yaml, list, err, "must have a row for the intercept and one for each "
                          "term, %d at most", COVARIANCE_SIDE_MAX);
    p->covariance = arena_array(&p->arena, side * side, sizeof *p->covariance);
    if (!p->covariance)
        return field_no_memory(err);
    for (size_t i = 0; i < side && status == 0; i++) {
        const struct yaml_node *row = &list->children[i];
        if (row->kind != YAML_SEQUENCE || row->count != i + 1)
            return yaml_error(r->yaml, row, err, "must have %zu numbers", i + 1);
        for (size_t j = 0; j <= i && status == 0; j++) {
            double value;
            status = yaml_double(r->yaml, &row->children[j], &value, err);
            if (status == 0 && i == j && value < 0)
                status = yaml_error(r->yaml, row, err, "a variance must not be below 0");
            if (status == 0)
                p->covariance[i * side + j] = p->covariance[j * side + i] = value;
        }
    }
    return status;
}

/* Optional: a list of intercepts and coefficients, in the order of covariance. */
static int read_bootstrap(const struct fields *r, const struct yaml_node *model,
                          struct error *err)
{
    struct package *p = r->package;
    const struct yaml_node *list = yaml_get(model, "bootstrap");
    const size_t side = p->term_count + 1;
    int status = 0;
    if (yaml_is_null(list))
        return 0;
    if (p->covariance)
        return yaml_error(r->yaml, list, err, "stands beside 'covariance': one of them says how "
                          "sure the coefficients are");
    if (list->kind != YAML_SEQUENCE || list->count < BOOTSTRAP_MIN ||
        list->count > BOOTSTRAP_MAX || side > COVARIANCE_SIDE_MAX)
        return yaml_error(r->yaml, list, err, "must be a list of %d to %d models with %d terms at "
                          "most", BOOTSTRAP_MIN, BOOTSTRAP_MAX, COVARIANCE_SIDE_MAX - 1);
    p->bootstrap = arena_array(&p->arena, list->count * side, sizeof *p->bootstrap);
    if (!p->bootstrap)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        const struct yaml_node *row = &list->children[i];
        if (row->kind != YAML_SEQUENCE || row->count != side)
            return yaml_error(r->yaml, row, err, "must have %zu numbers", side);
        for (size_t j = 0; j < side && status == 0; j++)
            status = yaml_double(r->yaml, &row->children[j], &p->bootstrap[i * side + j], err);
    }
    p->bootstrap_count = list->count;
    return status;
}

/* Optional: names of heights of the risk, rising from 0. */
static int read_groups(const struct fields *r, const struct yaml_node *model, struct error *err)
{
    static const char *const keys[] = {"name", "from", NULL};
    struct package *p = r->package;
    const struct yaml_node *list = NULL;
    if (yaml_is_null(yaml_get(model, "risk_groups")))
        return 0;
    int status = field_list(r, model, "risk_groups", GROUPS_MAX, &list, err);
    if (status < 0)
        return status;
    p->groups = arena_array(&p->arena, list->count, sizeof *p->groups);
    if (!p->groups)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count && status == 0; i++) {
        const struct yaml_node *map = &list->children[i];
        struct package_group *group = &p->groups[i];
        status = yaml_check_keys(r->yaml, map, keys, err);
        if (status == 0)
            status = field_text(r, map, "name", &group->name, err);
        if (status == 0 && strlen(group->name) >= STAGE_SIZE)
            status = yaml_error(r->yaml, map, err, "'name' is longer than %d characters",
                                STAGE_SIZE - 1);
        if (status == 0)
            status = field_number(r, map, "from", 0, 1, &group->from, err);
        if (status == 0 && (i ? group->from <= p->groups[i - 1].from : group->from > 0))
            status = yaml_error(r->yaml, map, err, "'from' must rise from 0 on");
    }
    p->group_count = list->count;
    return status;
}

static int read_cutoff(const struct fields *r, const struct yaml_node *model, struct error *err)
{
    static const char *const keys[] = {"value", "rule", NULL};
    const struct yaml_node *node = yaml_get(model, "cutoff");
    if (yaml_is_null(node))
        return 0;
    int status = yaml_check_keys(r->yaml, node, keys, err);
    if (status == 0)
        status = field_number(r, node, "value", 0, 1, &r->package->cutoff, err);
    if (status == 0)
        status = field_text(r, node, "rule", &r->package->cutoff_rule, err);
    r->package->has_cutoff = status == 0;
    return status;
}

static int read_model(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    static const char *const keys[] = {"link", "intercept", "terms", "covariance", "bootstrap",
                                       "risk_groups", "cutoff", NULL};
    static const char *const links[] = {"logistic", NULL};
    const struct yaml_node *model = yaml_get(root, "model"), *node = NULL;
    struct package *p = r->package;
    int index;
    if (yaml_is_null(model))
        return 0;
    int status = yaml_check_keys(r->yaml, model, keys, err);
    if (status == 0)
        status = field_need(r, model, "link", &node, err);
    if (status == 0)
        status = field_word(r, node, links, &index, err);
    if (status == 0)
        status = read_intercept(r, model, &p->has_intercept, &p->intercept, err);
    if (status == 0)
        status = read_terms(r, model, &p->terms, &p->term_count, err);
    if (status < 0)
        return status;
    mark_in_model(p, p->terms, p->term_count);
    for (size_t i = p->score_count; i-- > 0;) /* a score takes earlier ones only */
        if (p->scores[i].in_model)
            mark_in_model(p, p->scores[i].terms, p->scores[i].term_count);
    status = read_covariance(r, model, err);
    if (status == 0)
        status = read_bootstrap(r, model, err);
    if (status == 0)
        status = read_groups(r, model, err);
    if (status == 0)
        status = read_cutoff(r, model, err);
    p->has_model = status == 0;
    return status;
}

/* ---- tail ---- */

static int read_incomplete(const struct fields *r, const struct yaml_node *root,
                           struct error *err)
{
    struct package *p = r->package;
    const struct yaml_node *list = yaml_get(root, "incomplete");
    if (yaml_is_null(list))
        return 0;
    if (list->kind != YAML_SEQUENCE || list->count > 64)
        return yaml_error(r->yaml, list, err, "must be a list of at most 64 texts");
    p->incomplete = arena_array(&p->arena, list->count, sizeof *p->incomplete);
    if (!p->incomplete)
        return field_no_memory(err);
    for (size_t i = 0; i < list->count; i++) {
        int status = field_keep_text(r, &list->children[i], &p->incomplete[i], err);
        if (status < 0)
            return status;
        p->incomplete_count = i + 1;
    }
    return 0;
}

static int read_provenance(const struct fields *r, const struct yaml_node *root,
                           struct error *err)
{
    static const char *const keys[] = {"data", "method", "licence", NULL};
    const struct yaml_node *map = NULL;
    int status = field_need(r, root, "provenance", &map, err);
    if (status == 0)
        status = yaml_check_keys(r->yaml, map, keys, err);
    if (status == 0)
        status = field_text(r, map, "data", &r->package->provenance_data, err);
    if (status == 0)
        status = field_text(r, map, "method", &r->package->provenance_method, err);
    if (status == 0)
        status = field_text(r, map, "licence", &r->package->provenance_licence, err);
    return status;
}

static size_t count_scalars(const struct yaml_node *node)
{
    size_t count = node->kind == YAML_SCALAR;
    for (size_t i = 0; i < node->count; i++)
        count += count_scalars(&node->children[i]);
    return count;
}

/* Leaves as facts: keys joined by '.', places in a list from 1. */
static int flatten(const struct fields *r, const struct yaml_node *node, const char *key,
                   struct error *err)
{
    struct package *p = r->package;
    if (node->kind == YAML_SCALAR) {
        struct package_fact *fact = &p->performance[p->performance_count];
        *fact = (struct package_fact){key, arena_text(&p->arena, node->text)};
        if (!fact->value)
            return field_no_memory(err);
        p->performance_count++;
        return 0;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *child = &node->children[i];
        const char *dot = *key ? "." : "";
        const char *longer = child->key ? arena_print(&p->arena, "%s%s%s", key, dot, child->key)
                                        : arena_print(&p->arena, "%s%s%zu", key, dot, i + 1);
        if (!longer)
            return field_no_memory(err);
        int status = flatten(r, child, longer, err);
        if (status < 0)
            return status;
    }
    return 0;
}

static int read_performance(const struct fields *r, const struct yaml_node *root,
                            struct error *err)
{
    struct package *p = r->package;
    const struct yaml_node *map = yaml_get(root, "performance");
    if (yaml_is_null(map))
        return 0;
    if (map->kind != YAML_MAPPING)
        return yaml_error(r->yaml, map, err, "must be a mapping of keys and values");
    p->performance = arena_array(&p->arena, count_scalars(map), sizeof *p->performance);
    return p->performance ? flatten(r, map, "", err) : field_no_memory(err);
}

/* Without a word on what is missing, everything that a risk needs must be there. */
static int check_complete(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    const struct package *p = r->package;
    if (p->incomplete_count > 0)
        return 0;
    for (int roi = 0; roi < ROI_COUNT; roi++)
        if (p->required[roi] && !p->networks[roi].present)
            return yaml_error(r->yaml, root, err,
                              "the network for '%s' is missing, and 'incomplete' does not say so",
                              roi_words[roi]);
    if (!p->has_model || !p->has_intercept)
        return yaml_error(r->yaml, root, err,
                          "the model%s is missing, and 'incomplete' does not say so",
                          p->has_model ? "'s intercept" : "");
    for (size_t i = 0; i < p->score_count; i++)
        if (!p->scores[i].has_intercept)
            return yaml_error(r->yaml, root, err,
                              "the intercept of score '%s' is missing, and 'incomplete' does not "
                              "say so", p->scores[i].name);
    return 0;
}

/* Optional: what an unsure outline means for the risk. */
static int read_unsure(const struct fields *r, const struct yaml_node *root, struct error *err)
{
    static const char *const words[] = {"no_risk", "allow", NULL};
    const struct yaml_node *node = yaml_get(root, "unsure");
    int index = 0;
    int status = node ? field_word(r, node, words, &index, err) : 0;
    r->package->unsure_allowed = index == 1;
    return status;
}

/* Optional: whether its maker answers for clinical use. */
static int read_clinical_use(const struct fields *r, const struct yaml_node *root,
                             struct error *err)
{
    static const char *const words[] = {"no", "yes", NULL};
    const struct yaml_node *node = yaml_get(root, "clinical_use");
    int index = 0;
    int status = node ? field_word(r, node, words, &index, err) : 0;
    r->package->clinical_use = index == 1;
    return status;
}

int package_read(const struct yaml *yaml, struct package *package, struct error *err)
{
    static const char *const keys[] = {
        "format", "name", "version", "intended_use", "clinical_use", "outcome", "population",
        "inputs", "networks", "radiomics", "deep", "agreement_min", "unsure", "scores", "model", "incomplete",
        "provenance", "performance", NULL};
    static int (*const parts[])(const struct fields *, const struct yaml_node *, struct error *) = {
        read_head, read_population, read_inputs, read_networks, read_radiomics, package_read_deep,
        read_scores, read_model, read_incomplete, read_provenance, read_performance, check_complete};
    const struct fields r = {yaml, package};
    const struct yaml_node *root = yaml_root(yaml);
    int status = yaml_check_keys(yaml, root, keys, err);
    if (status == 0)
        status = field_number(&r, root, "agreement_min", 0, 1, &package->agreement_min, err);
    if (status == 0)
        status = read_unsure(&r, root, err);
    if (status == 0)
        status = read_clinical_use(&r, root, err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == 0; i++)
        status = parts[i](&r, root, err);
    return status;
}
