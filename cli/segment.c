/* axnode segment PATH --roi tumor|node --out MASK.png */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/segment.h"
#include "dicom/reader.h"
#include "dicom/setup.h"
#include "image/image.h"
#include "image/png.h"
#include "pipeline/look.h"
#include "service/analyser.h"
#include "service/limits.h"

static const char usage_text[] =
    "Usage: axnode segment PATH --roi tumor|node --out MASK.png [OPTION…]\n"
    "Outline one region in a PNG or DICOM picture. MASK.png has the picture's size, 0 outside and\n"
    "255 inside. PATH a folder: --out is a folder that gets one mask per picture, of the same base\n"
    "name. No region found: an all-zero mask and a warning, exit status 0.\n"
    "\n"
    "  --overlay PNG    also the picture with the outline drawn in; a folder when PATH is one\n"
    "  --hilum PNG      also the node's hilum; a folder when PATH is one\n"
    "  --json           one JSON object per picture on a line of its own: file, found, unsure,\n"
    "                   agreement, diameters, seconds …\n"
    "  --frame N        frame of a DICOM object, from 1 (default: 1)\n"
    "  --package DIR    model package (default: of the settings, then the shipped one)\n"
    "  --config FILE    settings (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml if any)\n";

struct job {
    const char *path;
    struct segment_files out; /* files, or folders when path is one */
    bool json;
    const char *package, *config;
    enum roi roi;
    int frame; /* from 0 */
    struct dicom_limits limits;
    struct analyser analyser;
};

