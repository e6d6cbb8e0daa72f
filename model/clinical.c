#include "model/clinical.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* ---- the vocabulary ---- */

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const negative_positive[] = {"negative", "positive", NULL};
static const char *const sexes[] = {"female", "male", "other", NULL};
static const char *const grades[] = {"1", "2", "3", NULL};
static const char *const categories[] = {"0", "1", "2", "3", "4", "4A", "4B", "4C", "5", "6", NULL};
static const char *const margins[] = {"circumscribed", "not_circumscribed", "obscured",
                                      "indistinct", "angular", "microlobulated", "spiculated",
                                      NULL};
static const char *const her2[] = {"negative", "equivocal", "positive", NULL};
static const char *const histologies[] = {"in_situ", "ductal", "lobular", "mixed", "other", NULL};
static const char *const node_statuses[] = {"negative", "suspicious", NULL};

static const struct clinical_variable variables[] = {
    {.name = "age", .unit = "years", .max = 130, .importable = true},
    {.name = "sex", .codes = sexes, .importable = true},
    {.name = "tumour_size", .unit = "mm", .max = 300, .sided = true, .importable = true,
     .measurable = true},
    {.name = "bi_rads", .codes = categories, .sided = true, .importable = true},
    {.name = "margin", .codes = margins, .sided = true, .importable = true},
    {.name = "nuclear_grade", .codes = grades, .sided = true, .importable = true},
    {.name = "er_status", .codes = negative_positive, .sided = true, .importable = true},
    {.name = "pr_status", .codes = negative_positive, .sided = true, .importable = true},
    {.name = "her2_status", .codes = her2, .sided = true, .importable = true},
    {.name = "ki67", .unit = "%", .max = 100, .sided = true, .importable = true},
    {.name = "histology", .codes = histologies, .sided = true, .importable = true},
    {.name = "us_node_status", .codes = node_statuses, .sided = true, .importable = true,
     .measurable = true},
    {.name = "synthetic_data", .codes = no_yes, .evidence = true},
    {.name = "malignancy_confirmed", .codes = no_yes, .sided = true, .evidence = true,
     .importable = true},
    {.name = "no_neoadjuvant_therapy", .codes = no_yes, .evidence = true, .importable = true},
    {.name = "single_lesion", .codes = no_yes, .sided = true, .evidence = true,
     .importable = true},
};
enum { VARIABLES = sizeof variables / sizeof *variables };

const struct clinical_variable *clinical_variables(size_t *ret_count)
{
    *ret_count = VARIABLES;
    return variables;
}

const struct clinical_variable *clinical_variable_find(const char *name)
{
    for (size_t i = 0; i < VARIABLES; i++)
        if (strcmp(variables[i].name, name) == 0)
            return &variables[i];
    return NULL;
}

const char *clinical_source_name(enum clinical_source source)
{
    static const char *const names[] = {"dicom", "sr", "import", "measured"};
    return names[source];
}

const char *clinical_kind_name(enum clinical_kind kind)
{
    static const char *const names[] = {"number", "ordinal", "binary"};
    return names[kind];
}

/* ---- dates ---- */

