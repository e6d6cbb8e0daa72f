#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char config_standard[] = "/etc/axnode/axnode.yaml";

int command_failed(const struct error *err)
{
    fprintf(stderr, "axnode: %s\n", err->message);
    if (err->detail[0])
        fprintf(stderr, "  detail: %s\n", err->detail);
    if (err->hint[0])
        fprintf(stderr, "  hint: %s\n", err->hint);
    return EXIT_FAILED;
}

int command_usage(const char *name, const char *format, ...)
{
    if (format) {
        va_list args;
        fprintf(stderr, "%s: ", name);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
    }
    fprintf(stderr, "Try '%s --help'.\n", name);
    return EXIT_USAGE;
}

static const char *config_path(const char *path)
{
    const char *environment = getenv("AXNODE_CONFIG");
    if (path)
        return path;
    return environment && *environment ? environment : NULL;
}

int command_settings(const char *path, const struct settings **ret_settings, struct error *err)
{
    path = config_path(path);
    int status = settings_load(path ? path : config_standard, ret_settings, err);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "name the settings file with --config FILE or in AXNODE_CONFIG");
    return status;
}

int command_settings_if_any(const char *path, const struct settings **ret_settings,
                            struct error *err)
{
    path = config_path(path);
    if (path || access(config_standard, R_OK) == 0)
        return command_settings(path, ret_settings, err);
    *ret_settings = NULL;
    return 0;
}

int command_print_json(const cJSON *json)
{
    char *text = cJSON_Print(json);
    if (!text) {
        fputs("axnode: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    puts(text);
    cJSON_free(text);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

const char *json_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

double json_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}
