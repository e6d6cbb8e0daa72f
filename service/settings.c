#include "service/settings.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/yaml.h"
#include "service/settings_table.h"

enum { PATH_DEPTH_TEXT = 128, LIST_MAX = 64, FILE_MAX = 1 << 20 };

struct owner {
    struct settings settings; /* first: settings_free gets its address */
    struct arena arena;
};

struct reading {
    struct owner *owner;
    const struct yaml *yaml;
};

static int set_value(struct reading *r, const struct setting *setting,
                     const struct yaml_node *node, void *base, struct error *err);

static int keep_text(struct reading *r, const char *text, void *at, struct error *err)
{
    const char *copy = arena_text(&r->owner->arena, text);
    if (!copy)
        return error_set(err, STATUS_NOMEM, "out of memory");
    memcpy(at, &copy, sizeof copy);
    return 0;
}

static const char *text_fault(enum setting_type type, const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (iscntrl((unsigned char)text[i]))
            return "must not hold control characters";
    switch (type) {
    case SETTING_PATH:
        return text[0] == '/' && n < 1024 ? NULL : "must be an absolute path";
    case SETTING_AE_TITLE:
        for (size_t i = 0; i < n; i++)
            if (!isprint((unsigned char)text[i]) || text[i] == '\\')
                return "must be an AE title: printable ASCII without backslash";
        return n <= 16 && text[0] != ' ' && text[n - 1] != ' '
                   ? NULL
                   : "must be an AE title: 1 to 16 characters, no blank at either end";
    case SETTING_NAME:
        for (size_t i = 0; i < n; i++)
            if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
                return "must consist of letters, digits, '-', '_' and '.'";
        return n <= 64 ? NULL : "must have at most 64 characters";
    case SETTING_HOST:
        return n <= 253 && !strpbrk(text, " \t/@") ? NULL : "must be a host name or address";
    case SETTING_ADDRESS:
        return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1
                   ? NULL
                   : "must be a numeric IPv4 or IPv6 address";
    default:
        return n < 2048 ? NULL : "is too long";
    }
}

static int set_text(struct reading *r, const struct setting *setting,
                    const struct yaml_node *node, void *at, struct error *err)
{
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    const char *fault = text_fault(setting->type, text);
    if (fault)
        return yaml_error(r->yaml, node, err, "'%.64s' %s", text, fault);
    return keep_text(r, text, at, err);
}

static int set_whole(struct reading *r, const struct setting *setting,
                     const struct yaml_node *node, void *at, struct error *err)
{
    int64_t value;
    int status =
        yaml_int(r->yaml, node, (int64_t)setting->min, (int64_t)setting->max, &value, err);
    if (status < 0)
        return status;
    int narrow = (int)value;
    if (setting->type == SETTING_INT)
        memcpy(at, &narrow, sizeof narrow);
    else
        memcpy(at, &value, sizeof value);
    return 0;
}

static int set_time(struct reading *r, const struct setting *setting,
                       const struct yaml_node *node, int64_t *at, struct error *err)
{
    double value;
    int status = yaml_double(r->yaml, node, &value, err);
    if (status < 0)
        return status;
    if (value < setting->min || value > setting->max)
        return yaml_error(r->yaml, node, err, "'%s': must lie between %g and %g", node->text,
                          setting->min, setting->max);
    *at = (int64_t)(value * (setting->type == SETTING_DAYS ? 86400e6 : 1e6) + 0.5);
    return 0;
}

static int set_level(struct reading *r, const struct yaml_node *node, int *at, struct error *err)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *at = levels[i].level;
            return 0;
        }
    }
    return yaml_error(r->yaml, node, err, "'%.64s' must be error, warning, info or debug", text);
}

static int need_list(struct reading *r, const struct yaml_node *node, size_t most,
                     struct error *err)
{
    if (node->kind != YAML_SEQUENCE)
        return yaml_error(r->yaml, node, err, "must be a list");
    if (node->count > most)
        return yaml_error(r->yaml, node, err, "has more than %zu items", most);
    return 0;
}

