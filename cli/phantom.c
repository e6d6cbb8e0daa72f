/* axnode phantom */
#include "phantom/phantom.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/command.h"
#include "dicom/setup.h"

static const char usage_text[] =
    "Usage: axnode phantom --out DIR --studies N [--seed S] [--loops beside|only]\n"
    "Write N synthetic ultrasound studies (tumour and axillary node) with their truth into DIR:\n"
    "DICOM files, masks, truth.json. The same seed gives the same files.\n"
    "\n"
    "  --out DIR     folder, made when missing\n"
    "  --studies N   how many\n"
    "  --seed S      whole number from 0 (default: 1)\n"
    "  --loops HOW   a loop of the tumour in each study, beside the stills or in their place\n";

static int progress(void *context, int done, int studies)
{
    (void)context;
    fprintf(stderr, "\r%d of %d studies%s", done, studies, done == studies ? "\n" : "");
    return 0;
}

int command_phantom(int argc, char **argv)
{
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},  {"studies", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'}, {"loops", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},       {0}};
    const char *out = NULL;
    int64_t studies = 0, seed = 1;
    unsigned content = PHANTOM_STILLS;
    struct error err = {0};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'o': out = optarg; break;
        case 'n':
            if (number_parse_int(optarg, 1, PHANTOM_STUDIES_MAX, &studies, &err) < 0)
                return command_usage(argv[0], "--studies '%s': %s", optarg, err.message);
            break;
        case 's':
            if (number_parse_int(optarg, 0, INT64_MAX, &seed, &err) < 0)
                return command_usage(argv[0], "--seed '%s': %s", optarg, err.message);
            break;
        case 'l':
            if (strcmp(optarg, "beside") != 0 && strcmp(optarg, "only") != 0)
                return command_usage(argv[0], "--loops is beside or only, not '%s'", optarg);
            content = strcmp(optarg, "only") == 0 ? PHANTOM_LOOPS : PHANTOM_STILLS | PHANTOM_LOOPS;
            break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (!out || studies == 0 || optind < argc)
        return command_usage(argv[0], "--out and --studies are needed, and nothing else");
    int status = dicom_setup(&err);
    if (status == 0)
        status =
            phantom_generate(out, &(struct phantom_request){(int)studies, (uint64_t)seed, content},
                             isatty(STDERR_FILENO) ? progress : NULL, NULL, &err);
    return status < 0 ? command_failed(&err) : EXIT_DONE;
}
