/* Log lines in logfmt on stderr, one write(2) each. Only service/ and cli/ call these.
 * Never patient data: ids of associations, jobs, objects and study digests only.
 *
 * log_event(LOG_INFO, "object stored", "assoc=%s bytes=%zu", id, n) prints
 *   <6>ts=2026-01-02T03:04:05.678Z level=info role=receiver pid=12 msg="object stored" assoc=… bytes=…
 * The "<6>" syslog prefix appears only when log_setup was told that the journal reads us. */
#ifndef AXNODE_BASE_LOG_H
#define AXNODE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

/* role: static string, copied. journal: prefix each line with its syslog priority. */
void log_setup(const char *role, enum log_level max_level, bool journal);
/* `fields` is a printf format of ready logfmt pairs, or NULL. Values that may hold spaces or
 * come from outside go through LOG_QUOTE. */
void log_event(enum log_level level, const char *message, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));
/* One line with an error's message, detail and hint, quoted. */
void log_error(enum log_level level, const char *message, const struct error *err,
               const char *fields, ...) __attribute__((format(printf, 4, 5)));

/* Quote for logfmt: "…" with \" \\ escaped and control bytes as \xNN. Returns `out`. */
const char *log_quote(char *out, size_t size, const char *value);
#define LOG_QUOTE(value) log_quote((char[520]){0}, 520, (value))

#endif
