/* Words about a fitted model, for people. */
#ifndef AXNODE_MODEL_FIT_CARD_H
#define AXNODE_MODEL_FIT_CARD_H

#include "base/buffer.h"
#include "model/fit/write.h"

/* Append the model card (Markdown). */
int fit_print_card(const struct fit_result *result, const struct package *package,
                   struct buffer *out, struct error *err);
/* Append how the cut-off was chosen, in one line. */
int fit_print_cutoff_rule(const struct fit_result *result, struct buffer *out, struct error *err);

#endif
