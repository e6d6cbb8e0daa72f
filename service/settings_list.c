#include "service/settings_read.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum { LIST_MAX = 64, KEYS_MAX = 32 };

static int need_list(struct reading *r, const struct yaml_node *node, size_t most,
                     struct error *err)
{
    if (node->kind != YAML_SEQUENCE)
        return yaml_error(r->yaml, node, err, "must be a list");
    if (node->count > most)
        return yaml_error(r->yaml, node, err, "has more than %zu items", most);
    return 0;
}

/* --- Lists of texts ----------------------------------------------------------------------- */

static int set_texts(struct reading *r, enum setting_type type, const struct yaml_node *node,
                     size_t most, const char ***ret_texts, size_t *ret_count, struct error *err)
{
    const struct setting item = {.type = type};
    int status = need_list(r, node, most, err);
    if (status < 0)
        return status;
    const char **texts = arena_array(&r->owner->arena, node->count + 1, sizeof *texts);
    if (!texts)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < node->count && status == 0; i++)
        status = settings_set_text(r, &item, &node->children[i], &texts[i], err);
    if (status < 0)
        return status;
    *ret_texts = texts;
    *ret_count = node->count;
    return 0;
}

static int set_trusted_keys(struct reading *r, const struct yaml_node *node, struct error *err)
{
    struct settings *settings = &r->owner->settings;
    return set_texts(r, SETTING_PATH, node, LIST_MAX, &settings->packages.trusted_keys,
                     &settings->packages.trusted_key_count, err);
}

/* packages.report or packages.shadow. */
static int set_packages(struct reading *r, const struct setting *setting,
                        const struct yaml_node *node, const void *at, struct error *err)
{
    struct settings *settings = &r->owner->settings;
    const bool reported = at == &settings->packages.report;
    const char ***names = reported ? &settings->packages.report : &settings->packages.shadow;
    size_t *count = reported ? &settings->packages.report_count : &settings->packages.shadow_count;
    const char *key = strrchr(setting->name, '.') + 1;
    int status = set_texts(r, SETTING_TEXT, node,
                           reported ? SETTINGS_REPORTED_MAX : SETTINGS_SHADOWS_MAX, names, count,
                           err);
    for (size_t i = 0; status == 0 && i < node->count; i++) {
        const char *name = (*names)[i], *split = strchr(name, '@');
        if (!split || split == name || !split[1])
            status = yaml_error(r->yaml, &node->children[i], err, "%s: must be NAME@VERSION", key);
        for (size_t k = 0; k < i && status == 0; k++)
            if (strcmp((*names)[k], name) == 0)
                status = yaml_error(r->yaml, &node->children[i], err, "%s: '%s' stands twice", key,
                                    name);
    }
    return status;
}

/* ADDRESS/BITS; a host or an address stands for itself. */
static bool source_valid(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char host[64];
    const char *slash = strchr(text, '/');
    int64_t bits;
    if (!slash)
        return true;
    snprintf(host, sizeof host, "%.*s", (int)(slash - text), text);
    bool four = inet_pton(AF_INET, host, address) == 1;
    return (four || inet_pton(AF_INET6, host, address) == 1) &&
           number_parse_int(slash + 1, 0, four ? 32 : 128, &bits, NULL) == 0;
}

/* "MODALITY" or "MODALITY words". */
static int set_series(struct reading *r, const struct yaml_node *node, struct settings_peer *peer,
                      struct error *err)
{
    const char **texts;
    size_t count;
    int status = set_texts(r, SETTING_TEXT, node, LIST_MAX, &texts, &count, err);
    if (status < 0)
        return status;
    struct settings_series *series = arena_array(&r->owner->arena, count + 1, sizeof *series);
    for (size_t i = 0; series && i < count; i++) {
        size_t n = strcspn(texts[i], " ");
        if (n < 2 || n > 16)
            return yaml_error(r->yaml, &node->children[i], err,
                              "required_series: '%.64s' must be MODALITY, or MODALITY and words",
                              texts[i]);
        series[i].modality = arena_print(&r->owner->arena, "%.*s", (int)n, texts[i]);
        series[i].words = texts[i] + n + strspn(texts[i] + n, " ");
        if (!series[i].modality)
            return error_set(err, STATUS_NOMEM, "out of memory");
    }
    peer->required_series = series;
    peer->required_series_count = count;
    return series ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
}

