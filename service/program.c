#include "service/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int program_folder(char ret_folder[PATH_MAX], struct error *err)
{
    ssize_t n = readlink("/proc/self/exe", ret_folder, PATH_MAX - 1);
    if (n <= 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read /proc/self/exe");
    ret_folder[n] = '\0';
    *strrchr(ret_folder, '/') = '\0';
    return 0;
}

int program_package(const char *named, char ret_folder[PATH_MAX], struct error *err)
{
    static const char shipped[] = "/../share/axnode/packages/verification";
    if (named && *named) {
        if (snprintf(ret_folder, PATH_MAX, "%s", named) >= PATH_MAX)
            return error_set(err, STATUS_INVALID, "the package's folder name is too long");
        return 0;
    }
    int status = program_folder(ret_folder, err);
    if (status < 0)
        return status;
    size_t n = strlen(ret_folder);
    if (n + sizeof shipped > PATH_MAX)
        return error_set(err, STATUS_INVALID, "the program's folder name is too long");
    memcpy(ret_folder + n, shipped, sizeof shipped);
    return 0;
}
