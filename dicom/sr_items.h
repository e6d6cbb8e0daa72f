/* The content tree of a structured report as a flat list: what is needed to find what a report of
 * somebody else states. */
#ifndef AXNODE_DICOM_SR_ITEMS_H
#define AXNODE_DICOM_SR_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "dicom/reader.h"

enum { SR_ITEMS_MAX = 10000, SR_DEPTH_MAX = 32 };

enum sr_item_type { SR_ITEM_CONTAINER, SR_ITEM_CODE, SR_ITEM_NUMBER, SR_ITEM_OTHER };

struct sr_item {
    int parent;                /* index in the list, always smaller; -1: the root */
    enum sr_item_type type;
    bool context;              /* HAS OBS CONTEXT: says something of its parent's subject */
    bool modifier;             /* HAS CONCEPT MOD: changes what its parent means */
    struct dicom_code name;    /* the concept; value "" when there is none */
    struct dicom_code value;   /* of a code; of a number its unit */
    double number;             /* finite; NaN when it is none */
    char observed[9];          /* date of its observation, "20260131"; "" when it states none */
};

struct sr_items {
    struct sr_item *items; /* in the arena; parents before children */
    size_t count;
    bool final;            /* verified, complete and not preliminary */
    char content_date[9];  /* "20260131"; "" when there is none */
};

/* STATUS_INVALID: not a readable file; STATUS_LIMIT: larger than a bound above; STATUS_NOMEM. */
int sr_items_read(const char *path, const struct dicom_limits *limits, struct arena *arena,
                  struct sr_items *ret_items, struct error *err);

#endif
