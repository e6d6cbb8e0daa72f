/* axnode doctor */
#include "cli/doctor.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "db/migrate.h"
#include "db/status.h"
#include "service/analyser.h"

static const char usage_text[] =
    "Usage: axnode doctor [--repair] [--json] [--config FILE]\n"
    "Check what the service needs, one line each: ok, warn or fail, and what to do. Run it as the\n"
    "service's user. Exit status 1 when something fails.\n"
    "\n"
    "  --repair  bring store and database together: files that the database does not know are\n"
    "            indexed again, rows whose file is missing say so, leftovers are removed. Meant\n"
    "            for a database that was restored from a backup older than the store, with the\n"
    "            service stopped.\n";

enum { CLOCK_WARN_US = 2000000, CLOCK_FAIL_US = 60000000 };

static const char *const verdict_names[] = {"ok", "warn", "fail"};

void doctor_find(struct doctor *d, const char *check, enum verdict verdict, const char *advice,
                 const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "check", check);
    cJSON_AddStringToObject(line, "verdict", verdict_names[verdict]);
    cJSON_AddStringToObject(line, "text", text);
    cJSON_AddStringToObject(line, "advice", advice);
    cJSON_AddItemToArray(d->findings, line);
    d->failed |= verdict == VERDICT_FAIL;
}

void doctor_error(struct doctor *d, const char *check, const struct error *err,
                  const char *advice)
{
    doctor_find(d, check, VERDICT_FAIL, err->hint[0] ? err->hint : advice, "%s%s%s", err->message,
                err->detail[0] ? ": " : "", err->detail);
}

static bool check_settings(struct doctor *d, const char *config)
{
    struct error err = {0};
    if (command_settings(config, &d->settings, &err) < 0) {
        doctor_error(d, "settings", &err, "axnode config check FILE; docs/settings.md");
        return false;
    }
    if (d->settings->destination_count == 0)
        doctor_find(d, "settings", VERDICT_WARN, "name a PACS under destinations",
                    "no destinations: results stay here");
    else
        doctor_find(d, "settings", VERDICT_OK, "", "%zu destinations",
                    d->settings->destination_count);
    return true;
}

static void check_clock(struct doctor *d)
{
    struct error err = {0};
    int64_t now_us;
    if (db_now(d->db, &now_us, &err) < 0) {
        doctor_error(d, "clock", &err, "");
        return;
    }
    int64_t skew_us = now_us - clock_realtime_us(clock_system());
    if (skew_us < 0)
        skew_us = -skew_us;
    doctor_find(d, "clock",
                skew_us < CLOCK_WARN_US   ? VERDICT_OK
                : skew_us < CLOCK_FAIL_US ? VERDICT_WARN
                                          : VERDICT_FAIL,
                skew_us < CLOCK_WARN_US ? "" : "synchronise both with a time server (chrony)",
                "%.1f s between this machine and the database", (double)skew_us / 1e6);
}

static void check_database(struct doctor *d)
{
    struct error err = {0};
    int there = 0, ours = 0;
    if (db_open(d->settings->database, "axnode doctor", NULL, &d->db, &err) < 0) {
        doctor_error(d, "database", &err, "is PostgreSQL running, and may this user connect?");
        return;
    }
    int status = db_schema_check(d->db, &err);
    if (status == 0)
        status = db_schema_version(d->db, &there, &ours, &err);
    if (status < 0) {
        doctor_error(d, "database", &err, "axnode db migrate");
        db_close(d->db);
        d->db = NULL;
        return;
    }
    doctor_find(d, "database", VERDICT_OK, "", "reachable, schema version %d", there);
    check_clock(d);
}

static void check_space(struct doctor *d)
{
    struct error err = {0};
    uint64_t bytes;
    uint64_t least = (uint64_t)d->settings->limits.store_min_free_mib << 20;
    if (store_free_bytes(d->store, &bytes, &err) < 0) {
        doctor_error(d, "space", &err, "");
        return;
    }
    doctor_find(d, "space",
                bytes < least         ? VERDICT_FAIL
                : bytes < least * 2   ? VERDICT_WARN
                                      : VERDICT_OK,
                bytes < least * 2 ? "axnode purge, a shorter retention.delivered_days, or a larger "
                                    "disk; below limits.store_min_free_mib objects are refused"
                                  : "",
                "%.1f GiB free in the store", (double)bytes / (1024.0 * 1024 * 1024));
}

