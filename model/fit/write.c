#include "model/fit/write.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"
#include "model/features.h"
#include "model/fit/card.h"
#include "model/fit/terms.h"
#include "model/package/manifest.h"

enum { FILE_BYTES_MAX = 1 << 30, RECIPE_BYTES_MAX = 4 << 20, COVARIANCE_TERMS_MAX = 255 };

/* Where keys of package.yaml come from. */
struct source {
    const struct fit_result *result;
    const struct yaml_node *base; /* package.yaml of the base; NULL: none */
    struct buffer *out;
};

static int print_number(struct buffer *out, const char *before, double value, const char *after,
                        struct error *err)
{
    char number[NUMBER_TEXT_SIZE];
    number_format(value, number);
    return buffer_print(out, err, "%s%s%s", before, number, after);
}

/* ---- keys that are taken over ---- */

static const struct yaml_node *find_key(const struct source *s, const char *key)
{
    const struct yaml_node *own = yaml_get(s->result->recipe->package, key);
    return own ? own : yaml_get(s->base, key);
}

/* The recipe's, else the base's, else `otherwise` (NULL: it must be there; "": nothing). */
static int print_key(const struct source *s, const char *key, const char *otherwise,
                     struct error *err)
{
    const struct yaml_node *node = find_key(s, key);
    if (!node && !otherwise)
        return error_set(err, STATUS_INVALID, "the recipe's 'package' lacks '%s'", key);
    if (!node)
        return *otherwise ? buffer_print(s->out, err, "%s: %s\n", key, otherwise) : 0;
    if (node->kind == YAML_SEQUENCE && node->count == 0)
        return 0;
    int status = buffer_print(s->out, err, "%s:", key);
    return status < 0 ? status : yaml_print_node(s->out, node, 2, err);
}

static int check_keys(const struct fit_result *result, struct error *err)
{
    static const char *const keys[] = {"name", "version", "intended_use", "outcome", "population",
                                       "inputs", "agreement_min", "unsure", "incomplete",
                                       "licence", NULL};
    const struct yaml_node *map = result->recipe->package;
    return map ? yaml_check_keys(result->recipe->yaml, map, keys, err) : 0;
}

static int print_head(const struct source *s, struct error *err)
{
    static const struct {
        const char *key, *otherwise;
    } keys[] = {
        {"name", NULL}, {"version", NULL}, {"intended_use", NULL}, {"outcome", NULL},
        {"population", NULL},
        {"inputs", "{regions: [tumour], sizes_require_calibration: region}"},
        {"networks", ""}, {"radiomics", ""}, {"deep", ""}, {"agreement_min", "0.6"}, {"unsure", ""}};
    int status = buffer_print(s->out, err, "format: 1\n");
    for (size_t i = 0; i < sizeof keys / sizeof *keys && status == 0; i++)
        status = print_key(s, keys[i].key, keys[i].otherwise, err);
    return status < 0 ? status
                      : print_key(s, "incomplete",
                                  s->base ? ""
                                          : "[\"networks and feature settings: the score was "
                                            "fitted on a table of features, and ranks the rows "
                                            "of such tables alone\"]",
                                  err);
}

/* ---- the score ---- */

static int print_term(const struct source *s, struct fit_named_term term, struct error *err)
{
    int status = buffer_print(s->out, err, "    - feature: ");
    if (status == 0)
        status = yaml_print_text(s->out, term.feature, err);
    if (status == 0)
        status = print_number(s->out, "\n      centre: ", term.centre, "\n", err);
    if (status == 0)
        status = print_number(s->out, "      scale: ", term.scale, "\n", err);
    if (status == 0)
        status = print_number(s->out, "      coefficient: ", term.coefficient, "\n", err);
    return status < 0 ? status
                      : buffer_print(s->out, err, "      needs_calibration: %s\n"
                                     "      missing: refuse\n",
                                     feature_depends_on_size(term.feature) ? "true" : "false");
}

/* Those that were fitted before, or those that a recalibrated model stands on. */
static int print_scores(const struct source *s, struct error *err)
{
    const struct fit_result *r = s->result;
    int status = r->score_count > 0 ? buffer_print(s->out, err, "scores:\n") : 0;
    if (r->score_count == 0)
        return r->recipe->update != FIT_UPDATE_NONE ? print_key(s, "scores", "", err) : 0;
    for (size_t i = 0; i < r->score_count && status == 0; i++) {
        const struct package *p = r->scores[i].package;
        status = buffer_print(s->out, err, "  - name: %s\n", r->scores[i].name);
        if (status == 0)
            status = print_number(s->out, "    intercept: ", p->intercept, "\n    terms:\n", err);
        for (size_t k = 0; k < p->term_count && status == 0; k++)
            status = print_term(s, (struct fit_named_term){p->terms[k].feature, p->terms[k].centre,
                                                           p->terms[k].scale,
                                                           p->terms[k].coefficient}, err);
    }
    return status;
}

