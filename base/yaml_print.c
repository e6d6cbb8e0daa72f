#include <string.h>

#include "base/buffer.h"
#include "base/yaml.h"

int yaml_print_text(struct buffer *out, const char *text, struct error *err)
{
    int status = buffer_print(out, err, "\"");
    for (const char *c = text; *c && status == 0; c++)
        if (*c == '"' || *c == '\\')
            status = buffer_print(out, err, "\\%c", *c);
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            status = buffer_print(out, err, "\\x%02x", (unsigned char)*c);
        else
            status = buffer_add(out, c, 1, err);
    return status < 0 ? status : buffer_print(out, err, "\"");
}

/* Numbers, words and nulls stay as they were written; the rest goes between quotes. */
static bool plain(const struct yaml_node *node)
{
    return !node->quoted && node->text &&
           strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_.+-/~") == strlen(node->text);
}

static int print_child(struct buffer *out, const struct yaml_node *child, int indent,
                       struct error *err)
{
    int status = buffer_print(out, err, "%*s", indent, "");
    if (status < 0)
        return status;
    if (!child->key)
        status = buffer_print(out, err, "-");
    else if ((status = yaml_print_text(out, child->key, err)) == 0)
        status = buffer_print(out, err, ":");
    return status < 0 ? status : yaml_print_node(out, child, indent + 2, err);
}

int yaml_print_node(struct buffer *out, const struct yaml_node *node, int indent,
                    struct error *err)
{
    if (node->kind == YAML_SCALAR && plain(node))
        return buffer_print(out, err, " %s\n", node->text);
    if (node->kind == YAML_SCALAR) {
        int status = buffer_print(out, err, " ");
        if (status == 0)
            status = yaml_print_text(out, node->text ? node->text : "", err);
        return status < 0 ? status : buffer_print(out, err, "\n");
    }
    if (node->count == 0)
        return buffer_print(out, err, node->kind == YAML_SEQUENCE ? " []\n" : " {}\n");
    int status = buffer_print(out, err, "\n");
    for (size_t i = 0; i < node->count && status == 0; i++)
        status = print_child(out, &node->children[i], indent, err);
    return status;
}
