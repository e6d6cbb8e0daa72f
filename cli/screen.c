/* axnode screen PATH */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/files.h"
#include "dicom/reader.h"
#include "dicom/setup.h"
#include "image/calibration.h"
#include "image/callipers.h"
#include "image/graphics.h"
#include "image/png.h"
#include "image/quality.h"
#include "image/screen.h"

static const char usage_text[] =
    "Usage: axnode screen PATH [OPTION…]\n"
    "What a PNG or DICOM picture shows: its imaging regions with their kind and source, the share\n"
    "of drawn graphics in the one that networks look at, and what speaks against its figures.\n"
    "PATH a folder: every picture in it; files named below are then folders that get a PNG of\n"
    "the same base name for each.\n"
    "\n"
    "  --mask PNG       judge the quality of this outline (default: of the whole region)\n"
    "  --overlay PNG    write the picture with regions framed, graphics in red, callipers in yellow\n"
    "  --painted PNG    write the picture with graphics painted over, as networks get it\n"
    "  --frame N        frame of a DICOM object, from 1 (default: 1)\n"
    "  --json           as JSON\n";

struct job {
    const char *path, *mask, *overlay, *painted; /* the last three may be NULL */
    int frame;                                   /* from 0 */
    bool json;
    struct dicom_limits limits;
};

/* All that is known of one picture. */
struct sight {
    struct image picture;
    struct us_region regions[DICOM_REGIONS_MAX];
    size_t region_count;
    struct screen screen;
    int principal;
    struct mask graphics;
    struct callipers callipers;
    struct quality quality;
};

static void sight_release(struct sight *s)
{
    image_release(&s->picture);
    mask_release(&s->graphics);
}

static int options_read(struct job *job, int argc, char **argv)
{
    static const struct option options[] = {
        {"mask", required_argument, NULL, 'm'},    {"overlay", required_argument, NULL, 'v'},
        {"painted", required_argument, NULL, 'p'}, {"frame", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},          {"help", no_argument, NULL, 'h'},
        {0}};
    struct error err = {0};
    int64_t frame = 1;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'm': job->mask = optarg; break;
        case 'v': job->overlay = optarg; break;
        case 'p': job->painted = optarg; break;
        case 'f':
            if (number_parse_int(optarg, 1, INT_MAX, &frame, &err) < 0)
                return command_usage(argv[0], "--frame '%s': %s", optarg, err.message);
            break;
        case 'j': job->json = true; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    if (optind + 1 != argc)
        return command_usage(argv[0], "one PATH is needed");
    job->path = argv[optind];
    job->frame = (int)frame - 1;
    return -1;
}

static int picture_read(const struct job *job, const char *path, struct sight *s,
                        struct error *err)
{
    struct dicom_instance header;
    if (file_is_png(path))
        return image_read_png(path, &s->picture, err);
    int status = dicom_instance_read(path, &job->limits, &header, err);
    if (status < 0)
        return status;
    s->region_count = (size_t)header.region_count;
    memcpy(s->regions, header.regions, s->region_count * sizeof s->regions[0]);
    return dicom_frame_decode(path, job->frame, &job->limits, &s->picture, err);
}

/* The outline to judge: from a file, or the principal region's box. */
static int outline_read(const struct sight *s, const char *path, struct mask *ret_outline,
                        struct error *err)
{
    struct mask outline;
    int status = path ? mask_read_png(path, &outline, err)
                      : mask_init(&outline, s->picture.rows, s->picture.columns, err);
    if (status < 0)
        return status;
    if (outline.rows != s->picture.rows || outline.columns != s->picture.columns) {
        mask_release(&outline);
        return error_set(err, STATUS_INVALID, "mask %s has another size than the picture", path);
    }
    const struct bounds *box = &s->screen.regions[s->principal].box;
    for (int y = box->y0; !path && y <= box->y1; y++)
        memset(outline.pixels + (size_t)y * (size_t)outline.columns + (size_t)box->x0, 1,
               (size_t)(box->x1 - box->x0 + 1));
    *ret_outline = outline;
    return 0;
}

