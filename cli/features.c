/* axnode features --image I --mask M … | --list CASES.csv */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/yaml.h"
#include "cli/cases.h"
#include "cli/command.h"
#include "dicom/reader.h"
#include "dicom/setup.h"
#include "image/png.h"
#include "model/radiomics/busat.h"
#include "model/radiomics/nrrd.h"
#include "model/radiomics/radiomics.h"

static const char usage_text[] =
    "Usage: axnode features --image FILE --mask FILE [--mask FILE…] [OPTION…]\n"
    "       axnode features --list CASES.csv [OPTION…]\n"
    "Radiomic features with PyRadiomics' names and values. Images: PNG, NRRD, DICOM; colour becomes\n"
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

enum { MASKS_MAX = 64, JOBS_MAX = 256 };
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct options {
    const char *image, *masks[MASKS_MAX], *graphics, *list, *settings, *out;
    int mask_count, frame, label, jobs;
    double spacing_mm[2]; /* row, column; 0: the file's */
    enum format format;
    bool format_given, details, busat, without_noise;
};

/* One image and mask, and what came of it. */
struct job {
    const char *image, *mask, *graphics;
    int label; /* 0: of the settings */
    struct feature_list features;
    bool from_colour;
    int status;
    struct error err;
};

struct batch {
    const struct options *options;
    struct radiomics_settings settings;
    struct job *jobs;
    size_t count;
    pthread_mutex_t lock;
    size_t next, done; /* under the lock */
};

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

static int set_option(struct options *o, int option, const char *value, struct error *err)
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
        if (o->mask_count == MASKS_MAX)
            return error_set(err, STATUS_LIMIT, "more than %d masks", MASKS_MAX);
        o->masks[o->mask_count++] = value;
        return 0;
    default:
        o->format = option == 'j' ? FORMAT_JSON : FORMAT_CSV;
        o->format_given = true;
        return 0;
    }
}

/* -1: go on; else the exit status. */
static int options_read(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"image", required_argument, NULL, 'i'},    {"mask", required_argument, NULL, 'm'},
        {"graphics", required_argument, NULL, 'g'}, {"list", required_argument, NULL, 'L'},
        {"settings", required_argument, NULL, 's'}, {"label", required_argument, NULL, 'l'},
        {"spacing", required_argument, NULL, 'p'},  {"frame", required_argument, NULL, 'f'},
        {"out", required_argument, NULL, 'o'},      {"jobs", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},           {"csv", no_argument, NULL, 'c'},
        {"busat", no_argument, NULL, 'b'},         {"details", no_argument, NULL, 'd'},
        {"without-noise", no_argument, NULL, 'w'},        {"help", no_argument, NULL, 'h'},
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

static bool starts_with(const char *path, const char *signature, size_t n)
{
    char start[16];
    FILE *file = fopen(path, "rbe");
    bool same = file && fread(start, 1, n, file) == n && memcmp(start, signature, n) == 0;
    if (file)
        fclose(file);
    return same;
}

