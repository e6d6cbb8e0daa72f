#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "service/settings.h"
#include "service/settings_table.h"

enum { LINE_WIDTH = 96 };

static const char *type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_TEXT: return "text";
    case SETTING_PATH: return "path";
    case SETTING_AE_TITLE: return "AE title";
    case SETTING_HOST: return "host";
    case SETTING_ADDRESS: return "address";
    case SETTING_NAME: return "name";
    case SETTING_INT:
    case SETTING_COUNT: return "whole number";
    case SETTING_SECONDS: return "seconds";
    case SETTING_DAYS: return "days";
    case SETTING_BOOL: return "true or false";
    case SETTING_LEVEL: return "level";
    case SETTING_PATHS: return "list of paths";
    case SETTING_PACKAGES: return "list of NAME@VERSION";
    case SETTING_UIDS: return "list of UIDs";
    case SETTING_SERIES: return "list of series";
    case SETTING_SOURCES: return "list of hosts and networks";
    case SETTING_FINGERPRINT: return "64 hex digits";
    case SETTING_PROFILE: return "profile";
    case SETTING_OBJECTS: return "list of sr, seg, sc, pr, ko, pdf, seg-ohif";
    case SETTING_COMMITMENT: return "none or required";
    case SETTING_CALLERS: return "list of AE titles";
    case SETTING_TO: return "list of destinations";
    case SETTING_MAY: return "list of echo, store, commit";
    default: return "list";
    }
}

static int print_row(struct buffer *out, const char *prefix, const struct setting *s,
                     struct error *err)
{
    char range[2 * NUMBER_TEXT_SIZE + 8] = "", low[NUMBER_TEXT_SIZE], high[NUMBER_TEXT_SIZE];
    if (s->max > s->min) {
        number_format(s->min, low);
        number_format(s->max, high);
        snprintf(range, sizeof range, ", %s to %s", low, high);
    }
    const char *standard = !s->standard ? "must be set" : *s->standard ? s->standard : "not set";
    const char *tick = s->standard && *s->standard ? "`" : "";
    return buffer_print(out, err, "| `%s%s` | %s%s | %s%s%s | %s | %s |\n", prefix, s->name,
                        type_name(s->type), range, tick, standard, tick,
                        s->reloadable ? "reload" : "restart", s->help);
}

int settings_print_reference(struct buffer *out, struct error *err)
{
    int status = buffer_print(
        out, err,
        "# Settings\n\n"
        "Written by `axnode config reference` from the one table in `service/settings_table.c`;\n"
        "`axnode config sample` writes `deploy/axnode.yaml`. Do not edit by hand.\n\n"
        "The file is YAML, by default `/etc/axnode/axnode.yaml`. A dot stands for one level of\n"
        "nesting. Unknown keys, wrong types and values out of range are refused with file, line\n"
        "and reason; `axnode config check FILE` does so without starting anything. 'reload': a\n"
        "change takes effect with `systemctl reload axnoded` (SIGHUP); 'restart': with\n"
        "`systemctl restart axnoded`.\n\n"
        "| setting | type and range | default | takes effect | meaning |\n"
        "|---|---|---|---|---|\n");
    for (size_t i = 0; i < settings_table_count && status == 0; i++) {
        status = print_row(out, "", &settings_table[i], err);
        const struct setting_items *items = setting_items_find(settings_table[i].type);
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%s[].", settings_table[i].name);
        for (size_t k = 0; items && k < items->table_count && status == 0; k++)
            status = print_row(out, prefix, &items->table[k], err);
    }
    return status;
}

/* The help text as comment lines. */
static int print_comment(struct buffer *out, const char *indent, const char *text,
                         struct error *err)
{
    size_t width = LINE_WIDTH - strlen(indent) - 3;
    while (*text) {
        size_t n = strlen(text);
        if (n > width)
            for (n = width; text[n] != ' ' && n > 1;)
                n--;
        int status = buffer_print(out, err, "%s## %.*s\n", indent, (int)n, text);
        if (status < 0)
            return status;
        text += n;
        text += *text == ' ';
    }
    return 0;
}

/* One item of a list. A key without example or default stays in the comment. */
static int print_item(struct buffer *out, const char *name, const struct setting_items *items,
                      struct error *err)
{
    int status = buffer_print(out, err, "#%s:\n", name);
    for (size_t i = 0; i < items->table_count && status == 0; i++) {
        const struct setting *s = &items->table[i];
        const char *value = s->example ? s->example : s->standard;
        status = print_comment(out, "    ", s->help, err);
        if (status == 0)
            status = *value ? buffer_print(out, err, "#  %c %s: %s\n", i == 0 ? '-' : ' ', s->name,
                                           value)
                            : buffer_print(out, err, "    ## %s:\n", s->name);
    }
    return status;
}

int settings_print_sample(struct buffer *out, struct error *err)
{
    char section[64] = "";
    int status = buffer_print(
        out, err,
        "## Settings of axnoded and axnode. Lines with one '#' show the default: remove it to\n"
        "## change the value. Check with: axnode config check /etc/axnode/axnode.yaml\n");
    for (size_t i = 0; i < settings_table_count && status == 0; i++) {
        const struct setting *s = &settings_table[i];
        const char *dot = strchr(s->name, '.');
        const char *indent = dot ? "  " : "";
        size_t n = dot ? (size_t)(dot - s->name) : 0;
        if (n == 0 || strncmp(section, s->name, n) != 0 || section[n]) {
            snprintf(section, sizeof section, "%.*s", (int)n, s->name);
            status = buffer_print(out, err, n ? "\n%s:\n" : "\n", section);
        }
        if (status == 0)
            status = print_comment(out, indent, s->help, err);
        const struct setting_items *items = setting_items_find(s->type);
        if (status == 0 && items)
            status = print_item(out, s->name, items, err);
        else if (status == 0)
            status = buffer_print(out, err, "%s%s%s: %s\n", s->standard ? "#" : "", indent,
                                  dot ? dot + 1 : s->name,
                                  s->example ? s->example : s->standard);
    }
    return status;
}