static int quality_judge(struct sight *s, const char *mask_path, struct error *err)
{
    struct image grey = {0};
    struct mask outline = {0};
    int status = outline_read(s, mask_path, &outline, err);
    if (status == 0)
        status = image_to_grey(&s->picture, &grey, err);
    if (status == 0) {
        int region = screen_region_of(&s->screen, &outline);
        struct calibration calibration =
            calibration_for_mask(s->regions, s->region_count, &outline);
        quality_measure(&(struct quality_input){
                            .grey = &grey,
                            .outline = &outline,
                            .graphics = &s->graphics,
                            .region = &s->screen.regions[region < 0 ? s->principal : region],
                            .calibrated = calibration.source == CALIBRATION_REGION},
                        &s->quality);
        if (!mask_path) /* the region's own border is no fault */
            s->quality.faults &= ~(unsigned)QUALITY_CUT_OFF;
    }
    image_release(&grey);
    mask_release(&outline);
    return status;
}

static int sight_take(const struct job *job, const char *path, const char *mask_path,
                      struct sight *s, struct error *err)
{
    int status = picture_read(job, path, s, err);
    if (status == 0)
        status = screen_analyse(&s->picture, s->regions, s->region_count, &s->screen, err);
    if (status < 0)
        return status;
    s->principal = screen_principal(&s->screen);
    status = graphics_find(&s->picture, &s->screen.regions[s->principal].box, &s->callipers,
                           &s->graphics, err);
    return status < 0 ? status : quality_judge(s, mask_path, err);
}

static void frame_draw(struct image *picture, const struct bounds *box, const uint8_t colour[3])
{
    for (int y = box->y0; y <= box->y1; y++)
        for (int x = box->x0; x <= box->x1; x++)
            if (y < box->y0 + 2 || y > box->y1 - 2 || x < box->x0 + 2 || x > box->x1 - 2)
                memcpy(picture->pixels + 3 * ((size_t)y * (size_t)picture->columns + (size_t)x),
                       colour, 3);
}

static int overlay_write(const char *path, const struct sight *s, struct error *err)
{
    static const uint8_t green[3] = {0, 220, 0}, orange[3] = {255, 150, 0},
                         yellow[3] = {255, 255, 0};
    struct image drawn;
    int status = image_init(&drawn, s->picture.rows, s->picture.columns, 3, err);
    if (status < 0)
        return status;
    size_t pixels = (size_t)drawn.rows * (size_t)drawn.columns;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++) {
            uint8_t value = s->picture.pixels[s->picture.channels == 3 ? 3 * i + c : i];
            if (s->graphics.pixels[i])
                value = (uint8_t)(value / 2 + (c == 0 ? 127 : 0));
            drawn.pixels[3 * i + c] = value;
        }
    for (int i = 0; i < s->screen.count; i++)
        frame_draw(&drawn, &s->screen.regions[i].box,
                   screen_kind_is_grey(s->screen.regions[i].kind) ? green : orange);
    for (int i = 0; i < s->callipers.count; i++) { /* a mark lies at least its arm inside */
        const struct calliper *mark = &s->callipers.marks[i];
        frame_draw(&drawn,
                   &(struct bounds){mark->x - mark->arm, mark->y - mark->arm,
                                    mark->x + mark->arm, mark->y + mark->arm}, yellow);
    }
    status = image_write_png(path, &drawn, err);
    image_release(&drawn);
    return status;
}

static int painted_write(const char *path, const struct sight *s, struct error *err)
{
    struct image painted;
    int status = graphics_paint_over(&s->picture, &s->graphics, &painted, err);
    if (status < 0)
        return status;
    status = image_write_png(path, &painted, err);
    image_release(&painted);
    return status;
}