static bool is_png(const char *path)
{
    return starts_with(path, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_nrrd(const char *path)
{
    return starts_with(path, "NRRD000", 7);
}

/* `regions` of a DICOM object say the spacing, once the mask is known. */
static int read_image(const struct options *o, struct job *job, struct volume *ret_volume,
                      struct dicom_instance *ret_header, struct error *err)
{
    ret_header->region_count = 0;
    if (is_nrrd(job->image))
        return nrrd_read(job->image, ret_volume, err);
    struct deep_image picture;
    struct dicom_limits limits = dicom_limits_default();
    int r;
    if (is_png(job->image)) {
        r = deep_image_read_png(job->image, &picture, err);
    } else {
        r = dicom_instance_read(job->image, &limits, ret_header, err);
        if (r == 0)
            r = dicom_frame_decode_deep(job->image, o->frame - 1, &limits, &picture, err);
    }
    if (r < 0)
        return r;
    job->from_colour = picture.from_colour;
    r = volume_from_deep_image(&picture, ret_volume, err);
    deep_image_release(&picture);
    return r;
}

static int read_colour_mask(const char *path, struct mask *ret_mask, struct error *err)
{
    struct dicom_limits limits = dicom_limits_default();
    struct image picture;
    int r = dicom_frame_decode(path, 0, &limits, &picture, err);
    if (r < 0)
        return r;
    r = mask_init(ret_mask, picture.rows, picture.columns, err);
    for (size_t i = 0, n = (size_t)picture.rows * (size_t)picture.columns; r == 0 && i < n; i++)
        for (size_t c = 0; c < 3; c++)
            ret_mask->pixels[i] |= picture.pixels[3 * i + c] != 0;
    image_release(&picture);
    return r;
}

static int read_picture_mask(const char *path, struct mask *ret_mask, struct error *err)
{
    if (is_png(path))
        return mask_read_png(path, ret_mask, err);
    struct dicom_limits limits = dicom_limits_default();
    struct deep_image grey;
    int r = dicom_frame_decode_deep(path, 0, &limits, &grey, err);
    if (r < 0)
        return r;
    if (grey.from_colour) /* a dark colour may be black as grey */
        r = read_colour_mask(path, ret_mask, err);
    else
        r = mask_init(ret_mask, grey.rows, grey.columns, err);
    for (size_t i = 0, n = (size_t)grey.rows * (size_t)grey.columns;
         r == 0 && !grey.from_colour && i < n; i++)
        ret_mask->pixels[i] = grey.values[i] != 0;
    deep_image_release(&grey);
    return r;
}

/* `label`: what the inside of a picture's mask is called. `ret_calibration` for a DICOM image. */
static int read_mask(const char *path, int label, const struct dicom_instance *header,
                     struct label_volume *ret_labels, struct calibration *ret_calibration,
                     struct error *err)
{
    *ret_calibration = (struct calibration){0};
    if (is_nrrd(path)) {
        struct volume v;
        int r = nrrd_read(path, &v, err);
        if (r == 0) {
            r = label_volume_from_volume(&v, ret_labels, err);
            volume_release(&v);
        }
        return r;
    }
    struct mask mask;
    int r = read_picture_mask(path, &mask, err);
    if (r < 0)
        return r;
    if (header->region_count > 0)
        *ret_calibration =
            calibration_for_mask(header->regions, (size_t)header->region_count, &mask);
    r = label_volume_from_mask(&mask, ret_labels, err);
    for (size_t i = 0, n = r == 0 ? volume_count(ret_labels->size) : 0; i < n; i++)
        ret_labels->labels[i] *= label;
    mask_release(&mask);
    return r;
}

static void set_spacing(const struct options *o, const struct calibration *calibration,
                        struct volume *image)
{
    if (calibration->source == CALIBRATION_REGION) {
        image->spacing_mm[1] = calibration->spacing_row_mm;
        image->spacing_mm[2] = calibration->spacing_column_mm;
    }
    for (int d = 0; d < 2; d++)
        if (o->spacing_mm[d] > 0) {
            image->spacing_mm[1 + d] = o->spacing_mm[d];
            image->placement.known = false; /* the file's own is said to be wrong */
        }
}

/* The handcrafted features are defined for pictures of 8 bit. */
static int run_busat(const struct volume *volume, const struct label_volume *labels, int label,
                     struct feature_list *features, struct error *err)
{
    struct image grey = {0};
    struct mask mask = {0};
    if (volume->size[0] != 1 || volume->type != VOXEL_UINT8)
        return error_set(err, STATUS_UNSUPPORTED, "--busat needs a picture of 8 bit");
    int r = image_init(&grey, volume->size[1], volume->size[2], 1, err);
    if (r == 0)
        r = mask_init(&mask, volume->size[1], volume->size[2], err);
    for (size_t i = 0; r == 0 && i < volume_count(volume->size); i++) {
        grey.pixels[i] = (uint8_t)volume->values[i];
        mask.pixels[i] = labels->labels[i] == label;
    }
    if (r == 0)
        r = busat_extract(&grey, &mask, "", features, err);
    mask_release(&mask);
    image_release(&grey);
    return r;
}

static int run_job(const struct batch *batch, struct job *job, struct error *err)
{
    struct radiomics_settings settings = batch->settings;
    struct volume image = {0};
    struct label_volume labels = {0};
    struct mask graphics = {0};
    struct calibration calibration = {0};
    struct dicom_instance *header = malloc(sizeof *header);
    if (!header)
        return error_set(err, STATUS_NOMEM, "no memory for %s", job->image);
    if (job->label > 0)
        settings.label = job->label;
    int r = read_image(batch->options, job, &image, header, err);
    if (r == 0)
        r = read_mask(job->mask, settings.label, header, &labels, &calibration, err);
    if (r == 0 && job->graphics)
        r = mask_read_png(job->graphics, &graphics, err);
    if (r == 0) {
        set_spacing(batch->options, &calibration, &image);
        struct radiomics_input input = {.volume = &image, .labels = &labels,
                                        .graphics = job->graphics ? &graphics : NULL};
        r = radiomics_extract(&input, &settings, "", &job->features, err);
        if (r == 0 && batch->options->busat)
            r = run_busat(&image, &labels, settings.label, &job->features, err);
        if (r < 0)
            error_prefix(err, "%s with %s", job->image, job->mask);
    }
    free(header);
    mask_release(&graphics);
    label_volume_release(&labels);
    volume_release(&image);
    return r;
}

static void *work(void *context)
{
    struct batch *batch = context;
    for (;;) {
        pthread_mutex_lock(&batch->lock);
        size_t i = batch->next++;
        pthread_mutex_unlock(&batch->lock);
        if (i >= batch->count)
            return NULL;
        struct job *job = &batch->jobs[i];
        job->status = job->status < 0 ? job->status : run_job(batch, job, &job->err);
        pthread_mutex_lock(&batch->lock);
        batch->done++;
        if (batch->count > 1 && isatty(STDERR_FILENO))
            fprintf(stderr, "\r%zu of %zu %s", batch->done, batch->count,
                    batch->done == batch->count ? "\n" : "");
        pthread_mutex_unlock(&batch->lock);
    }
}

/* The calling thread works, too. */
static void run_batch(struct batch *batch)
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

static cJSON *details_json(const struct job *job, cJSON *features)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *flags = cJSON_CreateArray(), *codes = cJSON_CreateObject();
    for (size_t i = 0; i < job->features.count; i++) {
        const struct feature *f = &job->features.items[i];
        const char *code = radiomics_ibsi_code(f->name);
        if (f->meaningless)
            cJSON_AddItemToArray(flags, cJSON_CreateString(f->name));
        if (code)
            cJSON_AddStringToObject(codes, f->name, code);
    }
    cJSON_AddStringToObject(object, "image", job->image);
    cJSON_AddStringToObject(object, "mask", job->mask);
    cJSON_AddStringToObject(object, "grey", job->from_colour ? "BT.601 luma" : "as stored");
    cJSON_AddStringToObject(object, "version", "axnode " AXNODE_VERSION);
    cJSON_AddItemToObject(object, "features", features);
    cJSON_AddItemToObject(object, "meaningless", flags);
    cJSON_AddItemToObject(object, "ibsi", codes);
    return object;
}

/* A flat object; `cases` adds the columns of the list in front. */
static cJSON *job_json(const struct options *o, const struct job *job, const struct cases *cases,
                       size_t row)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t c = 0; cases && c < cases->columns; c++)
        cJSON_AddStringToObject(object, cases->names[c], cases->cells[row * cases->columns + c]);
    for (size_t i = 0; i < job->features.count; i++) {
        char number[NUMBER_TEXT_SIZE];
        number_format(job->features.items[i].value, number);
        cJSON_AddRawToObject(object, job->features.items[i].name, number);
    }
    return o->details ? details_json(job, object) : object;
}

