/* Findings to what a radiologist reads: DICOM SR, SEG and Secondary Capture, a picture, JSON,
 * plain text. Same input, same bytes: every UID derives from `content_digest`, every date from
 * `created_us`; no clock, no random numbers.
 *
 * UIDs: an object's SOP Instance UID is uid_derive(content_digest, "sr" | "seg" | "seg-2" …| "sc" | "pr" …).
 * Each object has a series of its own, whose UID derives from the SHA-256 of its SOP Instance
 * UID: so a report knows the series of the report it replaces. */
#ifndef AXNODE_REPORT_REPORT_H
#define AXNODE_REPORT_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/uid.h"
#include "dicom/reader.h"
#include "dicom/seg_read.h"
#include "image/image.h"
#include "model/clinical.h"
#include "model/findings.h"
#include "model/package/package.h"
#include "model/score/score.h"

enum { REPORT_OBJECTS_MAX = 24, REPORT_IMAGES_MAX = 4096, REPORT_OTHERS_MAX = 4 };

/* The kinds of objects, as bits of a set. report_kind_name: what `kind` and the settings call it. */
enum report_kind {
    REPORT_SR = 1,
    REPORT_SEG = 2,
    REPORT_SC = 4,
    REPORT_PR = 8,
    REPORT_KO = 16,
    REPORT_PDF = 32,
    REPORT_SEG_OHIF = 64, /* a segmentation with geometry (dicom/seg.h) beside the other */
    REPORT_USUAL = REPORT_SR | REPORT_SEG | REPORT_SC,
};
/* "sr", "seg", "sc", "pr", "ko", "pdf", "seg-ohif" for one bit; "" for anything else. Static storage. */
const char *report_kind_name(enum report_kind kind);
/* The bit of that name; 0: there is none. */
unsigned report_kind_find(const char *name);

/* The first page as a PNG, without patient identification; not a DICOM object. */
#define REPORT_OVERLAY_NAME "overlay.png"
/* The report as a page for a browser (report/html.h); not a DICOM object. */
#define REPORT_HTML_NAME "report.html"
/* What the deep networks saw of a region and what of it counted (report/heat.h), with the region's
 * name. Written with a risk alone. */
#define REPORT_HEAT_MAP_NAME "heatmap-%s.png"

/* One DICOM file that report_write made. */
struct report_object {
    char kind[16]; /* report_kind_name */
    char sop_class_uid[UID_SIZE], sop_instance_uid[UID_SIZE];
    char file_name[32]; /* inside the folder: "sr.dcm", "seg-2.dcm", "sc.dcm", "pdf.dcm" */
    char sha256[DIGEST_TEXT_SIZE]; /* of the whole file */
};

/* An image of the study that was looked at. Several entries may name frames of one object. */
struct report_image {
    const char *path;
    const struct dicom_instance *header;
    const struct image *picture; /* the decoded frame, grey or RGB; NULL when not used */
    int frame;                   /* from 0 */
    enum roi role;               /* ROI_COUNT when it was only looked at */
};

/* Everything is borrowed, text is UTF-8. Optional texts may be NULL or "". */
struct report_input {
    const struct report_image *images; /* at least one; a finding's `image` indexes them */
    size_t image_count;
    const struct region_finding *tumour, *node; /* NULL or found = false when there is none */
    enum side side;
    const struct score *score;
    /* Set of enum report_kind to be made beside REPORT_USUAL, which always are: so what an object says
     * does not depend on who asked for which. */
    unsigned objects;
    bool pictures; /* REPORT_OVERLAY_NAME and the heat maps too */
    bool html;     /* REPORT_HTML_NAME too */
    /* Its model draws the nomogram; NULL: none is drawn. */
    const struct package *package;
    const struct clinical_choice *clinical; /* as package->clinical; NULL: nothing was chosen */
    const struct evidence *eligibility; /* as package->population; NULL: not asked for */
    /* From the package. */
    const char *package_name, *package_version, *package_digest; /* required */
    const char *intended_use; /* required; repeated on every report */
    const char *outcome_text; /* required: "Estimated risk of axillary lymph node metastasis" */
    const char *population;   /* optional: for whom the package is meant */
    const char *cutoff_rule;  /* optional: name of the rule that chose the cut-off */
    const char *software_version;
    int64_t created_us;
    const uint8_t *content_digest;  /* DIGEST_SIZE bytes */
    int generation;                 /* from 1 */
    const char *predecessor_sr_uid; /* optional; the SR this one replaces */
    /* The outlines of the report that this one replaces; regions that match keep their tracking
     * identifiers (identity.h). */
    const struct seg_outline *previous;
    size_t previous_count;
    const char *const *notes;       /* plain words: "sizes are in pixels: no calibration" */
    size_t note_count;
    /* What further packages say of the same study, other_count of them, each as if it were the only
     * one: its score stands in this report beside the one above, with its own side, notes and clinical
     * values; its regions do not. Of each the same job: generation, dates, digest. */
    const struct report_input *others;
    size_t other_count;
};

/* Write sr.dcm, seg.dcm (one per picture size, none without a region), sc.dcm and sc-2.dcm … (a page
 * each), what is asked for beside them (pr.dcm: one per image used; ko.dcm, pdf.dcm,
 * seg-ohif.dcm; overlay.png and heat maps, report.html) into `folder`, which exists; mode 0600, not
 * durable. `ret_objects` has room for REPORT_OBJECTS_MAX. STATUS_INVALID: the input breaks the rules above or the source object
 * cannot be read; STATUS_IO: a file cannot be written. */
int report_write(const struct report_input *input, const char *folder,
                 struct report_object *ret_objects, int *ret_count, struct error *err);

/* result.json: everything above as one JSON object, without patient identification. The text is
 * the caller's, by free(). */
int report_json(const struct report_input *input, const struct report_object *objects, int count,
                char **ret_json, struct error *err);

/* The plain text people read in a terminal, made of report_json's text, so that it can be
 * printed from the database too. Added to `ret_text`. STATUS_INVALID: not such a text. */
int report_text(const char *json, struct buffer *ret_text, struct error *err);

/* The generation that one of our structured reports names, from its text (dicom/sr_text.h); 0
 * when it names none. */
int report_generation_of(const char *text);

#endif
