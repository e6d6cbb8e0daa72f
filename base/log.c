#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The only state of this folder: how this process writes its lines. Set once at start. */
static struct {
    char role[32];
    enum log_level max_level;
    bool journal;
} setup = {"axnode", LOG_INFO, false};

void log_setup(const char *role, enum log_level max_level, bool journal)
{
    snprintf(setup.role, sizeof setup.role, "%s", role);
    setup.max_level = max_level;
    setup.journal = journal;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR: return "error";
    case LOG_WARNING: return "warning";
    case LOG_INFO: return "info";
    default: return "debug";
    }
}

const char *log_quote(char *out, size_t size, const char *value)
{
    size_t at = 0;
    out[at++] = '"';
    for (const unsigned char *p = (const unsigned char *)(value ? value : ""); *p && at + 6 < size;
         p++) {
        if (*p == '"' || *p == '\\') {
            out[at++] = '\\';
            out[at++] = (char)*p;
        } else if (*p < 0x20 || *p == 0x7f) {
            at += (size_t)snprintf(out + at, size - at, "\\x%02x", *p);
        } else {
            out[at++] = (char)*p;
        }
    }
    out[at++] = '"';
    out[at] = '\0';
    return out;
}

static void line_write(enum log_level level, const char *message, const char *tail)
{
    struct timespec now;
    struct tm tm;
    char stamp[32], line[4096], prefix[8] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    if (setup.journal)
        snprintf(prefix, sizeof prefix, "<%d>", (int)level);
    int n = snprintf(line, sizeof line - 1, "%sts=%s.%03ldZ level=%s role=%s pid=%d msg=%s%s%s",
                     prefix, stamp, now.tv_nsec / 1000000, level_name(level), setup.role,
                     (int)getpid(), LOG_QUOTE(message), *tail ? " " : "", tail);
    size_t length = n < 0 ? 0 : (size_t)n;
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* nowhere to report that the log is gone */
}

void log_event(enum log_level level, const char *message, const char *fields, ...)
{
    if (level > setup.max_level)
        return;
    char tail[2048] = "";
    if (fields) {
        va_list args;
        va_start(args, fields);
        vsnprintf(tail, sizeof tail, fields, args);
        va_end(args);
    }
    line_write(level, message, tail);
}

void log_error(enum log_level level, const char *message, const struct error *err,
               const char *fields, ...)
{
    if (level > setup.max_level)
        return;
    char tail[3584] = "";
    size_t used = 0;
    if (fields) {
        va_list args;
        va_start(args, fields);
        vsnprintf(tail, 1024, fields, args);
        va_end(args);
        used = strlen(tail);
        tail[used++] = ' ';
    }
    used += (size_t)snprintf(tail + used, sizeof tail - used, "err=%s", LOG_QUOTE(err->message));
    if (err->detail[0])
        used += (size_t)snprintf(tail + used, sizeof tail - used, " detail=%s",
                                 LOG_QUOTE(err->detail));
    if (err->hint[0])
        snprintf(tail + used, sizeof tail - used, " hint=%s", LOG_QUOTE(err->hint));
    line_write(level, message, tail);
}
