/* What stands on each page of the report, inside the frame. */
#ifndef AXNODE_REPORT_LEAF_H
#define AXNODE_REPORT_LEAF_H

#include "base/error.h"
#include "report/sheet.h"

/* Both regions with their measurements, the answer or why there is none, what to check. */
int leaf_findings(struct sheet *s, struct error *err);
/* Whether reasons and notes have room on that page; else leaf_notes repeats all of them. */
bool leaf_findings_fits(struct sheet *s);

/* Nomogram, scores, clinical values and their sources, heat maps. There is a risk. */
int leaf_estimate(struct sheet *s, struct error *err);
/* What the package's network saw of a loop, and its key frame. There is one that explains the risk. */
int leaf_loop(struct sheet *s, struct error *err);
/* All reasons and notes. */
void leaf_notes(struct sheet *s);

/* The answer of a further package (report_input.others): what it is worth beside the first page's, how
 * it was made, and its own values and notes. `s->input` is that package's. */
void leaf_beside(struct sheet *s);

/* ---- parts of several pages ---- */

/* Outcome, risk, interval, group, scale and cut-off in `box` (leaf_risk.c), `closing` below them. There
 * is a risk. */
void leaf_risk(struct sheet *s, struct box box, const char *closing);
/* In a card (leaf_estimate.c). */
void leaf_nomogram(struct sheet *s, struct box box);
/* Scores that enter the model; clinical values with their sources. "": there are none. */
const char *leaf_scores_text(struct sheet *s);
const char *leaf_clinical_text(struct sheet *s);

#endif
