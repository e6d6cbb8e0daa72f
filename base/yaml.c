#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"

enum { DEPTH_MAX = 32, BYTES_MAX = 4 << 20 };

struct yaml {
    struct arena arena;
    const char *name;
    struct yaml_node root;
};

static int build(struct yaml *y, yaml_document_t *doc, yaml_node_t *from, int depth,
                 struct yaml_node *to, struct error *err);

static int out_of_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "out of memory");
}

static int build_scalar(struct yaml *y, yaml_node_t *from, struct yaml_node *to, struct error *err)
{
    if (memchr(from->data.scalar.value, '\0', from->data.scalar.length))
        return error_set(err, STATUS_INVALID, "%s:%d: text holds a NUL character", y->name,
                         to->line);
    to->kind = YAML_SCALAR;
    to->text = arena_text(&y->arena, (const char *)from->data.scalar.value);
    to->quoted = from->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                 from->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return to->text ? 0 : out_of_memory(err);
}

static int build_sequence(struct yaml *y, yaml_document_t *doc, yaml_node_t *from, int depth,
                          struct yaml_node *to, struct error *err)
{
    to->kind = YAML_SEQUENCE;
    size_t n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
    to->children = arena_array(&y->arena, n, sizeof *to->children);
    if (!to->children)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *item = yaml_document_get_node(doc, from->data.sequence.items.start[i]);
        int status = build(y, doc, item, depth + 1, &to->children[i], err);
        if (status < 0)
            return status;
        to->count = i + 1;
    }
    return 0;
}

static int build_mapping(struct yaml *y, yaml_document_t *doc, yaml_node_t *from, int depth,
                         struct yaml_node *to, struct error *err)
{
    to->kind = YAML_MAPPING;
    size_t n = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
    to->children = arena_array(&y->arena, n, sizeof *to->children);
    if (!to->children)
        return out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        yaml_node_pair_t *pair = from->data.mapping.pairs.start + i;
        yaml_node_t *key = yaml_document_get_node(doc, pair->key);
        struct yaml_node *child = &to->children[i];
        int line = (int)key->start_mark.line + 1;
        if (key->type != YAML_SCALAR_NODE)
            return error_set(err, STATUS_INVALID, "%s:%d: a key must be plain text", y->name, line);
        const char *name = (const char *)key->data.scalar.value;
        for (size_t k = 0; k < i; k++)
            if (strcmp(to->children[k].key, name) == 0)
                return error_set(err, STATUS_INVALID, "%s:%d: key '%s' stands twice", y->name,
                                 line, name);
        int status = build(y, doc, yaml_document_get_node(doc, pair->value), depth + 1, child, err);
        if (status < 0)
            return status;
        child->key = arena_text(&y->arena, name);
        child->key_line = line;
        if (!child->key)
            return out_of_memory(err);
        to->count = i + 1;
    }
    return 0;
}

static int build(struct yaml *y, yaml_document_t *doc, yaml_node_t *from, int depth,
                 struct yaml_node *to, struct error *err)
{
    to->line = (int)from->start_mark.line + 1;
    if (depth > DEPTH_MAX)
        return error_set(err, STATUS_LIMIT, "%s:%d: nested deeper than %d", y->name, to->line,
                         DEPTH_MAX);
    switch (from->type) {
    case YAML_SCALAR_NODE: return build_scalar(y, from, to, err);
    case YAML_SEQUENCE_NODE: return build_sequence(y, doc, from, depth, to, err);
    case YAML_MAPPING_NODE: return build_mapping(y, doc, from, depth, to, err);
    default: return error_set(err, STATUS_INVALID, "%s:%d: not YAML", y->name, to->line);
    }
}

/* libyaml resolves aliases while it loads, which can grow a small file exponentially: look for
 * them in the event stream first. */
