/* The terms of the package that a fit makes. */
#ifndef AXNODE_MODEL_FIT_TERMS_H
#define AXNODE_MODEL_FIT_TERMS_H

#include "model/fit/write.h"

struct fit_named_term {
    const char *feature;
    double centre, scale, coefficient;
};

size_t fit_term_count(const struct fit_result *result);
/* Of a new score its own; of a recalibrated one the package's, with coefficients stretched. */
struct fit_named_term fit_term_at(const struct fit_result *result, size_t place);
double fit_intercept(const struct fit_result *result);

#endif
