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
/* All reasons and notes. */
void leaf_notes(struct sheet *s);

#endif
