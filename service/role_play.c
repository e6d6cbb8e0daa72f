#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "service/journal.h"
#include "service/program.h"
#include "service/role.h"

/* The build tree has modules beside the program, an installation in its library folder, named
 * from the program's so that it may be moved. */
static int module_open(const char *name, void **ret_module, struct error *err)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];
    int status = program_folder(folder, err);
    if (status < 0)
        return status;
    snprintf(path, sizeof path, "%s/axnode-role-%s.so", folder, name);
    if (access(path, F_OK) < 0)
        snprintf(path, sizeof path, "%s/../" AXNODE_MODULE_FOLDER "/axnode-role-%s.so", folder,
                 name);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        status = error_set(err, STATUS_NOT_FOUND, "cannot load module %s", path);
        error_detail(err, "%s", dlerror());
        return status;
    }
    *ret_module = module;
    return 0;
}

static int signals_to_fd(int *ret_fd, struct error *err)
{
    sigset_t stop, blocked;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    blocked = stop;
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    *ret_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret_fd < 0 ? error_set_errno(err, STATUS_IO, errno, "cannot open signalfd") : 0;
}

/* systemd's own socket, for a role that no supervisor started; -1 without one. */
static int systemd_socket(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    if (length < 2 || length >= sizeof address.sun_path || (*path != '/' && *path != '@'))
        return -1;
    memcpy(address.sun_path, path, length);
    if (*path == '@') /* an abstract name */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int board_take(int fd, struct board **ret_board, struct error *err)
{
    int made = fd;
    int status = fd >= 0 ? board_open(fd, ret_board, err) : board_make(ret_board, &made, err);
    if (made >= 0)
        close(made);
    return status;
}

static int play(struct role *role, const char *config_path, struct error *err)
{
    void *module = NULL;
    int status = settings_load(config_path, &role->settings, err);
    if (status < 0)
        return status;
    log_setup(role->label, (enum log_level)role->settings->log.level, role->journal);
    status = signals_to_fd(&role->stop_fd, err);
    if (status == 0)
        status = module_open(role->name, &module, err);
    if (status < 0)
        return status;
    /* POSIX' way from a data to a function pointer. */
    int (*role_main)(const struct role *) = NULL;
    *(void **)&role_main = dlsym(module, "axnode_role_main");
    if (!role_main)
        return error_set(err, STATUS_INVALID, "module of role '%s' is not a role", role->name);
    return role_main(role); /* the module stays loaded: its libraries have exit handlers */
}

int role_play(const char *name, const char *label, const char *config_path, int beat_fd,
              int board_fd)
{
    struct error err = {0};
    struct role role = {.name = name, .label = label, .beat_fd = beat_fd, .beat = "b"};
    if (beat_fd < 0) {
        role.beat_fd = systemd_socket();
        role.beat = "READY=1\nWATCHDOG=1";
    }
    role.journal = journal_reads_stderr();
    log_setup(label, LOG_INFO, role.journal);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz") != strlen(name) || !*name) {
        log_event(LOG_ERROR, "no such role", NULL);
        return 2;
    }
    fcntl(role.beat_fd, F_SETFL, O_NONBLOCK);
    fcntl(role.beat_fd, F_SETFD, FD_CLOEXEC);
    int status = board_take(board_fd, &role.board, &err);
    if (status == 0)
        status = play(&role, config_path, &err);
    if (status < 0)
        log_error(LOG_ERROR, "cannot play the role", &err, NULL);
    settings_free(role.settings);
    board_close(role.board);
    return status < 0 ? 1 : status;
}
