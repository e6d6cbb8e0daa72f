/* axnode analyze PATH… */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "cli/clinical_file.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/studies.h"
#include "dicom/setup.h"
#include "pipeline/pipeline.h"
#include "report/report.h"
#include "service/analyser.h"
#include "service/catalogue.h"
#include "service/limits.h"

static const char usage_text[] =
    "Usage: axnode analyze PATH… [OPTION…]\n"
    "Analyse DICOM files, or all below a folder, study by study, and print each report. Needs no\n"
    "database and no network. Objects carry the newest Study Date and Time of their study, so\n"
    "that the same files give the same bytes.\n"
    "\n"
    "  --out DIR        one folder per study in DIR: result.json, sr.dcm, seg.dcm, sc.dcm (and a page each\n"
    "                   in sc-2.dcm …), overlay.png, heat maps; earlier ones are replaced\n"
    "  --package DIR    model package (default: those of the settings, then the shipped one); up to five\n"
    "                   times: the first leads, the others' scores stand beside its own in the report\n"
    "  --clinical FILE  clinical values of the patients, as `axnode clinical import` takes them\n"
    "  --config FILE    settings (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml if any)\n"
    "  --objects LIST   make these beside SR, SEG and SC: pr (outlines as presentation states), ko (key\n"
    "                   objects), pdf, seg-ohif; with commas between\n"
    "  --html           report.html too: all of it as one page for a browser; needs --out. It holds\n"
    "                   patient data, like the objects\n"
    "  --json           print one JSON object in place of the reports\n"
    "\n"
    "Files that cannot be read are listed with the reason and do not stop the others. Exit status\n"
    "1 when a study failed, or no file could be read.\n";

struct analyze {
    const char *out; /* NULL: nothing is kept */
    const char *packages[PIPELINE_PACKAGES_MAX]; /* folders; package_count of them */
    size_t package_count;
    const char *config;
    const char *clinical; /* file of clinical values; NULL: none */
    bool json, html;
    unsigned objects; /* set of enum report_kind */
    const struct settings *settings; /* NULL: none */
    struct pipeline_settings pipeline;
    struct analyser analysers[PIPELINE_PACKAGES_MAX]; /* the first leads */
    size_t analyser_count;
    struct studies studies;
    struct clinical_record *records; /* of --clinical, in `arena` */
    size_t record_count;
    struct arena *arena;
    cJSON *results; /* with --json: one per study */
    int done, failed;
};

/* "pr,ko": one name after the other; false at one that is none. */
static bool objects_read(const char *list, unsigned *ret_objects)
{
    char name[16];
    do {
        const size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, list);
        const unsigned kind = length < sizeof name ? report_kind_find(name) : 0;
        if (!kind)
            return false;
        *ret_objects |= kind;
        list += length;
    } while (*list++);
    return true;
}

static int options_read(struct analyze *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},    {"package", required_argument, NULL, 'p'},
        {"config", required_argument, NULL, 'c'}, {"clinical", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},         {"help", no_argument, NULL, 'h'},
        {"objects", required_argument, NULL, 'b'}, {"html", no_argument, NULL, 'w'},
        {0}};
    int option;
    while ((option = getopt_long(argc, argv, "o:c:h", options, NULL)) != -1) {
        switch (option) {
        case 'o': a->out = optarg; break;
        case 'p':
            if (a->package_count == PIPELINE_PACKAGES_MAX)
                return command_usage(argv[0], "--package: five at most");
            a->packages[a->package_count++] = optarg;
            break;
        case 'c': a->config = optarg; break;
        case 'l': a->clinical = optarg; break;
        case 'j': a->json = true; break;
        case 'b':
            if (!objects_read(optarg, &a->objects))
                return command_usage(argv[0], "--objects: pr, ko, pdf or seg-ohif, with commas "
                                              "between");
            break;
        case 'w': a->html = true; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind == argc)
        return command_usage(argv[0], "name at least one file or folder");
    if (a->html && !a->out)
        return command_usage(argv[0], "--html needs --out: the folder that takes the page");
    return -1;
}

/* "seg-2.dcm": a kind of object, perhaps with a number behind it. */
static bool is_object(const char *name)
{
    char kind[16];
    size_t length = strcspn(name, ".");
    if (strcmp(name + length, ".dcm") != 0)
        return false;
    if (length > 2 && name[length - 2] == '-' && name[length - 1] >= '2' && name[length - 1] <= '9')
        length -= 2;
    snprintf(kind, sizeof kind, "%.*s", (int)length, name);
    return length < sizeof kind && report_kind_find(kind) != 0;
}

/* "heatmap-node.png" */
static bool is_heat_map(const char *name)
{
    char heat_map[64];
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        snprintf(heat_map, sizeof heat_map, REPORT_HEAT_MAP_NAME, roi_name((enum roi)roi));
        if (strcmp(name, heat_map) == 0)
            return true;
    }
    return false;
}