static int set_trusted_keys(struct reading *r, const struct yaml_node *node, struct error *err)
{
    static const struct setting item = {.type = SETTING_PATH};
    struct settings *settings = &r->owner->settings;
    int status = need_list(r, node, LIST_MAX, err);
    if (status < 0)
        return status;
    settings->packages.trusted_keys =
        arena_array(&r->owner->arena, node->count + 1, sizeof(const char *));
    if (!settings->packages.trusted_keys)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < node->count && status == 0; i++)
        status = set_text(r, &item, &node->children[i], &settings->packages.trusted_keys[i], err);
    settings->packages.trusted_key_count = node->count;
    return status;
}

static int set_shadow(struct reading *r, const struct yaml_node *node, struct error *err)
{
    static const struct setting item = {.type = SETTING_TEXT};
    struct settings *settings = &r->owner->settings;
    int status = need_list(r, node, SETTINGS_SHADOWS_MAX, err);
    if (status < 0)
        return status;
    settings->packages.shadow =
        arena_array(&r->owner->arena, node->count + 1, sizeof(const char *));
    if (!settings->packages.shadow)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < node->count && status == 0; i++) {
        status = set_text(r, &item, &node->children[i], &settings->packages.shadow[i], err);
        const char *at = status == 0 ? strchr(settings->packages.shadow[i], '@') : NULL;
        if (status == 0 && (!at || at == settings->packages.shadow[i] || !at[1]))
            status = yaml_error(r->yaml, &node->children[i], err, "shadow: must be NAME@VERSION");
        for (size_t k = 0; k < i && status == 0; k++)
            if (strcmp(settings->packages.shadow[k], settings->packages.shadow[i]) == 0)
                status = yaml_error(r->yaml, &node->children[i], err, "shadow: '%s' stands twice",
                                    settings->packages.shadow[i]);
    }
    settings->packages.shadow_count = node->count;
    return status;
}

static int set_objects(struct reading *r, const struct yaml_node *node, bool chosen[3],
                       struct error *err)
{
    static const char *const names[] = {"sr", "seg", "sc"};
    int status = need_list(r, node, 3, err);
    if (status < 0)
        return status;
    if (node->count == 0)
        return yaml_error(r->yaml, node, err, "must name at least one of sr, seg and sc");
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->children[i];
        size_t kind = 0;
        while (kind < 3 && (item->kind != YAML_SCALAR || strcmp(item->text, names[kind]) != 0))
            kind++;
        if (kind == 3 || chosen[kind])
            return yaml_error(r->yaml, item, err, "objects: must be sr, seg or sc, each once");
        chosen[kind] = true;
    }
    return 0;
}

/* The bool fields are neighbours in the struct, in the order of `names` above. */
static_assert(offsetof(struct settings_destination, seg) ==
                  offsetof(struct settings_destination, sr) + sizeof(bool),
              "sr, seg, sc stand side by side");
static_assert(offsetof(struct settings_destination, sc) ==
                  offsetof(struct settings_destination, sr) + 2 * sizeof(bool),
              "sr, seg, sc stand side by side");

static int set_default(struct reading *r, const struct setting *setting, void *base,
                       struct error *err)
{
    struct yaml *yaml;
    if (!*setting->standard)
        return keep_text(r, "", (char *)base + setting->offset, err);
    int status =
        yaml_load_text(setting->standard, strlen(setting->standard), "default", &yaml, err);
    if (status < 0)
        return status;
    struct reading inner = {r->owner, yaml};
    status = set_value(&inner, setting, yaml_root(yaml), base, err);
    yaml_unload(yaml);
    return status < 0 ? error_prefix(err, "%s", setting->name) : 0;
}