static int options_read(struct job *job, int argc, char **argv)
{
    static const struct option options[] = {
        {"roi", required_argument, NULL, 'r'},     {"out", required_argument, NULL, 'o'},
        {"overlay", required_argument, NULL, 'v'}, {"frame", required_argument, NULL, 'f'},
        {"hilum", required_argument, NULL, 'i'},   {"json", no_argument, NULL, 'j'},
        {"package", required_argument, NULL, 'p'}, {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},          {0}};
    struct error err = {0};
    int64_t frame = 1;
    int option;
    job->roi = ROI_COUNT;
    while ((option = getopt_long(argc, argv, "o:c:h", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            if (strcmp(optarg, "tumor") == 0 || strcmp(optarg, "tumour") == 0)
                job->roi = ROI_TUMOUR;
            else if (strcmp(optarg, "node") == 0)
                job->roi = ROI_NODE;
            else
                return command_usage(argv[0], "--roi '%s' must be tumor or node", optarg);
            break;
        case 'o': job->out.mask = optarg; break;
        case 'v': job->out.overlay = optarg; break;
        case 'i': job->out.hilum = optarg; break;
        case 'j': job->json = true; break;
        case 'f':
            if (number_parse_int(optarg, 1, INT_MAX, &frame, &err) < 0)
                return command_usage(argv[0], "--frame '%s': %s", optarg, err.message);
            break;
        case 'p': job->package = optarg; break;
        case 'c': job->config = optarg; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind + 1 != argc || job->roi == ROI_COUNT || !job->out.mask)
        return command_usage(argv[0], "one PATH, --roi and --out are needed");
    job->path = argv[optind];
    job->frame = (int)frame - 1;
    return -1;
}

/* What an object's header says of its regions, beside the picture; none for a PNG. */
struct input {
    struct image picture;
    struct us_region regions[DICOM_REGIONS_MAX];
    size_t region_count;
};

static int input_read(const struct job *job, const char *path, struct input *ret_input,
                      struct error *err)
{
    struct dicom_instance header;
    struct input input = {0};
    int status = 0;
    if (file_is_png(path)) {
        status = image_read_png(path, &input.picture, err);
    } else {
        status = dicom_instance_read(path, &job->limits, &header, err);
        if (status == 0)
            status = dicom_frame_decode(path, job->frame, &job->limits, &input.picture, err);
        if (status == 0) {
            input.region_count = (size_t)header.region_count;
            memcpy(input.regions, header.regions, input.region_count * sizeof *input.regions);
        }
    }
    if (status == 0)
        *ret_input = input;
    return status;
}

/* As the service does, but for the words on the screen. */
static int outline(const struct job *job, struct input *input, struct look *ret_look,
                   struct region_finding *ret_region, struct error *err)
{
    const struct package *package = job->analyser.package;
    const struct look_input seen = {
        .regions = input->regions,
        .region_count = input->region_count,
        .paint = package->networks[job->roi].outline.painted,
    };
    const struct look_outliner outliner = {
        .net = job->analyser.nets.net[job->roi],
        .network = &package->networks[job->roi].outline,
        .roi = job->roi,
        .agreement_min = package->agreement_min,
        .regions = input->regions,
        .region_count = input->region_count,
    };
    int status = look_init(ret_look, &input->picture, &seen, err);
    if (status == 0) {
        status = look_outline(ret_look, &outliner, ret_region, err);
        if (status < 0)
            look_release(ret_look);
    }
    return status;
}

static int segment_one(const struct job *job, const char *path, const struct segment_files *out,
                       struct error *err)
{
    struct input input;
    struct look look;
    struct region_finding region;
    int64_t started_us = clock_monotonic_us(clock_system());
    int status = input_read(job, path, &input, err);
    if (status == 0)
        status = outline(job, &input, &look, &region, err);
    if (status < 0)
        return status;
    double seconds = (double)(clock_monotonic_us(clock_system()) - started_us) / 1e6;
    if (!region.found)
        fprintf(stderr, "warning: %s: no region found, the mask is empty\n", path);
    status = segment_write(out, &look.picture, &region, err);
    if (status == 0 && job->json)
        status = segment_print(path, &region, seconds, err);
    region_finding_release(&region);
    look_release(&look);
    return status;
}

/* FOLDER/NAME with the suffix replaced by .png */
static int png_name(const char *folder, const char *name, char out[PATH_MAX], struct error *err)
{
    const char *dot = strrchr(name, '.');
    size_t base = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    if (snprintf(out, PATH_MAX, "%s/%.*s.png", folder, (int)base, name) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the name of %s is too long", name);
    return 0;
}

static int segment_entry(const struct job *job, const char *name, struct error *err)
{
    char path[PATH_MAX], mask[PATH_MAX], overlay[PATH_MAX], hilum[PATH_MAX];
    struct segment_files out = {mask, job->out.overlay ? overlay : NULL,
                                job->out.hilum ? hilum : NULL};
    if (snprintf(path, sizeof path, "%s/%s", job->path, name) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the name of %s is too long", name);
    int status = png_name(job->out.mask, name, mask, err);
    if (status == 0 && job->out.overlay)
        status = png_name(job->out.overlay, name, overlay, err);
    if (status == 0 && job->out.hilum)
        status = png_name(job->out.hilum, name, hilum, err);
    return status < 0 ? status : segment_one(job, path, &out, err);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Two inputs of one base name would share a mask: the second is refused. */
static bool repeats_base(struct dirent *const *entries, int i)
{
    const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
    size_t base = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    for (int k = 0; k < i; k++) {
        const char *other = entries[k]->d_name, *other_dot = strrchr(other, '.');
        size_t length = other_dot && other_dot != other ? (size_t)(other_dot - other)
                                                        : strlen(other);
        if (length == base && strncmp(name, other, base) == 0)
            return true;
    }
    return false;
}

static int segment_folder(const struct job *job, struct error *err)
{
    struct dirent **entries;
    int failed = 0, count = scandir(job->path, &entries, visible, alphasort);
    if (count < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read folder %s", job->path);
    int status = folder_make(job->out.mask, err);
    if (status == 0 && job->out.overlay)
        status = folder_make(job->out.overlay, err);
    if (status == 0 && job->out.hilum)
        status = folder_make(job->out.hilum, err);
    for (int i = 0; i < count; i++) {
        struct error reason = {0};
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", job->path, entries[i]->d_name);
        if (status < 0 || is_folder(path))
            continue;
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r%d of %d ", i + 1, count);
        int done = repeats_base(entries, i)
                       ? error_set(&reason, STATUS_CONFLICT, "another input has this base name")
                       : segment_entry(job, entries[i]->d_name, &reason);
        if (done < 0) {
            failed++;
            error_prefix(&reason, "%s", path);
            command_failed(&reason);
        }
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (status == 0 && failed)
        status = error_set(err, STATUS_INVALID, "%d of %d files have no mask", failed, count);
    return status;
}

static int job_open(struct job *job, const struct settings **ret_settings, struct error *err)
{
    struct analyser_options options = {.trust.allow_unsigned = true};
    int status = command_settings_if_any(job->config, ret_settings, err);
    if (status < 0)
        return status;
    job->limits = dicom_limits_default();
    if (*ret_settings) {
        options = analyser_options_of(*ret_settings);
        job->limits = limits_of_objects(*ret_settings);
    }
    if (job->package)
        options.package = job->package;
    status = dicom_setup(err);
    if (status == 0)
        status = analyser_open(&options, &job->analyser, err);
    if (status == 0 && !job->analyser.nets.net[job->roi])
        status = error_set(err, STATUS_UNSUPPORTED, "package %s has no network for the %s",
                           job->analyser.package->name, roi_name(job->roi));
    return status;
}

int command_segment(int argc, char **argv)
{
    struct job job = {0};
    const struct settings *settings = NULL;
    struct error err = {0};
    int status = options_read(&job, argc, argv);
    if (status >= 0)
        return status;
    status = job_open(&job, &settings, &err);
    if (status == 0)
        status = is_folder(job.path) ? segment_folder(&job, &err)
                                     : segment_one(&job, job.path, &job.out, &err);
    analyser_release(&job.analyser);
    settings_free(settings);
    return status < 0 ? command_failed(&err) : EXIT_DONE;
}
