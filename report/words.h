/* The numbers and words that SR, picture, JSON and plain text share, so that all say the same. */
#ifndef AXNODE_REPORT_WORDS_H
#define AXNODE_REPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "dicom/object.h"
#include "model/findings.h"
#include "report/report.h"

/* One measured value of a region. Texts are static. */
struct quantity {
    const char *key;   /* in JSON: "long_axis" */
    const char *label; /* for people: "long axis" */
    struct dicom_concept concept, unit;
    const char *unit_text; /* for people: "mm", "px", "" */
    double value;          /* finite */
    int decimals;          /* for people */
    bool headline;         /* shown on the picture */
};
enum { QUANTITIES_MAX = 24 };

/* What is said of a region in words: the hilum, the criteria of suspicion. */
struct statement {
    const char *key;   /* in JSON: "cortex_above_3" */
    const char *label; /* for people: "cortex thicker than 3 mm" */
    char text[96];     /* for people: "met (3.4 mm)" */
    const char *state; /* in JSON: "met", "not met", "not assessable"; of the hilum its state */
    struct dicom_concept concept, value;
};
enum { STATEMENTS_MAX = 8 };

/* NULL unless the input has that region and it was found. */
const struct region_finding *words_region(const struct report_input *input, enum roi roi);
/* "Tumour", "Axillary lymph node" */
const char *words_region_title(enum roi roi);
/* Measurements in mm where calibrated, else in pixels; then a few features. Returns the count. */
size_t words_quantities(const struct region_finding *region, enum roi roi,
                        struct quantity out[QUANTITIES_MAX]);

/* "18.3 mm", "18.3 mm (estimated)", "142.0 px (uncalibrated)": what a length is worth stands with it. */
void words_length(const struct region_finding *region, const struct axis *axis, char *out,
                  size_t size);

/* Tumours: taller than wide. Nodes: the hilum, where the network marks it, and the published
 * criteria of suspicion (model/measure.h). An unsure outline comes first. Returns the count. */
size_t words_statements(const struct region_finding *region, enum roi roi,
                        struct statement out[STATEMENTS_MAX]);

enum { WORDS_NUMBER_SIZE = 40 };
/* Fixed decimals (0 to 3), point always '.', whatever the locale. Returns `out`. */
const char *words_number(double value, int decimals, char out[WORDS_NUMBER_SIZE]);
/* Valid UTF-8 on one line: malformed bytes become '?', controls and new lines blanks. NULL
 * gives ""; NULL is returned when memory is out. */
const char *words_clean(struct arena *arena, const char *text);
/* "2026-01-02" of DICOM's "20260102"; what is no such date as it is. NULL when memory is out. */
const char *words_date(struct arena *arena, const char *date);
/* "NOT FOR CLINICAL USE"; "" for a package whose maker answers for clinical use. */
const char *words_ban(const struct report_input *input);
/* "Computed automatically, not verified by a physician. Report 2, replaces …" */
const char *words_status(struct arena *arena, const struct report_input *input);

#endif