static int set_destination(struct reading *r, const struct yaml_node *node,
                           struct settings_destination *destination, struct error *err)
{
    const char *known[16] = {NULL};
    assert(destination_table_count < 16);
    for (size_t i = 0; i < destination_table_count; i++)
        known[i] = destination_table[i].name;
    int status = yaml_check_keys(r->yaml, node, known, err);
    for (size_t i = 0; i < destination_table_count && status == 0; i++) {
        const struct setting *setting = &destination_table[i];
        const struct yaml_node *value = yaml_get(node, setting->name);
        if (!yaml_is_null(value))
            status = set_value(r, setting, value, destination, err);
        else if (setting->standard)
            status = set_default(r, setting, destination, err);
        else
            status = yaml_error(r->yaml, node, err, "destinations: '%s' must be set",
                                setting->name);
    }
    return status;
}

static int set_destinations(struct reading *r, const struct yaml_node *node, struct error *err)
{
    struct settings *settings = &r->owner->settings;
    int status = need_list(r, node, SETTINGS_DESTINATIONS_MAX, err);
    for (size_t i = 0; status == 0 && i < node->count; i++) {
        struct settings_destination *destination = &settings->destinations[i];
        status = set_destination(r, &node->children[i], destination, err);
        for (size_t k = 0; status == 0 && k < i; k++)
            if (strcmp(settings->destinations[k].name, destination->name) == 0)
                status = yaml_error(r->yaml, yaml_get(&node->children[i], "name"), err,
                                    "'%s' stands twice", destination->name);
    }
    if (status == 0)
        settings->destination_count = node->count;
    return status;
}

static int set_value(struct reading *r, const struct setting *setting,
                     const struct yaml_node *node, void *base, struct error *err)
{
    void *at = (char *)base + setting->offset;
    switch (setting->type) {
    case SETTING_INT:
    case SETTING_COUNT: return set_whole(r, setting, node, at, err);
    case SETTING_SECONDS:
    case SETTING_DAYS: return set_time(r, setting, node, at, err);
    case SETTING_BOOL: return yaml_bool(r->yaml, node, at, err);
    case SETTING_LEVEL: return set_level(r, node, at, err);
    case SETTING_PATHS: return set_trusted_keys(r, node, err);
    case SETTING_PACKAGES: return set_shadow(r, node, err);
    case SETTING_OBJECTS: return set_objects(r, node, at, err);
    case SETTING_DESTINATIONS: return set_destinations(r, node, err);
    default: return set_text(r, setting, node, at, err);
    }
}

static const struct setting *setting_find(const char *path)
{
    for (size_t i = 0; i < settings_table_count; i++)
        if (strcmp(settings_table[i].name, path) == 0)
            return &settings_table[i];
    return NULL;
}

static bool section_exists(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < settings_table_count; i++)
        if (strncmp(settings_table[i].name, path, n) == 0 && settings_table[i].name[n] == '.')
            return true;
    return false;
}

/* Refuse what the table does not have, before anything is read. */
static int check_keys(struct reading *r, const struct yaml_node *map, const char *prefix,
                      struct error *err)
{
    if (map->kind != YAML_MAPPING)
        return yaml_error(r->yaml, map, err, "must be a mapping of keys and values");
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *child = &map->children[i];
        char path[PATH_DEPTH_TEXT];
        snprintf(path, sizeof path, "%s%s%.48s", prefix, *prefix ? "." : "", child->key);
        int status = 0;
        if (section_exists(path))
            status = yaml_is_null(child) ? 0 : check_keys(r, child, path, err);
        else if (!setting_find(path))
            status = error_set(err, STATUS_INVALID, "%s:%d: unknown setting '%s'",
                               yaml_name(r->yaml), child->key_line, path);
        if (status < 0)
            return status;
    }
    return 0;
}

static const struct yaml_node *node_find(const struct yaml *yaml, const char *path)
{
    const struct yaml_node *node = yaml_root(yaml);
    char part[PATH_DEPTH_TEXT];
    while (node && *path) {
        size_t n = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        node = yaml_get(node, part);
        path += path[n] ? n + 1 : n;
    }
    return node;
}

/* Rules between settings. The line is that of `path`, or the first when only defaults clash. */
static int check_order(struct reading *r, bool holds, const char *path, const char *reason,
                       struct error *err)
{
    if (holds)
        return 0;
    return yaml_error(r->yaml, node_find(r->yaml, path), err, "%s", reason);
}

