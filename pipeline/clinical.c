/* What is known of the patient beside the pictures: gathered once for a run, chosen for each side
 * that is scored. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/number.h"
#include "dicom/reported.h"
#include "pipeline/run.h"

enum { VALUES_MAX = 2000, MEASURED_MAX = 2 };

/* Whether the package asks for it at all. */
static bool wanted(const struct package *package, const struct clinical_variable *variable)
{
    for (size_t i = 0; i < package->clinical_count; i++)
        if (package->clinical[i].variable == variable)
            return true;
    for (size_t i = 0; i < package->population_count; i++)
        if (package->population[i].rule.variable == variable)
            return true;
    return false;
}

static bool same_value(const struct clinical_value *a, const struct clinical_value *b)
{
    return a->variable == b->variable && a->code == b->code && !(a->number < b->number) &&
           !(a->number > b->number) && a->source == b->source && a->side == b->side &&
           a->observed == b->observed && a->of_study == b->of_study &&
           strcmp(a->source_text, b->source_text) == 0;
}

/* Each value once; those the package does not ask for are passed over. */
static int take(struct run *run, const struct clinical_value *value, struct error *err)
{
    struct clinical_values *all = &run->clinical;
    if (!wanted(run->package, value->variable))
        return 0;
    for (size_t i = 0; i < all->count; i++)
        if (same_value(&all->items[i], value))
            return 0;
    if (all->count == VALUES_MAX)
        return error_set(err, STATUS_LIMIT, "the patient has more than %d clinical values",
                         VALUES_MAX);
    all->items[all->count++] = *value;
    return 0;
}

/* ---- attributes of the images ---- */

static int take_attribute(struct run *run, const char *name, const char *text, const char *source,
                          struct error *err)
{
    struct clinical_value value = {.source = CLINICAL_DICOM, .observed = run->study.day,
                                   .of_study = true};
    if (clinical_value_parse(clinical_variable_find(name), text, &value, NULL) < 0)
        return 0;
    snprintf(value.source_text, sizeof value.source_text, "%s", source);
    return take(run, &value, err);
}

/* "054Y": whole years; months, weeks and days are of children. */
static int take_age(struct run *run, const struct dicom_instance *header, struct error *err)
{
    int64_t years;
    char text[NUMBER_TEXT_SIZE];
    if (strlen(header->patient_age) != 4 || header->patient_age[3] != 'Y')
        return 0;
    snprintf(text, sizeof text, "%.3s", header->patient_age);
    if (number_parse_int(text, 0, 999, &years, NULL) < 0)
        return 0;
    snprintf(text, sizeof text, "%d", (int)years);
    return take_attribute(run, "age", text, "(0010,1010) Patient's Age", err);
}

static int take_birth(struct run *run, const struct dicom_instance *header, struct error *err)
{
    char text[NUMBER_TEXT_SIZE];
    const int years = clinical_years(clinical_day(header->patient_birth_date), run->study.day);
    if (years < 0)
        return 0;
    snprintf(text, sizeof text, "%d", years);
    return take_attribute(run, "age", text, "(0010,0030) Patient's Birth Date", err);
}

static int take_sex(struct run *run, const struct dicom_instance *header, struct error *err)
{
    const char *sex = strcmp(header->patient_sex, "F") == 0   ? "female"
                      : strcmp(header->patient_sex, "M") == 0 ? "male"
                      : strcmp(header->patient_sex, "O") == 0 ? "other"
                                                              : "";
    return take_attribute(run, "sex", sex, "(0010,0040) Patient's Sex", err);
}

static int take_images(struct run *run, struct error *err)
{
    bool synthetic = run->image_count > 0;
    int status = 0;
    for (size_t i = 0; i < run->image_count && status == 0; i++) {
        const struct dicom_instance *header = run->images[i].header;
        synthetic = synthetic && header->synthetic_data;
        status = take_age(run, header, err);
        if (status == 0)
            status = take_birth(run, header, err);
        if (status == 0)
            status = take_sex(run, header, err);
    }
    if (status == 0 && synthetic)
        status = take_attribute(run, "synthetic_data", "yes", "(0008,001C) Synthetic Data", err);
    return status;
}

/* ---- structured reports ---- */

static bool same_patient(const struct clinical_study *study, const struct dicom_instance *header)
{
    return *study->patient_id && strcmp(study->patient_id, header->patient_id) == 0 &&
           strcmp(study->issuer, header->patient_id_issuer) == 0;
}

