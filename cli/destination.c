/* axnode destination */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/session.h"
#include "db/destination.h"

static const char usage_text[] =
    "Usage: axnode destination list [--config FILE] [--json]\n"
    "       axnode destination pause NAME [--config FILE]\n"
    "       axnode destination resume NAME [--config FILE]\n"
    "list: what each destination of the settings waits for, has and refused. pause: nothing more is\n"
    "sent there, results wait; resume: they go. The service need not be reloaded.\n";

static const struct settings_destination *destination_find(const struct settings *settings,
                                                           const char *name)
{
    for (size_t i = 0; i < settings->destination_count; i++)
        if (strcmp(settings->destinations[i].name, name) == 0)
            return &settings->destinations[i];
    return NULL;
}

static cJSON *row_find(cJSON *rows, const char *name)
{
    cJSON *row;
    cJSON_ArrayForEach(row, rows)
        if (strcmp(json_text(row, "name"), name) == 0)
            return row;
    return NULL;
}

/* Every destination of the settings stands in the list, and each row says where it is. */
static int list_complete(const struct settings *settings, cJSON *rows)
{
    cJSON *row;
    bool good = true;
    for (size_t i = 0; i < settings->destination_count && good; i++) {
        const struct settings_destination *destination = &settings->destinations[i];
        row = row_find(rows, destination->name);
        if (!row) {
            row = cJSON_CreateObject();
            good = row && cJSON_AddStringToObject(row, "name", destination->name) &&
                   cJSON_AddItemToArray(rows, row);
        }
        good = good && cJSON_AddStringToObject(row, "ae_title", destination->ae_title) &&
               cJSON_AddStringToObject(row, "address", destination->address) &&
               cJSON_AddNumberToObject(row, "port", destination->port);
    }
    return good ? 0 : STATUS_NOMEM;
}

static void print_row(const cJSON *row)
{
    const char *paused = json_text(row, "paused_at"), *error = json_text(row, "last_error");
    const char *last = json_text(row, "last_delivered_at");
    printf("%s", json_text(row, "name"));
    if (cJSON_HasObjectItem(row, "ae_title"))
        printf("  %s at %s:%.0f", json_text(row, "ae_title"), json_text(row, "address"),
               json_number(row, "port"));
    else
        printf("  not in the settings: what waits for it stays");
    if (*paused)
        printf("  PAUSED since %s by %s", paused, json_text(row, "paused_by"));
    printf("\n  waits %.0f  being sent %.0f  delivered %.0f  failed %.0f\n",
           json_number(row, "pending"), json_number(row, "sending"), json_number(row, "delivered"),
           json_number(row, "failed"));
    if (json_number(row, "committed") + json_number(row, "uncommitted") +
            json_number(row, "unconfirmed") > 0)
        printf("  committed %.0f  not yet %.0f  unconfirmed %.0f\n", json_number(row, "committed"),
               json_number(row, "uncommitted"), json_number(row, "unconfirmed"));
    if (*last)
        printf("  last delivery %s\n", last);
    if (*error)
        printf("  last trouble: %s\n", error);
}

static int list(struct session *session, struct error *err)
{
    cJSON *rows = NULL;
    const cJSON *row;
    int status = destination_list(session->db, &rows, err);
    if (status == 0 && list_complete(session->settings, rows) < 0)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == 0 && session->json)
        status = command_print_json(rows) == EXIT_DONE
                     ? 0
                     : error_set(err, STATUS_IO, "cannot write the list");
    else if (status == 0)
        cJSON_ArrayForEach(row, rows)
            print_row(row);
    cJSON_Delete(rows);
    return status;
}

static int pause_or_resume(struct session *session, const char *name, bool pause,
                           struct error *err)
{
    const struct passwd *user = getpwuid(getuid());
    bool changed = false;
    if (pause && !destination_find(session->settings, name)) {
        error_set(err, STATUS_NOT_FOUND, "no destination of the settings is called '%.64s'", name);
        error_hint(err, "see 'axnode destination list'");
        return STATUS_NOT_FOUND;
    }
    int status = pause ? destination_pause(session->db, name, user ? user->pw_name : "", &changed,
                                           err)
                       : destination_resume(session->db, name, &changed, err);
    if (status == 0)
        printf("%s %s%s\n", name, changed ? "" : pause ? "was already " : "was not paused",
               changed ? (pause ? "is paused: what is being sent ends, everything else waits"
                                : "is sent to again")
               : pause ? "paused" : "");
    return status;
}

int command_destination(int argc, char **argv)
{
    struct session session;
    struct error err = {0};
    int status = session_options(&session, argc, argv, usage_text, true);
    if (status >= 0)
        return status;
    const char *action = optind < argc ? argv[optind] : "";
    bool lists = strcmp(action, "list") == 0, pauses = strcmp(action, "pause") == 0;
    if (!lists && !pauses && strcmp(action, "resume") != 0)
        return command_usage(argv[0], "say list, pause or resume");
    if (optind + 2 - lists != argc)
        return command_usage(argv[0], lists ? "unexpected argument" : "name one destination");
    int done = session_open(&session, true, &err);
    if (done == 0)
        done = lists ? list(&session, &err)
                     : pause_or_resume(&session, argv[optind + 1], pauses, &err);
    status = done < 0 ? command_failed(&err) : EXIT_DONE;
    session_release(&session);
    return status;
}
