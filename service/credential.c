#include "service/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int credential_path(const char *name, char ret_path[PATH_MAX], struct error *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || !*folder) {
        error_set(err, STATUS_NOT_FOUND, "credential '%s': this process was given none", name);
        error_hint(err, "name it in the unit: LoadCredential=%s:FILE", name);
        return STATUS_NOT_FOUND;
    }
    if (*name == '.' || strchr(name, '/'))
        return error_set(err, STATUS_INVALID, "'%s' is not a credential's name", name);
    if (snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the path of credential '%s' is too long", name);
    return 0;
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
