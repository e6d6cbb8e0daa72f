/* The packages that a worker scores with: the active one, followed as people activate others, those
 * that are reported beside it, and their shadows. */
#ifndef AXNODE_SERVICE_MODELS_H
#define AXNODE_SERVICE_MODELS_H

#include "db/activation.h"
#include "service/analyser.h"

struct models {
    struct analyser active;        /* package NULL: none is open */
    struct activation activation;  /* that it was opened for */
    struct analyser reported[SETTINGS_REPORTED_MAX]; /* package NULL: not open yet */
    struct analyser shadows[SETTINGS_SHADOWS_MAX]; /* package NULL: it could not be opened */
};

/* Open what `activation` names, unless it is open already; the settings' package where it names
 * none. On failure none is active. `ret_changed`: another one was opened. */
int models_follow(struct models *models, const struct settings *settings,
                  const struct activation *activation, bool *ret_changed, struct error *err);
/* Open all that the settings report beside the active one, unless they are open already. */
int models_reported(struct models *models, const struct settings *settings, struct error *err);
/* What studies are reported with, the active one first; one of the settings' that is the active one
 * stands once. Borrowed. Returns the count. */
size_t models_of_report(const struct models *models, const struct settings *settings,
                        const struct analyser *ret_analysers[1 + SETTINGS_REPORTED_MAX]);
/* Open shadow `i` of the settings, unless it is open already. */
int models_shadow(struct models *models, const struct settings *settings, size_t i,
                  struct error *err);
void models_release(struct models *models); /* a zeroed struct is fine */

#endif
