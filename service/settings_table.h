/* The settings table: private to service/settings*.c and their test. */
#ifndef AXNODE_SERVICE_SETTINGS_TABLE_H
#define AXNODE_SERVICE_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum setting_type {
    SETTING_TEXT,     /* const char * */
    SETTING_PATH,     /* const char *, absolute */
    SETTING_AE_TITLE, /* const char *, 1 to 16 characters as DICOM's AE has them */
    SETTING_HOST,     /* const char *, host name or address */
    SETTING_ADDRESS,  /* const char *, numeric IPv4 or IPv6 address */
    SETTING_NAME,     /* const char *, letters, digits, '-', '_' and '.' */
    SETTING_INT,      /* int */
    SETTING_COUNT,    /* int64_t, whole number */
    SETTING_SECONDS,  /* int64_t of microseconds; the file has seconds, fractions allowed */
    SETTING_DAYS,     /* int64_t of microseconds; the file has days, fractions allowed */
    SETTING_BOOL,     /* bool */
    SETTING_LEVEL,    /* int, enum log_level; the file has its name */
    SETTING_PATHS,    /* list of absolute paths: packages.trusted_keys */
    SETTING_PACKAGES, /* list of NAME@VERSION: packages.shadow */
    SETTING_OBJECTS,  /* list of sr, seg, sc: three bools from `offset` on */
    SETTING_DESTINATIONS, /* list of mappings, each as destination_table says */
};

struct setting {
    const char *name;     /* dotted path in the file */
    enum setting_type type;
    double min, max;      /* of numbers, as the file has them */
    const char *standard; /* default as the file has it; NULL: must be set; "": may be absent */
    const char *example;  /* for the sample file when there is no default */
    bool reloadable;      /* takes effect on SIGHUP; else after a restart */
    size_t offset;        /* in struct settings or struct settings_destination */
    const char *help;
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;
extern const struct setting destination_table[];
extern const size_t destination_table_count;

#endif