static int refuse_aliases(const char *text, size_t n, const char *name, struct error *err)
{
    yaml_parser_t parser;
    yaml_event_t event;
    int status = 0;
    bool end = false;
    if (!yaml_parser_initialize(&parser))
        return out_of_memory(err);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    while (!end && status == 0) {
        if (!yaml_parser_parse(&parser, &event)) {
            status = error_set(err, STATUS_INVALID, "%s:%d: %s", name,
                               (int)parser.problem_mark.line + 1,
                               parser.problem ? parser.problem : "not YAML");
            break;
        }
        if (event.type == YAML_ALIAS_EVENT)
            status = error_set(err, STATUS_INVALID, "%s:%d: aliases are not allowed", name,
                               (int)event.start_mark.line + 1);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

int yaml_load_text(const char *text, size_t n, const char *name, struct yaml **ret_yaml,
                   struct error *err)
{
    if (n > BYTES_MAX)
        return error_set(err, STATUS_LIMIT, "%s: larger than %d bytes", name, BYTES_MAX);
    int status = refuse_aliases(text, n, name, err);
    if (status < 0)
        return status;
    struct arena arena;
    arena_init(&arena);
    struct yaml *y = arena_alloc(&arena, sizeof *y);
    const char *name_copy = y ? arena_text(&arena, name) : NULL;
    if (!name_copy) {
        arena_release(&arena);
        return out_of_memory(err);
    }
    y->arena = arena;
    y->name = name_copy;
    yaml_parser_t parser;
    yaml_document_t doc;
    if (!yaml_parser_initialize(&parser)) {
        yaml_unload(y);
        return out_of_memory(err);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    if (!yaml_parser_load(&parser, &doc)) {
        status = error_set(err, STATUS_INVALID, "%s:%d: %s", name,
                           (int)parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "not YAML");
    } else {
        yaml_node_t *root = yaml_document_get_root_node(&doc);
        if (root)
            status = build(y, &doc, root, 0, &y->root, err);
        else
            y->root = (struct yaml_node){.kind = YAML_MAPPING, .line = 1};
        yaml_document_delete(&doc);
    }
    yaml_parser_delete(&parser);
    if (status < 0) {
        yaml_unload(y);
        return status;
    }
    *ret_yaml = y;
    return 0;
}

int yaml_load_file(const char *path, struct yaml **ret_yaml, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    int status = file_read(path, BYTES_MAX, &content, err);
    if (status < 0)
        return status;
    return yaml_load_text(buffer_text(&content), content.size, path, ret_yaml, err);
}

void yaml_unload(struct yaml *y)
{
    if (!y)
        return;
    struct arena arena = y->arena; /* y itself lives inside it */
    arena_release(&arena);
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
    return &y->root;
}

const char *yaml_name(const struct yaml *y)
{
    return y->name;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->children[i].key, key) == 0)
            return &map->children[i];
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    if (!node)
        return true;
    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    return !*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0;
}

int yaml_error(const struct yaml *y, const struct yaml_node *node, struct error *err,
               const char *format, ...)
{
    char reason[384];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    const char *key = node && node->key ? node->key : "";
    return error_set(err, STATUS_INVALID, "%s:%d: %s%s%s", y->name, node ? node->line : 1, key,
                     *key ? ": " : "", reason);
}

static int need_scalar(const struct yaml *y, const struct yaml_node *node, const char *what,
                       struct error *err)
{
    if (!node || node->kind != YAML_SCALAR)
        return yaml_error(y, node, err, "must be %s", what);
    return 0;
}

int yaml_int(const struct yaml *y, const struct yaml_node *node, int64_t min, int64_t max,
             int64_t *ret_value, struct error *err)
{
    struct error why = {0};
    int status = need_scalar(y, node, "a whole number", err);
    if (status < 0)
        return status;
    if (node->quoted || number_parse_int(node->text, min, max, ret_value, &why) < 0)
        return yaml_error(y, node, err, "'%s': %s", node->text,
                          node->quoted ? "must be a whole number, not text" : why.message);
    return 0;
}

int yaml_double(const struct yaml *y, const struct yaml_node *node, double *ret_value,
                struct error *err)
{
    struct error why = {0};
    int status = need_scalar(y, node, "a number", err);
    if (status < 0)
        return status;
    if (node->quoted || number_parse_double(node->text, ret_value, &why) < 0)
        return yaml_error(y, node, err, "'%s': %s", node->text,
                          node->quoted ? "must be a number, not text" : why.message);
    return 0;
}

int yaml_bool(const struct yaml *y, const struct yaml_node *node, bool *ret_value,
              struct error *err)
{
    int status = need_scalar(y, node, "true or false", err);
    if (status < 0)
        return status;
    if (!node->quoted && strcmp(node->text, "true") == 0)
        *ret_value = true;
    else if (!node->quoted && strcmp(node->text, "false") == 0)
        *ret_value = false;
    else
        return yaml_error(y, node, err, "'%s' must be true or false", node->text);
    return 0;
}

int yaml_text(const struct yaml *y, const struct yaml_node *node, const char **ret_value,
              struct error *err)
{
    int status = need_scalar(y, node, "text", err);
    if (status < 0)
        return status;
    if (yaml_is_null(node))
        return yaml_error(y, node, err, "must not be empty");
    *ret_value = node->text;
    return 0;
}

int yaml_check_keys(const struct yaml *y, const struct yaml_node *map, const char *const *known,
                    struct error *err)
{
    if (!map || map->kind != YAML_MAPPING)
        return yaml_error(y, map, err, "must be a mapping of keys and values");
    for (size_t i = 0; i < map->count; i++) {
        bool found = false;
        for (const char *const *k = known; *k && !found; k++)
            found = strcmp(*k, map->children[i].key) == 0;
        if (!found)
            return error_set(err, STATUS_INVALID, "%s:%d: unknown key '%s'", y->name,
                             map->children[i].key_line, map->children[i].key);
    }
    return 0;
}
