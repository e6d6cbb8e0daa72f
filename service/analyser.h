/* What turns studies into results: ONNX Runtime, a package and its networks, the reader of words,
 * opened once. */
#ifndef AXNODE_SERVICE_ANALYSER_H
#define AXNODE_SERVICE_ANALYSER_H

#include "pipeline/pipeline.h"
#include "service/settings.h"

struct analyser {
    struct net_library *library;
    struct package *package;
    struct package_nets nets;
    struct word_reader *words; /* NULL: Tesseract's data are not installed, or it stands beside another */
};

/* Where the package lies and how far it must be trusted. */
struct analyser_options {
    const char *package;     /* folder; NULL or "": the shipped one */
    const char *onnxruntime; /* library; NULL or "": looked for */
    bool beside;             /* stands beside another one, which reads the words on pictures */
    struct package_options trust;
};
struct analyser_options analyser_options_of(const struct settings *settings);

/* Open all and run the package's self test; a package without one is refused. The caller
 * releases it. */
int analyser_open(const struct analyser_options *options, struct analyser *ret_analyser,
                  struct error *err);
/* How studies are run: with the service's settings, or those of the command line (NULL); namespace
 * "analyze". Borrows from the analyser. */
struct pipeline_settings analyser_pipeline(const struct analyser *analyser,
                                           const struct settings *settings);
void analyser_release(struct analyser *analyser); /* a zeroed struct is fine */

#endif
