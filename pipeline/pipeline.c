#include "pipeline/pipeline.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/words.h"
#include "pipeline/run.h"

static void run_free(struct run *run)
{
    if (!run)
        return;
    selection_release(&run->selection);
    seg_outlines_free(run->previous, run->previous_count);
    score_release(&run->score);
    arena_release(&run->arena);
    free(run);
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
static void not_applicable(struct run *run)
{
    bool named = run_has_role(run, ROI_TUMOUR) || run_has_role(run, ROI_NODE);
    if (!named)
        snprintf(run->reason, sizeof run->reason,
                 "no image is identified as breast or axilla by its attributes%s",
                 run->settings->words ? " or the words on it" : "");
    else if (run->frames_decoded == 0)
        snprintf(run->reason, sizeof run->reason, "no image could be analysed: %s",
                 run->note_count ? run->notes[run->note_count - 1]
                                 : "the package has no network for them");
}

/* Everything before scores. */
static int examine(struct run *run, struct error *err)
{
    int status = run_read(run, run->reason, sizeof run->reason, err);
    if (status < 0 || run->reason[0])
        return status;
    status = run_clinical_gather(run, err);
    if (status == 0)
        status = run_find(run, err);
    if (status == 0)
        not_applicable(run);
    return status;
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

/* What the first package can read the others can: such a failure of another one is its own, and costs
 * its score alone. */
static int forgive(struct run *run, int status, struct error *err)
{
    if (status != STATUS_INVALID && status != STATUS_UNSUPPORTED && status != STATUS_LIMIT)
        return status;
    snprintf(run->reason, sizeof run->reason, "the package could not be run on this study: %.400s",
             err->message);
    *err = (struct error){0};
    memset(run->chosen, 0, sizeof run->chosen); /* nothing half done */
    return 0;
}

/* A package that does not apply has no risk, and says why. */
static int assess_beside(const struct run *leading, struct run *run, struct error *err)
{
    int status = run->reason[0] ? 0 : forgive(run, run_assess(run, err), err);
    if (status < 0)
        return status;
    if (run->reason[0])
        score_add_reason(&run->score, "%s", run->reason);
    run_refuse_other_side(leading, run);
    run_note_beside(leading, run);
    return 0;
}

/* The first run to which the study applies comes first. */
static void lead(struct run **runs, size_t count)
{
    size_t first = 0;
    while (first < count && runs[first]->reason[0])
        first++;
    if (first == count)
        return;
    struct run *leading = runs[first];
    memmove(runs + 1, runs, first * sizeof *runs);
    runs[0] = leading;
}

static int conclude(const struct run *run, struct pipeline_result *result, struct error *err)
{
    const struct score *score = &run->score;
    result->outcome = run->reason[0]    ? PIPELINE_NOT_APPLICABLE
                      : score->has_risk ? PIPELINE_RISK
                                        : PIPELINE_NO_RISK;
    result->risk = score->has_risk ? score->risk : 0;
    if (!score->has_risk)
        snprintf(result->reason, sizeof result->reason, "%s",
                 score->reason_count ? score->reasons[0] : "no risk was estimated");
    return copy_features(run, &result->features, err);
}

/* No package applies: no objects. */
static int conclude_without(const struct run *run, struct pipeline_result *result, struct error *err)
{
    result->outcome = PIPELINE_NOT_APPLICABLE;
    snprintf(result->reason, sizeof result->reason, "%s", run->reason);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "outcome", pipeline_outcome_name(result->outcome));
    cJSON_AddStringToObject(root, "reason", result->reason);
    result->json = cJSON_Print(root);
    cJSON_Delete(root);
    return result->json ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
}

static int report_on(struct run *const *runs, size_t count, const char *folder,
                     struct pipeline_result *results, struct error *err)
{
    int status = runs[0]->reason[0] ? 0 : run_assess(runs[0], err);
    for (size_t i = 1; i < count && status == 0 && !runs[0]->reason[0]; i++)
        status = assess_beside(runs[0], runs[i], err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = runs[0]->reason[0] ? conclude_without(runs[i], &results[i], err)
                                    : conclude(runs[i], &results[i], err);
    return status < 0 || runs[0]->reason[0] ? status
                                            : run_compose(runs, count, folder, results, err);
}

static void name_results(struct run *const *runs, size_t count, struct pipeline_result *results)
{
    for (size_t i = 0; i < count; i++) {
        const struct package *package = runs[i]->package;
        struct pipeline_result *result = &results[i];
        snprintf(result->package_name, sizeof result->package_name, "%s", package->name);
        snprintf(result->package_version, sizeof result->package_version, "%s", package->version);
        snprintf(result->package_digest, sizeof result->package_digest, "%s", package->digest);
        digest_settings(runs[i]->settings, result->settings_digest);
        digest_format(runs[0]->content_digest, result->content_digest);
    }
}

static int run_all(struct run **runs, size_t count, const char *folder,
                   struct pipeline_result *results, struct error *err)
{
    int status = examine(runs[0], err);
    for (size_t i = 1; i < count && status == 0; i++)
        status = forgive(runs[i], examine(runs[i], err), err);
    if (status < 0)
        return status;
    lead(runs, count);
    run_share_contradictions(runs, count);
    status = run_previous(runs[0], err);
    if (status == 0)
        status = run_digest(runs, count, err);
    if (status < 0)
        return status;
    name_results(runs, count, results);
    return report_on(runs, count, folder, results, err);
}

int pipeline_run_several(const struct pipeline_settings *settings,
                         const struct pipeline_package *packages, size_t count,
                         const struct pipeline_job *job, const char *folder,
                         struct pipeline_result *ret_results, struct error *err)
{
    struct pipeline_result results[PIPELINE_PACKAGES_MAX] = {0};
    struct run *runs[PIPELINE_PACKAGES_MAX] = {0};
    struct error local = {0};
    int status = 0;
    if (!err)
        err = &local;
    assert(count > 0 && count <= PIPELINE_PACKAGES_MAX);
    for (size_t i = 0; i < count && status == 0; i++) {
        runs[i] = calloc(1, sizeof *runs[i]);
        if (!runs[i]) {
            status = error_set(err, STATUS_NOMEM, "out of memory");
            break;
        }
        *runs[i] = (struct run){.settings = settings,
                                .package = packages[i].package,
                                .nets = packages[i].nets,
                                .job = job};
        arena_init(&runs[i]->arena);
    }
    if (status == 0)
        status = run_all(runs, count, folder, results, err);
    for (size_t i = 0; i < count; i++)
        run_free(runs[i]);
    for (size_t i = 0; i < count && status < 0; i++)
        pipeline_result_release(&results[i]);
    if (status == 0)
        memcpy(ret_results, results, count * sizeof *results);
    return status;
}

int pipeline_run(const struct pipeline_settings *settings, const struct package *package,
                 const struct package_nets *nets, const struct pipeline_job *job,
                 const char *folder, struct pipeline_result *ret_result, struct error *err)
{
    const struct pipeline_package one = {package, nets};
    return pipeline_run_several(settings, &one, 1, job, folder, ret_result, err);
}