/* False leaves the store closed: what this user would make in it, the service could not use. */
static void check_spool(struct doctor *d)
{
    struct error err = {0};
    struct stat info;
    const char *root = d->settings->store;
    if (stat(root, &info) < 0)
        doctor_find(d, "store", VERDICT_FAIL,
                    "start the service once, or make it: install -d -m 0700 -o axnode …",
                    "there is no folder %s", root);
    else if (info.st_uid != geteuid())
        doctor_find(d, "store", VERDICT_FAIL,
                    "run this as the service's user: sudo -u axnode axnode doctor",
                    "%s belongs to user id %u, not to this one", root, (unsigned)info.st_uid);
    else if (access(root, R_OK | W_OK | X_OK) < 0 || store_open(root, NULL, &d->store, &err) < 0)
        doctor_find(d, "store", VERDICT_FAIL, "is its file system mounted read-only?",
                    "%s cannot be written%s%s", root, err.message[0] ? ": " : "", err.message);
    else if (info.st_mode & 077)
        doctor_find(d, "store", VERDICT_WARN, "chmod 0700: it holds patient data",
                    "others may look into %s", root);
    else
        doctor_find(d, "store", VERDICT_OK, "", "%s, closed to others", root);
    if (d->store)
        check_space(d);
}

static void check_package(struct doctor *d)
{
    struct analyser_options options = analyser_options_of(d->settings);
    struct analyser analyser = {0};
    struct error err = {0};
    if (analyser_open(&options, &analyser, &err) < 0)
        doctor_error(d, "package", &err, "axnode model verify; the settings package, onnxruntime "
                                         "and packages.trusted_keys");
    else
        doctor_find(d, "package", VERDICT_OK, "", "%s %s: manifest, networks and self test",
                    analyser.package->name, analyser.package->version);
    analyser_release(&analyser);
}

static bool destination_known(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->destination_count; i++)
        if (strcmp(settings->destinations[i].name, name) == 0)
            return true;
    return false;
}

static void check_work(struct doctor *d)
{
    struct error err = {0};
    cJSON *trouble = NULL;
    const cJSON *waiting;
    bool stranded = false;
    if (status_trouble(d->db, &trouble, &err) < 0) {
        doctor_error(d, "work", &err, "");
        return;
    }
    double expired = json_number(trouble, "jobs_expired") +
                     json_number(trouble, "deliveries_expired");
    double late = json_number(trouble, "jobs_late") + json_number(trouble, "studies_late");
    cJSON_ArrayForEach(waiting, cJSON_GetObjectItemCaseSensitive(trouble, "destinations"))
        if (!destination_known(d->settings, waiting->string)) {
            stranded = true;
            doctor_find(d, "work", VERDICT_FAIL,
                        "name the destination in the settings again, or purge its studies",
                        "%.0f deliveries wait for '%s', which the settings do not have",
                        waiting->valuedouble, waiting->string);
        }
    if (expired + late > 0)
        doctor_find(d, "work", VERDICT_WARN,
                    "is the service running? see the log lines of role=worker and role=sender",
                    "%.0f claims ran out and nobody took them up, %.0f studies wait for over an "
                    "hour", expired, late);
    else if (!stranded)
        doctor_find(d, "work", VERDICT_OK, "", "nothing is stuck");
    cJSON_Delete(trouble);
}

static void check_all(struct doctor *d, const char *config)
{
    if (!check_settings(d, config))
        return;
    check_database(d);
    check_spool(d);
    check_package(d);
    doctor_network(d);
    if (d->db)
        check_work(d);
    if (d->db && d->store)
        doctor_store(d);
}

static void print_lines(const cJSON *findings)
{
    const cJSON *line;
    cJSON_ArrayForEach(line, findings) {
        const char *advice = json_text(line, "advice");
        printf("%-4s  %-16s  %s%s%s\n", json_text(line, "verdict"), json_text(line, "check"),
               json_text(line, "text"), *advice ? " — " : "", advice);
    }
}

int command_doctor(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"repair", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct doctor d = {.repair = false};
    const char *config = NULL;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': config = optarg; break;
        case 'j': json = true; break;
        case 'r': d.repair = true; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind < argc)
        return command_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    d.findings = cJSON_CreateArray();
    check_all(&d, config);
    int status = EXIT_DONE;
    if (json)
        status = command_print_json(d.findings);
    else
        print_lines(d.findings);
    cJSON_Delete(d.findings);
    store_close(d.store);
    db_close(d.db);
    settings_free(d.settings);
    return d.failed ? EXIT_FAILED : status;
}