/* Remove what an earlier run may have left; whatever else lies there stays. */
static int folder_clear(const char *folder, struct error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return error_set_errno(err, STATUS_IO, errno, "cannot read folder %s", folder);
    int status = 0;
    for (struct dirent *entry; status == 0 && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        bool ours = strcmp(name, "result.json") == 0 || strcmp(name, REPORT_OVERLAY_NAME) == 0 ||
                    strcmp(name, REPORT_HTML_NAME) == 0 || is_heat_map(name) || is_object(name);
        if (ours && unlinkat(dirfd(dir), name, 0) < 0)
            status = error_set_errno(err, STATUS_IO, errno, "cannot replace %s/%s", folder, name);
    }
    closedir(dir);
    return status;
}

/* The study's folder in --out, or a temporary one. */
static int folder_open(const struct analyze *a, const char *study_uid, char folder[PATH_MAX],
                       struct error *err)
{
    if (!a->out) {
        const char *base = getenv("TMPDIR");
        int n = snprintf(folder, PATH_MAX, "%s/axnode-XXXXXX", base && *base ? base : "/tmp");
        if (n >= PATH_MAX || !mkdtemp(folder))
            return error_set_errno(err, STATUS_IO, errno, "cannot make a temporary folder");
        return 0;
    }
    if (snprintf(folder, PATH_MAX, "%s/%s", a->out, study_uid) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the folder's name is too long");
    int status = folder_make(folder, err);
    return status < 0 ? status : folder_clear(folder, err);
}

static void folder_close(const struct analyze *a, const char *folder)
{
    struct error ignored;
    if (a->out)
        return;
    folder_clear(folder, &ignored);
    rmdir(folder);
}

static int result_write(const char *folder, const char *json, struct error *err)
{
    char path[PATH_MAX];
    if (!json)
        return 0;
    if (snprintf(path, sizeof path, "%s/result.json", folder) >= (int)sizeof path)
        return error_set(err, STATUS_INVALID, "the folder's name is too long");
    return file_write(path, json, strlen(json), err);
}

static int result_tell(struct analyze *a, const char *study_uid, const char *folder,
                       const struct pipeline_result *result, struct error *err)
{
    struct buffer text BUFFER_AUTO = {0};
    const char *outcome = pipeline_outcome_name(result->outcome);
    if (a->json) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "study_uid", study_uid);
        cJSON_AddStringToObject(row, "outcome", outcome);
        cJSON_AddStringToObject(row, "reason", result->reason);
        if (result->outcome == PIPELINE_RISK)
            cJSON_AddNumberToObject(row, "risk", result->risk);
        if (a->out)
            cJSON_AddStringToObject(row, "folder", folder);
        if (result->json)
            cJSON_AddItemToObject(row, "result", cJSON_Parse(result->json));
        cJSON_AddItemToArray(a->results, row);
        return 0;
    }
    printf("Study %s: %s\n", study_uid, outcome);
    if (result->outcome == PIPELINE_NOT_APPLICABLE) {
        printf("%s\n\n", result->reason);
        return 0;
    }
    int status = result->json ? report_text(result->json, &text, err) : 0;
    if (status == 0)
        printf("%s\n", buffer_text(&text));
    if (status == 0 && a->out)
        printf("Files: %s\n\n", folder);
    return status;
}

static int study_run(struct analyze *a, size_t first, size_t count, struct error *err)
{
    const struct study_file *files = &a->studies.files[first];
    struct arena arena ARENA_AUTO;
    arena_init(&arena);
    struct pipeline_object *objects = arena_array(&arena, count, sizeof *objects);
    struct pipeline_job job = {.objects = objects,
                               .object_count = count,
                               .generation = 1,
                               .created_us = studies_date(&a->studies, first, count),
                               .clinical = a->records,
                               .clinical_count = a->record_count};
    struct pipeline_result results[PIPELINE_PACKAGES_MAX] = {0};
    struct pipeline_package packages[PIPELINE_PACKAGES_MAX];
    char folder[PATH_MAX];
    if (!objects)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        objects[i].path = files[i].path;
        memcpy(objects[i].dataset_digest, files[i].dataset_digest, DIGEST_TEXT_SIZE);
    }
    int status = folder_open(a, files->study_uid, folder, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < a->analyser_count; i++)
        packages[i] = (struct pipeline_package){a->analysers[i].package, &a->analysers[i].nets};
    status = pipeline_run_several(&a->pipeline, packages, a->analyser_count, &job, folder, results,
                                  err);
    if (status == 0)
        status = result_write(folder, results->json, err);
    if (status == 0)
        status = result_tell(a, files->study_uid, folder, results, err);
    for (size_t i = 0; i < a->analyser_count; i++)
        pipeline_result_release(&results[i]);
    folder_close(a, folder);
    return status;
}

static void studies_run(struct analyze *a)
{
    size_t count;
    bool shows = isatty(STDERR_FILENO) && !a->json;
    for (size_t first = 0; first < a->studies.file_count; first += count) {
        struct error err = {0};
        count = studies_span(&a->studies, first);
        if (shows)
            fprintf(stderr, "analysing study %d (%zu of %zu files)\n", a->done + a->failed + 1,
                    first, a->studies.file_count);
        if (study_run(a, first, count, &err) == 0) {
            a->done++;
            continue;
        }
        a->failed++;
        error_prefix(&err, "study %s", a->studies.files[first].study_uid);
        command_failed(&err);
    }
}

