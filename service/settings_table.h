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
    SETTING_PACKAGES, /* list of NAME@VERSION: packages.report, packages.shadow */
    SETTING_UIDS,     /* list of UIDs: receiver.transfer_syntaxes */
    SETTING_SERIES,   /* list of MODALITY or 'MODALITY words': peers[].required_series */
    SETTING_SOURCES,  /* list of hosts, addresses and networks: const char ** and size_t */
    SETTING_FINGERPRINT, /* const char *, 64 hex digits; colons in the file are left out */
    SETTING_PROFILE,  /* int, enum settings_tls_profile; the file has its name */
    SETTING_OBJECTS,  /* list of settings_object_names: a bool each from `offset` on */
    SETTING_MAY,      /* list of echo, store, commit: likewise */
    SETTING_COMMITMENT, /* int, enum settings_commitment; the file has its name */
    SETTING_CALLERS,  /* list of AE titles: const char ** and size_t of a route */
    SETTING_TO,       /* list of destinations: the bools of a route */
    SETTING_PEERS,    /* list of mappings, each as its setting_items say */
    SETTING_DESTINATIONS, /* likewise */
    SETTING_ROUTES,   /* likewise */
};

struct setting {
    const char *name;     /* dotted path in the file */
    enum setting_type type;
    double min, max;      /* of numbers, as the file has them */
    const char *standard; /* default as the file has it; NULL: must be set; "": may be absent */
    const char *example;  /* for the sample file when there is no default */
    bool reloadable;      /* takes effect on SIGHUP; else after a restart */
    size_t offset;        /* in struct settings, or in the item's struct */
    const char *help;
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;

/* A setting that is a list of mappings: an array in struct settings with the number of items. */
struct setting_items {
    enum setting_type type;
    const struct setting *table; /* keys of one item; the first is its name, unlike any other's */
    size_t table_count;
    size_t item_size, max;
    size_t offset, count_offset; /* of array and number in struct settings */
};
/* NULL for a setting of another type. */
const struct setting_items *setting_items_find(enum setting_type type);

#endif
