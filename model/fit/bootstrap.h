/* How much a model's coefficients vary when patients are drawn again (Efron, Tibshirani: An
 * Introduction to the Bootstrap, 1993, chapter 9): what a package's `model.bootstrap` holds. */
#ifndef AXNODE_MODEL_FIT_BOOTSTRAP_H
#define AXNODE_MODEL_FIT_BOOTSTRAP_H

#include "model/fit/fit.h"

/* Fill model->bootstrap: recipe->bootstrap times as many patients of each outcome as the data have
 * are drawn with repetition, and the recipe's last step is fitted to them with the terms that `model`
 * has (penalised: at its λ). The choice of terms and of λ is not repeated: the sets tell how sure the
 * coefficients are, not how sure their choice is. A sample without finite coefficients is drawn again;
 * STATUS_INVALID with its reason when 20 in a row have none. The same seed gives the same sets,
 * whatever the number of threads. The recipe has steps. */
int fit_bootstrap(const struct fit_data *data, const struct fit_recipe *recipe,
                  const struct fit_options *options, struct fit_model *model, struct error *err);

#endif
