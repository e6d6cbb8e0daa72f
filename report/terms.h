/* The terms of a package's model in words that a radiologist reads. */
#ifndef AXNODE_REPORT_TERMS_H
#define AXNODE_REPORT_TERMS_H

#include "base/arena.h"
#include "report/report.h"

/* "Tumour: long axis (mm)", "BI-RADS category", "score DLR"; NULL when memory is out. `package`
 * may be NULL: then the name as it is. */
const char *terms_label(struct arena *arena, const struct package *package, const char *name);
/* "24.3", "4B": codes where the term is a clinical value of codes. */
const char *terms_value(struct arena *arena, const struct package *package, const char *name,
                        double value);
/* The clinical input that a term "clinical_NAME" takes; NULL: none of the package's. */
const struct clinical_input *terms_clinical(const struct package *package, const char *name);
/* "import: pathology, 2026-01-02", "structured report", or why there is no value. */
const char *terms_source(struct arena *arena, const struct clinical_choice *choice);

#endif
