/* One stored study in, one result out. Knows no queue and no network: `axnode analyze` and the
 * worker call the same function. */
#ifndef AXNODE_PIPELINE_PIPELINE_H
#define AXNODE_PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/uid.h"
#include "dicom/reader.h"
#include "model/package/package.h"
#include "report/report.h"

struct word_reader; /* image/words.h */

enum { PIPELINE_PACKAGES_MAX = 5 }; /* in one report */

/* What a study is scored with. Borrowed. */
struct pipeline_package {
    const struct package *package;
    const struct package_nets *nets;
};

/* A file of the study. */
struct pipeline_object {
    const char *path;                      /* borrowed */
    char dataset_digest[DIGEST_TEXT_SIZE]; /* SHA-256 of the data set's bytes, hexadecimal */
};

struct pipeline_settings {
    struct dicom_limits limits;
    int frames_max;          /* pictures that are outlined, at most; more are noted */
    const char *uid_namespace; /* "service" or "analyze" */
    struct word_reader *words; /* borrowed; NULL: words on the screen are not read */
    bool score_bilateral;      /* a risk, for each side by itself, with tumours on both sides */
    bool score_multifocal;     /* a risk with tumours at different places of one breast */
    unsigned objects;          /* set of enum report_kind to be made beside the usual */
    bool pictures, html;       /* the first page and heat maps as PNGs, the report as an HTML page,
                                  beside the objects, which they do not change */
};

struct pipeline_job {
    const struct pipeline_object *objects; /* borrowed; all objects of the study's set */
    size_t object_count;
    int generation;          /* from 1 */
    int64_t created_us;      /* the date that objects carry */
    char predecessor_sr_uid[UID_SIZE]; /* "" for generation 1 */
    /* Its segmentations that still exist, with their files' digests: regions that match keep their
     * tracking identifiers (report/identity.h). */
    const struct pipeline_object *predecessor_segs; /* borrowed */
    size_t predecessor_seg_count;
    /* What was imported for the patient; those of other patients and studies are passed over. */
    const struct clinical_record *clinical; /* borrowed */
    size_t clinical_count;
};

enum pipeline_outcome {
    PIPELINE_RISK,           /* report with a risk */
    PIPELINE_NO_RISK,        /* report with measurements and the reasons why there is no risk */
    PIPELINE_NOT_APPLICABLE, /* nothing to report on: `reason` says why; no objects */
};
const char *pipeline_outcome_name(enum pipeline_outcome outcome);

struct pipeline_result {
    enum pipeline_outcome outcome;
    char reason[512];        /* plain words; "" with a risk */
    double risk;             /* 0 to 1, valid with PIPELINE_RISK */
    struct report_object objects[REPORT_OBJECTS_MAX]; /* files written to the folder */
    int object_count;
    char *json;              /* owned; result.json's text */
    struct feature_list features; /* owned: all features of both regions */
    char content_digest[DIGEST_TEXT_SIZE]; /* of all that can change the objects (rule 4) */
    char package_name[65], package_version[65], package_digest[DIGEST_TEXT_SIZE];
    char settings_digest[DIGEST_TEXT_SIZE]; /* of the settings among all that */
};
void pipeline_result_release(struct pipeline_result *result);

/* 512 MiB objects, 64 pictures, namespace "analyze", no words, no risk for bilateral or multifocal
 * disease. */
struct pipeline_settings pipeline_settings_default(void);

/* The reader of words for pipeline_settings.words: NULL, and no failure, where Tesseract's data are
 * not installed; reports then say that words were not read. The caller closes it; NULL is fine. */
int pipeline_words_open(struct word_reader **ret_words, struct error *err);
void pipeline_words_close(struct word_reader *words);

/* Write all outgoing objects and pictures of one study into `folder` (exists, empty).
 * A result of any outcome is 0; negative is a failure worth another attempt, or STATUS_INVALID
 * and STATUS_UNSUPPORTED for input that will fail again. */
int pipeline_run(const struct pipeline_settings *settings, const struct package *package,
                 const struct package_nets *nets, const struct pipeline_job *job,
                 const char *folder, struct pipeline_result *ret_result, struct error *err);

/* The same with 1 to PIPELINE_PACKAGES_MAX packages: one report. Each looks at the study by itself,
 * with its own networks, and is scored by its own rules. The first that applies to the study leads: the
 * outlines, measurements and pictures are its own, and ret_results[0] with the objects is its result.
 * The others follow in their order, without objects; their scores stand in the report beside it, with
 * words where their outlines are not those that the report shows. What contradicts itself on side or
 * patient for one withdraws the risk of all; a package that cannot be run on this study (STATUS_INVALID,
 * STATUS_UNSUPPORTED, STATUS_LIMIT of any but the first) has no risk, in words. */
int pipeline_run_several(const struct pipeline_settings *settings,
                         const struct pipeline_package *packages, size_t count,
                         const struct pipeline_job *job, const char *folder,
                         struct pipeline_result *ret_results, struct error *err);

#endif
