#include "plugin/work.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "service/backoff.h"

enum { ORTHANC_AGAIN_US = 10000000 };

static int record_write(struct work *w, struct error *err)
{
    return study_record_write(w->plugin->orthanc, w->id, &w->record, err);
}

static void count(struct work *w, enum plugin_count what)
{
    atomic_fetch_add(&w->plugin->counts[what], 1);
}

/* Whether everything of the report under way is in Orthanc: then it is done, though nobody wrote so. */
static bool is_complete(const struct work *w)
{
    const struct record_report *next = &w->record.next;
    char id[ORTHANC_ID_SIZE];
    for (size_t i = 0; i < next->object_count; i++)
        if (orthanc_find(w->plugin->orthanc, next->objects[i].sop_instance_uid, id, sizeof id,
                         NULL) < 0)
            return false;
    return true;
}

static bool fails_again(int status)
{
    return status == STATUS_INVALID || status == STATUS_UNSUPPORTED || status == STATUS_LIMIT;
}

/* The study is parked, or tried again after a pause. */
static int64_t attempt_failed(struct work *w, int status, const struct error *why)
{
    const struct settings *settings = w->plugin->options.settings;
    struct error err = {0};
    w->record.attempts++;
    /* An axnoded that is away comes back: the study waits for it. */
    const bool tired = w->plugin->options.mode == OPTIONS_LOCAL &&
                       w->record.attempts >= settings->workers.attempts_max;
    const bool over = fails_again(status) || tired;
    const int64_t pause_us = backoff_us(settings->workers.backoff_first_us,
                                        settings->workers.backoff_max_us, w->record.attempts);
    orthanc_log(w->plugin->orthanc, over ? LOG_ERROR : LOG_WARNING, why,
                over ? "study %s cannot be analysed" : "study %s: attempt failed", w->id);
    count(w, over ? PLUGIN_FAILED : PLUGIN_ATTEMPTS_FAILED);
    snprintf(w->record.reason, sizeof w->record.reason, "%s", why->message);
    if (over)
        record_fail(&w->record, why->message);
    status = record_write(w, &err);
    return over && status == 0 ? 0 : clock_monotonic_us(clock_system()) + pause_us;
}

static void not_applicable(struct work *w)
{
    snprintf(w->record.next.outcome, sizeof w->record.next.outcome, "%s",
             plugin_count_names[PLUGIN_NOT_APPLICABLE]);
    snprintf(w->record.next.reason, sizeof w->record.next.reason,
             "the study holds no ultrasound images");
    record_succeed(&w->record);
}

static void succeeded(struct work *w)
{
    const char *outcome = w->record.last.outcome;
    for (int i = PLUGIN_RISK; i <= PLUGIN_NOT_APPLICABLE; i++)
        if (strcmp(outcome, plugin_count_names[i]) == 0)
            count(w, (enum plugin_count)i);
    if (w->record.state == RECORD_FORWARDED)
        count(w, PLUGIN_FORWARDED);
    orthanc_log(w->plugin->orthanc, LOG_INFO, NULL, "study %s: %s %s", w->id,
                record_state_name(w->record.state), outcome);
}

static int64_t attempt(struct work *w)
{
    struct error err = {0};
    int status = record_write(w, &err);
    if (status == 0)
        status = study_asked_clear(w->plugin->orthanc, w->id, NULL) == STATUS_UNAVAILABLE
                     ? error_set(&err, STATUS_UNAVAILABLE, "Orthanc did not clear a mark")
                     : 0;
    if (status == 0 && w->study.ambiguous)
        status = error_set(&err, STATUS_INVALID,
                           "Orthanc has studies of two patients under one Study Instance UID");
    else if (status == 0 && w->study.ultrasound_count == 0)
        not_applicable(w);
    else if (status == 0)
        status = w->plugin->options.mode == OPTIONS_LOCAL ? work_local(w, &err)
                                                          : work_forward(w, &err);
    if (status == 0)
        status = record_write(w, &err);
    if (status < 0 && atomic_load(&w->plugin->stopping))
        return 0; /* the next start takes it up */
    if (status < 0)
        return attempt_failed(w, status, &err);
    succeeded(w);
    return 0;
}

/* Everything that is known of the study. */
static int look(struct work *w, struct arena *arena, bool *ret_asked, struct error *err)
{
    bool again = false;
    int status = study_read(w->plugin->orthanc, w->id, arena, &w->study, err);
    if (status == 0)
        status = study_record_read(w->plugin->orthanc, w->id, &w->record, err);
    if (status == 0)
        status = study_asked(w->plugin->orthanc, w->id, ret_asked, &again, err);
    if (status == 0)
        w->record.again |= again;
    return status;
}

static int64_t decide(struct work *w, bool asked)
{
    struct error err = {0};
    const enum record_state before = w->record.state;
    if (!w->study.stable && !asked)
        return 0; /* Orthanc tells when it is */
    if (w->study.ultrasound_count == 0 && before == RECORD_NONE && !asked)
        return 0; /* leave what is none of ours as it is */
    if (asked) /* also one that failed */
        w->record.failed_set[0] = '\0';
    const bool reported = before == RECORD_FORWARDED && work_forward_reported(w);
    if (before == RECORD_FORWARDED && !reported && !w->record.again &&
        strcmp(w->record.next.set, w->study.set) == 0)
        return 0; /* axnoded has it */
    const bool complete = before == RECORD_STORING && is_complete(w);
    const enum record_step step = record_step(&w->record, w->study.set, complete,
                                              clock_realtime_us(clock_system()));
    if (step != RECORD_NOTHING)
        return attempt(w);
    if (w->record.state == before && !reported && !asked)
        return 0;
    if (record_write(w, &err) == 0 &&
        study_asked_clear(w->plugin->orthanc, w->id, NULL) != STATUS_UNAVAILABLE)
        return 0;
    return clock_monotonic_us(clock_system()) + ORTHANC_AGAIN_US;
}

int64_t work_on(struct work *work, const struct queue_item *item)
{
    struct arena arena ARENA_AUTO;
    struct error err = {0};
    bool asked = false;
    arena_init(&arena);
    work->id = item->study;
    int status = look(work, &arena, &asked, &err);
    if (status == 0)
        return decide(work, asked);
    if (status == STATUS_NOT_FOUND || atomic_load(&work->plugin->stopping))
        return 0; /* it is gone */
    orthanc_log(work->plugin->orthanc, LOG_WARNING, &err, "study %s not read", work->id);
    return clock_monotonic_us(clock_system()) + ORTHANC_AGAIN_US;
}