static int take_reported(struct run *run, const struct reported_value *reported,
                         struct error *err)
{
    struct clinical_value value = {
        .source = CLINICAL_SR,
        .side = reported->side == 'L'   ? SIDE_LEFT
                : reported->side == 'R' ? SIDE_RIGHT
                                        : SIDE_UNKNOWN,
        .observed = clinical_day(reported->observed),
    };
    char number[NUMBER_TEXT_SIZE];
    number_format(reported->number, number);
    if (clinical_value_parse(clinical_variable_find(reported->name),
                             reported->code ? reported->code : number, &value, NULL) < 0)
        return 0; /* beyond what a patient can have */
    snprintf(value.source_text, sizeof value.source_text, "structured report");
    return take(run, &value, err);
}

static bool states_wanted(const struct run *run, const struct reported *reported)
{
    for (int i = 0; i < reported->count; i++)
        if (wanted(run->package, clinical_variable_find(reported->values[i].name)))
            return true;
    return false;
}

static int take_report(struct run *run, const struct study_report *report, struct error *err)
{
    struct reported reported;
    struct error why = {0};
    int status = reported_read(report->object->path, &run->settings->limits, &reported, &why);
    if (status == STATUS_NOMEM || status == STATUS_IO || status == STATUS_NOT_FOUND) {
        *err = why;
        return status;
    }
    if (status < 0) {
        run_note(run, "a structured report of the study could not be read: %s",
                 without_path(why.message, report->object->path));
        return 0;
    }
    if (!states_wanted(run, &reported))
        return 0;
    if (!reported.final) {
        run_note(run, "a structured report of the study is not verified: its clinical values are "
                      "not used");
        return 0;
    }
    if (!same_patient(&run->study, report->header)) {
        run_note(run, "a structured report of the study has another patient identifier or issuer "
                      "than the images: its clinical values are not used");
        return 0;
    }
    for (int i = 0; i < reported.count && status == 0; i++)
        status = take_reported(run, &reported.values[i], err);
    return status;
}

/* ---- all of it ---- */

/* Patient and date as the images name them. */
static void name_study(struct run *run)
{
    const struct dicom_instance *first = run->images[0].header;
    run->study = (struct clinical_study){.patient_id = first->patient_id,
                                         .issuer = first->patient_id_issuer,
                                         .study_uid = first->study_instance_uid,
                                         .accession_number = first->accession_number,
                                         .day = clinical_day(first->study_date)};
    for (size_t i = 1; i < run->image_count; i++) {
        const struct dicom_instance *other = run->images[i].header;
        if (strcmp(other->study_date, first->study_date) != 0)
            run->study.day = CLINICAL_NO_DATE;
        if (strcmp(other->accession_number, first->accession_number) != 0)
            run->study.accession_number = "";
    }
}

static int take_record(struct run *run, const struct clinical_record *record, struct error *err)
{
    if (clinical_record_applies(record, &run->study))
        return take(run, &record->value, err);
    if (*record->study_uid && strcmp(record->study_uid, run->study.study_uid) == 0)
        run_note(run, "clinical values that name this study name another patient, issuer or "
                      "accession number: they are not used");
    return 0;
}

int run_clinical_gather(struct run *run, struct error *err)
{
    const struct pipeline_job *job = run->job;
    run->clinical.items = arena_array(&run->arena, VALUES_MAX, sizeof *run->clinical.items);
    if (!run->clinical.items)
        return error_set(err, STATUS_NOMEM, "out of memory");
    name_study(run);
    int status = take_images(run, err);
    for (size_t i = 0; i < run->report_count && status == 0; i++)
        status = take_report(run, &run->reports[i], err);
    for (size_t i = 0; i < job->clinical_count && status == 0; i++)
        status = take_record(run, &job->clinical[i], err);
    return status;
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Values from outside the study's objects; the others follow from those. Without any, nothing. */
int run_clinical_digest(struct run *run, struct digest *digest, struct error *err)
{
    const struct clinical_values *all = &run->clinical;
    const char **lines = arena_array(&run->arena, all->count + 1, sizeof *lines);
    size_t count = 0;
    if (!lines)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < all->count; i++) {
        const struct clinical_value *v = &all->items[i];
        char value[CLINICAL_TEXT_SIZE];
        if (v->source != CLINICAL_IMPORT)
            continue;
        clinical_value_format(v, value);
        lines[count] = arena_print(&run->arena, "%s=%s side=%s observed=%d source=%s",
                                   v->variable->name, value, side_name(v->side), v->observed,
                                   v->source_text);
        if (!lines[count++])
            return error_set(err, STATUS_NOMEM, "out of memory");
    }
    qsort(lines, count, sizeof *lines, text_order);
    for (size_t i = 0; i < count; i++)
        digest_add_text(digest, lines[i]);
    return 0;
}

