/* What the parts of one pipeline run share: reading (read.c), outlining (find.c), scoring
 * (assess.c) and composing (compose.c), in this order. */
#ifndef AXNODE_PIPELINE_RUN_H
#define AXNODE_PIPELINE_RUN_H

#include "base/arena.h"
#include "pipeline/classify.h"
#include "pipeline/look.h"
#include "pipeline/pipeline.h"
#include "pipeline/select.h"

enum { NOTES_MAX = 32, FRAMES_PER_OBJECT_MAX = 8, SIDES = 3 /* enum side */ };

/* One ultrasound object of the study. */
struct study_image {
    const struct pipeline_object *object;
    struct dicom_instance *header;
    struct image_class class;
    const struct sight *sight; /* of the first frame looked at; NULL: none was */
    bool tumour_found;         /* an outline on one of its frames */
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
    struct selection selection;
    struct candidate *chosen[ROI_COUNT];
    int frames_outlined;
    int frames_decoded;
    const char *notes[NOTES_MAX];
    size_t note_count;
    struct score score;
    uint8_t content_digest[DIGEST_SIZE];
};

/* A quality note for the report; the same words stand once. */
void run_note(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message about a file, without its name: readers of reports know no files. */
const char *without_path(const char *message, const char *path);

/* Headers of all objects. What is no ultrasound picture is left out; `ret_reason` then tells why
 * nothing remains. */
int run_read(struct run *run, char *ret_reason, size_t reason_size, struct error *err);
/* Look at every picture, decide what it shows, outline it, keep the best. */
int run_find(struct run *run, struct error *err);
/* Choose, take features, score, note what a reader is to check. */
int run_assess(struct run *run, struct error *err);
/* Whether a picture of the role is there, found or not. */
bool run_has_role(const struct run *run, enum roi roi);
/* The side of a role: of the region that was chosen, or, where nothing was found, of the pictures
 * when they agree. */
enum side run_role_side(const struct run *run, enum roi roi);
/* Identity: rule 4 of the design. */
int run_digest(struct run *run, struct error *err);
/* Write the objects and result.json's text. */
int run_compose(struct run *run, const char *folder, struct pipeline_result *result,
                struct error *err);

#endif