static int print_covariance(const struct source *s, struct error *err)
{
    const struct fit_model *model = s->result->model;
    size_t side = model->term_count + 1;
    if (!model->covariance || model->term_count > COVARIANCE_TERMS_MAX)
        return 0;
    int status = buffer_print(s->out, err, "  covariance:\n");
    for (size_t i = 0; i < side && status == 0; i++) {
        status = buffer_print(s->out, err, "    - [");
        for (size_t j = 0; j <= i && status == 0; j++)
            status = print_number(s->out, j ? ", " : "", model->covariance[i * side + j], "", err);
        if (status == 0)
            status = buffer_print(s->out, err, "]\n");
    }
    return status;
}

static int print_bootstrap(const struct source *s, struct error *err)
{
    const struct fit_model *model = s->result->model;
    size_t side = model->term_count + 1;
    int status = buffer_print(s->out, err, "  bootstrap:\n");
    for (size_t i = 0; i < model->bootstrap_count && status == 0; i++) {
        for (size_t k = 0; k < side && status == 0; k++)
            status = print_number(s->out, k ? ", " : "    - [", model->bootstrap[i * side + k], "",
                                  err);
        if (status == 0)
            status = buffer_print(s->out, err, "]\n");
    }
    return status;
}

static int print_cutoff(const struct source *s, struct error *err)
{
    const struct fit_result *r = s->result;
    if (!r->has_cutoff)
        return 0;
    int status = print_number(s->out, "  cutoff:\n    value: ", r->cutoff, "\n    rule: ", err);
    if (status == 0)
        status = fit_print_cutoff_rule(r, s->out, err);
    return status < 0 ? status : buffer_print(s->out, err, "\n");
}

static int print_model(const struct source *s, struct error *err)
{
    size_t count = fit_term_count(s->result);
    if (count == 0) {
        error_set(err, STATUS_INVALID, "no feature passed the steps of the recipe: there is no "
                  "score to write");
        error_hint(err, "less strict steps, or lambda: min in place of 1se");
        return STATUS_INVALID;
    }
    int status = print_number(s->out, "model:\n  link: logistic\n  intercept: ",
                              fit_intercept(s->result), "\n  terms:\n", err);
    for (size_t k = 0; k < count && status == 0; k++)
        status = print_term(s, fit_term_at(s->result, k), err);
    if (status == 0)
        status = s->result->model->bootstrap ? print_bootstrap(s, err) : print_covariance(s, err);
    return status < 0 ? status : print_cutoff(s, err);
}

/* ---- where it comes from ---- */

static int print_provenance(const struct source *s, struct error *err)
{
    const struct fit_result *r = s->result;
    const struct yaml_node *licence = yaml_get(r->recipe->package, "licence");
    if (!licence)
        licence = yaml_get(yaml_get(s->base, "provenance"), "licence");
    int status = buffer_print(s->out, err, "provenance:\n  data: \"%zu patients, %zu with the "
                              "outcome; cohort SHA-256 %s\"\n", r->model->rows,
                              r->model->positives, r->cohort_sha256);
    if (status == 0)
        status = buffer_print(s->out, err, "  method: \"axnode " AXNODE_VERSION " fit, seed %llu:",
                              (unsigned long long)r->seed);
    for (size_t i = 0; i < r->model->report_count && status == 0; i++)
        status = buffer_print(s->out, err, "%s %s (%zu to %zu)", i ? "," : "",
                              fit_step_name(r->model->reports[i].kind),
                              r->model->reports[i].before, r->model->reports[i].after);
    if (status == 0 && r->recipe->update != FIT_UPDATE_NONE)
        status = buffer_print(s->out, err, " recalibrated from %s %s, SHA-256 %s", r->base->name,
                              r->base->version, r->base->digest);
    if (status == 0)
        status = buffer_print(s->out, err, "; see fit.json, recipe.yaml, model-card.md\"\n"
                              "  licence:%s", licence ? "" : " not stated\n");
    return status < 0 || !licence ? status : yaml_print_node(s->out, licence, 4, err);
}

static int print_performance(const struct source *s, struct error *err)
{
    const struct fit_validation *v = s->result->validation;
    if (!v)
        return 0;
    int status = buffer_print(s->out, err, "performance:\n  nested_cross_validation:\n"
                              "    folds: %d\n    repeats: %d\n", s->result->recipe->folds,
                              s->result->recipe->repeats);
    if (status == 0)
        status = buffer_print(s->out, err, "    auc: %.4f\n    auc_ci95: [%.4f, %.4f]\n"
                              "    brier: %.4f\n", v->auc.area, v->auc.ci95.low, v->auc.ci95.high,
                              v->brier.score);
    if (status == 0 && v->has_calibration)
        status = buffer_print(s->out, err, "    calibration_slope: %.4f\n", v->calibration.slope);
    return status < 0 ? status : buffer_print(s->out, err, "  apparent_auc: %.4f\n",
                                              v->auc_apparent);
}

/* ---- files ---- */

static int join(const char *folder, const char *name, char out[PATH_MAX], struct error *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        return error_set(err, STATUS_LIMIT, "folder %s has too long a path", folder);
    return 0;
}

static int write_file(const char *folder, const char *name, const struct buffer *content,
                      struct error *err)
{
    char path[PATH_MAX];
    int status = join(folder, name, path, err);
    return status < 0 ? status : file_write(path, buffer_text(content), content->size, err);
}