enum { YEAR_MIN = 1850, YEAR_MAX = 2199 };

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Days before 1 January of the year, counted from 1970. */
static int year_start(int year)
{
    const int y = year - 1; /* whole years since year 1; its 1 January is day -719162 */
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

/* `count` digits as a number; -1 when they are not digits. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

int clinical_day(const char *text)
{
    const size_t length = strlen(text);
    const int dash = length == 10;
    if (length != 8 && !(dash && text[4] == '-' && text[7] == '-'))
        return CLINICAL_NO_DATE;
    const int year = digits(text, 4), month = digits(text + 4 + dash, 2);
    const int day = digits(text + 6 + 2 * dash, 2);
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month))
        return CLINICAL_NO_DATE;
    int days = year_start(year) + day - 1;
    for (int m = 1; m < month; m++)
        days += month_days(year, m);
    return days;
}

struct date {
    int year, month, day;
};

static struct date date_of(int day)
{
    struct date d = {.year = YEAR_MIN, .month = 1};
    while (d.year < YEAR_MAX && year_start(d.year + 1) <= day)
        d.year++;
    day -= year_start(d.year);
    while (d.month < 12 && day >= month_days(d.year, d.month))
        day -= month_days(d.year, d.month++);
    d.day = day + 1;
    return d;
}

void clinical_date_format(int day, char out[CLINICAL_DATE_SIZE])
{
    out[0] = '\0';
    if (day < year_start(YEAR_MIN) || day >= year_start(YEAR_MAX + 1))
        return;
    const struct date d = date_of(day);
    char text[48];
    snprintf(text, sizeof text, "%04d-%02d-%02d", d.year, d.month, d.day);
    memcpy(out, text, CLINICAL_DATE_SIZE);
}

int clinical_years(int birth, int day)
{
    if (birth == CLINICAL_NO_DATE || day == CLINICAL_NO_DATE || birth > day)
        return -1;
    const struct date b = date_of(birth), d = date_of(day);
    return d.year - b.year - (d.month < b.month || (d.month == b.month && d.day < b.day));
}

/* ---- values ---- */

static bool in_range(const struct clinical_variable *variable, double number)
{
    return number >= variable->min && number <= variable->max; /* false for NaN */
}

static int parse_number(const struct clinical_variable *variable, const char *text,
                        double *ret_number, struct error *err)
{
    double number;
    /* People write decimals; hexadecimal would be a slip. */
    if (text[strspn(text, "0123456789.eE+-")] || number_parse_double(text, &number, NULL) < 0)
        return error_set(err, STATUS_INVALID, "%s is no number", variable->name);
    if (!in_range(variable, number))
        return error_set(err, STATUS_INVALID, "%s must lie between %g and %g %s", variable->name,
                         variable->min, variable->max, variable->unit);
    *ret_number = number;
    return 0;
}

static const char *find_code(const struct clinical_variable *variable, const char *text)
{
    for (const char *const *code = variable->codes; *code; code++)
        if (strcmp(*code, text) == 0)
            return *code;
    return NULL;
}

static int unknown_code(const struct clinical_variable *variable, struct error *err)
{
    char known[160] = "";
    for (size_t i = 0, used = 0; variable->codes[i] && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 variable->codes[i]);
    return error_set(err, STATUS_INVALID, "%s is none of %s", variable->name, known);
}

int clinical_value_parse(const struct clinical_variable *variable, const char *text,
                         struct clinical_value *value, struct error *err)
{
    double number = 0;
    const char *code = NULL;
    if (variable->unit) {
        int status = parse_number(variable, text, &number, err);
        if (status < 0)
            return status;
    } else if (!(code = find_code(variable, text))) {
        return unknown_code(variable, err);
    }
    value->variable = variable;
    value->number = number;
    value->code = code;
    return 0;
}

void clinical_value_format(const struct clinical_value *value, char out[CLINICAL_TEXT_SIZE])
{
    char number[NUMBER_TEXT_SIZE];
    number_format(value->number, number);
    snprintf(out, CLINICAL_TEXT_SIZE, "%s", value->code ? value->code : number);
}

static int parse_side(const struct clinical_variable *variable, const char *text, enum side *ret,
                      struct error *err)
{
    const bool left = strcmp(text, "left") == 0, right = strcmp(text, "right") == 0;
    if (*text && !left && !right)
        return error_set(err, STATUS_INVALID, "the side is neither left nor right");
    if (variable->sided && !*text)
        return error_set(err, STATUS_INVALID, "%s needs a side", variable->name);
    *ret = !variable->sided ? SIDE_UNKNOWN : left ? SIDE_LEFT : SIDE_RIGHT;
    return 0;
}

static int check_texts(const struct clinical_texts *texts, struct error *err)
{
    enum { TEXT_MAX = 256 };
    if (!*texts->patient_id)
        return error_set(err, STATUS_INVALID, "patient_id is missing");
    if (strlen(texts->patient_id) > TEXT_MAX || strlen(texts->issuer) > TEXT_MAX ||
        strlen(texts->accession_number) > TEXT_MAX)
        return error_set(err, STATUS_INVALID, "an identifier is longer than %d bytes", TEXT_MAX);
    if (strlen(texts->source) >= CLINICAL_SOURCE_SIZE)
        return error_set(err, STATUS_INVALID, "source is longer than %d bytes",
                         CLINICAL_SOURCE_SIZE - 1);
    if (*texts->study_uid && !uid_valid(texts->study_uid))
        return error_set(err, STATUS_INVALID, "study_uid is no UID");
    return 0;
}

int clinical_record_parse(const struct clinical_texts *texts, struct clinical_record *ret_record,
                          struct error *err)
{
    const struct clinical_variable *variable = clinical_variable_find(texts->name);
    struct clinical_record record = {texts->patient_id, texts->issuer, texts->study_uid,
                                     texts->accession_number, {.source = CLINICAL_IMPORT}};
    if (!variable || !variable->importable)
        return error_set(err, STATUS_INVALID, "a value has a name that is not known");
    int status = check_texts(texts, err);
    if (status == 0)
        status = clinical_value_parse(variable, texts->value, &record.value, err);
    if (status == 0)
        status = parse_side(variable, texts->side, &record.value.side, err);
    if (status < 0)
        return status;
    record.value.observed = clinical_day(texts->observed);
    if (record.value.observed == CLINICAL_NO_DATE)
        return error_set(err, STATUS_INVALID, "observed is no date (YYYY-MM-DD)");
    memcpy(record.value.source_text, texts->source, strlen(texts->source) + 1);
    *ret_record = record;
    return 0;
}

/* Named by the record, and another than the study's. */
static bool names_other(const char *of_record, const char *of_study)
{
    return *of_record && strcmp(of_record, of_study) != 0;
}

bool clinical_record_applies(const struct clinical_record *record,
                             const struct clinical_study *study)
{
    return *study->patient_id && strcmp(record->patient_id, study->patient_id) == 0 &&
           strcmp(record->issuer, study->issuer) == 0 &&
           !names_other(record->study_uid, study->study_uid) &&
           !names_other(record->accession_number, study->accession_number);
}

/* ---- the choice ---- */

static bool number_of(const struct clinical_input *input, const struct clinical_value *value,
                      double *ret_number)
{
    if (!value->code) {
        *ret_number = value->number;
        return input->kind == CLINICAL_NUMBER && in_range(input->variable, value->number);
    }
    for (size_t i = 0; i < input->step_count; i++)
        if (strcmp(input->steps[i].code, value->code) == 0) {
            *ret_number = input->steps[i].number;
            return true;
        }
    return false;
}

static int source_rank(const struct clinical_input *input, enum clinical_source source)
{
    for (size_t i = 0; i < input->source_count; i++)
        if (input->sources[i] == source)
            return (int)i;
    return -1;
}

static enum clinical_verdict judge_date(const struct clinical_input *input, int study_day,
                                        const struct clinical_value *value)
{
    if (value->of_study)
        return CLINICAL_ACCEPTED;
    if (value->observed == CLINICAL_NO_DATE)
        return CLINICAL_UNDATED;
    if (study_day == CLINICAL_NO_DATE)
        return CLINICAL_STUDY_UNDATED;
    const long age = (long)study_day - value->observed;
    return age < -(long)input->max_after_days ? CLINICAL_AFTER
           : age > input->max_age_days        ? CLINICAL_STALE
                                              : CLINICAL_ACCEPTED;
}

static enum clinical_verdict judge_side(const struct clinical_input *input, enum side side,
                                        const struct clinical_value *value)
{
    if (!input->variable->sided || !input->same_side)
        return CLINICAL_ACCEPTED;
    if (side == SIDE_UNKNOWN || value->side == SIDE_UNKNOWN)
        return CLINICAL_UNSIDED;
    return value->side == side ? CLINICAL_ACCEPTED : CLINICAL_OTHER_SIDE;
}

enum clinical_verdict clinical_judge(const struct clinical_input *input, int study_day,
                                     enum side side, const struct clinical_value *value)
{
    double number;
    if (source_rank(input, value->source) < 0)
        return CLINICAL_UNKNOWN_SOURCE;
    if (!number_of(input, value, &number))
        return CLINICAL_UNUSABLE;
    enum clinical_verdict verdict = judge_date(input, study_day, value);
    return verdict == CLINICAL_ACCEPTED ? judge_side(input, side, value) : verdict;
}

const char *clinical_verdict_text(enum clinical_verdict verdict)
{
    static const char *const texts[] = {
        [CLINICAL_UNKNOWN_SOURCE] = "its source is not accepted",
        [CLINICAL_UNUSABLE] = "the model has no number for its value",
        [CLINICAL_UNDATED] = "it has no date",
        [CLINICAL_STUDY_UNDATED] = "the study has no date to compare its date with",
        [CLINICAL_AFTER] = "it is dated after the study",
        [CLINICAL_STALE] = "it is too old for the study",
        [CLINICAL_UNSIDED] = "its side, or the study's, is not known",
        [CLINICAL_OTHER_SIDE] = "it belongs to the other side",
        [CLINICAL_ACCEPTED] = "",
    };
    return texts[verdict];
}

/* Whether `a` is to be preferred to `b`, both accepted. */
static bool preferred(const struct clinical_input *input, const struct clinical_value *a,
                      const struct clinical_value *b)
{
    const int rank_a = source_rank(input, a->source), rank_b = source_rank(input, b->source);
    if (rank_a != rank_b)
        return rank_a < rank_b;
    if (a->of_study != b->of_study)
        return a->of_study;
    return a->observed > b->observed;
}

/* Of the accepted values of one pass: of readers and attributes, or our own measurements. */
struct accepted {
    const struct clinical_value *best;
    double low, high; /* all of them, as numbers */
};

static struct accepted accept(const struct clinical_input *input, int study_day, enum side side,
                              const struct clinical_value *values, size_t count, bool measured)
{
    struct accepted a = {0};
    double number;
    for (size_t i = 0; i < count; i++) {
        const struct clinical_value *v = &values[i];
        if (v->variable != input->variable || (v->source == CLINICAL_MEASURED) != measured ||
            clinical_judge(input, study_day, side, v) != CLINICAL_ACCEPTED ||
            !number_of(input, v, &number))
            continue;
        a.low = a.best ? fmin(a.low, number) : number;
        a.high = a.best ? fmax(a.high, number) : number;
        if (!a.best || preferred(input, v, a.best))
            a.best = v;
    }
    return a;
}

/* Why no value is accepted: of the one that got furthest. */
static void say_why(const struct clinical_input *input, int study_day, enum side side,
                    const struct clinical_value *values, size_t count,
                    char reason[CLINICAL_REASON_SIZE])
{
    bool any = false;
    enum clinical_verdict furthest = CLINICAL_UNKNOWN_SOURCE;
    for (size_t i = 0; i < count; i++) {
        if (values[i].variable != input->variable)
            continue;
        const enum clinical_verdict verdict = clinical_judge(input, study_day, side, &values[i]);
        furthest = !any || verdict > furthest ? verdict : furthest;
        any = true;
    }
    snprintf(reason, CLINICAL_REASON_SIZE, "%s",
             any ? clinical_verdict_text(furthest) : "no accepted source has it");
}

void clinical_choose(const struct clinical_input *input, int study_day, enum side side,
                     const struct clinical_value *values, size_t count,
                     struct clinical_choice *ret_choice)
{
    struct clinical_choice choice = {.input = input,
                                     .has_number = input->has_fallback,
                                     .number = input->fallback};
    struct accepted a = accept(input, study_day, side, values, count, false);
    if (!a.best)
        a = accept(input, study_day, side, values, count, true);
    if (!a.best) {
        say_why(input, study_day, side, values, count, choice.reason);
    } else if (a.high - a.low > input->tolerance) {
        snprintf(choice.reason, sizeof choice.reason, "two accepted values differ");
    } else {
        choice.value = a.best;
        choice.has_number = number_of(input, a.best, &choice.number);
    }
    *ret_choice = choice;
}

/* ---- our own criteria ---- */

const char *clinical_node_status(const struct clinical_criteria *criteria,
                                 const struct measurements *node, bool in_mm)
{
    const bool cortex_known = in_mm && node->hilum_marked && node->cortex_thickness_mm > 0;
    const bool hilum_known = node->hilum_marked && node->hilum != HILUM_NOT_ASSESSED;
    const bool ratio_known = node->axis_ratio >= 1;
    if ((ratio_known && node->axis_ratio < criteria->axis_ratio_below) ||
        (cortex_known && node->cortex_thickness_mm > criteria->cortex_above_mm) ||
        (hilum_known && (node->hilum == HILUM_LOST ||
                         (criteria->partly_lost && node->hilum == HILUM_PARTLY_LOST))))
        return node_statuses[1];
    return ratio_known && cortex_known && hilum_known ? node_statuses[0] : NULL;
}