/* ---- for one side ---- */

/* The side of every region that the package needs, when it is one. */
static enum side side_of(const struct package *package, const enum side sides[ROI_COUNT])
{
    enum side side = SIDE_UNKNOWN;
    bool first = true;
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        if (!package->required[roi])
            continue;
        if (!first && sides[roi] != side)
            return SIDE_UNKNOWN;
        side = sides[roi];
        first = false;
    }
    return side;
}

static bool accepts_measured(const struct clinical_input *input)
{
    for (size_t i = 0; i < input->source_count; i++)
        if (input->sources[i] == CLINICAL_MEASURED)
            return true;
    return false;
}

static bool in_mm(const struct package *package, const struct region_finding *region)
{
    return region->calibration.source == CALIBRATION_REGION ||
           (region->calibration.source == CALIBRATION_ESTIMATED &&
            package->sizes == PACKAGE_SIZES_ESTIMATED);
}

/* What our own measurements say of an input that accepts them; false: nothing. */
static bool measure(const struct run *run, const struct clinical_input *input,
                    struct candidate *const pair[ROI_COUNT], struct clinical_value *ret_value)
{
    const bool size = input->variable->unit;
    const struct candidate *c = pair[size ? ROI_TUMOUR : ROI_NODE];
    char text[CLINICAL_TEXT_SIZE];
    const char *status = NULL;
    if (!accepts_measured(input) || !c || !c->region.found ||
        (c->region.unsure && !run->package->unsure_allowed))
        return false;
    const bool mm = in_mm(run->package, &c->region);
    if (size)
        number_format(mm ? c->region.measurements.long_axis.length_mm : (double)NAN, text);
    else
        status = clinical_node_status(&input->criteria, &c->region.measurements, mm);
    struct clinical_value value = {.source = CLINICAL_MEASURED, .side = c->side,
                                   .observed = run->study.day, .of_study = true};
    if ((!size && !status) ||
        clinical_value_parse(input->variable, status ? status : text, &value, NULL) < 0)
        return false;
    snprintf(value.source_text, sizeof value.source_text, "%s",
             size ? "longest diameter of the outline" : "axis ratio, cortex and hilum as outlined");
    *ret_value = value;
    return true;
}

static void judge_evidence(const struct package_criterion *criterion,
                           const struct clinical_choice *choice, bool any,
                           struct evidence *ret_evidence)
{
    const struct clinical_value *value = choice->value;
    *ret_evidence = (struct evidence){.kind = criterion->evidence};
    if (value && choice->number > 0.5)
        snprintf(ret_evidence->source, sizeof ret_evidence->source, "%s: %s",
                 clinical_source_name(value->source),
                 *value->source_text ? value->source_text : "no words");
    else if (value)
        snprintf(ret_evidence->why, sizeof ret_evidence->why, "what is recorded says no");
    else if (any)
        memcpy(ret_evidence->why, choice->reason, sizeof ret_evidence->why);
}

static bool any_of(const struct clinical_values *values, const struct clinical_variable *variable)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->items[i].variable == variable)
            return true;
    return false;
}

int run_clinical_choose(struct run *run, struct candidate *const pair[ROI_COUNT],
                        const enum side sides[ROI_COUNT], struct clinical_pick *ret_pick,
                        struct error *err)
{
    const struct package *package = run->package;
    struct clinical_pick pick = {.side = side_of(package, sides)};
    pick.values.items = arena_array(&run->arena, run->clinical.count + MEASURED_MAX,
                                    sizeof *pick.values.items);
    pick.inputs = arena_array(&run->arena, package->clinical_count + 1, sizeof *pick.inputs);
    pick.criteria = arena_array(&run->arena, package->population_count + 1, sizeof *pick.criteria);
    pick.evidence = arena_array(&run->arena, package->population_count + 1, sizeof *pick.evidence);
    if (!pick.values.items || !pick.inputs || !pick.criteria || !pick.evidence)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < run->clinical.count; i++)
        pick.values.items[pick.values.count++] = run->clinical.items[i];
    for (size_t i = 0; i < package->clinical_count; i++) {
        struct clinical_value *next = &pick.values.items[pick.values.count];
        if (pick.values.count < run->clinical.count + MEASURED_MAX &&
            measure(run, &package->clinical[i], pair, next))
            pick.values.count++;
    }
    for (size_t i = 0; i < package->clinical_count; i++)
        clinical_choose(&package->clinical[i], run->study.day, pick.side, pick.values.items,
                        pick.values.count, &pick.inputs[i]);
    for (size_t i = 0; i < package->population_count; i++) {
        const struct package_criterion *criterion = &package->population[i];
        clinical_choose(&criterion->rule, run->study.day, pick.side, pick.values.items,
                        pick.values.count, &pick.criteria[i]);
        judge_evidence(criterion, &pick.criteria[i],
                       any_of(&pick.values, criterion->rule.variable), &pick.evidence[i]);
    }
    *ret_pick = pick;
    return 0;
}

