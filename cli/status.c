/* axnode status */
#include "db/status.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/session.h"

static const char usage_text[] =
    "Usage: axnode status [--config FILE] [--json]\n"
    "Say how many studies, jobs and deliveries are in which state, and what failed and why.\n";

enum { LIST_MAX = 20 };

static void print_counts(const cJSON *status, const char *name)
{
    const cJSON *counts = cJSON_GetObjectItemCaseSensitive(status, name), *count;
    printf("%s:", name);
    cJSON_ArrayForEach(count, counts)
        if (count->valuedouble > 0)
            printf("  %s %.0f", count->string, count->valuedouble);
    putchar('\n');
}

static int print_overview(const cJSON *status)
{
    const cJSON *item;
    print_counts(status, "studies");
    print_counts(status, "jobs");
    print_counts(status, "outbox");
    const cJSON *oldest = cJSON_GetObjectItemCaseSensitive(status, "oldest_waiting");
    if (cJSON_IsObject(oldest))
        printf("oldest waiting: %s, %s for %.0f s\n", json_text(oldest, "study_uid"),
               json_text(oldest, "state"), json_number(oldest, "age_s"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(status, "failed"))
        printf("%s: %s: %s\n", json_text(item, "study_uid"), json_text(item, "state"),
               json_text(item, "reason"));
    if (json_number(status, "unreadable") > 0)
        printf("unreadable objects: %.0f\n", json_number(status, "unreadable"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(status, "unreadable_files"))
        printf("  %s: %s\n", json_text(item, "key"), json_text(item, "reason"));
    return EXIT_DONE;
}

int command_status(int argc, char **argv)
{
    struct session session;
    struct error err = {0};
    cJSON *overview = NULL;
    int status = session_options(&session, argc, argv, usage_text, true);
    if (status >= 0)
        return status;
    if (optind < argc)
        return command_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    int done = session_open(&session, true, &err);
    if (done == 0)
        done = status_overview(session.db, LIST_MAX, &overview, &err);
    if (done < 0)
        status = command_failed(&err);
    else if (session.json)
        status = command_print_json(overview);
    else
        status = print_overview(overview);
    cJSON_Delete(overview);
    session_release(&session);
    return status;
}
