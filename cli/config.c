/* axnode config check | reference | sample */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const char usage_text[] =
    "Usage: axnode config check [FILE]\n"
    "       axnode config reference\n"
    "       axnode config sample\n"
    "check: read FILE (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml) and say what is\n"
    "wrong with it. reference, sample: print docs/settings.md and a commented settings file.\n";

static int check(const char *path)
{
    const struct settings *settings;
    struct error err = {0};
    if (command_settings(path, &settings, &err) < 0)
        return command_failed(&err);
    settings_free(settings);
    puts("settings are valid");
    return EXIT_DONE;
}

static int print(int (*printer)(struct buffer *, struct error *))
{
    struct buffer text BUFFER_AUTO = {0};
    struct error err = {0};
    if (printer(&text, &err) < 0)
        return command_failed(&err);
    fputs(buffer_text(&text), stdout);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int command_config(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option != 'h')
            return command_usage(argv[0], NULL);
        fputs(usage_text, stdout);
        return EXIT_DONE;
    }
    const char *verb = optind < argc ? argv[optind++] : "";
    int left = argc - optind;
    if (strcmp(verb, "check") == 0 && left <= 1)
        return check(left == 1 ? argv[optind] : NULL);
    if (strcmp(verb, "reference") == 0 && left == 0)
        return print(settings_print_reference);
    if (strcmp(verb, "sample") == 0 && left == 0)
        return print(settings_print_sample);
    return command_usage(argv[0], "say one of check, reference, sample");
}
