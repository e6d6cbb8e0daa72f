#include "report/report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "report/loop.h"
#include "report/words.h"

/* cJSON's builders return NULL without memory; `failed` collects that. */
struct json {
    const struct report_input *input;
    struct arena arena;
    bool failed;
};

static cJSON *keep(struct json *j, cJSON *item)
{
    if (!item)
        j->failed = true;
    return item;
}

static void text(struct json *j, cJSON *object, const char *key, const char *value)
{
    const char *clean = words_clean(&j->arena, value);
    keep(j, clean ? cJSON_AddStringToObject(object, key, clean) : NULL);
}

/* What is not finite becomes null. */
static void number(struct json *j, cJSON *object, const char *key, double value)
{
    keep(j, isfinite(value) ? cJSON_AddNumberToObject(object, key, value)
                            : cJSON_AddNullToObject(object, key));
}

static void boolean(struct json *j, cJSON *object, const char *key, bool value)
{
    keep(j, cJSON_AddBoolToObject(object, key, value));
}

static cJSON *append(struct json *j, cJSON *array, cJSON *item)
{
    if (!keep(j, item) || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        j->failed = true;
        return NULL;
    }
    return item;
}

static void add_texts(struct json *j, cJSON *object, const char *key, const char *const *texts,
                      size_t count)
{
    cJSON *array = keep(j, cJSON_AddArrayToObject(object, key));
    for (size_t i = 0; array && i < count; i++) {
        const char *clean = words_clean(&j->arena, texts[i]);
        append(j, array, cJSON_CreateString(clean ? clean : ""));
    }
}

static void add_package(struct json *j, cJSON *root)
{
    const struct report_input *in = j->input;
    cJSON *package = keep(j, cJSON_AddObjectToObject(root, "package"));
    text(j, package, "name", in->package_name);
    text(j, package, "version", in->package_version);
    text(j, package, "sha256", in->package_digest);
    text(j, package, "intended_use", in->intended_use);
    text(j, package, "outcome", in->outcome_text);
    text(j, package, "population", in->population);
}

static void add_contributions(struct json *j, cJSON *risk)
{
    const struct score *score = j->input->score;
    cJSON *array = keep(j, cJSON_AddArrayToObject(risk, "contributions"));
    for (size_t i = 0; array && i < score->contribution_count; i++) {
        const struct contribution *c = &score->contributions[i];
        cJSON *item = append(j, array, cJSON_CreateObject());
        text(j, item, "stage", c->stage);
        text(j, item, "feature", c->name);
        number(j, item, "value", c->value);
        number(j, item, "centre", c->centre);
        number(j, item, "scale", c->scale);
        number(j, item, "coefficient", c->coefficient);
        number(j, item, "contribution", c->contribution);
    }
}

static void add_risk(struct json *j, cJSON *root)
{
    const struct score *score = j->input->score;
    const char *reasons[REASON_MAX];
    cJSON *risk = keep(j, cJSON_AddObjectToObject(root, "risk"));
    for (int i = 0; i < score->reason_count; i++)
        reasons[i] = score->reasons[i];
    boolean(j, risk, "estimated", score->has_risk);
    number(j, risk, "probability", score->has_risk ? score->risk : NAN);
    number(j, risk, "low", score->has_interval ? score->risk_low : NAN);
    number(j, risk, "high", score->has_interval ? score->risk_high : NAN);
    text(j, risk, "group", score->group);
    number(j, risk, "linear_predictor", score->has_risk ? score->linear_predictor : NAN);
    number(j, risk, "cutoff", score->cutoff > 0 ? score->cutoff : NAN);
    text(j, risk, "cutoff_rule", score->cutoff > 0 ? j->input->cutoff_rule : "");
    if (score->has_risk && score->cutoff > 0)
        boolean(j, risk, "above_cutoff", score->above_cutoff);
    add_texts(j, risk, "reasons", reasons, (size_t)score->reason_count);
    add_contributions(j, risk);
}

