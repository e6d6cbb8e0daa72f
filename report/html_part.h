/* What the parts of the HTML page share. */
#ifndef AXNODE_REPORT_HTML_PART_H
#define AXNODE_REPORT_HTML_PART_H

#include "report/markup.h"
#include "report/report.h"

struct html {
    struct markup m;
    const struct report_input *input;
    const char *patient_id;
};

/* ---- pictures (html_pictures.c) ---- */

/* The region with outline and axes; its heat map beside where there is a risk. */
void html_region_pictures(struct html *h, enum roi roi);
/* The frames of a loop and its key frame, where they explain a risk. */
void html_loop(struct html *h);
/* In light and dark; nothing where there is none. */
void html_nomogram(struct html *h);

/* ---- tables (html_tables.c) ---- */

void html_region_table(struct html *h, enum roi roi);
/* Of each stage of the model; nothing without a risk. */
void html_contributions(struct html *h);
void html_clinical(struct html *h);
void html_eligibility(struct html *h);
/* Name, version, digest and population of the package. */
void html_package(struct html *h);
void html_images(struct html *h);
void html_origin(struct html *h, const struct report_object *objects, int count);

#endif
