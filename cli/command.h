/* The commands of axnode: one file each, named in the table of main.c. */
#ifndef AXNODE_CLI_COMMAND_H
#define AXNODE_CLI_COMMAND_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/error.h"
#include "service/settings.h"

/* Exit statuses. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* argv[0] is "axnode NAME", so that getopt's own messages read well. Returns the exit status. */
int command_analyze(int argc, char **argv);
int command_clinical(int argc, char **argv);
int command_config(int argc, char **argv);
int command_db(int argc, char **argv);
int command_destination(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_echo(int argc, char **argv);
int command_evaluate(int argc, char **argv);
int command_features(int argc, char **argv);
int command_fit(int argc, char **argv);
int command_model(int argc, char **argv);
int command_phantom(int argc, char **argv);
int command_purge(int argc, char **argv);
int command_report(int argc, char **argv);
int command_resend(int argc, char **argv);
int command_retry(int argc, char **argv);
int command_screen(int argc, char **argv);
int command_segment(int argc, char **argv);
int command_show(int argc, char **argv);
int command_status(int argc, char **argv);
int command_words(int argc, char **argv);

/* Print what failed, why and what to do on stderr; returns EXIT_FAILED. */
int command_failed(const struct error *err);
/* "axnode NAME: reason" and where help is; returns EXIT_USAGE. A NULL format: getopt has said
 * the reason already. */
int command_usage(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Read the settings file: `path`, or when it is NULL $AXNODE_CONFIG, or
 * /etc/axnode/axnode.yaml. */
int command_settings(const char *path, const struct settings **ret_settings, struct error *err);
/* The same for commands that can do without: NULL when no file is named and the default one is
 * missing or not ours to read. */
int command_settings_if_any(const char *path, const struct settings **ret_settings,
                            struct error *err);

/* Print on stdout, indented; `json` stays the caller's. Returns EXIT_DONE or EXIT_FAILED. */
int command_print_json(const cJSON *json);
/* A text member of an object; "" when it is missing or something else. */
const char *json_text(const cJSON *object, const char *name);
/* A number member of an object; 0 likewise. */
double json_number(const cJSON *object, const char *name);

#endif
