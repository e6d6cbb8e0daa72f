/* What Orthanc remembers of a study for us: one JSON text in the study's metadata. It says how far
 * the study's analysis has come, so that each set of images is reported once, whenever Orthanc
 * ends in between. */
#ifndef AXNODE_PLUGIN_RECORD_H
#define AXNODE_PLUGIN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/uid.h"

enum { RECORD_OBJECTS_MAX = 16 };

enum record_state {
    RECORD_NONE,
    RECORD_RUNNING,   /* an attempt is under way, or waits for its next try */
    RECORD_STORING,   /* the attempt's objects are made and being stored */
    RECORD_FORWARDED, /* axnoded has the images; its report has not come yet */
    RECORD_DONE,
    RECORD_FAILED,    /* not tried again before the images change or a person asks */
};
const char *record_state_name(enum record_state state);

struct record_object {
    char kind[16]; /* report_kind_name */
    char sop_instance_uid[UID_SIZE];
};

/* One generation of a study's report. */
struct record_report {
    int generation;                 /* from 1; 0: there is none */
    char set[DIGEST_TEXT_SIZE];     /* image_set_digest of its images */
    int64_t created_us;             /* the date its objects carry, the same at every attempt */
    int64_t took_us;                /* the pipeline's own time */
    char outcome[24];               /* pipeline_outcome_name, or "" */
    char reason[512];
    struct record_object objects[RECORD_OBJECTS_MAX]; /* that are, or are to be, in Orthanc */
    size_t object_count;
};

struct record {
    enum record_state state;
    struct record_report last; /* the last one that is complete */
    struct record_report next; /* RECORD_RUNNING, RECORD_STORING: the one under way */
    int attempts;              /* at `next` that failed; Orthanc's own end is no failure */
    bool again;                /* though the images are the same: a person wants it */
    char failed_set[DIGEST_TEXT_SIZE]; /* images that failed; "": none */
    char reason[512];          /* why the last attempt failed, or the study did */
};

/* A text that is no record of ours is STATUS_INVALID. */
int record_parse(const char *text, struct record *ret_record, struct error *err);
/* The caller frees the text; NULL: out of memory. */
char *record_print(const struct record *record);

/* What is to be done with a study whose images are `set`. */
enum record_step {
    RECORD_NOTHING, /* these images are reported on, or failed */
    RECORD_BEGIN,   /* record->next is new */
    RECORD_RESUME,  /* record->next was under way before */
};
/* `complete`: every object of record->next is in Orthanc; it then counts as the last report.
 * Changes the record accordingly; it is to be written before the step is taken. */
enum record_step record_step(struct record *record, const char *set, bool complete,
                             int64_t now_us);
/* The report under way is stored; or has failed for good. */
void record_succeed(struct record *record);
void record_fail(struct record *record, const char *reason);

#endif
