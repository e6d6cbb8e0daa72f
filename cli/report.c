/* axnode report FILE… */
#include <getopt.h>
#include <stdio.h>

#include "base/buffer.h"
#include "cli/command.h"
#include "dicom/setup.h"
#include "dicom/sr_text.h"

static const char usage_text[] =
    "Usage: axnode report FILE…\n"
    "Print DICOM structured reports as text, one line for each content item. Reads the reports of\n"
    "any maker. The text holds what the report holds: patient data, where the report has some.\n";

static int print_report(const char *path, struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    int status = sr_text_read(path, &text, err);
    if (status == 0 && fputs(buffer_text(&text), stdout) == EOF)
        status = error_set(err, STATUS_IO, "cannot write to standard output");
    return status;
}

int command_report(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    struct error err = {0};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option != 'h')
            return command_usage(argv[0], NULL);
        fputs(usage_text, stdout);
        return EXIT_DONE;
    }
    if (optind == argc)
        return command_usage(argv[0], "name one or more files");
    if (dicom_setup(&err) < 0)
        return command_failed(&err);
    int status = EXIT_DONE;
    for (int i = optind; i < argc; i++)
        if (print_report(argv[i], &err) < 0)
            status = command_failed(&err);
    return status;
}
