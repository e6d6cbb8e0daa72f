/* axnode: the command line. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"analyze", "analyse DICOM files, without database and network", command_analyze},
    {"segment", "outline the tumour or the node of one picture, or of a folder", command_segment},
    {"features", "radiomic features of outlined regions, with PyRadiomics' names", command_features},
    {"screen", "imaging regions, drawn graphics and quality of one picture, or of a folder", command_screen},
    {"words", "read the words burned into a picture, and what they say", command_words},
    {"evaluate", "check a score or a package against known outcomes", command_evaluate},
    {"fit", "a new or recalibrated model package from a cohort", command_fit},
    {"phantom", "write synthetic studies with known truth", command_phantom},
    {"model", "list, show, verify and sign model packages", command_model},
    {"config", "check a settings file; print the reference and a sample", command_config},
    {"db", "make or update the database's schema", command_db},
    {"report", "print a structured report as text", command_report},
    {"status", "what the service has, does and waits for", command_status},
    {"show", "one study: state, reason, result, deliveries", command_show},
    {"doctor", "check everything the service needs, and repair", command_doctor},
    {"purge", "remove the files of studies", command_purge},
    {"clinical", "clinical values of patients: import, list", command_clinical},
    {"retry", "analyse or deliver a failed study again", command_retry},
    {"resend", "send an object, a study, or all since a date once more", command_resend},
    {"destination", "list, pause and resume destinations", command_destination},
    {"echo", "ask a peer whether it hears us (C-ECHO)", command_echo},
};

static void print_usage(FILE *out)
{
    fputs("Usage: axnode COMMAND [OPTION…]\n"
          "Regional lymph node risk from breast and axilla ultrasound; research use.\n\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'axnode COMMAND --help' tells more. Exit status: 0 done, 1 failed, 2 wrong usage.\n",
          out);
}

int main(int argc, char **argv)
{
    char name[64];
    umask(077); /* what commands write holds patient data */
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("axnode " AXNODE_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        snprintf(name, sizeof name, "axnode %s", commands[i].name);
        argv[1] = name;
        return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "axnode: unknown command '%s'\n", argv[1]);
    return command_usage("axnode", NULL);
}
