/* axnode db migrate | status */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "db/migrate.h"

static const char usage_text[] =
    "Usage: axnode db migrate [--config FILE]\n"
    "       axnode db status [--config FILE] [--json]\n"
    "migrate: make the schema, or bring it up to this program's version; stop the service first.\n"
    "status: say which version the database has; exit status 1 when it is not this program's.\n";

static int migrate(struct session *session)
{
    struct error err = {0};
    int applied = 0;
    int status = session_open(session, false, &err);
    if (status == 0)
        status = db_migrate(session->db, &applied, &err);
    if (status < 0)
        return command_failed(&err);
    printf(applied ? "applied %d migrations\n" : "nothing to do\n", applied);
    return EXIT_DONE;
}

static int print_versions(const struct session *session, int database, int program)
{
    if (!session->json) {
        printf("schema version %d, this program's is %d\n", database, program);
        return EXIT_DONE;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "database", database);
    cJSON_AddNumberToObject(json, "program", program);
    int status = command_print_json(json);
    cJSON_Delete(json);
    return status;
}

static int schema_status(struct session *session)
{
    struct error err = {0};
    int database, program;
    int status = session_open(session, false, &err);
    if (status == 0)
        status = db_schema_version(session->db, &database, &program, &err);
    if (status < 0)
        return command_failed(&err);
    int printed = print_versions(session, database, program);
    if (db_schema_check(session->db, &err) < 0)
        return command_failed(&err);
    return printed;
}

int command_db(int argc, char **argv)
{
    struct session session;
    int status = session_options(&session, argc, argv, usage_text, true);
    if (status >= 0)
        return status;
    const char *verb = optind + 1 == argc ? argv[optind] : "";
    if (strcmp(verb, "migrate") == 0)
        status = migrate(&session);
    else if (strcmp(verb, "status") == 0)
        status = schema_status(&session);
    else
        status = command_usage(argv[0], "say migrate or status");
    session_release(&session);
    return status;
}