static int make_folder(const char *folder, struct error *err)
{
    int status = folder_make(folder, err);
    DIR *dir = status == 0 ? opendir(folder) : NULL;
    int entries = 0;
    if (!dir)
        return status < 0 ? status : error_set_errno(err, STATUS_IO, errno, "cannot read folder %s",
                                                     folder);
    while (readdir(dir))
        entries++;
    closedir(dir);
    if (entries > 2)
        return error_set(err, STATUS_CONFLICT, "folder %s is not empty", folder);
    return 0;
}

/* Written anew, not copied. */
static bool is_ours(const char *path)
{
    static const char *const names[] = {"package.yaml", "selftest/selftest.yaml", "fit.json",
                                        "model-card.md", "recipe.yaml"};
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        any |= strcmp(names[i], path) == 0;
    return any;
}

static int copy_file(const char *from_folder, const char *folder,
                     const struct manifest_entry *entry, struct error *err)
{
    char from[PATH_MAX], to[PATH_MAX], hex[DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_SIZE];
    struct buffer content BUFFER_AUTO = {0};
    int status = join(from_folder, entry->path, from, err);
    if (status == 0)
        status = join(folder, entry->path, to, err);
    if (status == 0)
        status = file_read(from, FILE_BYTES_MAX, &content, err);
    if (status < 0)
        return status;
    digest_bytes(buffer_text(&content), content.size, digest);
    digest_format(digest, hex);
    if (strcmp(hex, entry->sha256) != 0)
        return error_set(err, STATUS_CONFLICT, "%s changed while it was copied", from);
    char *slash = strrchr(to, '/');
    *slash = '\0';
    status = folder_make(to, err);
    *slash = '/';
    return status < 0 ? status : file_write(to, buffer_text(&content), content.size, err);
}

static int copy_base(const struct fit_result *result, const char *folder, struct error *err)
{
    const struct package_options trust = {.allow_unsigned = true};
    struct arena arena ARENA_AUTO = {0};
    struct manifest manifest;
    int status = manifest_check(result->base->folder, &trust, &arena, &manifest, err);
    for (size_t i = 0; status == 0 && i < manifest.count; i++)
        if (!is_ours(manifest.entries[i].path))
            status = copy_file(result->base->folder, folder, &manifest.entries[i], err);
    return status;
}

static int write_package_yaml(const struct fit_result *result, const struct yaml_node *base,
                              const char *folder, struct error *err)
{
    struct buffer out BUFFER_AUTO = {0};
    const struct source source = {result, base, &out};
    int status = check_keys(result, err);
    if (status == 0)
        status = print_head(&source, err);
    if (status == 0)
        status = print_scores(&source, err);
    if (status == 0)
        status = print_model(&source, err);
    if (status == 0)
        status = print_provenance(&source, err);
    if (status == 0)
        status = print_performance(&source, err);
    return status < 0 ? status : write_file(folder, "package.yaml", &out, err);
}

static int write_fit_json(const struct fit_result *result, const char *folder, struct error *err)
{
    struct buffer out BUFFER_AUTO = {0};
    cJSON *json = fit_describe(result);
    char *text = json ? cJSON_Print(json) : NULL;
    int status = text ? buffer_print(&out, err, "%s\n", text)
                      : error_set(err, STATUS_NOMEM, "out of memory for fit.json");
    if (status == 0)
        status = write_file(folder, "fit.json", &out, err);
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}

static int write_recipe(const struct fit_result *result, const char *folder, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    int status = file_read(result->recipe_file, RECIPE_BYTES_MAX, &content, err);
    return status < 0 ? status : write_file(folder, "recipe.yaml", &content, err);
}

static int write_card(const struct fit_result *result, const char *folder, struct error *err)
{
    const struct package_options making = {.allow_unsigned = true, .without_manifest = true};
    struct buffer out BUFFER_AUTO = {0};
    struct package *package;
    /* Read back: the card shows what the program reads, and a package it would refuse stops here. */
    int status = package_open(folder, &making, &package, err);
    if (status < 0)
        return status;
    status = fit_print_card(result, package, &out, err);
    package_free(package);
    return status < 0 ? status : write_file(folder, "model-card.md", &out, err);
}

int fit_write(const struct fit_result *result, const char *folder, struct error *err)
{
    char path[PATH_MAX];
    struct yaml *base = NULL;
    int status = make_folder(folder, err);
    if (status == 0 && result->base) {
        status = join(result->base->folder, "package.yaml", path, err);
        if (status == 0)
            status = yaml_load_file(path, &base, err);
        if (status == 0)
            status = copy_base(result, folder, err);
    }
    if (status == 0)
        status = write_package_yaml(result, base ? yaml_root(base) : NULL, folder, err);
    if (status == 0)
        status = write_fit_json(result, folder, err);
    if (status == 0)
        status = write_recipe(result, folder, err);
    if (status == 0)
        status = write_card(result, folder, err);
    if (status == 0)
        status = join(folder, "selftest", path, err);
    if (status == 0)
        status = folder_make(path, err);
    yaml_unload(base);
    return status;
}
