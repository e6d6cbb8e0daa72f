/* A synthetic study with ellipses as regions, and the report made of it. */
#ifndef AXNODE_TESTS_REPORT_FIXTURE_H
#define AXNODE_TESTS_REPORT_FIXTURE_H

#include <stdbool.h>

#include "report/report.h"

struct study_options {
    const char *name; /* of the case; also its folder's */
    enum side side;
    bool uncalibrated, no_risk, no_tumour, no_node, no_hilum;
    int frames;                  /* of the node's object; 0 counts as 1 */
    int node_rows, node_columns; /* 0: as the tumour's picture, 480 × 640 */
    const char *spoil;           /* read_report.py spoils both sources this way; NULL: as written */
    int generation;              /* 0 counts as 1 */
    const char *patient_name;
    double radius;   /* of both regions, 0: a usual size; 0.4: one pixel */
    bool long_texts; /* texts that fill every place */
    bool one_object; /* both regions on one frame */
    bool interval, terms;      /* of the risk; the score's own features, of several kinds */
    const char *group;         /* risk group; NULL: none */
    bool clinical;             /* inputs that are there, missing, and stood in for */
    bool unsure, estimated, touching; /* what is wrong with the regions */
    bool grey;                 /* both pictures are, not just the node's */
    int extra_images;          /* that were only looked at, the same object again among them */
    int others;                /* further packages: one with a risk, the next without, by turns */
    const char *reason, *note; /* one more why there is no risk; one more note */
    const struct seg_outline *previous;
    size_t previous_count;
};

struct study {
    char folder[256];
    struct dicom_instance headers[2]; /* tumour's image, node's image */
    char paths[2][512];
    struct image pictures[2];
    struct report_image images[2 + 4];
    struct region_finding regions[2];
    struct score score;
    struct package package;
    struct clinical_input clinical_inputs[3];
    struct clinical_choice clinical_choices[3];
    struct clinical_value clinical_value;
    const char *notes[12];
    uint8_t digest[DIGEST_SIZE];
    struct score other_scores[REPORT_OTHERS_MAX];
    struct report_input input, others[REPORT_OTHERS_MAX];
};

/* Asserts success. `root` is a folder that exists. */
void study_make(const struct study_options *options, const char *root, struct study *ret_study);
void study_release(struct study *study);

/* Run a shell command, its output into `ret_output`; the exit status. */
int run(struct buffer *ret_output, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
