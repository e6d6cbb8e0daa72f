/* axnode retry STUDY */
#include <getopt.h>
#include <stdio.h>

#include "base/uid.h"
#include "cli/command.h"
#include "cli/session.h"
#include "db/queue.h"

static const char usage_text[] =
    "Usage: axnode retry STUDY [--config FILE]\n"
    "Deliver what failed to be delivered once more; else analyse the study again. With unchanged\n"
    "files, settings, package and program the objects are the same, byte for byte.\n";

int command_retry(int argc, char **argv)
{
    struct session session;
    struct error err = {0};
    int status = session_options(&session, argc, argv, usage_text, false);
    if (status >= 0)
        return status;
    if (optind + 1 != argc || !uid_valid(argv[optind]))
        return command_usage(argv[0], "name one study by its Study Instance UID");
    int done = session_open(&session, true, &err);
    if (done == 0)
        done = queue_retry(session.db, argv[optind], &err);
    if (done == 0)
        puts("the study will be tried again; 'axnode show' tells how it goes");
    status = done < 0 ? command_failed(&err) : EXIT_DONE;
    session_release(&session);
    return status;
}
