/* axnoded: the service. Without --role it is the supervisor, which starts itself with --role. */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"
#include "base/number.h"
#include "service/journal.h"
#include "service/role.h"
#include "service/supervisor.h"

static const char usage_text[] =
    "Usage: axnoded [--config FILE]\n"
    "Receive breast and axilla ultrasound studies, analyse them and send reports.\n"
    "\n"
    "  -c, --config FILE  settings (default: /etc/axnode/axnode.yaml, or $AXNODE_CONFIG)\n"
    "  -h, --help         this text\n"
    "  -V, --version      version\n"
    "\n"
    "SIGTERM ends it once open associations and running studies are done, a second one at\n"
    "once; SIGHUP reads the settings again. Usually systemd starts it: see axnoded.service.\n";

static int usage_error(void)
{
    fputs("Try 'axnoded --help'.\n", stderr);
    return 2;
}

static int fd_option(const char *name, const char *text, int *ret_value)
{
    struct error err = {0};
    int64_t value;
    if (number_parse_int(text, 0, 1 << 20, &value, &err) < 0) {
        fprintf(stderr, "axnoded: --%s: %s\n", name, err.message);
        return -1;
    }
    *ret_value = (int)value;
    return 0;
}

int main(int argc, char **argv)
{
    enum { OPTION_ROLE = 256, OPTION_LABEL, OPTION_BEAT, OPTION_BOARD };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"role", required_argument, NULL, OPTION_ROLE},
        {"label", required_argument, NULL, OPTION_LABEL},
        {"beat-fd", required_argument, NULL, OPTION_BEAT},
        {"board-fd", required_argument, NULL, OPTION_BOARD},
        {0}};
    const char *config = getenv("AXNODE_CONFIG"), *role = NULL, *label = NULL;
    int beat_fd = -1, board_fd = -1, option;
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c': config = optarg; break;
        case 'h': fputs(usage_text, stdout); return 0;
        case 'V': puts("axnoded " AXNODE_VERSION); return 0;
        case OPTION_ROLE: role = optarg; break;
        case OPTION_LABEL: label = optarg; break;
        case OPTION_BEAT:
            if (fd_option("beat-fd", optarg, &beat_fd) < 0)
                return usage_error();
            break;
        case OPTION_BOARD:
            if (fd_option("board-fd", optarg, &board_fd) < 0)
                return usage_error();
            break;
        default: return usage_error();
        }
    }
    if (optind < argc) {
        fprintf(stderr, "axnoded: unexpected argument '%s'\n", argv[optind]);
        return usage_error();
    }
    if (!config || !*config)
        config = "/etc/axnode/axnode.yaml";
    umask(077);
    if (role)
        return role_play(role, label ? label : role, config, beat_fd, board_fd);
    struct error err = {0};
    log_setup("supervisor", LOG_INFO, journal_reads_stderr());
    if (supervisor_run(config, &err) == 0)
        return 0;
    log_error(LOG_ERROR, "axnoded ended", &err, NULL);
    return 1;
}
