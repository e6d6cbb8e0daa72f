/* DICOM files sorted into the studies they belong to. */
#ifndef AXNODE_CLI_STUDIES_H
#define AXNODE_CLI_STUDIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/uid.h"
#include "cli/files.h"
#include "dicom/reader.h"
#include "pipeline/pipeline.h"

struct study_file {
    const char *path;
    char study_uid[UID_SIZE], sop_uid[UID_SIZE];
    char dataset_digest[DIGEST_TEXT_SIZE];
    int64_t study_us; /* Study Date and Time; 0 when missing or malformed */
};

/* A file that takes no part, and why. */
struct passed_over {
    const char *path, *reason;
    bool unreadable; /* else readable, but of no use: our own object, the same object again */
};

struct studies {
    struct study_file *files; /* by study, then SOP Instance UID; each object once */
    size_t file_count;
    struct passed_over *passed_over;
    size_t passed_over_count;
};

/* All arrays live in the arena. */
int studies_read(const struct file_list *list, const struct dicom_limits *limits,
                 struct arena *arena, struct studies *ret_studies, struct error *err);
/* Files of the study that begins at `first`; at least 1. */
size_t studies_span(const struct studies *studies, size_t first);
/* Newest Study Date and Time of a span: the date its results carry, so that the same files give
 * the same bytes. 1970-01-01 when no file has one. */
int64_t studies_date(const struct studies *studies, size_t first, size_t count);

#endif
