#include "service/analyser.h"

#include <string.h>

#include "service/limits.h"
#include "service/program.h"

struct analyser_options analyser_options_of(const struct settings *settings)
{
    return (struct analyser_options){
        .package = settings->package,
        .onnxruntime = settings->onnxruntime,
        .trust = {.key_files = settings->packages.trusted_keys,
                  .key_count = settings->packages.trusted_key_count,
                  .allow_unsigned = settings->packages.allow_unsigned}};
}

int analyser_open(const struct analyser_options *options, struct analyser *ret_analyser,
                  struct error *err)
{
    struct analyser a = {0};
    char folder[PATH_MAX];
    const char *library =
        options->onnxruntime && *options->onnxruntime ? options->onnxruntime : NULL;
    int status = program_package(options->package, folder, err);
    if (status == 0)
        status = package_open(folder, &options->trust, &a.package, err);
    if (status == 0)
        status = net_library_open(library, &a.library, err);
    if (status == 0)
        status = package_nets_open(a.package, a.library, &a.nets, err);
    if (status == 0)
        status = package_selftest(a.package, &a.nets, err);
    if (status == 0 && !options->beside)
        status = pipeline_words_open(&a.words, err);
    if (status < 0) {
        analyser_release(&a);
        return status;
    }
    *ret_analyser = a;
    return 0;
}

struct pipeline_settings analyser_pipeline(const struct analyser *analyser,
                                           const struct settings *settings)
{
    struct pipeline_settings pipeline = pipeline_settings_default();
    pipeline.words = analyser->words;
    if (!settings)
        return pipeline;
    pipeline.limits = limits_of_objects(settings);
    pipeline.frames_max = settings->limits.images_per_study;
    pipeline.score_bilateral = settings->score.bilateral;
    pipeline.score_multifocal = settings->score.multifocal;
    return pipeline;
}

void analyser_release(struct analyser *analyser)
{
    package_nets_release(&analyser->nets);
    package_free(analyser->package);
    net_library_free(analyser->library);
    pipeline_words_close(analyser->words);
    *analyser = (struct analyser){0};
}
