/* What `axnode evaluate` found out, for programs (JSON) and for people (one HTML page that needs no
 * other file, with plots). Both say the same numbers. */
#ifndef AXNODE_REPORT_EVALUATION_H
#define AXNODE_REPORT_EVALUATION_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "model/package/package.h"
#include "model/statistics/evaluation.h"

/* Where the numbers come from; borrowed. */
struct evaluation_about {
    const char *cohort;        /* name of the file, without its folder */
    const char *cohort_sha256;
    const char *outcome;       /* its column */
    const struct package *packages[EVALUATION_SCORES]; /* NULL: the score is a column */
    const char *cutoff_rule;   /* where the cut-off comes from; "" or NULL: unknown */
    int64_t created_us;
};

/* The caller deletes it; NULL when memory is out. */
cJSON *evaluation_json(const struct evaluation *evaluation, const struct evaluation_about *about);
/* Appends the page. STATUS_NOMEM, STATUS_INTERNAL (cairo). */
int evaluation_html(const struct evaluation *evaluation, const struct evaluation_about *about,
                    struct buffer *out, struct error *err);

#endif
