/* Writes a tree of content items as a Comprehensive 3D SR or a Key Object Selection. Knows DICOM,
 * not medicine: which items stand where is the caller's. */
#ifndef AXNODE_DICOM_SR_H
#define AXNODE_DICOM_SR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "dicom/object.h"

#define SR_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.88.34"
#define KO_SOP_CLASS_UID "1.2.840.10008.5.1.4.1.1.88.59"

enum sr_relation {
    SR_CONTAINS, /* also for the root, which has none */
    SR_HAS_OBS_CONTEXT,
    SR_HAS_CONCEPT_MOD,
    SR_HAS_ACQ_CONTEXT,
    SR_HAS_PROPERTIES,
    SR_INFERRED_FROM,
    SR_SELECTED_FROM,
};

enum sr_type {
    SR_CONTAINER,
    SR_CODE,
    SR_TEXT,
    SR_UIDREF,
    SR_NUM,
    SR_IMAGE,
    SR_SCOORD,
    SR_REFERENCE, /* a relationship by reference: `target`, and no name of its own */
};

struct sr_node {
    enum sr_relation relation; /* to the parent */
    enum sr_type type;
    struct dicom_concept name;
    const char *template_id;      /* SR_CONTAINER: DCMR template, or NULL */
    struct dicom_concept code;    /* SR_CODE: the value; SR_NUM: the unit */
    const char *text;             /* SR_TEXT (at most 4096 characters are written), SR_UIDREF;
                                     SR_NUM: the number in the digits that readers see */
    double number;                /* SR_NUM: the number itself; finite. Written beside the digits
                                     as Floating Point Value (0040,A161) */
    struct dicom_reference image; /* SR_IMAGE */
    const float *points;          /* SR_SCOORD: x, y of a polyline, pixel edges as PS3.3 C.18.6 */
    size_t point_count;
    const struct sr_node *target; /* SR_REFERENCE: an item that comes before this one */
    struct sr_node *first_child, *last_child, *next; /* borrowed */
};

struct sr_document {
    struct dicom_object object;
    bool key_objects;                       /* a Key Object Selection: no predecessor, no flags */
    const struct sr_node *root;             /* SR_CONTAINER */
    const struct dicom_reference *evidence; /* every object the tree refers to or rests upon */
    size_t evidence_count;
    /* The report that this one replaces; UIDs NULL when there is none. */
    const char *predecessor_uid, *predecessor_series_uid;
    const char *completion_text; /* Completion Flag Description */
};

/* STATUS_INVALID: unreadable source or a tree that the IOD does not allow; STATUS_IO. */
int sr_write(const struct sr_document *document, const char *path, struct error *err);

#endif