static void passed_over_tell(const struct analyze *a, cJSON *list)
{
    for (size_t i = 0; i < a->studies.passed_over_count; i++) {
        const struct passed_over *file = &a->studies.passed_over[i];
        if (!list) {
            fprintf(stderr, "%s: %s: %s\n", file->unreadable ? "not read" : "passed over",
                    file->path, file->reason);
            continue;
        }
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "path", file->path);
        cJSON_AddStringToObject(row, "reason", file->reason);
        cJSON_AddBoolToObject(row, "unreadable", file->unreadable);
        cJSON_AddItemToArray(list, row);
    }
}

/* A file with one bad row is not taken: what it was to say would be missing. */
static int clinical_open(struct analyze *a, struct error *err)
{
    struct clinical_file file;
    if (!a->clinical)
        return 0;
    int status = clinical_file_read(a->clinical, a->arena, &file, err);
    if (status == 0 && file.bad_count > 0)
        status = error_set(err, STATUS_INVALID, "%s: line %d: %s", a->clinical, file.bad[0].line,
                           file.bad[0].reason);
    if (status < 0)
        return status;
    a->records = arena_array(a->arena, file.entry_count + 1, sizeof *a->records);
    if (!a->records)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < file.entry_count; i++)
        if (!file.entries[i].withdrawn)
            a->records[a->record_count++] = file.entries[i].record;
    return 0;
}

/* The packages of the command line, or those that the settings report. */
static int packages_open(struct analyze *a, struct error *err)
{
    const struct settings *settings = a->settings;
    struct analyser_options options = {.trust.allow_unsigned = true};
    char folders[SETTINGS_REPORTED_MAX][PATH_MAX];
    int status = 0;
    if (settings)
        options = analyser_options_of(settings);
    for (size_t i = 0; a->package_count == 0 && settings && i < settings->packages.report_count; i++) {
        status = catalogue_folder(settings, settings->packages.report[i], "", folders[i], err);
        if (status < 0)
            return status;
        a->packages[i + 1] = folders[i];
    }
    if (a->package_count == 0) {
        a->packages[0] = options.package;
        a->package_count = 1 + (settings ? settings->packages.report_count : 0);
    }
    for (size_t i = 0; i < a->package_count && status == 0; i++) {
        options.package = a->packages[i];
        options.beside = i > 0;
        status = analyser_open(&options, &a->analysers[i], err);
        a->analyser_count = i + (status == 0);
    }
    return status;
}

static int packages_differ(const struct analyze *a, struct error *err)
{
    for (size_t i = 0; i < a->analyser_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(a->analysers[i].package->digest, a->analysers[k].package->digest) == 0)
                return error_set(err, STATUS_INVALID, "package %s %s is named twice",
                                 a->analysers[i].package->name, a->analysers[i].package->version);
    return 0;
}

static int analyze_open(struct analyze *a, char **paths, struct arena *arena, struct error *err)
{
    struct file_list list;
    int status = command_settings_if_any(a->config, &a->settings, err);
    if (status < 0)
        return status;
    struct dicom_limits limits =
        a->settings ? limits_of_objects(a->settings) : dicom_limits_default();
    status = dicom_setup(err);
    if (status == 0)
        status = files_list(paths, arena, &list, err);
    if (status == 0)
        status = studies_read(&list, &limits, arena, &a->studies, err);
    if (status == 0)
        status = clinical_open(a, err);
    if (status == 0)
        status = packages_open(a, err);
    if (status == 0)
        status = packages_differ(a, err);
    if (status == 0)
        a->pipeline = analyser_pipeline(&a->analysers[0], a->settings);
    a->pipeline.objects = a->objects;
    a->pipeline.pictures = a->out != NULL;
    a->pipeline.html = a->html;
    return status;
}

static int analyze_all(struct analyze *a)
{
    cJSON *document = a->json ? cJSON_CreateObject() : NULL;
    cJSON *passed_over = NULL;
    if (document) {
        a->results = cJSON_AddArrayToObject(document, "studies");
        passed_over = cJSON_AddArrayToObject(document, "passed_over");
    }
    studies_run(a);
    passed_over_tell(a, passed_over);
    int status = document ? command_print_json(document) : EXIT_DONE;
    cJSON_Delete(document);
    if (a->done + a->failed == 0) {
        fputs("axnode: no file that could be analysed\n", stderr);
        return EXIT_FAILED;
    }
    return a->failed ? EXIT_FAILED : status;
}

int command_analyze(int argc, char **argv)
{
    struct analyze a = {0};
    struct arena arena ARENA_AUTO;
    struct error err = {0};
    arena_init(&arena);
    a.arena = &arena;
    int status = options_read(&a, argc, argv);
    if (status >= 0)
        return status;
    if (analyze_open(&a, argv + optind, &arena, &err) < 0)
        status = command_failed(&err);
    else
        status = analyze_all(&a);
    for (size_t i = 0; i < a.analyser_count; i++)
        analyser_release(&a.analysers[i]);
    settings_free(a.settings);
    return status;
}
