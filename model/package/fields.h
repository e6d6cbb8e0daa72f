/* Typed fields of package.yaml for those that read its parts: every refusal is STATUS_INVALID with
 * file and line. */
#ifndef AXNODE_MODEL_PACKAGE_FIELDS_H
#define AXNODE_MODEL_PACKAGE_FIELDS_H

#include "base/error.h"
#include "base/yaml.h"
#include "model/package/package.h"

/* What is read, and the package that takes it: texts go into its arena. */
struct fields {
    const struct yaml *yaml;
    struct package *package;
};

int field_no_memory(struct error *err);
/* The value of a key that must be there. */
int field_need(const struct fields *r, const struct yaml_node *map, const char *key,
               const struct yaml_node **ret_node, struct error *err);
/* A text that is not empty, of up to 4,000 characters. */
int field_keep_text(const struct fields *r, const struct yaml_node *node, const char **ret_text,
                    struct error *err);
int field_text(const struct fields *r, const struct yaml_node *map, const char *key,
               const char **ret_text, struct error *err);
/* The same, or `otherwise` without the key. */
int field_name_or(const struct fields *r, const struct yaml_node *map, const char *key,
                  const char *otherwise, const char **ret_text, struct error *err);
int field_number(const struct fields *r, const struct yaml_node *map, const char *key, double min,
                 double max, double *ret_value, struct error *err);
int field_above_zero(const struct fields *r, const struct yaml_node *map, const char *key,
                     double *ret_value, struct error *err);
/* The key `input_size`: a number S, or [height, width]; each 8 to `max`. */
int field_input_size(const struct fields *r, const struct yaml_node *map, int max, int *ret_rows,
                     int *ret_columns, struct error *err);
/* A list of 1 to `max` entries. */
int field_list(const struct fields *r, const struct yaml_node *map, const char *key, size_t max,
               const struct yaml_node **ret_node, struct error *err);
/* Index of a word in `words` (NULL-terminated). */
int field_word(const struct fields *r, const struct yaml_node *node, const char *const *words,
               int *ret_index, struct error *err);
/* The keys `file`, a plain path below the package, and `sha256`, which may be left out: it stays as
 * it is then. */
int field_file(const struct fields *r, const struct yaml_node *map, const char **ret_file,
               char sha256[DIGEST_TEXT_SIZE], struct error *err);

#endif