static int write_json(const struct batch *batch, const struct cases *cases, struct buffer *out,
                      struct error *err)
{
    const struct options *o = batch->options;
    bool list = cases || batch->count > 1;
    cJSON *json = list ? cJSON_CreateArray() : job_json(o, &batch->jobs[0], NULL, 0);
    for (size_t i = 0; list && i < batch->count; i++) {
        cJSON *object = job_json(o, &batch->jobs[i], cases, i);
        if (!cases && !o->details)
            cJSON_AddStringToObject(object, "Mask", batch->jobs[i].mask);
        cJSON_AddItemToArray(json, object);
    }
    char *text = cJSON_Print(json);
    int r = text ? buffer_print(out, err, "%s\n", text)
                 : error_set(err, STATUS_NOMEM, "no memory for the output");
    cJSON_free(text);
    cJSON_Delete(json);
    return r;
}

/* All feature names of all cases, in order of first sight. */
static int all_names(const struct batch *batch, struct feature_list *names, struct error *err)
{
    for (size_t i = 0; i < batch->count; i++)
        for (size_t k = 0; k < batch->jobs[i].features.count; k++) {
            const char *name = batch->jobs[i].features.items[k].name;
            /* Cases of one kind have the same names at the same places. */
            if ((k < names->count && strcmp(names->items[k].name, name) == 0) ||
                feature_list_find(names, name))
                continue;
            int r = feature_list_add(names, name, 0, false, err);
            if (r < 0)
                return r;
        }
    return 0;
}

static const struct feature *feature_at(const struct job *job, size_t k, const char *name)
{
    if (k < job->features.count && strcmp(job->features.items[k].name, name) == 0)
        return &job->features.items[k];
    return feature_list_find(&job->features, name);
}

static int write_line(const struct job *job, const struct cases *cases, size_t row,
                      const struct feature_list *names, struct buffer *out, struct error *err)
{
    int r = 0;
    if (!cases) {
        r = cases_write_cell(out, job->image, true, err);
        if (r == 0)
            r = cases_write_cell(out, job->mask, false, err);
    }
    for (size_t c = 0; cases && c < cases->columns && r == 0; c++)
        r = cases_write_cell(out, cases->cells[row * cases->columns + c], c == 0, err);
    if (r == 0)
        r = cases_write_cell(out, job->from_colour ? "BT.601 luma" : "as stored", false, err);
    for (size_t k = 0; k < names->count && r == 0; k++) {
        const struct feature *f = feature_at(job, k, names->items[k].name);
        char number[NUMBER_TEXT_SIZE] = "";
        if (f && !isnan(f->value))
            number_format(f->value, number);
        r = cases_write_cell(out, number, false, err);
    }
    return r < 0 ? r : buffer_add(out, "\n", 1, err);
}

