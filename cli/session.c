#include "cli/session.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "db/migrate.h"
#include "service/credential.h"

int session_options(struct session *session, int argc, char **argv, const char *usage_text,
                    bool with_json)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    *session = (struct session){0};
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': session->config = optarg; break;
        case 'j':
            if (!with_json)
                return command_usage(argv[0], "--json: this command prints no data");
            session->json = true;
            break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    return -1;
}

/* A shell has no credentials: libpq then looks for a password by itself. */
static int connect(struct session *session, struct error *err)
{
    const char *credential = session->settings->database_password_credential;
    char password[CREDENTIAL_TEXT_SIZE] = "";
    bool wanted = *credential && getenv("CREDENTIALS_DIRECTORY");
    int status = wanted ? credential_text(credential, password, err) : 0;
    struct db_options options = {.password = wanted ? password : NULL};
    if (status == 0)
        status = db_open(session->settings->database, "axnode", &options, &session->db, err);
    explicit_bzero(password, sizeof password);
    return status;
}

int session_open(struct session *session, bool check_schema, struct error *err)
{
    int status = command_settings(session->config, &session->settings, err);
    if (status == 0)
        status = connect(session, err);
    if (status == 0 && check_schema)
        status = db_schema_check(session->db, err);
    return status;
}

void session_release(struct session *session)
{
    db_close(session->db);
    settings_free(session->settings);
    session->db = NULL;
    session->settings = NULL;
}
