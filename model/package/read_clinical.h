/* Clinical values and evidence that package.yaml asks for. */
#ifndef AXNODE_MODEL_PACKAGE_READ_CLINICAL_H
#define AXNODE_MODEL_PACKAGE_READ_CLINICAL_H

#include "base/error.h"
#include "base/yaml.h"
#include "model/package/fields.h"

/* The list `clinical` of the mapping `inputs`, which may be missing. */
int package_read_clinical(const struct fields *r, const struct yaml_node *inputs,
                          struct error *err);
/* Keys of an entry of `population` beside `evidence` and `text`, all optional: which evidence
 * counts. */
#define PACKAGE_CRITERION_KEYS "sources", "max_age_days", "max_after_days", "side"
int package_read_criterion(const struct fields *r, const struct yaml_node *item,
                           struct package_criterion *criterion, struct error *err);

#endif
