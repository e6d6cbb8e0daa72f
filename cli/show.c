/* axnode show STUDY */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/uid.h"
#include "cli/command.h"
#include "cli/session.h"
#include "db/status.h"
#include "report/report.h"

static const char usage_text[] =
    "Usage: axnode show STUDY [--config FILE] [--json]\n"
    "Show what is known of one study (Study Instance UID): its state and the reason, its objects,\n"
    "the attempts, the newest result as text, and what was delivered where. Holds patient data.\n";

static void print_line(const char *name, const char *value)
{
    if (*value)
        printf("%-12s %s\n", name, value);
}

static void print_objects(const cJSON *study)
{
    const cJSON *object;
    cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(study, "objects"))
        printf("object       %s  %s  from %s at %s\n", json_text(object, "sop_uid"),
               json_text(object, "role"), json_text(object, "calling_ae"),
               json_text(object, "received_at"));
}

static void print_result(const cJSON *result)
{
    struct buffer text BUFFER_AUTO = {0};
    struct error err = {0};
    print_line("  outcome", json_text(result, "outcome"));
    print_line("  reason", json_text(result, "reason"));
    cJSON *content = cJSON_GetObjectItemCaseSensitive(result, "content");
    char *json = cJSON_IsObject(content) ? cJSON_PrintUnformatted(content) : NULL;
    if (json && report_text(json, &text, &err) == 0)
        printf("\n%s\n", buffer_text(&text));
    cJSON_free(json);
}

static void print_jobs(const cJSON *study)
{
    const cJSON *job;
    cJSON_ArrayForEach(job, cJSON_GetObjectItemCaseSensitive(study, "jobs")) {
        const cJSON *result = cJSON_GetObjectItemCaseSensitive(job, "result");
        printf("job          generation %.0f, attempt %.0f: %s\n", json_number(job, "generation"),
               json_number(job, "attempt"), json_text(job, "state"));
        print_line("  reason", json_text(job, "reason"));
        if (cJSON_IsObject(result))
            print_result(result);
    }
}

static const char *commitment_text(const char *commitment)
{
    return strcmp(commitment, "committed") == 0     ? ", committed"
           : strcmp(commitment, "unconfirmed") == 0 ? ", unconfirmed"
           : strcmp(commitment, "asked") == 0       ? ", asked to commit"
           : strcmp(commitment, "wanted") == 0      ? ", to be asked to commit"
                                                    : "";
}

static void print_deliveries(const cJSON *study)
{
    const cJSON *delivery;
    cJSON_ArrayForEach(delivery, cJSON_GetObjectItemCaseSensitive(study, "deliveries")) {
        printf("delivery     %s to %s: %s%s after %.0f attempts", json_text(delivery, "kind"),
               json_text(delivery, "destination"), json_text(delivery, "state"),
               commitment_text(json_text(delivery, "commitment")),
               json_number(delivery, "attempts"));
        const char *last_error = json_text(delivery, "last_error");
        printf(*last_error ? ": %s\n" : "%s\n", last_error);
        print_line("  object", json_text(delivery, "sop_uid"));
        print_line("  warning", json_text(delivery, "warning"));
    }
}

static void print_study(const cJSON *study)
{
    const cJSON *event;
    print_line("study", json_text(study, "study_uid"));
    print_line("state", json_text(study, "state"));
    print_line("since", json_text(study, "state_since"));
    print_line("reason", json_text(study, "reason"));
    print_line("accession", json_text(study, "accession_number"));
    print_line("description", json_text(study, "study_description"));
    print_line("received", json_text(study, "last_received_at"));
    print_objects(study);
    print_jobs(study);
    print_deliveries(study);
    cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(study, "events"))
        printf("event        %s  %s  %s\n", json_text(event, "at"), json_text(event, "kind"),
               json_text(event, "text"));
}

int command_show(int argc, char **argv)
{
    struct session session;
    struct error err = {0};
    cJSON *study = NULL;
    int status = session_options(&session, argc, argv, usage_text, true);
    if (status >= 0)
        return status;
    if (optind + 1 != argc || !uid_valid(argv[optind]))
        return command_usage(argv[0], "name one study by its Study Instance UID");
    int done = session_open(&session, true, &err);
    if (done == 0)
        done = status_study(session.db, argv[optind], &study, &err);
    if (done < 0) {
        status = command_failed(&err);
    } else if (session.json) {
        status = command_print_json(study);
    } else {
        print_study(study);
        status = EXIT_DONE;
    }
    cJSON_Delete(study);
    session_release(&session);
    return status;
}
