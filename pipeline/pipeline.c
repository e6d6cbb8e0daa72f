#include "pipeline/pipeline.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/words.h"
#include "pipeline/run.h"

static void run_release(struct run *run)
{
    selection_release(&run->selection);
    seg_outlines_free(run->previous, run->previous_count);
    score_release(&run->score);
    arena_release(&run->arena);
}

struct pipeline_settings pipeline_settings_default(void)
{
    return (struct pipeline_settings){
        .limits = dicom_limits_default(), .frames_max = 64, .uid_namespace = "analyze"};
}

int pipeline_words_open(struct word_reader **ret_words, struct error *err)
{
    struct word_reader *words = NULL;
    int status = word_reader_new(NULL, &words, err);
    if (status < 0 && status != STATUS_NOT_FOUND)
        return status;
    *ret_words = words;
    return 0;
}

void pipeline_words_close(struct word_reader *words)
{
    word_reader_free(words);
}

const char *pipeline_outcome_name(enum pipeline_outcome outcome)
{
    switch (outcome) {
    case PIPELINE_RISK: return "risk";
    case PIPELINE_NO_RISK: return "no_risk";
    default: return "not_applicable";
    }
}

void pipeline_result_release(struct pipeline_result *result)
{
    free(result->json);
    feature_list_release(&result->features);
    *result = (struct pipeline_result){0};
}

static int copy_features(const struct run *run, struct feature_list *to, struct error *err)
{
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        const struct candidate *c = run->chosen[roi];
        for (size_t i = 0; c && i < c->region.features.count; i++) {
            const struct feature *f = &c->region.features.items[i];
            int status = feature_list_add(to, f->name, f->value, f->meaningless, err);
            if (status < 0)
                return status;
        }
    }
    return 0;
}

/* A study that says nothing of breast and axilla, or whose pictures nobody can read. */
static void not_applicable(const struct run *run, char *out, size_t size)
{
    bool named = run_has_role(run, ROI_TUMOUR) || run_has_role(run, ROI_NODE);
    if (!named)
        snprintf(out, size, "no image is identified as breast or axilla by its attributes%s",
                 run->settings->words ? " or the words on it" : "");
    else if (run->frames_decoded == 0)
        snprintf(out, size, "no image could be analysed: %s",
                 run->note_count ? run->notes[run->note_count - 1]
                                 : "the package has no network for them");
}

static int finish(struct run *run, const char *folder, struct pipeline_result *result,
                  struct error *err)
{
    if (result->reason[0]) {
        result->outcome = PIPELINE_NOT_APPLICABLE;
        cJSON *root = cJSON_CreateObject();
        cJSON_AddStringToObject(root, "outcome", pipeline_outcome_name(result->outcome));
        cJSON_AddStringToObject(root, "reason", result->reason);
        result->json = cJSON_Print(root);
        cJSON_Delete(root);
        return result->json ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
    }
    int status = run_assess(run, err);
    if (status == 0)
        status = copy_features(run, &result->features, err);
    if (status < 0)
        return status;
    result->outcome = run->score.has_risk ? PIPELINE_RISK : PIPELINE_NO_RISK;
    result->risk = run->score.has_risk ? run->score.risk : 0;
    if (!run->score.has_risk)
        snprintf(result->reason, sizeof result->reason, "%s",
                 run->score.reason_count ? run->score.reasons[0] : "no risk was estimated");
    return run_compose(run, folder, result, err);
}

/* The settings that run_digest takes in, by themselves. */
static void digest_settings(const struct pipeline_settings *settings, char hex[DIGEST_TEXT_SIZE])
{
    char text[256];
    uint8_t digest[DIGEST_SIZE];
    const int n = snprintf(text, sizeof text, "%.64s %d %llu %d %llu %d %d",
                           settings->words ? word_reader_name(settings->words) : "",
                           settings->frames_max,
                           (unsigned long long)settings->limits.object_bytes,
                           settings->limits.frames,
                           (unsigned long long)settings->limits.frame_pixels,
                           settings->score_bilateral, settings->score_multifocal);
    digest_bytes(text, (size_t)n, digest);
    digest_format(digest, hex);
}

int pipeline_run(const struct pipeline_settings *settings, const struct package *package,
                 const struct package_nets *nets, const struct pipeline_job *job,
                 const char *folder, struct pipeline_result *ret_result, struct error *err)
{
    struct run run = {.settings = settings, .package = package, .nets = nets, .job = job};
    struct pipeline_result result = {0};
    struct error local = {0};
    arena_init(&run.arena);
    if (!err)
        err = &local;
    int status = run_read(&run, result.reason, sizeof result.reason, err);
    if (status == 0 && !result.reason[0])
        status = run_clinical_gather(&run, err);
    if (status == 0 && !result.reason[0]) {
        status = run_find(&run, err);
        if (status == 0)
            not_applicable(&run, result.reason, sizeof result.reason);
    }
    snprintf(result.package_name, sizeof result.package_name, "%s", package->name);
    snprintf(result.package_version, sizeof result.package_version, "%s", package->version);
    snprintf(result.package_digest, sizeof result.package_digest, "%s", package->digest);
    digest_settings(settings, result.settings_digest);
    if (status == 0)
        status = run_previous(&run, err);
    if (status == 0)
        status = run_digest(&run, err);
    if (status == 0) {
        digest_format(run.content_digest, result.content_digest);
        status = finish(&run, folder, &result, err);
    }
    run_release(&run);
    if (status < 0) {
        pipeline_result_release(&result);
        return status;
    }
    *ret_result = result;
    return 0;
}
