/* axnode resend */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/uid.h"
#include "cli/command.h"
#include "cli/session.h"
#include "db/outbox.h"

static const char usage_text[] =
    "Usage: axnode resend STUDY [--to DESTINATION] [--config FILE]\n"
    "       axnode resend --object UID [--to DESTINATION] [--config FILE]\n"
    "       axnode resend --since TIME [--to DESTINATION] [--config FILE]\n"
    "Send what we made once more, byte for byte: the newest report of a study (Study Instance UID), one\n"
    "object (SOP Instance UID), or the newest report of every study that was made or delivered since\n"
    "TIME (2026-11-20, '2026-11-20 14:00', yesterday; by the database's clock). It goes where it went\n"
    "before, with --to there alone, also for the first time. Nothing is analysed again: see retry.\n";

/* Options, which session_options does not know. Returns -1 to go on, else the exit status. */
static int options_read(struct session *session, struct outbox_choice *choice, int argc,
                        char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"object", required_argument, NULL, 'o'},
                                            {"since", required_argument, NULL, 's'},
                                            {"to", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': session->config = optarg; break;
        case 'o': choice->sop_instance_uid = optarg; break;
        case 's': choice->since = optarg; break;
        case 't': choice->destination = optarg; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind < argc)
        choice->study_instance_uid = argv[optind++];
    if (optind < argc || !choice->study_instance_uid + !choice->sop_instance_uid +
                                 !choice->since != 2)
        return command_usage(argv[0], "name one study, or --object, or --since");
    if ((choice->study_instance_uid && !uid_valid(choice->study_instance_uid)) ||
        (choice->sop_instance_uid && !uid_valid(choice->sop_instance_uid)))
        return command_usage(argv[0], "that is no UID");
    return -1;
}

/* "sr,sc": what the settings let the destination have. */
static int kinds_of(const struct settings *settings, const char *name, struct buffer *ret_kinds,
                    struct error *err)
{
    const struct settings_destination *destination = NULL;
    int status = 0;
    for (size_t i = 0; i < settings->destination_count && !destination; i++)
        if (strcmp(settings->destinations[i].name, name) == 0)
            destination = &settings->destinations[i];
    if (!destination) {
        error_set(err, STATUS_NOT_FOUND, "no destination of the settings is called '%.64s'", name);
        error_hint(err, "see 'axnode destination list'");
        return STATUS_NOT_FOUND;
    }
    for (size_t i = 0; i < SETTINGS_OBJECTS && status == 0; i++)
        if (destination->objects[i])
            status = buffer_print(ret_kinds, err, "%s%s", ret_kinds->size ? "," : "",
                                  settings_object_names[i]);
    return status;
}

int command_resend(int argc, char **argv)
{
    struct session session = {0};
    struct outbox_choice choice = {0};
    struct buffer allowed BUFFER_AUTO = {0};
    struct error err = {0};
    int count = 0;
    int status = options_read(&session, &choice, argc, argv);
    if (status >= 0)
        return status;
    int done = session_open(&session, true, &err);
    if (done == 0 && choice.destination)
        done = kinds_of(session.settings, choice.destination, &allowed, &err);
    choice.kinds = choice.destination ? buffer_text(&allowed) : NULL;
    if (done == 0)
        done = outbox_resend(session.db, &choice, &count, &err);
    if (done == STATUS_INVALID && choice.since) {
        error_set(&err, STATUS_INVALID, "'%.64s' is no time", choice.since);
        error_hint(&err, "write it as 2026-11-20, or '2026-11-20 14:00'");
    }
    if (done == 0)
        printf("%d deliveries are due again; 'axnode destination list' tells how it goes\n", count);
    status = done < 0 ? command_failed(&err) : EXIT_DONE;
    session_release(&session);
    return status;
}
