#include "service/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "service/settings_read.h"

enum { PATH_DEPTH_TEXT = 128, FILE_MAX = 1 << 20 };

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

static int check_tls(struct reading *r, struct error *err)
{
    const struct settings *s = &r->owner->settings;
    bool certificate = *s->tls.certificate, key = *s->tls.key, ca = *s->tls.ca;
    int status = check_order(r, certificate == key && key == ca, "tls",
                             "certificate, key and ca must all be set, or none of them", err);
    if (status == 0)
        status = check_order(r, !s->tls.port || certificate, "tls.port",
                             "needs tls.certificate, key and ca", err);
    if (status == 0)
        status = check_order(r, s->tls.port != s->receiver.port, "tls.port",
                             "must not be receiver.port", err);
    return status;
}

/* No result may end up nowhere because nobody thought of its source. */
static int check_routes(struct reading *r, struct error *err)
{
    const struct settings *s = &r->owner->settings;
    bool fallback = s->route_count == 0;
    for (size_t i = 0; i < s->route_count; i++)
        fallback |= s->routes[i].from_count == 0;
    return check_order(r, fallback, "routes",
                       "needs a fallback: a route without 'from', for results of every other source",
                       err);
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
    if (status == 0)
        status = check_routes(r, err);
    if (status == 0)
        status = check_order(r, !s->study.age_max_us || s->study.age_max_us >= s->study.quiet_period_us,
                             "study.age_max_s", "must not be below study.quiet_period_s", err);
    return status < 0 ? status : check_tls(r, err);
}

static int read_all(struct reading *r, struct error *err)
{
    int status = check_keys(r, yaml_root(r->yaml), "", err);
    for (size_t i = 0; i < settings_table_count && status == 0; i++) {
        const struct setting *setting = &settings_table[i];
        const struct yaml_node *node = node_find(r->yaml, setting->name);
        if (!yaml_is_null(node))
            status = settings_set_value(r, setting, node, &r->owner->settings, err);
        else if (setting->standard)
            status = settings_set_default(r, setting, &r->owner->settings, err);
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
    struct settings_owner *owner = calloc(1, sizeof *owner);
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
    struct settings_owner *owner = (struct settings_owner *)(uintptr_t)settings; /* made here, never const */
    arena_release(&owner->arena);
    free(owner);
}

static bool value_equal(const struct setting *setting, const void *a, const void *b)
{
    const char *text_a, *text_b;
    switch (setting->type) {
    case SETTING_INT:
    case SETTING_LEVEL:
    case SETTING_PROFILE: return memcmp(a, b, sizeof(int)) == 0;
    case SETTING_COUNT:
    case SETTING_SECONDS:
    case SETTING_DAYS: return memcmp(a, b, sizeof(int64_t)) == 0;
    case SETTING_BOOL: return memcmp(a, b, sizeof(bool)) == 0;
    case SETTING_PATHS:
    case SETTING_PACKAGES:
    case SETTING_UIDS:
    case SETTING_SERIES:
    case SETTING_SOURCES:
    case SETTING_OBJECTS:
    case SETTING_MAY:
    case SETTING_CALLERS:
    case SETTING_TO:
    case SETTING_PEERS:
    case SETTING_DESTINATIONS:
    case SETTING_ROUTES: return true; /* lists are all reloadable */
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
