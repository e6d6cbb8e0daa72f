/* axnode status */
#include "db/status.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cli/command.h"
#include "cli/session.h"

static const char usage_text[] =
    "Usage: axnode status [--config FILE] [--json]\n"
    "Is it well, what waits, what failed: on one screen. 'axnode doctor' looks deeper.\n";

enum { LIST_MAX = 20, LATE_S = 3600, ATTEMPTS_MANY = 3 };

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* What a person should look at; returns how many lines were printed. */
static int print_troubles(const cJSON *status)
{
    const cJSON *item, *oldest = member(status, "oldest_waiting");
    int failed = 0, lines = 0;
    cJSON_ArrayForEach(item, member(status, "failed"))
        failed += strcmp(json_text(item, "state"), "failed") == 0;
    if (failed > 0)
        lines += printf("  studies failed: the list below says why; 'axnode retry' or "
                        "'axnode purge' ends it\n") > 0;
    if (cJSON_IsObject(oldest) && json_number(oldest, "age_s") > LATE_S)
        lines += printf("  a study is %s for %.1f hours\n", json_text(oldest, "state"),
                        json_number(oldest, "age_s") / 3600) > 0;
    cJSON_ArrayForEach(item, member(status, "deliveries"))
        if (json_number(item, "attempts") >= ATTEMPTS_MANY)
            lines += printf("  %s does not take what is sent to it\n",
                            json_text(item, "destination")) > 0;
    cJSON_ArrayForEach(item, member(status, "paused"))
        lines += printf("  %s is paused: 'axnode destination resume' sends to it again\n",
                        cJSON_GetStringValue(item)) > 0;
    cJSON_ArrayForEach(item, member(status, "unconfirmed"))
        lines += printf("  %s never confirmed to keep %.0f objects: 'axnode resend' asks again\n",
                        item->string, item->valuedouble) > 0;
    return lines;
}

static void print_waiting(const cJSON *status)
{
    static const char *const states[] = {"receiving", "queued", "working", "delivering"};
    const cJSON *item, *oldest = member(status, "oldest_waiting");
    fputs("waits   ", stdout);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        printf("  %s %.0f", states[i], json_number(member(status, "studies"), states[i]));
    putchar('\n');
    if (cJSON_IsObject(oldest))
        printf("          oldest: %s, %s for %.0f s\n", json_text(oldest, "study_uid"),
               json_text(oldest, "state"), json_number(oldest, "age_s"));
    cJSON_ArrayForEach(item, member(status, "deliveries")) {
        const char *why = json_text(item, "last_error");
        printf("          %.0f objects for %s%s%s\n", json_number(item, "waiting"),
               json_text(item, "destination"), *why ? ": " : "", why);
    }
}

static void print_ends(const cJSON *status, const char *name, const char *object)
{
    const cJSON *counts = member(status, object);
    printf("%s  done %.0f  not_applicable %.0f  failed %.0f", name, json_number(counts, "done"),
           json_number(counts, "not_applicable"), json_number(counts, "failed"));
}

static void print_failed(const cJSON *status)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, member(status, "failed"))
        printf("%-14s  %s  %s: %s\n", json_text(item, "state"), json_text(item, "since"),
               json_text(item, "study_uid"), json_text(item, "reason"));
    cJSON_ArrayForEach(item, member(status, "unreadable_files"))
        printf("%-14s  %s  %.16s…: %s\n", "unreadable", json_text(item, "at"),
               json_text(item, "key"), json_text(item, "reason"));
}

static int print_overview(const cJSON *status, const struct settings *settings)
{
    struct statvfs space;
    puts("well?");
    if (print_troubles(status) == 0)
        puts("  yes");
    print_waiting(status);
    print_ends(status, "last day", "last_day");
    printf("  received %.0f\n", json_number(member(status, "last_day"), "received"));
    print_ends(status, "in all  ", "studies");
    printf("  unreadable files %.0f\n", json_number(status, "unreadable"));
    printf("store     files of %.0f studies", json_number(member(status, "files"), "studies"));
    if (statvfs(settings->store, &space) == 0)
        printf(", %.1f GiB free",
               (double)space.f_bavail * (double)space.f_frsize / (1024.0 * 1024 * 1024));
    putchar('\n');
    print_failed(status);
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
        status = print_overview(overview, session.settings);
    cJSON_Delete(overview);
    session_release(&session);
    return status;
}