/* The loop that the package's network saw; frames count from 1. */
static void add_loop(struct json *j, cJSON *root)
{
    const struct report_input *in = j->input;
    const struct loop_finding *loop = loop_of(in);
    if (!loop)
        return;
    cJSON *object = keep(j, cJSON_AddObjectToObject(root, "loop"));
    text(j, object, "sop_instance_uid", in->images[loop->image].header->sop_instance_uid);
    number(j, object, "frames", loop->frames);
    number(j, object, "duration_s", loop->duration_s);
    number(j, object, "from_s", loop->from_s);
    number(j, object, "to_s", loop->to_s);
    cJSON *array = keep(j, cJSON_AddArrayToObject(object, "samples"));
    for (int i = 0; array && i < loop->count; i++) {
        cJSON *item = append(j, array, cJSON_CreateObject());
        number(j, item, "frame", loop->samples[i].frame + 1);
        number(j, item, "seconds", loop->samples[i].seconds);
        number(j, item, "contribution", loop_explained(in) ? loop->samples[i].contribution : NAN);
    }
    number(j, object, "key_frame",
           loop_explained(in) ? loop->samples[loop->key].frame + 1 : NAN);
    text(j, object, "text", loop_words(&j->arena, in));
    text(j, object, "key_text", loop_explained(in) ? loop_key_words(&j->arena, in) : "");
}

static void add_quantities(struct json *j, cJSON *region, const struct region_finding *finding,
                           enum roi roi)
{
    struct quantity quantities[QUANTITIES_MAX];
    const size_t count = words_quantities(finding, roi, quantities);
    cJSON *array = keep(j, cJSON_AddArrayToObject(region, "measurements"));
    for (size_t i = 0; array && i < count; i++) {
        cJSON *item = append(j, array, cJSON_CreateObject());
        text(j, item, "name", quantities[i].key);
        text(j, item, "label", quantities[i].label);
        number(j, item, "value", quantities[i].value);
        text(j, item, "unit", quantities[i].unit_text);
        number(j, item, "decimals", quantities[i].decimals);
    }
}

static void add_statements(struct json *j, cJSON *region, const struct region_finding *finding,
                           enum roi roi)
{
    struct statement statements[STATEMENTS_MAX];
    const size_t count = words_statements(finding, roi, statements);
    cJSON *array = keep(j, cJSON_AddArrayToObject(region, "statements"));
    for (size_t i = 0; array && i < count; i++) {
        cJSON *item = append(j, array, cJSON_CreateObject());
        text(j, item, "name", statements[i].key);
        text(j, item, "label", statements[i].label);
        text(j, item, "state", statements[i].state);
        text(j, item, "text", statements[i].text);
    }
}

/* From the outline to the hilum, in pixels of the picture; null without a hilum. */
static void add_cortex_place(struct json *j, cJSON *region, const struct axis *cortex)
{
    const double ends[] = {cortex->x0, cortex->y0, cortex->x1, cortex->y1};
    if (!(cortex->length_px > 0)) {
        keep(j, cJSON_AddNullToObject(region, "cortex_place"));
        return;
    }
    keep(j, cJSON_AddItemToObject(region, "cortex_place", cJSON_CreateDoubleArray(ends, 4))
                ? region
                : NULL);
}

static void add_quality(struct json *j, cJSON *region, const struct quality *quality)
{
    char faults[256];
    cJSON *object = keep(j, cJSON_AddObjectToObject(region, "quality"));
    quality_words(quality->faults, faults, sizeof faults);
    number(j, object, "graphics_share", quality->graphics_share);
    number(j, object, "black_share", quality->black_share);
    number(j, object, "white_share", quality->white_share);
    number(j, object, "outside_share", quality->outside_share);
    text(j, object, "faults", faults);
}

static void add_region(struct json *j, cJSON *regions, enum roi roi)
{
    static const char *const sources[] = {[CALIBRATION_NONE] = "none",
                                          [CALIBRATION_REGION] = "region",
                                          [CALIBRATION_ESTIMATED] = "estimated"};
    const struct region_finding *finding = words_region(j->input, roi);
    if (!finding) {
        keep(j, cJSON_AddNullToObject(regions, roi_name(roi)));
        return;
    }
    const struct report_image *image = &j->input->images[finding->image];
    cJSON *region = keep(j, cJSON_AddObjectToObject(regions, roi_name(roi)));
    text(j, region, "title", words_region_title(roi));
    text(j, region, "sop_instance_uid", image->header->sop_instance_uid);
    number(j, region, "image_number", image->header->instance_number);
    number(j, region, "frame", image->header->frames > 1 ? image->frame + 1 : NAN);
    text(j, region, "calibration", sources[finding->calibration.source]);
    number(j, region, "probability", finding->probability);
    number(j, region, "agreement", finding->agreement);
    boolean(j, region, "unsure", finding->unsure);
    number(j, region, "passes", finding->passes);
    number(j, region, "callipers", finding->callipers);
    boolean(j, region, "touches_border", finding->touches_border);
    add_quality(j, region, &finding->quality);
    if (roi == ROI_NODE)
        add_cortex_place(j, region, &finding->measurements.cortex);
    add_quantities(j, region, finding, roi);
    add_statements(j, region, finding, roi);
}