static int write_csv(const struct batch *batch, const struct cases *cases, struct buffer *out,
                     struct error *err)
{
    struct feature_list names = {0};
    int r = all_names(batch, &names, err);
    if (!cases && r == 0)
        r = buffer_print(out, err, "Image,Mask");
    for (size_t c = 0; cases && c < cases->columns && r == 0; c++)
        r = cases_write_cell(out, cases->names[c], c == 0, err);
    if (r == 0)
        r = buffer_print(out, err, ",diagnostics_Image-original_Grey");
    for (size_t k = 0; k < names.count && r == 0; k++)
        r = cases_write_cell(out, names.items[k].name, false, err);
    if (r == 0)
        r = buffer_add(out, "\n", 1, err);
    for (size_t i = 0; i < batch->count && r == 0; i++)
        r = write_line(&batch->jobs[i], cases, i, &names, out, err);
    feature_list_release(&names);
    return r;
}

static int write_text(const struct batch *batch, struct buffer *out, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct job *job = &batch->jobs[i];
        if (batch->count > 1)
            r = buffer_print(out, err, "%s\n", job->mask);
        for (size_t k = 0; k < job->features.count && r == 0; k++) {
            const struct feature *f = &job->features.items[k];
            const char *code = radiomics_ibsi_code(f->name);
            char number[NUMBER_TEXT_SIZE];
            number_format(f->value, number);
            r = buffer_print(out, err, "%c %-60s %-24s %s\n", f->meaningless ? '!' : ' ',
                             f->name, isnan(f->value) ? "undefined" : number, code ? code : "");
        }
    }
    return r;
}

static void warn(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct job *job = &batch->jobs[i];
        size_t flagged = 0;
        for (size_t k = 0; k < job->features.count; k++)
            flagged += job->features.items[k].meaningless;
        if (flagged > 0 && batch->options->format != FORMAT_TEXT && !batch->options->details)
            fprintf(stderr, "warning: %s: %zu of %zu features are of no meaning for this input\n",
                    job->mask, flagged, job->features.count);
    }
}

static int write_output(const struct batch *batch, const struct cases *cases, struct error *err)
{
    struct buffer out BUFFER_AUTO = {0};
    int r = batch->options->format == FORMAT_JSON  ? write_json(batch, cases, &out, err)
            : batch->options->format == FORMAT_CSV ? write_csv(batch, cases, &out, err)
                                                   : write_text(batch, &out, err);
    if (r < 0)
        return r;
    if (batch->options->out)
        return file_write(batch->options->out, buffer_text(&out), out.size, err);
    if (fwrite(buffer_text(&out), 1, out.size, stdout) != out.size || fflush(stdout) != 0)
        return error_set(err, STATUS_IO, "cannot write the output");
    return 0;
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

static int fill_jobs(struct batch *batch, const struct cases *cases, struct error *err)
{
    const struct options *o = batch->options;
    batch->count = cases ? cases->rows : (size_t)o->mask_count;
    batch->jobs = calloc(batch->count, sizeof *batch->jobs);
    if (!batch->jobs)
        return error_set(err, STATUS_NOMEM, "no memory for %zu cases", batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];
        *job = (struct job){.image = o->image, .graphics = o->graphics, .label = o->label};
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
            job->status = error_set(&job->err, STATUS_INVALID,
                                    "case %zu has no Image or no Mask", i + 1);
        else if (label && parse_int(label, &job->label, &job->err) < 0)
            job->status = error_prefix(&job->err, "case %zu: Label", i + 1);
    }
    return 0;
}

int command_features(int argc, char **argv)
{
    struct options options = {.frame = 1};
    int usage = options_read(&options, argc, argv);
    if (usage >= 0)
        return usage;
    struct error err = {0};
    struct arena arena ARENA_AUTO = {0};
    struct cases list, *cases = NULL;
    struct batch batch = {.options = &options, .lock = PTHREAD_MUTEX_INITIALIZER};
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
        warn(&batch);
        /* One case that failed leaves nothing to print; of many the others count. */
        if (batch.count > 1 || !failed)
            r = write_output(&batch, cases, &err);
    }
    for (size_t i = 0; batch.jobs && i < batch.count; i++)
        feature_list_release(&batch.jobs[i].features);
    free(batch.jobs);
    if (r < 0)
        return command_failed(&err);
    return failed ? EXIT_FAILED : EXIT_DONE;
}
