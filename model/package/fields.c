#include "model/package/fields.h"

#include <string.h>

#include "model/package/manifest.h"

enum { TEXT_MAX = 4000 };

int field_no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory");
}

int field_need(const struct fields *r, const struct yaml_node *map, const char *key,
               const struct yaml_node **ret_node, struct error *err)
{
    const struct yaml_node *node = yaml_get(map, key);
    if (yaml_is_null(node))
        return yaml_error(r->yaml, map, err, "'%s' is missing", key);
    *ret_node = node;
    return 0;
}

int field_keep_text(const struct fields *r, const struct yaml_node *node, const char **ret_text,
                    struct error *err)
{
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    if (!*text)
        return yaml_error(r->yaml, node, err, "must not be empty");
    if (strlen(text) > TEXT_MAX)
        return yaml_error(r->yaml, node, err, "is longer than %d characters", TEXT_MAX);
    const char *copy = arena_text(&r->package->arena, text);
    if (!copy)
        return field_no_memory(err);
    *ret_text = copy;
    return 0;
}

int field_text(const struct fields *r, const struct yaml_node *map, const char *key,
               const char **ret_text, struct error *err)
{
    const struct yaml_node *node = NULL;
    int status = field_need(r, map, key, &node, err);
    return status < 0 ? status : field_keep_text(r, node, ret_text, err);
}

int field_number(const struct fields *r, const struct yaml_node *map, const char *key, double min,
                 double max, double *ret_value, struct error *err)
{
    const struct yaml_node *node = NULL;
    double value;
    int status = field_need(r, map, key, &node, err);
    if (status == 0)
        status = yaml_double(r->yaml, node, &value, err);
    if (status < 0)
        return status;
    if (value < min || value > max)
        return yaml_error(r->yaml, node, err, "must lie between %g and %g", min, max);
    *ret_value = value;
    return 0;
}

int field_above_zero(const struct fields *r, const struct yaml_node *map, const char *key,
                     double *ret_value, struct error *err)
{
    double value;
    int status = field_number(r, map, key, 0, 1e30, &value, err);
    if (status < 0)
        return status;
    if (value < 1e-30)
        return yaml_error(r->yaml, yaml_get(map, key), err, "must be above 0");
    *ret_value = value;
    return 0;
}

int field_list(const struct fields *r, const struct yaml_node *map, const char *key, size_t max,
               const struct yaml_node **ret_node, struct error *err)
{
    const struct yaml_node *node = NULL;
    int status = field_need(r, map, key, &node, err);
    if (status < 0)
        return status;
    if (node->kind != YAML_SEQUENCE || node->count == 0 || node->count > max)
        return yaml_error(r->yaml, node, err, "must be a list of 1 to %zu entries", max);
    *ret_node = node;
    return 0;
}

int field_word(const struct fields *r, const struct yaml_node *node, const char *const *words,
               int *ret_index, struct error *err)
{
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
    return yaml_error(r->yaml, node, err, "'%s' is not known here", text);
}

int field_input_size(const struct fields *r, const struct yaml_node *map, int max, int *ret_rows,
                     int *ret_columns, struct error *err)
{
    enum { MIN = 8 };
    const struct yaml_node *node = NULL;
    int64_t sides[2];
    int status = field_need(r, map, "input_size", &node, err);
    if (status < 0)
        return status;
    const bool list = node->kind == YAML_SEQUENCE;
    if (list && node->count != 2)
        return yaml_error(r->yaml, node, err, "must be a number, or [height, width]");
    for (int i = 0; i < 2 && status == 0; i++)
        status = yaml_int(r->yaml, list ? &node->children[i] : node, MIN, max, &sides[i], err);
    if (status < 0)
        return status;
    *ret_rows = (int)sides[0];
    *ret_columns = (int)sides[1];
    return 0;
}

int field_name_or(const struct fields *r, const struct yaml_node *map, const char *key,
                  const char *otherwise, const char **ret_text, struct error *err)
{
    const struct yaml_node *node = yaml_get(map, key);
    if (node)
        return field_keep_text(r, node, ret_text, err);
    *ret_text = otherwise;
    return 0;
}

int field_file(const struct fields *r, const struct yaml_node *map, const char **ret_file,
               char sha256[DIGEST_TEXT_SIZE], struct error *err)
{
    int status = field_text(r, map, "file", ret_file, err);
    if (status < 0)
        return status;
    if (!manifest_path_valid(*ret_file))
        return yaml_error(r->yaml, yaml_get(map, "file"), err,
                          "must be a plain path below the package");
    const struct yaml_node *node = yaml_get(map, "sha256");
    const char *hex;
    if (!node)
        return 0;
    status = yaml_text(r->yaml, node, &hex, err);
    if (status < 0)
        return status;
    if (strlen(hex) != DIGEST_TEXT_SIZE - 1 ||
        strspn(hex, "0123456789abcdef") != DIGEST_TEXT_SIZE - 1)
        return yaml_error(r->yaml, node, err, "must be 64 lower-case hexadecimal digits");
    memcpy(sha256, hex, DIGEST_TEXT_SIZE);
    return 0;
}
