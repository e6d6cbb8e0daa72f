/* Random forest (Breiman, Machine Learning 45, 2001) for ranking features by Gini importance. */
#ifndef AXNODE_MODEL_FIT_FOREST_H
#define AXNODE_MODEL_FIT_FOREST_H

#include <stdint.h>

#include "base/error.h"
#include "model/fit/matrix.h"

struct forest_options {
    int trees;
    size_t tried;     /* columns tried at each split; 0: the square root of their number */
    size_t leaf_rows; /* a split leaves at least so many (drawn) rows on each side; at least 1 */
    uint64_t seed;
    int threads;
};

/* Importance of each column: its decrease of Gini impurity, weighted by the part of the rows that
 * the split sees, summed over a tree's splits, each tree's scaled to a sum of 1, mean over trees
 * (scikit-learn's feature_importances_). Trees grow on bootstrap samples until their leaves are
 * pure, splits half-way between neighbouring values. The same for any number of threads. */
int forest_importance(const struct fit_matrix *x, const double *outcome,
                      const struct forest_options *options, double *ret_importance,
                      struct error *err);

#endif
