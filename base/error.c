#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void message_format(struct error *err, const char *format, va_list args)
{
    vsnprintf(err->message, sizeof err->message, format, args);
    err->detail[0] = '\0';
    err->hint[0] = '\0';
}

int error_set(struct error *err, int status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        message_format(err, format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}

int error_set_errno(struct error *err, int status, int errnum, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        message_format(err, format, args);
        va_end(args);
        err->status = status;
        char reason[128];
        const char *text = strerror_r(errnum, reason, sizeof reason);
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", text);
    }
    return status;
}

void error_detail(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
}

void error_hint(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return STATUS_INTERNAL;
    char context[256], joined[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    int n = snprintf(joined, sizeof joined, "%s: ", context);
    if (n > 0 && (size_t)n < sizeof joined) {
        size_t room = sizeof joined - (size_t)n - 1;
        size_t take = strnlen(err->message, room);
        memcpy(joined + n, err->message, take);
        joined[(size_t)n + take] = '\0';
    }
    memcpy(err->message, joined, sizeof err->message);
    return err->status;
}

const char *status_name(int status)
{
    switch (status) {
    case STATUS_OK: return "ok";
    case STATUS_INVALID: return "invalid";
    case STATUS_NOT_FOUND: return "not found";
    case STATUS_IO: return "input/output error";
    case STATUS_NOMEM: return "out of memory";
    case STATUS_LIMIT: return "over a limit";
    case STATUS_UNSUPPORTED: return "unsupported";
    case STATUS_CONFLICT: return "conflict";
    case STATUS_UNAVAILABLE: return "unavailable";
    default: return "internal error";
    }
}
