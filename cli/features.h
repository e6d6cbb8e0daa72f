/* axnode features: what its parts share. features.c has the options and the batch, features_input.c
 * reads one case and computes, features_output.c writes. */
#ifndef AXNODE_CLI_FEATURES_H
#define AXNODE_CLI_FEATURES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/cases.h"
#include "model/radiomics/radiomics.h"

enum { FEATURES_MASKS_MAX = 64 };
enum features_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct features_options {
    const char *image, *masks[FEATURES_MASKS_MAX], *graphics, *list, *settings, *out;
    int mask_count, frame, label, jobs;
    double spacing_mm[2]; /* row, column; 0: the file's */
    enum features_format format;
    bool format_given, details, busat, without_noise;
};

/* One image and mask, and what came of it. */
struct features_job {
    const char *image, *mask, *graphics;
    int label; /* 0: of the settings */
    struct feature_list features;
    bool from_colour;
    int status;
    struct error err;
};

struct features_batch {
    const struct features_options *options;
    struct radiomics_settings settings;
    struct features_job *jobs;
    size_t count;
    pthread_mutex_t lock;
    size_t next, done; /* under the lock */
};

/* Read the job's files and fill its features and `from_colour`. */
int features_run_job(const struct features_batch *batch, struct features_job *job,
                     struct error *err);
/* Everything in the chosen format, to the file or standard output. `cases`: the list, or NULL. */
int features_write(const struct features_batch *batch, const struct cases *cases,
                   struct error *err);
/* Name values without meaning on standard error where the format does not show them. */
void features_warn(const struct features_batch *batch);

#endif
