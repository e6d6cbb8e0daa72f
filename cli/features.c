/* axnode features --image I --mask M … | --list CASES.csv: options, and the cases in parallel. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/yaml.h"
#include "cli/command.h"
#include "cli/features.h"
#include "dicom/setup.h"

static const char usage_text[] =
    "Usage: axnode features --image FILE --mask FILE [--mask FILE…] [OPTION…]\n"
    "       axnode features --list CASES.csv [OPTION…]\n"
    "Radiomic features with PyRadiomics' names and values. Images: PNG, NRRD, DICOM; colour "
    "becomes\n"
    "BT.601 luma. Masks: PNG and DICOM (not 0 is inside), NRRD (labels). CASES.csv has columns\n"
    "Image and Mask and may have Label and Graphics; other columns are repeated in the output.\n"
    "\n"
    "  --settings YAML   PyRadiomics' parameter file (default: its defaults)\n"
    "  --label N         label inside an NRRD mask (default: of the settings, 1)\n"
    "  --spacing R,C     mm between rows and columns (default: the file's; PNG: 1,1)\n"
    "  --graphics PNG    mask of drawn graphics: left out of grey features\n"
    "  --without-noise   leave out wavelet bands that hold nothing but rounding noise\n"
    "  --busat           also the handcrafted features of dlrn-2024 (pictures only)\n"
    "  --frame N         frame of a DICOM object, from 1 (default: 1)\n"
    "  --json            one flat object, name to number; for several masks a list of objects\n"
    "  --csv             a table with a line per mask; the default with --list\n"
    "  --details         with --json: also IBSI codes, flags and how grey was made\n"
    "  --out FILE        write there instead of standard output\n"
    "  --jobs N          cases at a time with --list (default: one per processor)\n"
    "\n"
    "Values of no meaning for the input (marked ! in the plain listing) are named on standard\n"
    "error or, with --details, in the output.\n";

enum { JOBS_MAX = 256 };

static int parse_spacing(const char *text, double ret_mm[2], struct error *err)
{
    char first[NUMBER_TEXT_SIZE];
    const char *comma = strchr(text, ',');
    if (!comma || (size_t)(comma - text) >= sizeof first)
        return error_set(err, STATUS_INVALID, "two numbers with a comma are needed");
    snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
    int r = number_parse_double(first, &ret_mm[0], err);
    if (r == 0)
        r = number_parse_double(comma + 1, &ret_mm[1], err);
    if (r == 0 && !(ret_mm[0] > 0 && ret_mm[1] > 0))
        r = error_set(err, STATUS_INVALID, "must be above 0");
    return r;
}

static int parse_int(const char *text, int *ret_value, struct error *err)
{
    int64_t value;
    int r = number_parse_int(text, 1, INT_MAX, &value, err);
    if (r == 0)
        *ret_value = (int)value;
    return r;
}

static int set_option(struct features_options *o, int option, const char *value, struct error *err)
{
    switch (option) {
    case 'i': o->image = value; return 0;
    case 'g': o->graphics = value; return 0;
    case 'L': o->list = value; return 0;
    case 's': o->settings = value; return 0;
    case 'o': o->out = value; return 0;
    case 'd': o->details = true; return 0;
    case 'b': o->busat = true; return 0;
    case 'w': o->without_noise = true; return 0;
    case 'l': return parse_int(value, &o->label, err);
    case 'f': return parse_int(value, &o->frame, err);
    case 'n': return parse_int(value, &o->jobs, err);
    case 'p': return parse_spacing(value, o->spacing_mm, err);
    case 'm':
        if (o->mask_count == FEATURES_MASKS_MAX)
            return error_set(err, STATUS_LIMIT, "more than %d masks", FEATURES_MASKS_MAX);
        o->masks[o->mask_count++] = value;
        return 0;
    default:
        o->format = option == 'j' ? FORMAT_JSON : FORMAT_CSV;
        o->format_given = true;
        return 0;
    }
}

/* -1: go on; else the exit status. */
static int options_read(struct features_options *o, int argc, char **argv)
{
    static const struct option options[] = {{"image", required_argument, NULL, 'i'},
                                            {"mask", required_argument, NULL, 'm'},
                                            {"graphics", required_argument, NULL, 'g'},
                                            {"list", required_argument, NULL, 'L'},
                                            {"settings", required_argument, NULL, 's'},
                                            {"label", required_argument, NULL, 'l'},
                                            {"spacing", required_argument, NULL, 'p'},
                                            {"frame", required_argument, NULL, 'f'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"jobs", required_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"csv", no_argument, NULL, 'c'},
                                            {"busat", no_argument, NULL, 'b'},
                                            {"details", no_argument, NULL, 'd'},
                                            {"without-noise", no_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
        struct error err = {0};
        if (option == 'h') {
            fputs(usage_text, stdout);
            return EXIT_DONE;
        }
        if (option == '?')
            return command_usage(argv[0], NULL);
        if (set_option(o, option, optarg, &err) < 0)
            return command_usage(argv[0], "--%s '%s': %s", options[index].name, optarg,
                                 err.message);
    }
    if (optind != argc || (o->list ? o->image || o->mask_count : !o->image || !o->mask_count))
        return command_usage(argv[0], "--image and --mask, or --list, are needed");
    if (o->list && !o->format_given)
        o->format = FORMAT_CSV;
    return -1;
}

static void *work(void *context)
{
    struct features_batch *batch = context;
    for (;;) {
        pthread_mutex_lock(&batch->lock);
        size_t i = batch->next++;
        pthread_mutex_unlock(&batch->lock);
        if (i >= batch->count)
            return NULL;
        struct features_job *job = &batch->jobs[i];
        job->status = job->status < 0 ? job->status : features_run_job(batch, job, &job->err);
        pthread_mutex_lock(&batch->lock);
        batch->done++;
        if (batch->count > 1 && isatty(STDERR_FILENO))
            fprintf(stderr, "\r%zu of %zu %s", batch->done, batch->count,
                    batch->done == batch->count ? "\n" : "");
        pthread_mutex_unlock(&batch->lock);
    }
}

/* The calling thread works, too. */
static void run_batch(struct features_batch *batch)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int wanted = batch->options->jobs > 0 ? batch->options->jobs
                 : processors > 0         ? (int)processors
                                          : 1;
    wanted = wanted > JOBS_MAX ? JOBS_MAX : wanted;
    wanted = (size_t)wanted > batch->count ? (int)batch->count : wanted;
    pthread_t threads[JOBS_MAX];
    int started = 0;
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, batch) == 0)
        started++;
    work(batch);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static int settings_from_file(const char *path, struct radiomics_settings *ret_settings,
                              struct error *err)
{
    struct yaml *yaml;
    struct radiomics_ignored ignored;
    int r = yaml_load_file(path, &yaml, err);
    if (r < 0)
        return r;
    r = radiomics_settings_read(yaml, yaml_root(yaml), ret_settings, &ignored, err);
    for (int i = 0; r == 0 && i < ignored.count; i++)
        fprintf(stderr, "warning: %s: %s has no effect here\n", path, ignored.keys[i]);
    yaml_unload(yaml);
    return r;
}

