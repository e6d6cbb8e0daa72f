/* A study in Orthanc: its images, our own objects in it, and our record of it. */
#ifndef AXNODE_PLUGIN_STUDY_H
#define AXNODE_PLUGIN_STUDY_H

#include "base/arena.h"
#include "plugin/image_set.h"
#include "plugin/orthanc.h"
#include "plugin/queue.h"
#include "plugin/record.h"

/* Where Orthanc keeps what is ours: numbers of metadata and attachments (1024 to 65535 are for
 * users), and of the global property. */
enum {
    STUDY_RECORD = 5310,  /* metadata: record_print */
    STUDY_ASKED = 5311,   /* metadata: "analyze" or "again", until it is begun */
    STUDY_RESULT = 5310,  /* attachment: result.json of the last report */
    STUDY_PAGE = 5311,    /* attachment: report.html likewise */
    STUDY_CURSOR = 5310,  /* global property: the change up to which everything is done */
};

struct study_instance {
    char id[ORTHANC_ID_SIZE];
    bool report; /* own objects: a structured report */
    char sop_instance_uid[UID_SIZE];
};

struct study {
    bool stable;
    bool ambiguous; /* another patient has a study of the same Study Instance UID */
    struct study_instance *images; /* what the pipeline reads, but our own; in the arena */
    size_t image_count;
    size_t ultrasound_count; /* among them */
    struct study_instance *own; /* objects of axnode's, whoever brought them */
    size_t own_count;
    char set[DIGEST_TEXT_SIZE]; /* image_set_digest */
};

/* STATUS_NOT_FOUND: Orthanc does not have it (any more). */
int study_read(OrthancPluginContext *orthanc, const char *id, struct arena *arena,
               struct study *ret_study, struct error *err);

/* One of state RECORD_NONE where there is none, or what is there makes no sense. */
int study_record_read(OrthancPluginContext *orthanc, const char *id, struct record *ret_record,
                      struct error *err);
int study_record_write(OrthancPluginContext *orthanc, const char *id, const struct record *record,
                       struct error *err);

/* Whether a person has asked for it: `ret_again`, though nothing has changed. */
int study_asked(OrthancPluginContext *orthanc, const char *id, bool *ret_asked, bool *ret_again,
                struct error *err);
int study_ask(OrthancPluginContext *orthanc, const char *id, bool again, struct error *err);
int study_asked_clear(OrthancPluginContext *orthanc, const char *id, struct error *err);

#endif