static void sight_print(const char *path, const struct sight *s)
{
    char words[256];
    printf("%s: %d × %d%s\n", path, s->picture.columns, s->picture.rows,
           s->screen.dual ? ", two images side by side" : "");
    for (int i = 0; i < s->screen.count; i++) {
        const struct screen_region *r = &s->screen.regions[i];
        printf("  region %d%s: %d,%d to %d,%d, %s (box: %s; kind: %s)", i + 1,
               i == s->principal ? "*" : "", r->box.x0, r->box.y0, r->box.x1, r->box.y1,
               screen_kind_name(r->kind), screen_source_name(r->source),
               screen_source_name(r->kind_source));
        if (r->colour_share > 0)
            printf(", %.1f %% in colour", 100 * r->colour_share);
        putchar('\n');
    }
    for (unsigned bit = 1; bit <= SCREEN_DOUBT_TOO_MANY; bit <<= 1)
        if (s->screen.doubts & bit)
            printf("  doubt: %s\n", screen_doubt_text((enum screen_doubt)bit));
    quality_words(s->quality.faults, words, sizeof words);
    printf("  calliper marks: %d\n", s->callipers.count);
    printf("  graphics: %.2f %%; black %.1f %%, white %.2f %%; quality: %s\n",
           100 * s->quality.graphics_share, 100 * s->quality.black_share,
           100 * s->quality.white_share, words[0] ? words : "nothing against it");
}

static cJSON *region_json(const struct screen_region *r)
{
    cJSON *json = cJSON_CreateObject(), *box = cJSON_AddArrayToObject(json, "box");
    const int corners[4] = {r->box.x0, r->box.y0, r->box.x1, r->box.y1};
    for (int i = 0; i < 4; i++)
        cJSON_AddItemToArray(box, cJSON_CreateNumber(corners[i]));
    cJSON_AddStringToObject(json, "source", screen_source_name(r->source));
    cJSON_AddStringToObject(json, "kind", screen_kind_name(r->kind));
    cJSON_AddStringToObject(json, "kind_source", screen_source_name(r->kind_source));
    cJSON_AddNumberToObject(json, "colour_share", r->colour_share);
    return json;
}

static cJSON *sight_json(const char *path, const struct sight *s)
{
    const struct quality *q = &s->quality;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "file", path);
    cJSON_AddNumberToObject(json, "columns", s->picture.columns);
    cJSON_AddNumberToObject(json, "rows", s->picture.rows);
    cJSON_AddBoolToObject(json, "dual", s->screen.dual);
    cJSON_AddNumberToObject(json, "principal", s->principal);
    cJSON *regions = cJSON_AddArrayToObject(json, "regions");
    for (int i = 0; i < s->screen.count; i++)
        cJSON_AddItemToArray(regions, region_json(&s->screen.regions[i]));
    cJSON *callipers = cJSON_AddArrayToObject(json, "callipers");
    for (int i = 0; i < s->callipers.count; i++) {
        cJSON *mark = cJSON_CreateObject();
        cJSON_AddNumberToObject(mark, "x", s->callipers.marks[i].x);
        cJSON_AddNumberToObject(mark, "y", s->callipers.marks[i].y);
        cJSON_AddItemToArray(callipers, mark);
    }
    cJSON *doubts = cJSON_AddArrayToObject(json, "doubts");
    for (unsigned bit = 1; bit <= SCREEN_DOUBT_TOO_MANY; bit <<= 1)
        if (s->screen.doubts & bit)
            cJSON_AddItemToArray(
                doubts, cJSON_CreateString(screen_doubt_text((enum screen_doubt)bit)));
    cJSON *quality = cJSON_AddObjectToObject(json, "quality");
    cJSON_AddNumberToObject(quality, "pixels", (double)q->pixels);
    cJSON_AddNumberToObject(quality, "graphics_share", q->graphics_share);
    cJSON_AddNumberToObject(quality, "black_share", q->black_share);
    cJSON_AddNumberToObject(quality, "white_share", q->white_share);
    cJSON_AddNumberToObject(quality, "outside_share", q->outside_share);
    cJSON_AddBoolToObject(quality, "calibrated", q->calibrated);
    cJSON *faults = cJSON_AddArrayToObject(quality, "faults");
    for (int i = 0; i < QUALITY_FAULTS; i++)
        if (q->faults & 1U << i)
            cJSON_AddItemToArray(faults, cJSON_CreateString(quality_fault_name(
                                             (enum quality_fault)(1U << i))));
    return json;
}

