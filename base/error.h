/* Errors: a status as return value, and a message in memory that the caller owns.
 *
 * A fallible function returns 0 (STATUS_OK) or a negative enum status. Outputs are named ret_x
 * and stay untouched on failure. `struct error *` is the last argument, may be NULL, and never
 * allocates. A message says what failed, the kind and name of the object, and the reason;
 * it never holds patient data. */
#ifndef AXNODE_BASE_ERROR_H
#define AXNODE_BASE_ERROR_H

#include <stdarg.h>

enum status {
    STATUS_OK = 0,
    STATUS_INVALID = -1,     /* input breaks its rules: file, message, setting, argument */
    STATUS_NOT_FOUND = -2,
    STATUS_IO = -3,          /* the operating system refused */
    STATUS_NOMEM = -4,
    STATUS_LIMIT = -5,       /* larger than a limit of ours */
    STATUS_UNSUPPORTED = -6, /* well-formed, but nothing here can handle it */
    STATUS_CONFLICT = -7,    /* exists with other content, or a fence token no longer matches */
    STATUS_UNAVAILABLE = -8, /* peer or database cannot be reached now: try later */
    STATUS_INTERNAL = -9,    /* a fault in this program or a library */
};

struct error {
    int status; /* enum status of the last error set here; 0 when none was */
    char message[512];
    char detail[512]; /* more for the curious: library text, position */
    char hint[256];   /* what a person can do about it */
};

/* Set the message, clear detail and hint, return `status`, so that callers write
 * `return error_set(err, STATUS_IO, "cannot open …", …)`. `err` may be NULL. */
int error_set(struct error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As error_set, with ": " and the text of errno value `errnum` behind the message. */
int error_set_errno(struct error *err, int status, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void error_detail(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Put "context: " before the message; status, detail and hint stay. Returns the status. */
int error_prefix(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A word for a status: "invalid", "not found", … Static storage. */
const char *status_name(int status);

#endif
