#include "service/models.h"

#include <stdio.h>
#include <string.h>

#include "service/catalogue.h"

static int open_reference(const struct settings *settings, const char *reference,
                          const char *sha256, bool beside, struct analyser *ret_analyser,
                          struct error *err)
{
    struct analyser_options options = analyser_options_of(settings);
    char folder[PATH_MAX];
    int status = catalogue_folder(settings, reference, sha256, folder, err);
    if (status < 0)
        return status;
    options.package = folder;
    options.beside = beside;
    return analyser_open(&options, ret_analyser, err);
}

int models_follow(struct models *models, const struct settings *settings,
                  const struct activation *activation, bool *ret_changed, struct error *err)
{
    const struct analyser_options options = analyser_options_of(settings);
    char reference[2 * ACTIVATION_NAME_SIZE];
    *ret_changed = !models->active.package || models->activation.id != activation->id;
    if (!*ret_changed)
        return 0;
    analyser_release(&models->active);
    models->activation = *activation;
    snprintf(reference, sizeof reference, "%s@%s", activation->name, activation->version);
    return *activation->name ? open_reference(settings, reference, activation->sha256,
                                              false, &models->active, err)
                             : analyser_open(&options, &models->active, err);
}

int models_shadow(struct models *models, const struct settings *settings, size_t i,
                  struct error *err)
{
    return models->shadows[i].package ? 0
                                      : open_reference(settings, settings->packages.shadow[i], "",
                                                       false, &models->shadows[i], err);
}

int models_reported(struct models *models, const struct settings *settings, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < settings->packages.report_count && status == 0; i++)
        if (!models->reported[i].package)
            status = open_reference(settings, settings->packages.report[i], "", true,
                                    &models->reported[i], err);
    return status;
}

size_t models_of_report(const struct models *models, const struct settings *settings,
                        const struct analyser *ret_analysers[1 + SETTINGS_REPORTED_MAX])
{
    const struct package *active = models->active.package;
    size_t count = 0;
    ret_analysers[count++] = &models->active;
    for (size_t i = 0; i < settings->packages.report_count; i++) {
        const struct package *package = models->reported[i].package;
        if (strcmp(package->name, active->name) != 0 ||
            strcmp(package->version, active->version) != 0)
            ret_analysers[count++] = &models->reported[i];
    }
    return count;
}

void models_release(struct models *models)
{
    analyser_release(&models->active);
    for (size_t i = 0; i < SETTINGS_REPORTED_MAX; i++)
        analyser_release(&models->reported[i]);
    for (size_t i = 0; i < SETTINGS_SHADOWS_MAX; i++)
        analyser_release(&models->shadows[i]);
    models->activation = (struct activation){0};
}
