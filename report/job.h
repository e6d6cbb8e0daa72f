/* Inside report_write: one report being written, and what its objects have in common. */
#ifndef AXNODE_REPORT_JOB_H
#define AXNODE_REPORT_JOB_H

#include "base/arena.h"
#include "base/error.h"
#include "dicom/object.h"
#include "report/identity.h"
#include "report/report.h"

/* Series numbers; an object of its kind's second file counts on. */
enum {
    SERIES_SR = 9001,
    SERIES_SC = 9002,
    SERIES_SEG = 9003,
    SERIES_SEG_OHIF = 9005,
    SERIES_PR = 9007,
    SERIES_KO = 9009,
    SERIES_PDF = 9010,
};

struct job {
    const struct report_input *input;
    const char *folder;
    struct report_object *objects; /* REPORT_OBJECTS_MAX */
    int count;
    struct region_identity identities[ROI_COUNT];
    struct arena arena;
};

/* Where an object goes and what it is called. */
struct target {
    struct report_object object;
    char series_uid[UID_SIZE];
    char path[4096];
};

/* `name` is the object's purpose and, with ".dcm", its file name. */
int job_target(const struct job *job, enum report_kind kind, const char *name,
               const char *sop_class_uid, struct target *ret_target, struct error *err);
/* The file is written: take its digest and list it. */
int job_done(struct job *job, struct target *target, struct error *err);
/* FOLDER/NAME. STATUS_INVALID: too long. */
int job_path(const struct job *job, const char *name, char out[4096], struct error *err);
/* What every object says of itself. Texts are borrowed. */
struct dicom_object job_describe(const struct job *job, const struct target *target, int series,
                                 const char *description);
/* The image whose patient and study the objects share: one that was used, if any. */
const struct report_image *job_main_image(const struct report_input *input);
/* Each object has a series of its own (report.h). */
void job_series_uid(const char *sop_instance_uid, char out[UID_SIZE]);

/* ---- kinds of objects with files of their own ---- */

/* One segmentation for each size of picture; `kind` REPORT_SEG, or REPORT_SEG_OHIF with geometry, for
 * regions with a calibration alone. None without a region. */
int job_write_segmentations(struct job *job, enum report_kind kind, struct error *err);
/* The pages as Secondary Captures (report/picture.h), and as one Encapsulated PDF. */
int job_write_pages(struct job *job, struct error *err);
int job_write_pdf(struct job *job, struct error *err);
/* Where they are wanted the first page and the heat maps as PNGs, and the HTML page, beside the
 * objects, which have been written. */
int job_write_pictures(const struct job *job, struct error *err);
/* One presentation state for each image that was used. */
int job_write_presentations(struct job *job, struct error *err);

#endif
