/* Clinical findings that a structured report of somebody else states in codes. Exact codes alone
 * count (docs/operator-guide.md, "Clinical values", lists them); text is never interpreted.
 *
 * Left out: what is quoted or taken over from an earlier examination, what speaks of another
 * subject than the patient, what a modifier qualifies, and of assessment categories those of single
 * findings where the report has an overall one for that side. */
#ifndef AXNODE_DICOM_REPORTED_H
#define AXNODE_DICOM_REPORTED_H

#include <stdbool.h>

#include "base/error.h"
#include "dicom/reader.h"
#include "dicom/sr_items.h"

enum { REPORTED_MAX = 64 };

struct reported_value {
    const char *name; /* "bi_rads", "us_node_status" …; static */
    const char *code; /* "4A", "suspicious" …; static; NULL: a number */
    double number;    /* mm or % */
    char side;        /* 'L', 'R'; 0: not stated, both, or contradictory */
    char observed[9]; /* of its observation, or else of the report's content; "" without */
};

struct reported {
    bool final; /* verified, complete and not preliminary: else nobody stands for it */
    struct reported_value values[REPORTED_MAX];
    int count;
};

/* Whether objects of this class may state clinical findings: Basic Text, Enhanced, Comprehensive,
 * Comprehensive 3D and Extensible SR. */
bool reported_class(const char *sop_class_uid);

/* Fails for lack of memory alone; the arena holds what is needed on the way. */
int reported_of(const struct sr_items *items, struct arena *arena, struct reported *ret_reported,
                struct error *err);
/* The same of a file, which must not be one of our own. As sr_items_read. */
int reported_read(const char *path, const struct dicom_limits *limits,
                  struct reported *ret_reported, struct error *err);

#endif
