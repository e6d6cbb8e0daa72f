/* What the parts of one pipeline run share: reading (read.c), outlining (find.c), scoring
 * (assess.c; what is known beside the pictures: clinical.c) and composing (compose.c), in this
 * order. Of several packages each has a run of its own (beside.c); one report is composed of them. */
#ifndef AXNODE_PIPELINE_RUN_H
#define AXNODE_PIPELINE_RUN_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "model/score/score.h"
#include "pipeline/classify.h"
#include "pipeline/look.h"
#include "pipeline/pipeline.h"
#include "pipeline/select.h"

enum {
    NOTES_MAX = 32,
    FRAMES_PER_OBJECT_MAX = 8,
    SIDES = 3, /* enum side */
    PREVIOUS_MAX = 8, /* segmentations of one report */
};

/* One ultrasound object of the study. */
struct study_image {
    const struct pipeline_object *object;
    struct dicom_instance *header;
    struct image_class class;
    const struct sight *sight; /* of the first frame looked at; NULL: none was */
    bool tumour_found;         /* an outline on one of its frames */
};

/* A structured report of somebody else in the study. */
struct study_report {
    const struct pipeline_object *object;
    const struct dicom_instance *header;
};

struct clinical_values {
    struct clinical_value *items; /* in the run's arena */
    size_t count;
};

/* What was chosen for one side. Arrays in the run's arena. */
struct clinical_pick {
    enum side side;
    struct clinical_values values;     /* with our own measurements of that side */
    struct clinical_choice *inputs;    /* as the package's clinical inputs */
    struct clinical_choice *criteria;  /* as its population */
    struct evidence *evidence;         /* likewise */
};

/* Everything one run holds; released in one place. */
struct run {
    const struct pipeline_settings *settings;
    const struct package *package;
    const struct package_nets *nets;
    const struct pipeline_job *job;
    struct arena arena;
    struct study_image *images; /* in the order of series, instance number and UID */
    size_t image_count;
    struct study_report *reports;
    size_t report_count;
    struct clinical_study study;
    struct clinical_values clinical; /* that the package asks for, without our measurements */
    struct clinical_pick pick;       /* of the side that the report is about */
    struct selection selection;
    struct candidate *chosen[ROI_COUNT];
    int frames_outlined;
    int frames_decoded;
    const char *notes[NOTES_MAX];
    size_t note_count;
    struct score score;
    char reason[512]; /* why the package does not apply to the study; "": it does */
    struct seg_outline *previous; /* owned: outlines of the report that this one replaces */
    size_t previous_count;
    const char *previous_digests[PREVIOUS_MAX]; /* of the files that could be read */
    size_t previous_digest_count;
    uint8_t content_digest[DIGEST_SIZE];
};

/* A quality note for the report; the same words stand once. */
void run_note(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message about a file, without its name: readers of reports know no files. */
const char *without_path(const char *message, const char *path);

/* Headers of all objects. What is no ultrasound picture is left out; `ret_reason` then tells why
 * nothing remains. */
int run_read(struct run *run, char *ret_reason, size_t reason_size, struct error *err);
/* Patient, date and clinical values, from images, reports and the job. There is an image. */
int run_clinical_gather(struct run *run, struct error *err);
/* What of the values can change the objects beside the study's own objects. */
int run_clinical_digest(struct run *run, struct digest *digest, struct error *err);
/* The values that count for a pair of regions. */
int run_clinical_choose(struct run *run, struct candidate *const pair[ROI_COUNT],
                        const enum side sides[ROI_COUNT], struct clinical_pick *ret_pick,
                        struct error *err);
/* Notes on stand-ins, of run->pick. */
void run_clinical_note(struct run *run);
/* `clinical` and `eligibility` of result.json. */
void run_clinical_json(const struct run *run, cJSON *root);
/* Look at every picture, decide what it shows, outline it, keep the best. */
int run_find(struct run *run, struct error *err);
/* Choose, take features, score, note what a reader is to check. */
int run_assess(struct run *run, struct error *err);
/* The side that the run's report is about. */
enum side run_side(const struct run *run);
/* Whether a picture of the role is there, found or not. */
bool run_has_role(const struct run *run, enum roi roi);
/* The side of a role: of the region that was chosen, or, where nothing was found, of the pictures
 * when they agree. */
enum side run_role_side(const struct run *run, enum roi roi);
/* The outlines of the predecessor. What cannot be read is noted. STATUS_NOMEM. */
int run_previous(struct run *run, struct error *err);

/* ---- several packages; runs[0] leads ---- */

/* Between finding and assessing: an image that contradicts itself for one does so for all. */
void run_share_contradictions(struct run *const *runs, size_t count);
/* After assessing: no risk of another side than the report's. */
void run_refuse_other_side(const struct run *leading, struct run *other);
/* Last: the notes of `other` become what stands beside the leading one's: outlines that are not those
 * shown, then what only this run has to say. */
void run_note_beside(const struct run *leading, struct run *other);

/* Identity: rule 4 of the design. Into runs[0]->content_digest. */
int run_digest(struct run *const *runs, size_t count, struct error *err);
/* Write the objects, with results[0], and each one's result.json. */
int run_compose(struct run *const *runs, size_t count, const char *folder,
                struct pipeline_result *results, struct error *err);

#endif
