/* axnode purge STUDY | --failed | --older-than DAYS */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/uid.h"
#include "cli/command.h"
#include "cli/session.h"
#include "db/retention.h"
#include "service/janitor.h"

static const char usage_text[] =
    "Usage: axnode purge STUDY | --failed | --older-than DAYS [--yes] [--config FILE]\n"
    "Remove the files of studies: received images and our own objects. What the database knows\n"
    "stays: results, and that the files were removed, when and by whom. Studies under way are\n"
    "left alone. What was not delivered never will be.\n"
    "\n"
    "  STUDY              one study by its Study Instance UID\n"
    "  --failed           every failed study\n"
    "  --older-than DAYS  every study that ended so long ago, and unreadable files; with\n"
    "                     --failed: of the failed ones\n"
    "  --yes              do not ask\n";

struct purge {
    struct session session;
    struct store *store;
    const char *study; /* NULL: by `choice` */
    struct retention_choice choice;
    bool older, yes;
    struct retention_study *studies; /* owned */
    size_t count;
};

static int days_parse(const char *text, int64_t *ret_us)
{
    double days;
    if (number_parse_double(text, &days, NULL) < 0 || days < 0 || days > 36500)
        return -1;
    *ret_us = (int64_t)(days * 86400e6);
    return 0;
}

static int options_read(struct purge *p, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"failed", no_argument, NULL, 'f'},
                                            {"older-than", required_argument, NULL, 'o'},
                                            {"yes", no_argument, NULL, 'y'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': p->session.config = optarg; break;
        case 'f': p->choice.failed = true; break;
        case 'o':
            p->older = true;
            if (days_parse(optarg, &p->choice.older_us) < 0)
                return command_usage(argv[0], "--older-than: '%s' is no number of days", optarg);
            break;
        case 'y': p->yes = true; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind < argc)
        p->study = argv[optind++];
    bool chosen = p->choice.failed || p->older;
    if (optind < argc || (p->study != NULL) == chosen || (p->study && !uid_valid(p->study)))
        return command_usage(argv[0], "name one study by its Study Instance UID, or --failed, or "
                                      "--older-than DAYS");
    return -1;
}

/* Folders made by another user would be closed to the service. */
static int store_need(struct purge *p, struct error *err)
{
    struct stat info;
    const char *root = p->session.settings->store;
    if (stat(root, &info) < 0)
        return error_set(err, STATUS_NOT_FOUND, "there is no store at %s", root);
    if (info.st_uid != geteuid()) {
        error_set(err, STATUS_INVALID, "the store at %s belongs to another user", root);
        error_hint(err, "run this as the service's user: sudo -u axnode axnode purge …");
        return STATUS_INVALID;
    }
    return store_open(root, NULL, &p->store, err);
}

static int choose(struct purge *p, struct error *err)
{
    if (!p->study)
        return retention_choose(p->session.db, &p->choice, &p->studies, &p->count, err);
    p->studies = calloc(1, sizeof *p->studies);
    if (!p->studies)
        return error_set(err, STATUS_NOMEM, "out of memory");
    p->count = 1;
    return retention_study_read(p->session.db, p->study, p->studies, err);
}

static bool confirm(const struct purge *p)
{
    char answer[8];
    for (size_t i = 0; i < p->count; i++)
        printf("%s: %s, %d files\n", p->studies[i].study_instance_uid, p->studies[i].state,
               p->studies[i].files);
    if (p->yes)
        return true;
    printf("Remove the files of %zu studies%s? [y/N] ", p->count,
           p->older && !p->choice.failed ? " and unreadable files" : "");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (strcmp(answer, "y\n") == 0 ||
                                                   strcmp(answer, "yes\n") == 0);
}

static int mark(struct purge *p, struct error *err)
{
    char why[64];
    int unreadable = 0, status = 0;
    snprintf(why, sizeof why, "axnode purge by user id %u", (unsigned)getuid());
    for (size_t i = 0; i < p->count && status == 0; i++) {
        status = retention_mark_study(p->session.db, p->studies[i].study_instance_uid, why, err);
        if (status == STATUS_CONFLICT && !p->study) {
            printf("%s: left alone: %s\n", p->studies[i].study_instance_uid, err->message);
            status = 0;
        }
    }
    if (status == 0 && p->older && !p->choice.failed)
        status = retention_mark_unreadable(p->session.db, p->choice.older_us, why, &unreadable,
                                           err);
    return status;
}

static int sweep(struct purge *p, struct error *err)
{
    size_t removed = 0, total = 0;
    int status;
    do {
        status = janitor_sweep(p->session.db, p->store, &removed, err);
        total += removed;
    } while (status == 0 && removed == JANITOR_BATCH);
    if (status == 0)
        printf("%zu files removed%s\n", total,
               total == 0 ? "; what was marked, the running service removes" : "");
    return status;
}

int command_purge(int argc, char **argv)
{
    struct purge p = {.study = NULL};
    struct error err = {0};
    int exit_status = options_read(&p, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    int status = session_open(&p.session, true, &err);
    if (status == 0)
        status = store_need(&p, &err);
    if (status == 0)
        status = choose(&p, &err);
    if (status == 0 && confirm(&p)) {
        status = mark(&p, &err);
        if (status == 0)
            status = sweep(&p, &err);
    }
    exit_status = status < 0 ? command_failed(&err) : EXIT_DONE;
    free(p.studies);
    store_close(p.store);
    session_release(&p.session);
    return exit_status;
}
