/* package.yaml into struct package. */
#ifndef AXNODE_MODEL_PACKAGE_READ_H
#define AXNODE_MODEL_PACKAGE_READ_H

#include "base/error.h"
#include "base/yaml.h"
#include "model/package/package.h"

/* Fills everything that package.yaml states; texts go into the package's arena, which must be
 * set up. Unknown keys, wrong types, values out of range and contradictions are STATUS_INVALID
 * with file and line. */
int package_read(const struct yaml *yaml, struct package *package, struct error *err);

#endif
