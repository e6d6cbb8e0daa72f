/* What the commands that ask the database share: --config, --json, one connection. */
#ifndef AXNODE_CLI_SESSION_H
#define AXNODE_CLI_SESSION_H

#include <stdbool.h>

#include "db/db.h"
#include "service/settings.h"

struct session {
    const char *config; /* borrowed; NULL: the default */
    bool json;
    const struct settings *settings;
    struct db *db;
};

/* Options --config, --json (when `with_json`) and --help; optind is left at the first operand.
 * Returns -1 to go on, else the exit status. */
int session_options(struct session *session, int argc, char **argv, const char *usage_text,
                    bool with_json);
/* Read the settings and connect; `check_schema`: to a schema that this program knows. */
int session_open(struct session *session, bool check_schema, struct error *err);
void session_release(struct session *session);

#endif