static void add_images(struct json *j, cJSON *root)
{
    cJSON *array = keep(j, cJSON_AddArrayToObject(root, "images"));
    for (size_t i = 0; array && i < j->input->image_count; i++) {
        const struct report_image *image = &j->input->images[i];
        cJSON *item = append(j, array, cJSON_CreateObject());
        text(j, item, "sop_instance_uid", image->header->sop_instance_uid);
        number(j, item, "frame", image->header->frames > 1 ? image->frame + 1 : NAN);
        text(j, item, "role", image->role < ROI_COUNT ? roi_name(image->role) : "");
    }
}

static void add_objects(struct json *j, cJSON *root, const struct report_object *objects, int count)
{
    cJSON *array = keep(j, cJSON_AddArrayToObject(root, "objects"));
    for (int i = 0; array && i < count; i++) {
        cJSON *item = append(j, array, cJSON_CreateObject());
        text(j, item, "kind", objects[i].kind);
        text(j, item, "sop_class_uid", objects[i].sop_class_uid);
        text(j, item, "sop_instance_uid", objects[i].sop_instance_uid);
        text(j, item, "file", objects[i].file_name);
        text(j, item, "sha256", objects[i].sha256);
    }
}

/* Every package's answer, the leading one's first. */
static void add_packages(struct json *j, cJSON *root)
{
    const struct report_input *leading = j->input;
    cJSON *array = keep(j, cJSON_AddArrayToObject(root, "packages"));
    for (size_t i = 0; array && i <= leading->other_count; i++) {
        cJSON *item = append(j, array, cJSON_CreateObject());
        j->input = i == 0 ? leading : &leading->others[i - 1];
        boolean(j, item, "leading", i == 0);
        text(j, item, "side", side_name(j->input->side));
        add_package(j, item);
        add_risk(j, item);
        add_loop(j, item);
        add_texts(j, item, "notes", j->input->notes, j->input->note_count);
    }
    j->input = leading;
}

static void add_all(struct json *j, cJSON *root, const struct report_object *objects, int count)
{
    const struct report_input *in = j->input;
    char created[CLOCK_TEXT_SIZE];
    clock_format_iso(in->created_us, created);
    text(j, root, "software", DICOM_OWN_MANUFACTURER);
    text(j, root, "software_version", in->software_version);
    text(j, root, "created", created);
    number(j, root, "generation", in->generation);
    text(j, root, "replaces", in->predecessor_sr_uid);
    text(j, root, "status", words_status(&j->arena, in));
    text(j, root, "study_instance_uid",
         in->image_count ? in->images[0].header->study_instance_uid : "");
    text(j, root, "side", side_name(in->side));
    add_package(j, root);
    add_risk(j, root);
    add_loop(j, root);
    add_packages(j, root);
    cJSON *regions = keep(j, cJSON_AddObjectToObject(root, "regions"));
    for (int roi = 0; roi < ROI_COUNT; roi++)
        add_region(j, regions, roi);
    add_texts(j, root, "notes", in->notes, in->note_count);
    add_images(j, root);
    add_objects(j, root, objects, count);
}

int report_json(const struct report_input *input, const struct report_object *objects, int count,
                char **ret_json, struct error *err)
{
    struct json j = {.input = input};
    arena_init(&j.arena);
    cJSON *root = keep(&j, cJSON_CreateObject());
    add_all(&j, root, objects, count);
    char *printed = j.failed ? NULL : cJSON_Print(root);
    cJSON_Delete(root);
    arena_release(&j.arena);
    if (!printed)
        return error_set(err, STATUS_NOMEM, "cannot make result.json: out of memory");
    *ret_json = printed;
    return 0;
}