static int fill_jobs(struct features_batch *batch, const struct cases *cases, struct error *err)
{
    const struct features_options *o = batch->options;
    batch->count = cases ? cases->rows : (size_t)o->mask_count;
    batch->jobs = calloc(batch->count, sizeof *batch->jobs);
    if (!batch->jobs)
        return error_set(err, STATUS_NOMEM, "no memory for %zu cases", batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        struct features_job *job = &batch->jobs[i];
        *job = (struct features_job){.image = o->image, .graphics = o->graphics, .label = o->label};
        if (!cases) {
            job->mask = o->masks[i];
            continue;
        }
        job->image = cases_cell(cases, i, "Image");
        job->mask = cases_cell(cases, i, "Mask");
        const char *label = cases_cell(cases, i, "Label");
        const char *graphics = cases_cell(cases, i, "Graphics");
        job->graphics = graphics ? graphics : o->graphics;
        if (!job->image || !job->mask)
            job->status =
                error_set(&job->err, STATUS_INVALID, "case %zu has no Image or no Mask", i + 1);
        else if (label && parse_int(label, &job->label, &job->err) < 0)
            job->status = error_prefix(&job->err, "case %zu: Label", i + 1);
    }
    return 0;
}

int command_features(int argc, char **argv)
{
    struct features_options options = {.frame = 1};
    int usage = options_read(&options, argc, argv);
    if (usage >= 0)
        return usage;
    struct error err = {0};
    struct arena arena ARENA_AUTO = {0};
    struct cases list, *cases = NULL;
    struct features_batch batch = {.options = &options, .lock = PTHREAD_MUTEX_INITIALIZER};
    radiomics_settings_default(&batch.settings);
    int r = dicom_setup(&err);
    if (r == 0 && options.settings)
        r = settings_from_file(options.settings, &batch.settings, &err);
    batch.settings.noise_bands = !options.without_noise;
    if (r == 0 && options.list) {
        r = cases_read(options.list, &arena, &list, &err);
        cases = &list;
    }
    if (r == 0)
        r = fill_jobs(&batch, cases, &err);
    bool failed = false;
    if (r == 0) {
        run_batch(&batch);
        for (size_t i = 0; i < batch.count; i++)
            if (batch.jobs[i].status < 0) {
                command_failed(&batch.jobs[i].err);
                failed = true;
            }
        features_warn(&batch);
        /* One case that failed leaves nothing to print; of many the others count. */
        if (batch.count > 1 || !failed)
            r = features_write(&batch, cases, &err);
    }
    for (size_t i = 0; batch.jobs && i < batch.count; i++)
        feature_list_release(&batch.jobs[i].features);
    free(batch.jobs);
    if (r < 0)
        return command_failed(&err);
    return failed ? EXIT_FAILED : EXIT_DONE;
}
