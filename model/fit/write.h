/* A fitted score as a model package (docs/package-format.md). */
#ifndef AXNODE_MODEL_FIT_WRITE_H
#define AXNODE_MODEL_FIT_WRITE_H

#include <cjson/cJSON.h>

#include "model/fit/fit.h"
#include "model/package/package.h"

/* A model that becomes a score of the new package, whose terms may name it. */
struct fit_score {
    const char *name;
    const struct package *package; /* complete in itself: its model takes no other score */
};

/* All that is known when a fit is done; everything is borrowed. */
struct fit_result {
    const struct fit_recipe *recipe;
    const struct package *base; /* recalibrated, or built on; NULL: a score for tables alone */
    const struct fit_score *scores; /* score_count of them */
    size_t score_count;
    const struct fit_data *data;
    const struct fit_model *model;
    const struct fit_validation *validation; /* NULL: none was asked for */
    bool has_cutoff;
    double cutoff;
    const char *outcome;         /* name of the column */
    const char *cohort_sha256, *repeats_sha256; /* of the files; repeats may be NULL */
    const char *recipe_file;
    uint64_t seed;
};

/* Facts of the fit as one object: what the package's fit.json holds and `axnode fit --json`
 * prints. NULL when memory is out. The caller deletes it. */
cJSON *fit_describe(const struct fit_result *result);

/* Write package.yaml, fit.json, model-card.md, recipe.yaml and, with a base, copies of its other
 * files into `folder`, which must not exist or be empty. Keys of package.yaml that the recipe does
 * not state come from the base. The self-test and then the manifest are still to be written
 * (package_selftest_write, package_manifest_write). STATUS_INVALID: the recipe's `package` lacks
 * something; no feature passed the steps; what is written would be no valid package. */
int fit_write(const struct fit_result *result, const char *folder, struct error *err);

#endif