struct outputs {
    const char *mask, *overlay, *painted; /* may be NULL */
};

static int screen_one(const struct job *job, const char *path, const struct outputs *out,
                      cJSON **ret_json, struct error *err)
{
    struct sight s = {0};
    int status = sight_take(job, path, out->mask, &s, err);
    if (status == 0 && out->overlay)
        status = overlay_write(out->overlay, &s, err);
    if (status == 0 && out->painted)
        status = painted_write(out->painted, &s, err);
    if (status == 0 && job->json)
        *ret_json = sight_json(path, &s);
    else if (status == 0)
        sight_print(path, &s);
    sight_release(&s);
    return status;
}

/* FOLDER/NAME with the suffix replaced by .png; NULL folder: NULL. */
static int png_name(const char *folder, const char *name, char out[PATH_MAX],
                    const char **ret_path, struct error *err)
{
    const char *dot = strrchr(name, '.');
    size_t base = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    *ret_path = folder ? out : NULL;
    if (folder && snprintf(out, PATH_MAX, "%s/%.*s.png", folder, (int)base, name) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the name of %s is too long", name);
    return 0;
}

static int screen_entry(const struct job *job, const char *name, cJSON **ret_json,
                        struct error *err)
{
    char path[PATH_MAX], mask[PATH_MAX], overlay[PATH_MAX], painted[PATH_MAX];
    struct outputs out;
    if (snprintf(path, sizeof path, "%s/%s", job->path, name) >= PATH_MAX)
        return error_set(err, STATUS_INVALID, "the name of %s is too long", name);
    int status = png_name(job->mask, name, mask, &out.mask, err);
    if (status == 0)
        status = png_name(job->overlay, name, overlay, &out.overlay, err);
    if (status == 0)
        status = png_name(job->painted, name, painted, &out.painted, err);
    return status < 0 ? status : screen_one(job, path, &out, ret_json, err);
}

static int regular(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_type != DT_DIR;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int screen_folder(const struct job *job, cJSON *list, struct error *err)
{
    struct dirent **entries;
    int failed = 0, count = scandir(job->path, &entries, regular, alphasort);
    if (count < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read folder %s", job->path);
    int status = job->overlay ? folder_make(job->overlay, err) : 0;
    if (status == 0 && job->painted)
        status = folder_make(job->painted, err);
    for (int i = 0; status == 0 && i < count; i++) {
        struct error reason = {0};
        cJSON *json = NULL;
        if (screen_entry(job, entries[i]->d_name, &json, &reason) < 0) {
            failed++;
            error_prefix(&reason, "%s/%s", job->path, entries[i]->d_name);
            command_failed(&reason);
        } else if (json) {
            cJSON_AddItemToArray(list, json);
        }
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (status == 0 && failed)
        status = error_set(err, STATUS_INVALID, "%d of %d files cannot be read as pictures",
                           failed, count);
    return status;
}

int command_screen(int argc, char **argv)
{
    struct job job = {.limits = dicom_limits_default()};
    struct error err = {0};
    int status = options_read(&job, argc, argv);
    if (status >= 0)
        return status;
    status = dicom_setup(&err);
    bool folder = is_folder(job.path);
    cJSON *json = folder && job.json ? cJSON_CreateArray() : NULL;
    if (status == 0)
        status = folder ? screen_folder(&job, json, &err)
                        : screen_one(&job, job.path,
                                     &(struct outputs){job.mask, job.overlay, job.painted}, &json,
                                     &err);
    int done = json ? command_print_json(json) : EXIT_DONE;
    cJSON_Delete(json);
    return status < 0 ? command_failed(&err) : done;
}