static int check_rules(struct reading *r, struct error *err)
{
    const struct settings *s = &r->owner->settings;
    int status = check_order(r, s->receiver.associations_per_peer <= s->receiver.max_associations,
                             "receiver.associations_per_peer",
                             "must not exceed receiver.max_associations", err);
    if (status == 0)
        status = check_order(r, s->workers.backoff_first_us <= s->workers.backoff_max_us,
                             "workers.backoff_first_s", "must not exceed workers.backoff_max_s",
                             err);
    if (status == 0)
        status = check_order(r, s->sender.backoff_first_us <= s->sender.backoff_max_us,
                             "sender.backoff_first_s", "must not exceed sender.backoff_max_s", err);
    if (status == 0)
        status = check_order(r, s->supervisor.restart_first_us <= s->supervisor.restart_max_us,
                             "supervisor.restart_first_s",
                             "must not exceed supervisor.restart_max_s", err);
    return status;
}

static int read_all(struct reading *r, struct error *err)
{
    int status = check_keys(r, yaml_root(r->yaml), "", err);
    for (size_t i = 0; i < settings_table_count && status == 0; i++) {
        const struct setting *setting = &settings_table[i];
        const struct yaml_node *node = node_find(r->yaml, setting->name);
        if (!yaml_is_null(node))
            status = set_value(r, setting, node, &r->owner->settings, err);
        else if (setting->standard)
            status = set_default(r, setting, &r->owner->settings, err);
        else
            status = error_set(err, STATUS_INVALID, "%s:%d: setting '%s' must be set",
                               yaml_name(r->yaml), node ? node->line : 1, setting->name);
    }
    return status < 0 ? status : check_rules(r, err);
}

int settings_parse(const char *text, size_t n, const char *name,
                   const struct settings **ret_settings, struct error *err)
{
    struct yaml *yaml;
    int status = yaml_load_text(text, n, name, &yaml, err);
    if (status < 0)
        return status;
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner) {
        yaml_unload(yaml);
        return error_set(err, STATUS_NOMEM, "out of memory");
    }
    arena_init(&owner->arena);
    struct reading reading = {owner, yaml};
    status = read_all(&reading, err);
    yaml_unload(yaml);
    if (status < 0) {
        settings_free(&owner->settings);
        return status;
    }
    *ret_settings = &owner->settings;
    return 0;
}

int settings_load(const char *path, const struct settings **ret_settings, struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    int status = file_read(path, FILE_MAX, &text, err);
    if (status < 0)
        return status;
    return settings_parse(buffer_text(&text), text.size, path, ret_settings, err);
}

void settings_free(const struct settings *settings)
{
    if (!settings)
        return;
    struct owner *owner = (struct owner *)(uintptr_t)settings; /* made here, never const */
    arena_release(&owner->arena);
    free(owner);
}

static bool value_equal(const struct setting *setting, const void *a, const void *b)
{
    const char *text_a, *text_b;
    switch (setting->type) {
    case SETTING_INT:
    case SETTING_LEVEL: return memcmp(a, b, sizeof(int)) == 0;
    case SETTING_COUNT:
    case SETTING_SECONDS:
    case SETTING_DAYS: return memcmp(a, b, sizeof(int64_t)) == 0;
    case SETTING_BOOL: return memcmp(a, b, sizeof(bool)) == 0;
    case SETTING_PATHS:
    case SETTING_PACKAGES:
    case SETTING_OBJECTS:
    case SETTING_DESTINATIONS: return true; /* lists are all reloadable */
    default:
        memcpy(&text_a, a, sizeof text_a);
        memcpy(&text_b, b, sizeof text_b);
        return strcmp(text_a, text_b) == 0;
    }
}

const char *settings_fixed_difference(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        if (!setting->reloadable && !value_equal(setting, (const char *)a + setting->offset,
                                                 (const char *)b + setting->offset))
            return setting->name;
    }
    return NULL;
}
