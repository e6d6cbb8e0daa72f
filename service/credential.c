#include "service/credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

/* systemd gives the service's user alone access: by owner, or by an ACL, which shows as group. */
static int check_mode(const char *name, const char *path, struct error *err)
{
    struct stat info;
    int errnum = stat(path, &info) < 0 ? errno : 0;
    if (errnum == ENOENT) {
        error_set(err, STATUS_NOT_FOUND, "credential '%s': this process was not given it", name);
        error_hint(err, "name it in the unit: LoadCredential=%s:FILE", name);
        return STATUS_NOT_FOUND;
    }
    if (errnum)
        return error_set_errno(err, STATUS_IO, errnum, "cannot look at credential '%s'", name);
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_INVALID, "credential '%s' is not a file", name);
    if (info.st_mode & S_IRWXO) {
        error_set(err, STATUS_INVALID, "credential '%s' can be read by everybody", name);
        error_hint(err, "chmod o= the file, or let systemd hand it over (LoadCredential=)");
        return STATUS_INVALID;
    }
    return 0;
}

int credential_path(const char *name, char ret_path[PATH_MAX], struct error *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];
    if (!folder || !*folder) {
        error_set(err, STATUS_NOT_FOUND, "credential '%s': this process was given none", name);
        error_hint(err, "name it in the unit: LoadCredential=%s:FILE", name);
        return STATUS_NOT_FOUND;
    }
    if (*name == '.' || strchr(name, '/'))
        return error_set(err, STATUS_INVALID, "'%s' is not a credential's name", name);
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the path of credential '%.64s…' is too long", name);
    int status = check_mode(name, path, err);
    if (status == 0)
        memcpy(ret_path, path, strlen(path) + 1);
    return status;
}

int credential_text(const char *name, char ret_text[CREDENTIAL_TEXT_SIZE], struct error *err)
{
    char path[PATH_MAX];
    struct buffer text BUFFER_AUTO = {0};
    int status = credential_path(name, path, err);
    if (status == 0)
        status = file_read(path, CREDENTIAL_TEXT_SIZE - 1, &text, err);
    if (status < 0)
        return status;
    size_t n = strcspn(buffer_text(&text), "\r\n");
    if (n == 0 || strlen(buffer_text(&text)) != text.size)
        status = error_set(err, STATUS_INVALID, "credential '%s' is empty or no text", name);
    else
        snprintf(ret_text, CREDENTIAL_TEXT_SIZE, "%.*s", (int)n, buffer_text(&text));
    if (text.data)
        explicit_bzero(text.data, text.size);
    return status;
}