static int set_sources(struct reading *r, const struct yaml_node *node,
                       struct settings_peer *peer, struct error *err)
{
    int status =
        set_texts(r, SETTING_SOURCES, node, LIST_MAX, &peer->from, &peer->from_count, err);
    for (size_t i = 0; status == 0 && i < node->count; i++)
        if (!source_valid(peer->from[i]))
            status = yaml_error(r->yaml, &node->children[i], err,
                                "from: '%s' must be a host, an address or ADDRESS/BITS",
                                peer->from[i]);
    return status;
}

/* --- Lists of names that are switched on -------------------------------------------------- */

static int set_flags(struct reading *r, const struct yaml_node *node, const char *const *names,
                     size_t count, const char *list, bool *chosen, struct error *err)
{
    int status = need_list(r, node, count, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->children[i];
        size_t kind = 0;
        while (kind < count && (item->kind != YAML_SCALAR || strcmp(item->text, names[kind]) != 0))
            kind++;
        if (kind == count || chosen[kind])
            return yaml_error(r->yaml, item, err, "%s, each once", list);
        chosen[kind] = true;
    }
    return 0;
}

/* The bool fields are neighbours in their structs, in the order of the names below. */
#define SIDE_BY_SIDE(type, first, second)                                                         \
    static_assert(offsetof(struct type, second) == offsetof(struct type, first) + sizeof(bool),   \
                  #first " and " #second " stand side by side")
SIDE_BY_SIDE(settings_peer, echo, store);
SIDE_BY_SIDE(settings_peer, store, commit);

const char *const settings_object_names[SETTINGS_OBJECTS] = {"sr", "seg", "sc",      "pr",
                                                             "ko", "pdf", "seg-ohif"};

static int set_objects(struct reading *r, const struct yaml_node *node, bool *chosen,
                       struct error *err)
{
    if (node->kind == YAML_SEQUENCE && node->count == 0)
        return yaml_error(r->yaml, node, err, "must name at least one kind of object");
    return set_flags(r, node, settings_object_names, SETTINGS_OBJECTS,
                     "objects: must be sr, seg, sc, pr, ko, pdf or seg-ohif", chosen, err);
}

static int set_may(struct reading *r, const struct yaml_node *node, bool *chosen,
                   struct error *err)
{
    static const char *const names[] = {"echo", "store", "commit"};
    return set_flags(r, node, names, 3, "may: must be echo, store or commit", chosen, err);
}

/* Names of destinations, which are read before the routes. */
static int set_to(struct reading *r, const struct yaml_node *node, bool *to, struct error *err)
{
    const char *names[SETTINGS_DESTINATIONS_MAX];
    const struct settings *settings = &r->owner->settings;
    for (size_t i = 0; i < settings->destination_count; i++)
        names[i] = settings->destinations[i].name;
    return set_flags(r, node, names, settings->destination_count,
                     "to: must be names of destinations", to, err);
}

/* --- Lists of mappings -------------------------------------------------------------------- */

static int set_item(struct reading *r, const struct setting *list,
                    const struct setting_items *items, const struct yaml_node *node, void *item,
                    struct error *err)
{
    const char *known[KEYS_MAX] = {NULL};
    assert(items->table_count < KEYS_MAX);
    for (size_t i = 0; i < items->table_count; i++)
        known[i] = items->table[i].name;
    int status = yaml_check_keys(r->yaml, node, known, err);
    for (size_t i = 0; i < items->table_count && status == 0; i++) {
        const struct setting *key = &items->table[i];
        const struct yaml_node *value = yaml_get(node, key->name);
        if (!yaml_is_null(value))
            status = settings_set_value(r, key, value, item, err);
        else if (key->standard)
            status = settings_set_default(r, key, item, err);
        else
            status = yaml_error(r->yaml, node, err, "%s: '%s' must be set", list->name, key->name);
    }
    return status;
}

/* TLS needs our own certificate on either way. */
static int finish_peer(struct reading *r, const struct yaml_node *node,
                       const struct settings_peer *peer, struct error *err)
{
    if (peer->tls && !*r->owner->settings.tls.certificate)
        return yaml_error(r->yaml, node, err,
                          "peers: '%s' has tls: true, which needs tls.certificate, key and ca",
                          peer->name);
    if (peer->required_series_count && !r->owner->settings.study.age_max_us)
        return yaml_error(r->yaml, node, err,
                          "peers: '%s' has required_series, which needs study.age_max_s",
                          peer->name);
    return 0;
}

static int finish_destination(struct reading *r, const struct yaml_node *node,
                              struct settings_destination *to, struct error *err)
{
    const struct settings *settings = &r->owner->settings;
    bool own = *to->ae_title || *to->address || to->port;
    if (!*to->peer_name)
        return *to->ae_title && *to->address && to->port
                   ? 0
                   : yaml_error(r->yaml, node, err,
                                "destinations: 'peer', or 'ae_title', 'address' and 'port' must "
                                "be set");
    if (own)
        return yaml_error(r->yaml, node, err,
                          "destinations: 'peer' stands beside an address of its own");
    for (size_t i = 0; i < settings->peer_count && !to->peer; i++)
        if (strcmp(settings->peers[i].name, to->peer_name) == 0)
            to->peer = &settings->peers[i];
    if (!to->peer)
        return yaml_error(r->yaml, yaml_get(node, "peer"), err, "'%s' is not a peer",
                          to->peer_name);
    if (!to->peer->port)
        return yaml_error(r->yaml, yaml_get(node, "peer"), err, "'%s' has no port to be called at",
                          to->peer_name);
    to->ae_title = to->peer->ae_title;
    to->address = to->peer->address;
    to->port = to->peer->port;
    return 0;
}

/* The fallback is read like any other route. */
static int finish_route(struct reading *r, const struct yaml_node *node,
                        const struct settings_route *route, struct error *err)
{
    const struct settings *settings = &r->owner->settings;
    for (const struct settings_route *other = settings->routes; other < route; other++)
        if (!route->from_count && !other->from_count)
            return yaml_error(r->yaml, node, err, "routes: '%s' is a second fallback, beside '%s'",
                              route->name, other->name);
    return 0;
}

static int finish_item(struct reading *r, enum setting_type type, const struct yaml_node *node,
                       void *item, struct error *err)
{
    return type == SETTING_PEERS    ? finish_peer(r, node, item, err)
           : type == SETTING_ROUTES ? finish_route(r, node, item, err)
                                    : finish_destination(r, node, item, err);
}

/* The name is an item's first key, and no other's. */
static int check_name(struct reading *r, const struct setting_items *items,
                      const struct yaml_node *list, size_t i, struct error *err)
{
    const char *key = items->table[0].name;
    const char *name = yaml_get(&list->children[i], key)->text;
    for (size_t k = 0; k < i; k++)
        if (strcmp(yaml_get(&list->children[k], key)->text, name) == 0)
            return yaml_error(r->yaml, yaml_get(&list->children[i], key), err, "'%s' stands twice",
                              name);
    return 0;
}

static int set_items(struct reading *r, const struct setting *setting,
                     const struct yaml_node *node, struct error *err)
{
    const struct setting_items *items = setting_items_find(setting->type);
    char *settings = (char *)&r->owner->settings;
    int status = need_list(r, node, items->max, err);
    for (size_t i = 0; status == 0 && i < node->count; i++) {
        void *item = settings + items->offset + i * items->item_size;
        status = set_item(r, setting, items, &node->children[i], item, err);
        if (status == 0)
            status = check_name(r, items, node, i, err);
        if (status == 0)
            status = finish_item(r, setting->type, &node->children[i], item, err);
    }
    if (status == 0)
        memcpy(settings + items->count_offset, &node->count, sizeof node->count);
    return status;
}

int settings_set_list(struct reading *r, const struct setting *setting,
                      const struct yaml_node *node, void *at, struct error *err)
{
    switch (setting->type) {
    case SETTING_PATHS: return set_trusted_keys(r, node, err);
    case SETTING_PACKAGES: return set_packages(r, setting, node, at, err);
    case SETTING_UIDS:
        return set_texts(r, SETTING_UIDS, node, LIST_MAX,
                         &r->owner->settings.receiver.transfer_syntaxes,
                         &r->owner->settings.receiver.transfer_syntax_count, err);
    case SETTING_SOURCES:
        return set_sources(r, node,
                           (struct settings_peer *)((char *)at - setting->offset), err);
    case SETTING_SERIES:
        return set_series(r, node,
                          (struct settings_peer *)(void *)((char *)at - setting->offset), err);
    case SETTING_OBJECTS: return set_objects(r, node, at, err);
    case SETTING_CALLERS: {
        struct settings_route *route = (struct settings_route *)((char *)at - setting->offset);
        return set_texts(r, SETTING_AE_TITLE, node, LIST_MAX, &route->from, &route->from_count,
                         err);
    }
    case SETTING_TO: return set_to(r, node, at, err);
    case SETTING_MAY: return set_may(r, node, at, err);
    default: return set_items(r, setting, node, err);
    }
}