void run_clinical_note(struct run *run)
{
    for (size_t i = 0; i < run->package->clinical_count; i++) {
        const struct clinical_choice *choice = &run->pick.inputs[i];
        if (choice->value && choice->value->source == CLINICAL_MEASURED)
            run_note(run, "%s: by our own measurements, not by a reader", choice->input->text);
        else if (!choice->value && choice->input->has_fallback)
            run_note(run, "%s is missing (%s): the model takes %g in its place",
                     choice->input->text, choice->reason, choice->number);
    }
}

/* ---- result.json ---- */

static void add_value(cJSON *object, const struct clinical_value *value)
{
    char text[CLINICAL_TEXT_SIZE], date[CLINICAL_DATE_SIZE];
    clinical_date_format(value->observed, date);
    clinical_value_format(value, text);
    if (value->code)
        cJSON_AddStringToObject(object, "value", text);
    else
        cJSON_AddNumberToObject(object, "value", value->number);
    if (value->variable->unit)
        cJSON_AddStringToObject(object, "unit", value->variable->unit);
    cJSON_AddStringToObject(object, "source", clinical_source_name(value->source));
    cJSON_AddStringToObject(object, "source_text", value->source_text);
    cJSON_AddStringToObject(object, "side", value->variable->sided ? side_name(value->side) : "");
    cJSON_AddStringToObject(object, "observed", date);
}

/* Every value that was looked at, and why it does not count. */
static void add_considered(const struct run *run, cJSON *object,
                           const struct clinical_choice *choice)
{
    const struct clinical_pick *pick = &run->pick;
    cJSON *list = cJSON_AddArrayToObject(object, "considered");
    for (size_t i = 0; i < pick->values.count; i++) {
        const struct clinical_value *value = &pick->values.items[i];
        if (value->variable != choice->input->variable)
            continue;
        cJSON *item = cJSON_CreateObject();
        add_value(item, value);
        cJSON_AddBoolToObject(item, "used", value == choice->value);
        cJSON_AddStringToObject(item, "why_not",
                                clinical_verdict_text(clinical_judge(
                                    choice->input, run->study.day, pick->side, value)));
        cJSON_AddItemToArray(list, item);
    }
}

static cJSON *choice_json(const struct run *run, const struct clinical_choice *choice)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", choice->input->variable->name);
    cJSON_AddStringToObject(object, "text", choice->input->text);
    if (choice->value)
        add_value(object, choice->value);
    cJSON_AddBoolToObject(object, "used", choice->value != NULL);
    cJSON_AddStringToObject(object, "reason", choice->reason);
    add_considered(run, object, choice);
    return object;
}

void run_clinical_json(const struct run *run, cJSON *root)
{
    const struct clinical_pick *pick = &run->pick;
    cJSON *inputs = cJSON_AddArrayToObject(root, "clinical");
    cJSON *criteria = cJSON_AddArrayToObject(root, "eligibility");
    for (size_t i = 0; pick->inputs && i < run->package->clinical_count; i++) {
        const struct clinical_choice *choice = &pick->inputs[i];
        cJSON *item = choice_json(run, choice);
        cJSON_AddBoolToObject(item, "fallback", choice->has_number && !choice->value);
        if (choice->has_number)
            cJSON_AddNumberToObject(item, "number", choice->number);
        cJSON_AddItemToArray(inputs, item);
    }
    for (size_t i = 0; pick->criteria && i < run->package->population_count; i++) {
        cJSON *item = choice_json(run, &pick->criteria[i]);
        cJSON_AddBoolToObject(item, "established", *pick->evidence[i].source != '\0');
        cJSON_AddItemToArray(criteria, item);
    }
}
