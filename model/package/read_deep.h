/* The key `deep` of package.yaml. */
#ifndef AXNODE_MODEL_PACKAGE_READ_DEEP_H
#define AXNODE_MODEL_PACKAGE_READ_DEEP_H

#include "base/error.h"
#include "base/yaml.h"
#include "model/package/fields.h"

/* Fills package->deep. After the inputs' regions. STATUS_INVALID with file and line. */
int package_read_deep(const struct fields *r, const struct yaml_node *root, struct error *err);

#endif
