/* YAML documents as a read-only tree with line numbers, by libyaml. One document per file;
 * mappings keep their order; duplicate keys are refused; anchors and aliases are refused (a
 * small file could otherwise grow without bound); depth at most 32, size at most 4 MiB. */
#ifndef AXNODE_BASE_YAML_H
#define AXNODE_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    int line;          /* from 1 */
    const char *text;  /* scalar: its value; else NULL */
    bool quoted;       /* scalar: written with quotes, hence text and never null */
    const char *key;   /* when the parent is a mapping */
    int key_line;
    struct yaml_node *children; /* sequence items or mapping values, `count` of them */
    size_t count;
};

struct yaml; /* owns every node and text */

/* `name` stands in messages ("FILE:LINE: reason"). An empty document is an empty mapping. */
int yaml_load_file(const char *path, struct yaml **ret_yaml, struct error *err);
int yaml_load_text(const char *text, size_t n, const char *name, struct yaml **ret_yaml,
                   struct error *err);
/* Named so because libyaml exports a yaml_free of its own. */
void yaml_unload(struct yaml *y);
const struct yaml_node *yaml_root(const struct yaml *y);
const char *yaml_name(const struct yaml *y);

/* NULL when `map` is NULL, no mapping, or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
bool yaml_is_null(const struct yaml_node *node); /* NULL, "", "~" or "null" unquoted */

/* Typed reads: "NAME:LINE: KEY: reason" on failure. */
int yaml_int(const struct yaml *y, const struct yaml_node *node, int64_t min, int64_t max,
             int64_t *ret_value, struct error *err);
int yaml_double(const struct yaml *y, const struct yaml_node *node, double *ret_value,
                struct error *err);
int yaml_bool(const struct yaml *y, const struct yaml_node *node, bool *ret_value,
              struct error *err);
/* Borrowed from the tree. */
int yaml_text(const struct yaml *y, const struct yaml_node *node, const char **ret_value,
              struct error *err);
/* A mapping whose keys are all in `known` (NULL-terminated). */
int yaml_check_keys(const struct yaml *y, const struct yaml_node *map, const char *const *known,
                    struct error *err);
/* An error at a node's line, for callers with rules of their own. */
int yaml_error(const struct yaml *y, const struct yaml_node *node, struct error *err,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- writing ---- */

struct buffer;
/* A text between double quotes, whatever it holds. */
int yaml_print_text(struct buffer *out, const char *text, struct error *err);
/* What is below a node, as lines indented by `indent`, the first of them behind what the buffer
 * holds ("key:"): it reads back as the same tree. */
int yaml_print_node(struct buffer *out, const struct yaml_node *node, int indent,
                    struct error *err);

#endif
