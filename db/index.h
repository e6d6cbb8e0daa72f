/* Received objects become rows. db/ knows no DICOM: the caller copies the fields over.
 *
 * Rules: an object is known by its SOP Instance UID. The same data set again is 'identical' and
 * changes nothing. Other bytes under a known UID are a 'variant': recorded, never in place of
 * the first. What axnode sent or made itself is 'own'. None of these three starts or reopens a
 * study. An input that no job of the study knows opens the study again: its next generation
 * follows when it is quiet; so does a final report that states clinical values, and only it: the
 * others are there when something else opens the study. An object whose file was removed and that is received again has its
 * file again; it opens a study that failed for want of it. Objects of two patients under one
 * study UID: the study is held in state failed, with the reason, until a person retries it. */
#ifndef AXNODE_DB_INDEX_H
#define AXNODE_DB_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

enum index_kind {
    INDEX_KIND_INPUT,  /* to be analysed */
    INDEX_KIND_REPORT, /* states clinical values: goes with the inputs, is none by itself */
    INDEX_KIND_OTHER, /* kept and shown, not analysed: does not reopen a study */
};

/* Texts are UTF-8; NULL counts as "". */
struct index_object {
    const char *key; /* the store's */
    const char *sop_instance_uid, *sop_class_uid, *transfer_syntax_uid;
    const char *study_instance_uid, *series_instance_uid;
    const char *dataset_sha256; /* hex, of the data set's bytes */
    const char *content_sha256; /* hex, whatever the encoding; "" when not computed */
    enum index_kind kind;
    bool own; /* its equipment is axnode */
    bool final; /* of a report: verified, so that it reopens a study that was analysed */
    const char *modality;
    const char *patient_id, *patient_id_issuer, *patient_name, *patient_birth_date, *patient_sex;
    const char *accession_number, *study_date, *study_time, *study_description;
    const char *series_description, *body_part_examined;
    int series_number, instance_number;
    int rows, columns, frames;
    const char *calling_ae, *called_ae, *peer_address, *association;
    int64_t received_us;
};

enum index_outcome {
    INDEX_NEW,
    INDEX_IDENTICAL,
    INDEX_VARIANT,
    INDEX_OWN,
    INDEX_MIXED,   /* recorded, but it names another patient than its study's first object */
    INDEX_REFUSED, /* the database does not take a value; recorded as unreadable */
};
const char *index_outcome_name(enum index_outcome outcome);

struct index_answer {
    enum index_outcome outcome;
    bool reopened;    /* its study had a generation already and opens the next */
    char reason[160]; /* for INDEX_REFUSED; no patient data */
};

/* `count` objects in one transaction: all are recorded, or none and an error. Every object has
 * its row (or its line among the unreadable) when this returns 0: the files may move on. */
int index_add(struct db *db, const struct index_object *objects, size_t count,
              struct index_answer *ret_answers, struct error *err);

/* A file that cannot be read as an object, so that it stays accounted for. Repeats are fine. */
int index_unreadable(struct db *db, const char *key, const char *reason, struct error *err);

#endif
