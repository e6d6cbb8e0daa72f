#include "service/settings_read.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "base/uid.h"
#include "base/yaml.h"

int settings_keep_text(struct reading *r, const char *text, void *at, struct error *err)
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
        return n >= 1 && n <= 16 && text[0] != ' ' && text[n - 1] != ' '
                   ? NULL
                   : "must be an AE title: 1 to 16 characters, no blank at either end";
    case SETTING_NAME:
        for (size_t i = 0; i < n; i++)
            if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
                return "must consist of letters, digits, '-', '_' and '.'";
        return n <= 64 ? NULL : "must have at most 64 characters";
    case SETTING_HOST:
        return n <= 253 && !strpbrk(text, " \t/@") ? NULL : "must be a host name or address";
    case SETTING_SOURCES:
        return n <= 253 && !strpbrk(text, " \t@")
                   ? NULL
                   : "must be a host name, an address or ADDRESS/BITS";
    case SETTING_UIDS: return uid_valid(text) ? NULL : "must be a UID";
    case SETTING_ADDRESS:
        return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1
                   ? NULL
                   : "must be a numeric IPv4 or IPv6 address";
    default:
        return n < 2048 ? NULL : "is too long";
    }
}

int settings_set_text(struct reading *r, const struct setting *setting,
                      const struct yaml_node *node, void *at, struct error *err)
{
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    const char *fault = text_fault(setting->type, text);
    if (fault)
        return yaml_error(r->yaml, node, err, "'%.64s' %s", text, fault);
    return settings_keep_text(r, text, at, err);
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

struct choice {
    const char *name;
    int value;
};

/* `at` becomes the value of the one of `count` names that stands in the file. */
static int set_choice(struct reading *r, const struct yaml_node *node,
                      const struct choice *choices, size_t count, const char *list, int *at,
                      struct error *err)
{
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, choices[i].name) == 0) {
            *at = choices[i].value;
            return 0;
        }
    }
    return yaml_error(r->yaml, node, err, "'%.64s' must be %s", text, list);
}

static int set_level(struct reading *r, const struct yaml_node *node, int *at, struct error *err)
{
    static const struct choice levels[] = {
        {"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};
    return set_choice(r, node, levels, 4, "error, warning, info or debug", at, err);
}

static int set_profile(struct reading *r, const struct yaml_node *node, int *at,
                       struct error *err)
{
    static const struct choice profiles[] = {
        {"bcp195_nd", SETTINGS_TLS_BCP195_ND},
        {"bcp195_extended", SETTINGS_TLS_BCP195_EXTENDED}};
    return set_choice(r, node, profiles, 2, "bcp195_nd or bcp195_extended", at, err);
}

static int set_commitment(struct reading *r, const struct yaml_node *node, int *at,
                          struct error *err)
{
    static const struct choice choices[] = {{"none", SETTINGS_COMMITMENT_NONE},
                                            {"required", SETTINGS_COMMITMENT_REQUIRED}};
    return set_choice(r, node, choices, 2, "none or required", at, err);
}

/* As openssl prints it, "AB:CD:…", or without colons. */
static int set_fingerprint(struct reading *r, const struct yaml_node *node, void *at,
                           struct error *err)
{
    char digits[65];
    size_t n = 0;
    const char *text;
    int status = yaml_text(r->yaml, node, &text, err);
    if (status < 0)
        return status;
    for (const char *c = text; *c && n < 65; c++)
        if (*c != ':')
            digits[n++] = isxdigit((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '?';
    if (n != 64 || memchr(digits, '?', n))
        return yaml_error(r->yaml, node, err, "'%.96s' must be 64 hex digits", text);
    digits[n] = '\0';
    return settings_keep_text(r, digits, at, err);
}

int settings_set_value(struct reading *r, const struct setting *setting,
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
    case SETTING_PROFILE: return set_profile(r, node, at, err);
    case SETTING_COMMITMENT: return set_commitment(r, node, at, err);
    case SETTING_FINGERPRINT: return set_fingerprint(r, node, at, err);
    case SETTING_PATHS:
    case SETTING_PACKAGES:
    case SETTING_UIDS:
    case SETTING_SERIES:
    case SETTING_SOURCES:
    case SETTING_OBJECTS:
    case SETTING_MAY:
    case SETTING_CALLERS:
    case SETTING_TO:
    case SETTING_ROUTES:
    case SETTING_PEERS:
    case SETTING_DESTINATIONS: return settings_set_list(r, setting, node, at, err);
    default: return settings_set_text(r, setting, node, at, err);
    }
}

int settings_set_default(struct reading *r, const struct setting *setting, void *base,
                         struct error *err)
{
    struct yaml *yaml;
    if (!*setting->standard)
        return settings_keep_text(r, "", (char *)base + setting->offset, err);
    int status =
        yaml_load_text(setting->standard, strlen(setting->standard), "default", &yaml, err);
    if (status < 0)
        return status;
    struct reading inner = {r->owner, yaml};
    status = settings_set_value(&inner, setting, yaml_root(yaml), base, err);
    yaml_unload(yaml);
    return status < 0 ? error_prefix(err, "%s", setting->name) : 0;
}
